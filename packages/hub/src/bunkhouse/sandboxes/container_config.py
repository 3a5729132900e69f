"""The shapes of a sandbox's containers, as the Docker Engine API takes them. No I/O here.

The *sandbox* has a network namespace in which there is only loopback and, where the engine gives
each container a range of user ids, a user namespace: its root may do what packages need, is nobody
outside, and has no NET_ADMIN. The *holder* joins both namespaces with that capability alone, sets
the rules that send everything to the runner's relay, and watches what they refuse.

It is the sandbox that owns the namespaces, since an engine gives a container that joins some the
machine's own /sys, with all its interfaces and control groups to be read. So for a moment after its
start there are no rules yet; then nothing gets out at all, for there is no way out but the relay.

Where an engine can't give user ids of its own (Docker, whose only way is for the whole daemon), the
sandbox's root is the machine's root held by capabilities alone; it then has fewer of them.
"""

from typing import Any, Literal

from bunkhouse.sandboxes.engine import EngineInfo
from bunkhouse.sandboxes.provider import SandboxSpec
from bunkhouse_protocol.places import ENV_HUB_URL, ENV_SESSION, ENV_TOKEN, RUN_DIR

Role = Literal["holder", "sandbox", "owners"]
HOLDER: Role = "holder"
SANDBOX: Role = "sandbox"
OWNERS: Role = "owners"
"""Gives the files of a snapshot back to whom they belong; runs for a moment."""

LABEL_INSTALLATION = "bunkhouse.installation"
LABEL_SESSION = "bunkhouse.session"
LABEL_SANDBOX = "bunkhouse.sandbox"
LABEL_ROLE = "bunkhouse.role"
LABEL_IMAGE = "bunkhouse.image"
"""What the sandbox was made from at first, whatever snapshots came in between."""
LABEL_SNAPSHOT = "bunkhouse.snapshot"
"""Of a snapshot's image; containers that are made of it inherit it."""

SNAPSHOTS = "bunkhouse/snapshot"
"""The name of all snapshots, whose tags are their ids."""
UNFINISHED = "-unfinished"
"""At the end of the tag of one that is made in part."""

USER_IDS = 65536
"""Of each sandbox. The engine needs a range for all of them: /etc/subuid, user `containers`."""

HOLDER_MEMORY = 128 * 1024 * 1024
HOLDER_PIDS = 32
PYTHON = "/opt/bunkhouse/bin/python"
LAYER = "/layer"
OWNERS_MEMORY = 512 * 1024 * 1024
HOLDER_COMMAND = [PYTHON, "-m", "bunkhouse_runner.holder"]
SHARED_MEMORY = 512 * 1024 * 1024
"""Of /dev/shm, at most; browsers want it. What is used of it counts as the sandbox's memory."""

_COMMON = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID")
_OWN_IDS = ("NET_BIND_SERVICE", "SETFCAP", "SETPCAP", "SYS_CHROOT")
"""Harmless where root is nobody outside."""
_NO_OWN_IDS = ("AUDIT_WRITE",)
"""Without it `sudo` complains at each call. In a user namespace nobody asks for it."""

OOM_SCORE = 500
"""When the whole machine is out of memory, a sandbox's processes go before the hub's."""


def container_name(sandbox_id: str, role: Role) -> str:
    """What the engine calls it."""
    return f"bunkhouse-{sandbox_id}" + ("" if role == SANDBOX else f"-{role}")


def snapshot_name(snapshot_id: str) -> str:
    """What the engine calls a snapshot."""
    return f"{SNAPSHOTS}:{snapshot_id}"


