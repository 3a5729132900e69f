"""The packets of a push (pkt-line), read strictly: what is not as git writes it is refused.

    PUSH    = *("shallow" SP oid) 1*COMMAND flush [pack]
    COMMAND = old SP new SP ref, the first with NUL and capabilities behind it

Each packet has its length before it, as four hexadecimal digits that count themselves.
"""

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

from bunkhouse.errors import InvalidInput

FLUSH = b"0000"
NO_OBJECT = "0" * 40
MOST_COMMANDS = 64
"""References that one push may change."""

_LONGEST = 65_520
_COMMANDS_BYTES = 256 * 1024
_REFERENCES_BYTES = 64 * 1024 * 1024
"""How much a host may advertise."""

_OBJECT = re.compile(r"[0-9a-f]{40}")
_LENGTH = re.compile(rb"[0-9a-fA-F]{4}")
_NOT_IN_REFS = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|//|@\{|/\.|\.lock(?:/|$)|[/.]$")
_CAPABILITY = re.compile(r"[!-~]{1,256}")


@dataclass(frozen=True, slots=True)
class Command:
    """A reference that is to be changed."""

    old: str
    """The object that it should have now; `NO_OBJECT`: it is to be made."""
    new: str
    """`NO_OBJECT`: it is to be deleted."""
    ref: str


@dataclass(frozen=True, slots=True)
class Push:
    """What a client asks for, without the pack."""

    commands: tuple[Command, ...]
    capabilities: tuple[str, ...]
    shallow: tuple[str, ...] = ()
    """Commits whose parents the client does not have."""

    @property
    def has_pack(self) -> bool:
        """Whether a pack follows: it does where anything but a deletion is asked for."""
        return any(command.new != NO_OBJECT for command in self.commands)


@dataclass(frozen=True, slots=True)
class References:
    """What a host has, as it advertises it to who wants to push."""

    refs: tuple[tuple[str, str], ...]
    """Object and name, in its order."""
    capabilities: tuple[str, ...]


class Packets:
    """Reads packets off a stream of bytes, and then what follows them."""

    def __init__(self, stream: AsyncIterator[bytes], limit: int = _COMMANDS_BYTES) -> None:
        self._stream = stream
        self._limit = limit
        self._held = b""

    async def section(self) -> list[bytes]:
        """The packets up to the next flush, without their lengths.

        Raises:
            InvalidInput: they are none, or too many.
        """
        packets: list[bytes] = []
        while True:
            digits = await self._take(4)
            if not _LENGTH.fullmatch(digits):
                raise not_git("a packet has no length")
            length = int(digits, 16)
            if length == 0:
                return packets
            if not 4 < length <= _LONGEST:
                raise not_git(f"a packet has the length {length}")
            packets.append(await self._take(length - 4))

    async def rest(self) -> AsyncIterator[bytes]:
        """All that follows."""
        if self._held:
            held, self._held = self._held, b""
            yield held
        async for chunk in self._stream:
            yield chunk

    async def _take(self, count: int) -> bytes:
        while len(self._held) < count:
            chunk = await anext(self._stream, None)
            if chunk is None:
                raise not_git("it ends in the middle")
            self._held += chunk
        self._limit -= count
        if self._limit < 0:
            raise not_git("there are too many packets")
        taken, self._held = self._held[:count], self._held[count:]
        return taken


def read_push(packets: Sequence[bytes]) -> Push:
    """Understand the first section of a push.

    Raises:
        InvalidInput: it is none that a client writes to whom our capabilities were told.
    """
    shallow: list[str] = []
    commands: list[Command] = []
    capabilities: tuple[str, ...] = ()
    for packet in packets:
        line, separator, listed = packet.partition(b"\0")
        text = _text(line)
        if separator:
            if commands:
                raise not_git("capabilities stand at the first reference alone")
            capabilities = _capabilities(listed)
        word, _, rest = text.partition(" ")
        if word == "shallow" and not separator:
            if commands:
                raise not_git("shallow commits stand before references")
            shallow.append(_object(rest))
            continue
        if not commands and not separator:
            raise not_git("the first reference comes without capabilities")
        commands.append(_command(text))
        if len(commands) > MOST_COMMANDS:
            raise not_git(f"it changes more than {MOST_COMMANDS} references")
    if not commands:
        raise not_git("it changes no reference")
    names = [command.ref for command in commands]
    if len(set(names)) != len(names):
        raise not_git("it changes a reference twice")
    return Push(tuple(commands), capabilities, tuple(shallow))


