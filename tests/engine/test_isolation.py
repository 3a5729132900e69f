"""What a sandbox may do, seen from inside it."""

import os
import re

import pytest

from ..hubs import Client, HubProcess, happened

pytestmark = pytest.mark.engine


def test_there_is_no_interface_but_loopback(client: Client, shared: str) -> None:
    interfaces = client.run(shared, "ls /sys/class/net; cat /proc/net/dev | tail -n +3 | wc -l")
    assert interfaces.stdout.split() == ["lo", "1"]


@pytest.mark.parametrize(
    "command",
    [
        "python3 -m venv /tmp/v && /tmp/v/bin/pip install --quiet six && /tmp/v/bin/python -c "
        "'import six; print(six.__version__)'",
        "pip install --quiet iniconfig && python3 -c 'import iniconfig; print(1)'",
        "mkdir -p /tmp/n && cd /tmp/n && npm init -y >/dev/null && npm install --silent is-number "
        "&& node -e 'console.log(require(\"is-number\")(3))'",
        "sudo apt-get update -qq && sudo apt-get install -y -qq hostname >/dev/null && echo done",
        "apt-get install -y -qq sl >/dev/null && ls /usr/games/sl",
    ],
    ids=["venv", "pip", "npm", "apt", "apt-without-sudo"],
)
def test_packages_are_installed_without_any_proxy(
    command: str, client: Client, shared: str
) -> None:
    done = client.run(shared, f"env | grep -i proxy; {command}")
    assert done.returncode == 0, done.stderr
    assert "proxy" not in done.stdout.lower()
    assert done.stdout.strip()


def test_nodes_fetch_reaches_a_name_on_the_list(client: Client, shared: str) -> None:
    done = client.run(
        shared,
        "node -e \"fetch(require('child_process').execSync('npm config get registry')"
        '.toString().trim()).then(r => console.log(r.status))"',
    )
    assert done.stdout.strip() == "200", done.stderr


def test_what_is_off_the_list_is_refused_at_once_and_told(client: Client, fresh: str) -> None:
    after = client.session(fresh)["last_seq"]
    attempts = {
        "off.example.com": "curl -sS --max-time 20 https://off.example.com/",
        "192.0.2.7": "curl -sS --max-time 20 https://192.0.2.7/",
        "192.0.2.8": 'python3 -c "import socket; s = socket.socket(socket.AF_INET, '
        "socket.SOCK_DGRAM); s.connect(('192.0.2.8', 9999)); s.send(b'x'); s.send(b'x'); "
        's.settimeout(20); s.recv(1)"',
    }
    for command in attempts.values():
        done = client.run(fresh, f"timeout 15 {command}")
        assert done.returncode not in (0, 124, 28), (command, done.stdout, done.stderr)

    def all_told(log: list[dict[str, object]]) -> bool:
        told = {event["host"] for event in log if event["type"] == "egress_refused"}
        return told >= set(attempts)

    log = client.until(fresh, all_told, after=after)
    kinds = {e["host"]: e["protocol"] for e in log if e["type"] == "egress_refused"}
    assert kinds == {"off.example.com": "tcp", "192.0.2.7": "tcp", "192.0.2.8": "udp"}


def test_the_rules_can_not_be_changed_from_inside(client: Client, shared: str) -> None:
    for command in (
        "sudo iptables -t nat -F",
        "sudo ip route del local default dev lo",
        "sudo ip link add dummy0 type dummy",
        "sudo unshare -n true && sudo unshare -n iptables -t nat -F && sudo nsenter -t 1 -n "
        "iptables -t nat -F",
        "sudo mount -t tmpfs none /mnt",
    ):
        assert client.run(shared, command).returncode != 0, command


def test_root_in_the_sandbox_is_nobody_on_the_machine(client: Client, shared: str) -> None:
    lines = client.run(shared, "sudo cat /proc/self/uid_map; sudo grep CapEff /proc/self/status")
    inside, outside, _ = lines.stdout.splitlines()[0].split()
    assert inside == "0"
    assert int(outside) > 0
    capabilities = int(lines.stdout.split("CapEff:")[1].strip(), 16)
    for forbidden in (12, 13, 16, 17, 19, 21, 25, 39):  # NET_ADMIN … SYS_PTRACE, SYS_ADMIN, BPF
        assert not capabilities & (1 << forbidden), forbidden


def test_no_key_of_the_hub_is_anywhere_inside(hub: HubProcess, place: object) -> None:
    key = "sk-live-" + os.urandom(16).hex()
    mine = HubProcess(
        hub.data_dir.parent / "keyed",
        {"OPENAI_API_KEY": key, "ANTHROPIC_API_KEY": key, "GEMINI_API_KEY": key},
    )
    mine.start()
    try:
        client = Client(mine)
        session = client.create("[demo:hello]", model="demo/demo")
        client.until(session, happened("turn_ended"))
        looked_for = f"[{key[0]}]{key[1:]}"  # which does not find itself
        found = client.run(
            session,
            "sudo sh -c 'cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | "
            f"grep -ac {looked_for}; grep -rlas {looked_for} "
            "/etc /home /root /run /var /tmp /workspace /opt "
            "2>/dev/null | wc -l'",
        )
        assert found.stdout.split() == ["0", "0"], found
        assert key not in mine.output()
    finally:
        mine.stop()


def test_the_sandbox_token_is_not_in_what_the_agent_starts(client: Client, fresh: str) -> None:
    client.turn(fresh, "[demo:bash cmd='env | sort']")
    log = client.log(fresh)
    output = "".join(str(event.get("output")) for event in log if event["type"] != "egress_refused")
    assert "PATH=" in output
    assert not re.search(r"BUNKHOUSE_SANDBOX_TOKEN", output)


def test_a_hog_and_a_fork_bomb_leave_hub_and_neighbours_alone(client: Client, fresh: str) -> None:
    neighbour = client.create("[demo:hello]")
    client.until(neighbour, happened("turn_ended"))
    client.run(
        fresh,
        "nohup python3 -c 'x = []\nwhile True: x.append(bytearray(16 << 20))' >/dev/null 2>&1 &\n"
        "nohup timeout 20 bash -c 'f() { f | f & }; f; sleep 20' >/dev/null 2>&1 &\ntrue",
    )
    for _ in range(3):
        assert client.turn(neighbour, "[demo:hello]")[-1]["outcome"] == "done"
        assert client.get("/api/health")["ok"]
    limits = client.run(neighbour, "cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max")
    assert "1024" in limits.stdout
    client.delete(neighbour)