def holder_config(spec: SandboxSpec, engine: EngineInfo, installation: str) -> dict[str, Any]:
    """The holder: in the sandbox's namespaces, with the right to set rules and no other."""
    sandbox = f"container:{container_name(spec.sandbox_id, SANDBOX)}"
    return {
        "Image": spec.image,
        "User": "0:0",
        "Entrypoint": HOLDER_COMMAND,
        "WorkingDir": "/",
        "Labels": _labels(spec, installation, HOLDER),
        "HostConfig": {
            **_host_config(),
            "NetworkMode": sandbox,
            "CapAdd": ["NET_ADMIN"],
            "SecurityOpt": ["no-new-privileges"],
            "Memory": HOLDER_MEMORY,
            "MemorySwap": HOLDER_MEMORY,
            "PidsLimit": HOLDER_PIDS,
            **({"UsernsMode": sandbox} if engine.user_namespaces else {}),
        },
    }


def sandbox_config(spec: SandboxSpec, engine: EngineInfo, installation: str) -> dict[str, Any]:
    """The sandbox: without a network; or with an ordinary one, to dial the hub's URL."""
    env = [f"{ENV_TOKEN}={spec.token}", f"{ENV_SESSION}={spec.session_id}"]
    host: dict[str, Any] = {
        **_host_config(),
        "CapAdd": [*_COMMON, *(_OWN_IDS if engine.user_namespaces else _NO_OWN_IDS)],
        "Memory": spec.memory,
        "MemorySwap": spec.memory,
        "NanoCpus": int(spec.cpus * 1_000_000_000),
        "PidsLimit": spec.pids,
        "ShmSize": min(SHARED_MEMORY, spec.memory // 2),
        "OomScoreAdj": OOM_SCORE,
    }
    if engine.user_namespaces:
        host["UsernsMode"] = f"auto:size={USER_IDS}"
    if spec.hub_url is None:
        host["NetworkMode"] = "none"
        host["Mounts"] = [{"Type": "bind", "Source": str(spec.run_dir), "Target": RUN_DIR}]
    else:
        host["NetworkMode"] = "bridge"
        env.append(f"{ENV_HUB_URL}={spec.hub_url}")
        if engine.name == "docker":
            host["ExtraHosts"] = ["host.docker.internal:host-gateway"]
    return {
        "Image": snapshot_name(spec.snapshot_id) if spec.snapshot_id else spec.image,
        "Hostname": _hostname(spec),
        "User": "0:0",
        "Env": env,
        "Labels": _labels(spec, installation, SANDBOX),
        "HostConfig": host,
    }


def owners_config(
    image: str, layer: str, command: list[str], labels: dict[str, str]
) -> dict[str, Any]:
    """What gives files to other users, in a folder of the engine's own machine.

    It runs without a user namespace and sees nothing but that folder. Of what is in there it opens
    and runs nothing.
    """
    return {
        "Image": image,
        "User": "0:0",
        "Entrypoint": command,
        "WorkingDir": "/",
        "Labels": labels,
        "HostConfig": {
            **_host_config(),
            "NetworkMode": "none",
            "CapAdd": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "SETFCAP"],
            "SecurityOpt": ["no-new-privileges"],
            "Memory": OWNERS_MEMORY,
            "MemorySwap": OWNERS_MEMORY,
            "PidsLimit": HOLDER_PIDS,
            "Mounts": [{"Type": "bind", "Source": layer, "Target": LAYER}],
        },
    }


def _host_config() -> dict[str, Any]:
    return {
        "CapDrop": ["ALL"],
        "RestartPolicy": {"Name": "no"},
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}},
    }


def _labels(spec: SandboxSpec, installation: str, role: Role) -> dict[str, str]:
    return {
        LABEL_INSTALLATION: installation,
        LABEL_SESSION: spec.session_id,
        LABEL_SANDBOX: spec.sandbox_id,
        LABEL_ROLE: role,
        LABEL_IMAGE: spec.image,
    }


def _hostname(spec: SandboxSpec) -> str:
    """The session's id, as much of it as reads well in a shell's prompt."""
    return spec.session_id.lower().replace("_", "-")[:12].strip("-.") or "sandbox"
