"""Programs in a sandbox's network, the holder's rules, the relay, the hub's door: all for real."""

import pytest

from .conftest import BIG, Sandbox

DATAGRAM = """
import socket
s = socket.socket({family}, socket.SOCK_DGRAM); s.settimeout(60)
try:
    {call}
    print("received", s.recv(1))
except OSError as error:
    print(type(error).__name__)
"""
CONNECT = """
import socket
s = socket.socket({family}); s.settimeout(60)
try:
    s.connect({where})
    s.sendall(b"hello?")
    print("received", s.recv(1))
except OSError as error:
    print(type(error).__name__)
"""


def test_unmodified_programs_reach_a_listed_name(sandbox: Sandbox) -> None:
    url = f"http://registry.test:{sandbox.port}/"
    hello = f"hello registry.test:{sandbox.port}"
    curl = sandbox.run("curl", "-sS", "-m", "10", url)
    assert (curl.returncode, curl.stdout) == (0, hello), curl.stderr
    code = f"import urllib.request as r; print(r.urlopen({url!r}, timeout=10).read().decode())"
    assert sandbox.python(code) == hello
    node = sandbox.run("node", "-e", f"fetch({url!r}).then(r => r.text()).then(console.log)")
    assert node.stdout.strip() == hello, node.stderr
    assert ("registry.test", str(sandbox.port)) in sandbox.hub.asked


@pytest.mark.parametrize("program", [["getent", "ahosts"], ["getent", "ahostsv4"]])
def test_names_stand_for_addresses_of_ours(sandbox: Sandbox, program: list[str]) -> None:
    found = sandbox.run(*program, "registry.test").stdout
    assert found.startswith(("198.18.", "198.19."))
    assert ":" not in found


def test_address_family_is_found_usable(sandbox: Sandbox) -> None:
    """Programs that ask with AI_ADDRCONFIG for IPv4 (apt with ForceIPv4) get an answer."""
    code = "import socket as s; print(s.getaddrinfo('registry.test', 80, s.AF_INET, 1, 0, {}))"
    assert "198.1" in sandbox.python(code.replace("{}", "s.AI_ADDRCONFIG"))


def test_refused_name_is_told_to_http_and_tls(sandbox: Sandbox) -> None:
    said = sandbox.run("curl", "-sS", "-m", "5", "-w", " %{http_code}", "http://example.com/")
    assert said.stdout.endswith("403")
    assert "example.com is not on this installation's list" in said.stdout
    assert "BUNKHOUSE_EGRESS_ALLOW" in said.stdout
    host, port, protocol, reason = sandbox.refusal("example.com")
    assert (host, port, protocol) == ("example.com", 80, "tcp")
    assert "not on this installation's list" in reason
    said = sandbox.run("curl", "-sS", "-m", "5", "https://example.com/")
    assert said.returncode == 35
    assert "access denied" in said.stderr
    assert sandbox.refusal("example.com")[1] == 443


@pytest.mark.parametrize("where", [("1.1.1.1", 443), ("169.254.169.254", 80), ("10.0.0.1", 22)])
def test_bare_address_is_reset_at_once(sandbox: Sandbox, where: tuple[str, int]) -> None:
    code = CONNECT.format(family="socket.AF_INET", where=where)
    assert sandbox.python(code) == "ConnectionResetError"
    host, port, protocol, reason = sandbox.refusal(where[0])
    assert (host, port, protocol) == (*where, "tcp")
    assert "bare address" in reason


def test_silent_connection_is_reset_at_once(sandbox: Sandbox) -> None:
    code = CONNECT.format(family="socket.AF_INET", where=("1.1.1.1", 5432))
    code = code.replace('    s.sendall(b"hello?")\n', "")
    assert sandbox.python(code) == "ConnectionResetError"


def test_failure_upstream_is_a_reset_and_no_refusal(sandbox: Sandbox) -> None:
    for url in ("http://gone.test/", "http://registry.test:9/"):
        # 7 is a reset that came before curl had looked at its new connection; 28 would be a wait.
        assert sandbox.run("curl", "-sS", "-m", "60", url).returncode in (7, 52, 56)


@pytest.mark.parametrize(
    ("family", "where", "call"),
    [
        ("socket.AF_INET", ("8.8.8.8", 123), "s.sendto(b'x', {where})"),
        ("socket.AF_INET", ("9.9.9.9", 443), "s.connect({where}); s.send(b'x')"),
        ("socket.AF_INET6", ("2001:4860:4860::8888", 443), "s.sendto(b'x', {where})"),
    ],
)
def test_datagrams_are_refused_at_once_and_reported(
    sandbox: Sandbox, family: str, where: tuple[str, int], call: str
) -> None:
    code = DATAGRAM.format(family=family, call=call.format(where=where))
    assert sandbox.python(code) == "PermissionError"
    assert sandbox.refusal(where[0])[:3] == (*where, "udp")


