"""What a sandbox can't do, tried from inside it, and what its agent can."""

import pytest

from bunkhouse.sandboxes.container_config import HOLDER

from .ground import Engine

pytestmark = pytest.mark.engine


async def test_no_interface_but_loopback(engine: Engine) -> None:
    spec = await engine.run(engine.spec())
    assert (await engine.sh(spec, "ls /sys/class/net")).out.split() == ["lo"]
    assert (await engine.sh(spec, "cat /proc/net/dev")).out.count(":") == 1
    assert "lo" in (await engine.sh(spec, "ip -brief link")).out.split()[0]


async def test_root_is_nobody_outside(engine: Engine) -> None:
    if not engine.ground.engine.user_namespaces:
        pytest.skip("this engine gives no user namespaces")
    one, two = await engine.run(engine.spec()), await engine.run(engine.spec())
    maps = [(await engine.sh(spec, "cat /proc/self/uid_map")).out.split() for spec in (one, two)]
    for inside, outside, count in maps:
        assert (inside, count) == ("0", "65536")
        assert int(outside) >= 65536
    assert maps[0][1] != maps[1][1], "two sandboxes share their user ids"


async def test_capabilities(engine: Engine) -> None:
    spec = await engine.run(engine.spec())
    status = (await engine.sh(spec, "cat /proc/self/status")).out
    bounding = int(status.split("CapBnd:")[1].split()[0], 16)
    names = {"DAC_READ_SEARCH": 2, "NET_ADMIN": 12, "NET_RAW": 13, "SYS_MODULE": 16}
    names |= {"SYS_PTRACE": 19, "SYS_ADMIN": 21, "SYS_BOOT": 22, "MKNOD": 27, "BPF": 39}
    assert [name for name, bit in names.items() if bounding >> bit & 1] == []


@pytest.mark.parametrize(
    "script",
    [
        "iptables -t nat -F",
        "iptables -F",
        "ip route del local default dev lo",
        "ip link add wan type dummy",
        "unshare --net --mount true",
        "unshare --user --map-root-user iptables -t nat -F",
        "mount -t tmpfs none /mnt",
        "mknod /tmp/disk b 8 0",
        "echo 1 > /proc/sys/kernel/panic",
        "echo 99999999999 > /sys/fs/cgroup/memory/memory.limit_in_bytes",
        "mkdir /sys/fs/cgroup/memory/mine /sys/fs/cgroup/mine",
        "kill -9 1",  # not even its first process, from inside its own namespace
    ],
)
async def test_root_can_not(engine: Engine, script: str) -> None:
    spec = await engine.run(engine.spec())
    tried = await engine.sh(spec, script)
    if script.startswith("kill"):
        assert (await engine.provider.status(spec.sandbox_id)).state == "running"
    else:
        assert tried.code != 0, tried.out


async def test_the_holder_can_set_rules_and_little_else(engine: Engine) -> None:
    spec = await engine.run(engine.spec())
    status = (await engine.sh(spec, "cat /proc/1/status", role=HOLDER)).out
    assert int(status.split("CapEff:")[1].split()[0], 16) == 1 << 12
    assert "NoNewPrivs:\t1" in status
    assert "/run/bunkhouse" not in (await engine.sh(spec, "cat /proc/mounts", role=HOLDER)).out
    assert (await engine.sh(spec, "mount -t tmpfs none /mnt", role=HOLDER)).code != 0


async def test_the_agent_becomes_root_and_owns_its_workspace(engine: Engine) -> None:
    spec = await engine.run(engine.spec())
    asked = await engine.sh(
        spec,
        "id -u; sudo id -u 2>/dev/null; touch /workspace/x; echo $HOME; ls -d /var/lib/bunkhouse/*",
        user="agent",
    )
    assert asked.out.split()[:2] == ["1000", "0"], asked.out
    assert asked.code != 0, "the runner's own folder is open to the agent"
    assert (await engine.sh(spec, "stat -c '%U %a' /workspace /var/lib/bunkhouse")).out.split() == [
        "agent",
        "755",
        "root",
        "700",
    ]


async def test_the_machine_is_not_to_be_read(engine: Engine) -> None:
    spec, other = await engine.run(engine.spec()), await engine.run(engine.spec())
    shown = await engine.inspect(other)
    found = await engine.sh(spec, f"find /sys/fs/cgroup -name '*{shown['Id'][:12]}*' | head")
    assert found.out == "", "control groups of other sandboxes"


async def test_its_token_is_its_only_secret(engine: Engine) -> None:
    spec = await engine.run(engine.spec())
    environment = (await engine.sh(spec, "tr '\\0' '\\n' < /proc/1/environ")).out
    names = {line.partition("=")[0] for line in environment.splitlines()}
    assert f"BUNKHOUSE_SANDBOX_TOKEN={spec.token}" in environment
    assert not [name for name in names if "KEY" in name or "proxy" in name.lower()], names


async def test_the_run_dir_is_shared_and_nothing_else_is(engine: Engine) -> None:
    spec = await engine.run(engine.spec())
    assert spec.run_dir is not None
    (spec.run_dir / "hub.sock").write_text("kept")
    assert (await engine.sh(spec, "echo hello > /run/bunkhouse/gateway.sock")).code == 0
    assert (spec.run_dir / "gateway.sock").read_text() == "hello\n"
    if engine.ground.engine.user_namespaces:
        gone = await engine.sh(spec, "rm -f /run/bunkhouse/hub.sock")
        assert gone.code != 0, "a sandbox can put a socket of its own in the hub's place"
    mounts = (await engine.sh(spec, "cat /proc/mounts")).out
    foreign = [line for line in mounts.splitlines() if str(engine.folder) in line]
    assert not [line for line in foreign if "/run/bunkhouse" not in line]
