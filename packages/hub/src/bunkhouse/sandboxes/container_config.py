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
from bunkhouse_protocol.places import ENV_HUB_URL, ENV_TOKEN, RUN_DIR

Role = Literal["holder", "sandbox"]
HOLDER: Role = "holder"
SANDBOX: Role = "sandbox"

LABEL_INSTALLATION = "bunkhouse.installation"
LABEL_SESSION = "bunkhouse.session"
LABEL_SANDBOX = "bunkhouse.sandbox"
LABEL_ROLE = "bunkhouse.role"

USER_IDS = 65536
"""Of each sandbox. The engine needs a range for all of them: /etc/subuid, user `containers`."""

HOLDER_COMMAND = ["/opt/bunkhouse/bin/python", "-m", "bunkhouse_runner.holder"]
HOLDER_MEMORY = 128 * 1024 * 1024
HOLDER_PIDS = 32
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
    return f"bunkhouse-{sandbox_id}" + ("-holder" if role == HOLDER else "")


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
    env = [f"{ENV_TOKEN}={spec.token}"]
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
        "Image": spec.image,
        "Hostname": _hostname(spec),
        "User": "0:0",
        "Env": env,
        "Labels": _labels(spec, installation, SANDBOX),
        "HostConfig": host,
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
    }


def _hostname(spec: SandboxSpec) -> str:
    """The session's id, as much of it as reads well in a shell's prompt."""
    return spec.session_id.lower().replace("_", "-")[:12].strip("-.") or "sandbox"