def test_datagram_to_a_name_is_reported_by_its_name(sandbox: Sandbox) -> None:
    call = "s.connect(('time.example.org', 123)); s.send(b'x')"
    assert sandbox.python(DATAGRAM.format(family="socket.AF_INET", call=call)).endswith("Error")
    assert sandbox.refusal("time.example.org")[:3] == ("time.example.org", 123, "udp")


def test_ipv6_is_refused_at_once_and_reported(sandbox: Sandbox) -> None:
    where = ("2606:4700:4700::1111", 443)
    code = CONNECT.format(family="socket.AF_INET6", where=where)
    assert sandbox.python(code) == "ConnectionRefusedError"
    assert sandbox.refusal(where[0])[:3] == (*where, "tcp")


def test_there_is_no_interface_but_loopback(sandbox: Sandbox) -> None:
    assert sandbox.python("import socket; print([n for _, n in socket.if_nameindex()])") == "['lo']"


def test_own_services_are_reached_directly(sandbox: Sandbox) -> None:
    """Loopback, and the sandbox's own address, go to its own programs, over TCP and UDP."""
    code = """
import socket, threading
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
    server = socket.socket(socket.AF_INET, kind); server.bind(("0.0.0.0", 0))
    if kind == socket.SOCK_STREAM:
        server.listen()
    port = server.getsockname()[1]
    for host in ("127.0.0.1", "localhost", "127.0.0.53", "198.18.0.1"):
        client = socket.socket(socket.AF_INET, kind); client.settimeout(5)
        client.connect((host, port)); client.send(b"hi")
        far = server.accept()[0] if kind == socket.SOCK_STREAM else server
        assert far.recv(2) == b"hi"
print("all")
"""
    assert sandbox.python(code) == "all"


def test_throughput_and_latency(sandbox: Sandbox) -> None:
    """Bytes arrive whole in both directions; what it costs is printed, not asserted."""
    url = f"http://registry.test:{sandbox.port}"
    down = sandbox.run(
        "curl", "-sS", "-o", "/dev/null", "-w", "%{size_download} %{speed_download}", f"{url}/big"
    )
    size, speed = down.stdout.split()
    assert int(size) == BIG, down.stderr
    up = sandbox.python(
        "import urllib.request as r, time; t = time.perf_counter();"
        f"n = r.urlopen({url + '/'!r}, data=bytes({BIG})).read().decode();"
        "print(n, time.perf_counter() - t)"
    )
    count, seconds = up.split()
    assert int(count) == BIG
    ask = sandbox.python(
        "import urllib.request as r, time, statistics; took = []\n"
        "for _ in range(100):\n"
        "    began = time.perf_counter()\n"
        f"    r.urlopen({url + '/'!r}).read()\n"
        "    took.append(time.perf_counter() - began)\n"
        "print(statistics.median(took) * 1000)"
    )
    print(
        f"\ndown {float(speed) / 1e6:.0f} MB/s, up {BIG / float(seconds) / 1e6:.0f} MB/s, "
        f"small request over a new connection {float(ask):.1f} ms"
    )


def test_programs_that_break_off_free_their_connections(sandbox: Sandbox) -> None:
    """Fifty downloads cut off in the middle, of twenty that may be open."""
    code = f"""
import socket, struct
for _ in range(50):
    s = socket.create_connection(("registry.test", {sandbox.port}), 5)
    s.sendall(b"GET /big HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
    assert s.recv(10) == b"HTTP/1.0 2"
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()
print("all")
"""
    assert sandbox.python(code) == "all"


def test_connections_at_once_are_bounded(sandbox: Sandbox) -> None:
    code = f"""
import socket
open = [socket.create_connection(("many.test", {sandbox.port}), 5) for _ in range(21)]
ends = 0
for s in open[::-1]:
    s.settimeout(1)
    try:
        s.recv(1)
    except TimeoutError:
        break
    except ConnectionResetError:
        ends += 1
print(ends)
"""
    assert sandbox.python(code) == "1"
    assert "20 connections" in sandbox.refusal("many.test")[3]
    # What was closed counts no more.
    test_unmodified_programs_reach_a_listed_name(sandbox)
