"""What a client sends when it pushes, read strictly."""

from collections.abc import AsyncIterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bunkhouse.broker.git.packets import (
    FLUSH,
    NO_OBJECT,
    Command,
    Packets,
    Push,
    References,
    packet_of,
    read_push,
    read_references,
    write_push,
    write_references,
    write_refusal,
)
from bunkhouse.errors import InvalidInput

A, B = "a" * 40, "b" * 40
CAPABILITIES = ("report-status", "side-band-64k", "agent=git/2.39.0")

objects = st.text("0123456789abcdef", min_size=40, max_size=40)
refs = st.from_regex(r"refs/heads/[a-z0-9-]{1,20}(/[a-z0-9-]{1,20})?", fullmatch=True)
commands = st.builds(Command, objects, objects, refs).filter(
    lambda command: {command.old, command.new} != {NO_OBJECT}
)
pushes = st.builds(
    Push,
    st.lists(commands, min_size=1, max_size=8, unique_by=lambda each: each.ref).map(tuple),
    st.just(CAPABILITIES),
    st.lists(objects, max_size=3).map(tuple),
)


async def stream(data: bytes, cuts: Sequence[int] = ()) -> AsyncIterator[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for start, end in pairwise(places):
        yield data[start:end]


@given(pushes, st.binary(max_size=50), st.lists(st.integers(0, 10_000), max_size=6))
async def test_a_push_is_read_as_it_was_written(push: Push, pack: bytes, cuts: list[int]) -> None:
    data = write_push(push, push.capabilities) + pack
    packets = Packets(stream(data, cuts))
    assert read_push(await packets.section()) == push
    assert b"".join([chunk async for chunk in packets.rest()]) == pack


@given(st.binary(max_size=200))
async def test_whatever_comes_is_understood_or_refused(data: bytes) -> None:
    try:
        push = read_push(await Packets(stream(data)).section())
    except InvalidInput as error:
        assert error.reason == "not_git"
    else:
        assert all(command.ref.startswith("refs/") for command in push.commands)


@given(pushes, st.data())
async def test_a_cut_or_changed_push_is_never_another_one(push: Push, data: st.DataObject) -> None:
    """What is understood of bytes is what these bytes say: written again, they are the same."""
    written = bytearray(write_push(push, push.capabilities))
    at = data.draw(st.integers(0, len(written) - 1))
    written[at] = data.draw(st.integers(0, 255))
    try:
        read = read_push(await Packets(stream(bytes(written))).section())
    except InvalidInput:
        return
    again = write_push(read, read.capabilities)
    assert again.lower() == bytes(written[: len(again)]).lower()


def first(text: str) -> bytes:
    return text.encode() + b"\0" + " ".join(CAPABILITIES).encode()


BAD: list[tuple[str, list[bytes]]] = [
    ("no reference", []),
    ("no reference", [f"shallow {A}".encode()]),
    ("without capabilities", [f"{A} {B} refs/heads/x".encode()]),
    (
        "at the first reference alone",
        [first(f"{A} {B} refs/heads/x"), first(f"{A} {B} refs/heads/y")],
    ),
    ("twice", [first(f"{A} {B} refs/heads/x"), f"{B} {A} refs/heads/x".encode()]),
    ("before references", [first(f"{A} {B} refs/heads/x"), f"shallow {A}".encode()]),
    ("neither made nor deleted", [first(f"{NO_OBJECT} {NO_OBJECT} refs/heads/x")]),
    ("SHA-1", [first(f"{A[:-1]} {B} refs/heads/x")]),
    ("SHA-1", [first(f"{A.upper()} {B} refs/heads/x")]),
    ("SHA-1", [first(f"{A} {'c' * 64} refs/heads/x")]),
    ("not UTF-8", [first(f"{A} {B} refs/heads/x").replace(b"/x", b"/\xff")]),
    ("odd name", [f"{A} {B} refs/heads/x".encode() + b"\0a\x01b"]),
    (
        "more than 64",
        [first(f"{A} {B} refs/heads/x"), *(f"{A} {B} refs/heads/{n}".encode() for n in range(64))],
    ),
    ("does not know", [b"push-cert\0" + b"report-status"]),
]


@pytest.mark.parametrize(("words", "packets"), BAD)
def test_what_git_never_writes_is_refused(words: str, packets: list[bytes]) -> None:
    with pytest.raises(InvalidInput, match=words):
        read_push(packets)


@pytest.mark.parametrize(
    "ref",
    [
        "HEAD",
        "heads/x",
        "refs/heads/../main",
        "refs/heads//x",
        "refs/heads/x/",
        "refs/heads/x.",
        "refs/heads/.x",
        "refs/heads/x.lock",
        "refs/heads/x.lock/y",
        "refs/heads/x y",
        "refs/heads/x~1",
        "refs/heads/x^",
        "refs/heads/x:y",
        "refs/heads/x?",
        "refs/heads/x*",
        "refs/heads/[x",
        "refs/heads/x\\y",
        "refs/heads/x@{1}",
        "refs/heads/x\ty",
        "refs/heads/x\x7f",
        f"refs/{'x' * 2000}",
    ],
)
def test_names_that_git_does_not_take(ref: str) -> None:
    with pytest.raises(InvalidInput, match="does not know"):
        read_push([first(f"{A} {B} {ref}")])


@pytest.mark.parametrize(
    "data",
    [b"", b"00", b"zzzz", b"0001", b"0002", b"0003", b"0004", b"fff1" + b"x" * 65_521, b"0009abc"],
)
async def test_packets_that_are_none(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        await Packets(stream(data)).section()


async def test_packets_without_an_end_are_not_read_for_ever() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield packet_of(b"x" * 60_000)

    with pytest.raises(InvalidInput, match="too many packets"):
        await Packets(endless()).section()


@given(st.lists(st.tuples(objects, refs), max_size=5, unique_by=lambda each: each[1]).map(tuple))
async def test_references_are_read_as_they_were_written(refs: tuple[tuple[str, str], ...]) -> None:
    references = References(refs, CAPABILITIES)
    assert await read_references(stream(write_references(references))) == references


@pytest.mark.parametrize(
    "data",
    [
        b"<html>",
        packet_of(b"# service=git-upload-pack\n") + FLUSH + FLUSH,
        packet_of(b"# service=git-receive-pack\n") + FLUSH + FLUSH,
        packet_of(b"# service=git-receive-pack\n") + FLUSH + packet_of(b"nonsense\0caps") + FLUSH,
    ],
)
async def test_answers_that_are_no_references(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        await read_references(stream(data))


def test_a_refusal_is_one_line_for_each_reference() -> None:
    push = Push((Command(A, B, "refs/heads/x"),), ("report-status",))
    said = write_refusal(push, {"refs/heads/x": "two\nlines\x1b[31m"}, ["words"])
    assert (
        said == packet_of(b"unpack ok\n") + packet_of(b"ng refs/heads/x two lines [31m\n") + FLUSH
    )
    assert write_refusal(Push(push.commands, ()), {"refs/heads/x": "no"}, ["words"]) == b""