def write_push(push: Push, capabilities: Iterable[str]) -> bytes:
    """The first section of a push, with its flush."""
    lines = [f"shallow {each}".encode() for each in push.shallow]
    for place, command in enumerate(push.commands):
        line = f"{command.old} {command.new} {command.ref}".encode()
        lines.append(line if place else line + b"\0" + " ".join(capabilities).encode())
    return b"".join(map(packet_of, lines)) + FLUSH


async def read_references(stream: AsyncIterator[bytes]) -> References:
    """Understand what a host answers to `info/refs?service=git-receive-pack`.

    Raises:
        InvalidInput: it is no such answer.
    """
    packets = Packets(stream, _REFERENCES_BYTES)
    [banner, *more] = await packets.section() or [b""]
    if _text(banner) != "# service=git-receive-pack" or more:
        raise not_git("the host answers with something else")
    refs: list[tuple[str, str]] = []
    capabilities: tuple[str, ...] | None = None
    for packet in await packets.section():
        line, separator, listed = packet.partition(b"\0")
        if separator:
            capabilities = _capabilities(listed)
        name, _, ref = line.removesuffix(b"\n").partition(b" ")
        if name == b"shallow":
            continue
        if ref != b"capabilities^{}":
            refs.append((_object(name.decode("ascii", "replace")), ref.decode(errors="replace")))
    if capabilities is None:
        raise not_git("the host says nothing of what it can")
    return References(tuple(refs), capabilities)


def write_references(references: References) -> bytes:
    """The answer to `info/refs?service=git-receive-pack`."""
    refs = references.refs or ((NO_OBJECT, "capabilities^{}"),)
    lines: list[bytes] = []
    for place, (name, ref) in enumerate(refs):
        line = f"{name} {ref}".encode()
        listed = b"" if place else b"\0" + " ".join(references.capabilities).encode()
        lines.append(line + listed + b"\n")
    banner = packet_of(b"# service=git-receive-pack\n") + FLUSH
    return banner + b"".join(map(packet_of, lines)) + FLUSH


def write_refusal(push: Push, reasons: dict[str, str], said: Sequence[str]) -> bytes:
    """The answer to a push of which nothing is done: why, for each reference, and in words.

    `said` are lines that git shows as the host's.
    """
    report = b""
    if "report-status" in push.capabilities:
        lines = [b"unpack ok\n"]
        lines += [f"ng {ref} {_line(why)}\n".encode() for ref, why in reasons.items()]
        report = b"".join(map(packet_of, lines)) + FLUSH
    if "side-band-64k" not in push.capabilities:
        return report
    words = "".join(f"{_line(line)}\n" for line in said).encode()
    return b"".join([*_banded(2, words), *_banded(1, report), FLUSH])


def packet_of(data: bytes) -> bytes:
    """A packet with its length."""
    return b"%04x" % (len(data) + 4) + data


def not_git(why: str) -> InvalidInput:
    """The error for what is no push."""
    return InvalidInput(f"This is no push that git makes: {why}.", code="not_git")


def _banded(band: int, data: bytes) -> list[bytes]:
    size = _LONGEST - 5
    parts = (data[at : at + size] for at in range(0, len(data), size))
    return [packet_of(bytes([band]) + part) for part in parts]


def _line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _text(line: bytes) -> str:
    try:
        return line.removesuffix(b"\n").decode()
    except UnicodeDecodeError as error:
        raise not_git("a name is not UTF-8") from error


def _command(text: str) -> Command:
    old, _, rest = text.partition(" ")
    new, _, ref = rest.partition(" ")
    if not ref.startswith("refs/") or _NOT_IN_REFS.search(ref) or len(ref) > 1024:
        raise not_git("a reference has a name that git does not know")
    command = Command(_object(old), _object(new), ref)
    if command.old == command.new == NO_OBJECT:
        raise not_git("a reference is neither made nor deleted")
    return command


def _object(text: str) -> str:
    if not _OBJECT.fullmatch(text):
        raise not_git("an object has no name of SHA-1")
    return text


def _capabilities(listed: bytes) -> tuple[str, ...]:
    found = tuple(_text(listed).split())
    if not all(_CAPABILITY.fullmatch(each) for each in found):
        raise not_git("a capability has an odd name")
    return found
