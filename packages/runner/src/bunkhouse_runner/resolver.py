"""The sandbox's DNS server: an address of ours for every name, and nothing else about it.

It answers from memory alone, so one function makes the reply. The wire format (RFC 1035) is written
out here: of it we need one question, and answers of two kinds.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncGenerator

from bunkhouse_protocol.places import DNS_PORT
from bunkhouse_runner.names import Names, canonical

TTL = 30
"""Seconds. Short, since a restarted runner knows only the names that are asked for again."""
TCP_SECONDS = 10.0

A, PTR, ANY = 1, 12, 255
NOERROR, FORMERR, NXDOMAIN, NOTIMP = 0, 1, 3, 4

Answer = tuple[int, bytes] | None
"""Record type and data; None: the name exists, but has nothing of the kind."""


def _encode(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def _question(message: bytes) -> tuple[str, int, int] | None:
    """Name and type of a message's one question, and where it ends; None where malformed."""
    labels: list[str] = []
    at = 12
    while at < len(message) and 0 < (size := message[at]) < 64:
        labels.append(message[at + 1 : at + 1 + size].decode("latin-1"))
        at += 1 + size
    if at + 5 > len(message) or message[at] != 0:
        return None
    kind, _ = struct.unpack_from("!HH", message, at + 1)
    return ".".join(labels), kind, at + 5


class Resolver:
    """Answers DNS messages."""

    def __init__(self, names: Names, hostname: str | None = None) -> None:
        self._names = names
        self._own = {"localhost", (hostname or socket.gethostname()).lower()}

    def answer(self, message: bytes) -> bytes | None:
        """The reply to a DNS message, or None where it is no question at all."""
        if len(message) < 12 or message[2] & 0x80:
            return None
        ident, flags, questions = struct.unpack_from("!HHH", message)
        asked = _question(message) if questions == 1 else None
        answer: Answer = None
        if flags & 0x7800:
            code = NOTIMP
        elif asked is None:
            code = FORMERR
        else:
            code, answer = self._look_up(*asked[:2])
        # QR and RA set, the asker's opcode and RD kept.
        counts = (int(asked is not None), int(answer is not None), 0, 0)
        reply = struct.pack("!HHHHHH", ident, 0x8080 | flags & 0x7900 | code, *counts)
        if asked is not None:
            reply += message[12 : asked[2]]
        if answer is not None:
            kind, data = answer
            reply += struct.pack("!HHHIH", 0xC00C, kind, 1, TTL, len(data)) + data
        return reply

    def _look_up(self, asked: str, kind: int) -> tuple[int, Answer]:
        name = canonical(asked)
        if name is not None and name.endswith(".arpa"):
            known = self._reverse(name)
            if known is None:
                return NXDOMAIN, None
            return NOERROR, (PTR, _encode(known)) if kind in (PTR, ANY) else None
        # `invalid` never exists (RFC 6761), and what is no host's name neither.
        if name is None or name == "invalid" or name.endswith(".invalid"):
            return NXDOMAIN, None
        if kind not in (A, ANY):
            return NOERROR, None
        own = name in self._own or name.endswith(".localhost")
        return NOERROR, (A, socket.inet_aton("127.0.0.1" if own else self._names.address(name)))

    def _reverse(self, name: str) -> str | None:
        address = ".".join(reversed(name.removesuffix(".in-addr.arpa").split(".")))
        return "localhost" if address == "127.0.0.1" else self._names.name(address)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._transport is not None and (reply := self._resolver.answer(data)):
            self._transport.sendto(reply, addr)


@contextlib.asynccontextmanager
async def serve_names(
    names: Names, *, host: str = "127.0.0.1", port: int = DNS_PORT, hostname: str | None = None
) -> AsyncGenerator[int]:
    """Answer DNS over UDP and TCP; yields the port. Raises OSError where it is taken."""
    resolver = Resolver(names, hostname)

    async def over_tcp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            while True:
                async with asyncio.timeout(TCP_SECONDS):
                    size = int.from_bytes(await reader.readexactly(2), "big")
                    reply = resolver.answer(await reader.readexactly(size))
                    if reply is None:
                        break
                    writer.write(len(reply).to_bytes(2, "big") + reply)
                    await writer.drain()
        writer.close()

    server = await asyncio.start_server(over_tcp, host, port)
    port = server.sockets[0].getsockname()[1]
    try:
        datagrams, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Datagrams(resolver), (host, port)
        )
        try:
            yield port
        finally:
            datagrams.close()
    finally:
        server.close()
