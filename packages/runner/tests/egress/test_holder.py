"""What the holder makes of the packets that the kernel shows it."""

import struct

import pytest

from bunkhouse_runner.holder import destination, logged
from bunkhouse_runner.names import Names
from bunkhouse_runner.refused import IPV6_REASON, UDP_REASON, read_report


def ipv4(protocol: int, to: bytes, port: int, options: bytes = b"") -> bytes:
    head = bytes([0x40 | (5 + len(options) // 4)]) + bytes(8) + bytes([protocol]) + bytes(6)
    return head + to + options + struct.pack("!HH", 4000, port)


def ipv6(protocol: int, to: bytes, port: int) -> bytes:
    return b"\x60" + bytes(5) + bytes([protocol]) + bytes(17) + to + struct.pack("!HH", 4000, port)


GOOGLE = bytes.fromhex("20014860486000000000000000008888")


@pytest.mark.parametrize(
    ("packet", "where"),
    [
        (ipv4(17, b"\x08\x08\x08\x08", 123), ("8.8.8.8", 123, "udp")),
        (ipv4(17, b"\x08\x08\x08\x08", 123, bytes(8)), ("8.8.8.8", 123, "udp")),
        (ipv6(17, GOOGLE, 443), ("2001:4860:4860::8888", 443, "udp")),
        (ipv6(6, GOOGLE, 443), ("2001:4860:4860::8888", 443, "tcp")),
        (ipv4(1, b"\x08\x08\x08\x08", 0), None),
        (ipv4(17, b"\xe0\x00\x00\xfb", 5353), None),
        (ipv6(17, b"\xff" + bytes(15), 5353), None),
        (ipv4(17, b"\x08\x08\x08\x08", 123)[:22], None),
        (b"", None),
    ],
)
def test_destination(packet: bytes, where: tuple[str, int, str] | None) -> None:
    assert destination(packet) == where


def test_a_batch_of_the_log() -> None:
    def message(kind: int, packet: bytes) -> bytes:
        other = struct.pack("=HH4s", 8, 1, b"abcd")
        payload = struct.pack("=HH", 4 + len(packet), 9) + packet + bytes(-len(packet) % 4)
        body = b"\2\0\0\5" + other + payload
        return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body

    first = ipv4(17, b"\x08\x08\x08\x08", 123) + b"odd"
    batch = message(0x400, first) + message(3, b"") + message(0x400, ipv6(6, GOOGLE, 443))
    assert logged(batch) == [("8.8.8.8", 123, "udp"), ("2001:4860:4860::8888", 443, "tcp")]
    for end in range(len(batch)):
        logged(batch[:end])


def test_report() -> None:
    names = Names()
    address = names.address("time.test")
    assert read_report(
        b'{"host": "%s", "port": 123, "protocol": "udp"}' % address.encode(), names
    ) == {
        "host": "time.test",
        "port": 123,
        "protocol": "udp",
        "reason": UDP_REASON,
    }
    seen = read_report(b'{"host": "2001:db8::1", "port": 443, "protocol": "tcp"}', names)
    assert seen is not None
    assert seen["reason"] == IPV6_REASON
    for bad in (b"", b"[]", b"{}", b"\xff", b'{"host": 1, "port": "x", "protocol": "udp"}'):
        assert read_report(bad, names) is None
