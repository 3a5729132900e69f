"""A page's one stream: its list, its session's log, who is there. Who is slow, is so alone."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bunkhouse.api import board, sse
from bunkhouse.bus.presence import LOOK_SECONDS, MemoryPresence
from bunkhouse.sessions import NewSession
from bunkhouse_protocol.events import AgentMessageChunk, Notice, TurnEnded

from .house import House
from .test_streams import chunk, following, items, working

Item = dict[str, str]


async def until_ready(stream: AsyncIterator[Item]) -> list[Item]:
    """What a stream begins with."""
    begin: list[Item] = []
    while not begin or begin[-1]["event"] != "ready":
        begin.append(await anext(stream))
    return begin


async def the_log(stream: AsyncIterator[Item], last: int) -> list[dict[str, Any]]:
    """The events of the log in a stream, up to a place."""
    events: list[dict[str, Any]] = []
    while not events or events[-1]["seq"] < last:
        item = await anext(stream)
        if item["event"] == "log":
            events += json.loads(item["data"])["items"]
    return events


def covered(events: list[dict[str, Any]]) -> list[int]:
    """The places that these events stand for."""
    return [
        seq
        for event in events
        for seq in range(event["first_seq"] or event["seq"], event["seq"] + 1)
    ]


async def test_the_list_and_one_log_in_one_stream(house: House) -> None:
    session_id, runner = await working(house)
    other = await house.sessions.create(NewSession(title="other"), house.admin)
    known = (await house.sessions.get(session_id)).last_seq
    async with following(house, f"/api/events?session={session_id}&after=1") as stream:
        begin = await until_ready(stream)
        assert [item["event"] for item in begin].count("session") == 2
        log = await the_log(stream, known)
        assert covered(log) == list(range(2, known + 1))
        await runner.say(chunk("here"))
        assert (await the_log(stream, known + 1))[0]["text"] == "here"
        await house.sessions.rename(other.id, title="renamed")
        while (item := await anext(stream))["event"] != "session" or "renamed" not in item["data"]:
            pass


async def test_what_changes_with_every_word_is_told_now_and_then_and_at_last(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, runner = await working(house)
    monkeypatch.setattr(board, "CALM_SECONDS", 2.0)
    told: list[str] = []
    get = house.sessions.get

    async def counting(session_id: str) -> Any:
        told.append(session_id)
        return await get(session_id)

    async with following(house, "/api/events") as stream:
        await until_ready(stream)
        monkeypatch.setattr(house.sessions, "get", counting)
        for n in range(50):
            await runner.say(chunk(f"{n} "))
        await runner.say(chunk("at last"))
        while "at last" not in (await anext(stream))["data"]:
            pass
    assert len(told) < 50


async def test_a_page_that_comes_back_anywhere_misses_and_repeats_nothing(house: House) -> None:
    session_id, runner = await working(house)
    start = (await house.sessions.get(session_id)).last_seq

    async def speak() -> None:
        for n in range(80):
            await runner.say(
                chunk(f"{n} "), *([Notice(code="x", message="y")] if n % 9 == 0 else [])
            )

    speaking = asyncio.create_task(speak())
    events: list[dict[str, Any]] = []
    last = start
    while len(covered(events)) < 89:
        async with following(house, f"/api/events?session={session_id}&after={last}") as stream:
            await until_ready(stream)
            events += await the_log(stream, last + 1)
            last = events[-1]["seq"]
    await speaking
    assert covered(events) == list(range(start + 1, start + 90))
    text = "".join(event["text"] for event in events if event["type"] == "agent_message_chunk")
    assert text == "".join(f"{n} " for n in range(80))


async def test_those_who_stand_at_the_same_place_share_one_read(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id, runner = await working(house)
    known = (await house.sessions.get(session_id)).last_seq
    reads: list[int] = []
    events = house.sessions.events

    async def counting(
        session_id: str, after: int = 0, limit: int = 0, *, folded: bool = False
    ) -> Any:
        reads.append(after)
        return await events(session_id, after, limit, folded=folded)

    path = f"/api/events?session={session_id}&after={known}"
    async with (
        following(house, path) as one,
        following(house, path) as two,
        following(house, path) as three,
    ):
        streams = (one, two, three)
        for stream in streams:
            await until_ready(stream)
        monkeypatch.setattr(house.sessions, "events", counting)
        for n in range(10):
            await runner.say(chunk(str(n)))
            for stream in streams:
                assert (await the_log(stream, known + n + 1))[0]["text"] == str(n)
    assert sorted(set(reads)) == sorted(reads)


class Deaf:
    """A viewer whose page does not read what comes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def look(cls, house: House, path: str) -> "Deaf":
        host, port = house.url.removeprefix("http://").split(":")
        # Little is taken in before it is read: what comes soon stands in the hub.
        reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
        lines = (f"GET {path} HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {house.token}")
        writer.write("\r\n".join((*lines, "", "")).encode())
        await writer.drain()
        await reader.readuntil(b"ready")
        return cls(reader, writer)

    async def listen(self, mark: bytes) -> bytes:
        """Read on until `mark` has come, and leave."""
        heard = b""
        while mark not in heard:
            heard += await self._reader.read(1 << 20)
        self._writer.close()
        return heard


async def test_one_who_does_not_read_slows_nobody_and_costs_nothing(house: House) -> None:
    session_id, runner = await working(house)
    known = (await house.sessions.get(session_id)).last_seq
    path = f"/api/events?session={session_id}&after={known}"
    deaf = await Deaf.look(house, path)
    texts = [f"<{n}>" + "x" * 8000 for n in range(2000)]  # 16 MB
    async with following(house, path) as stream:
        await until_ready(stream)

        async def speak() -> None:
            for at in range(0, len(texts), 20):
                await runner.say(*(chunk(text, f"m{at}") for text in texts[at : at + 20]))

        speaking = asyncio.create_task(speak())
        heard = await the_log(stream, known + len(texts))
        await speaking
    assert "".join(event["text"] for event in heard) == "".join(texts)
    held = [
        connection.transport.get_write_buffer_size()
        for connection in house.server.server_state.connections
    ]
    assert max(held) < 2 << 20
    # It reads on at last: all of it is there, from the log.
    await runner.say(Notice(code="mark", message="the end"))
    late = await deaf.listen(b"the end")
    assert [int(n) for n in re.findall(rb"<(\d+)>", late)] == list(range(len(texts)))


async def test_a_session_that_is_not_there_or_goes_is_told(house: House) -> None:
    async with following(house, "/api/events?session=nothere") as stream:
        await until_ready(stream)
        while (item := await anext(stream))["event"] != "session_deleted":
            pass
        assert json.loads(item["data"]) == {"id": "nothere"}
    session_id, _ = await working(house)
    async with following(house, f"/api/events?session={session_id}") as stream:
        await until_ready(stream)
        await house.sessions.delete(session_id, house.admin)
        while (item := await anext(stream))["event"] != "session_deleted":
            pass
        assert json.loads(item["data"]) == {"id": session_id}


async def people_in(stream: AsyncIterator[Item]) -> list[dict[str, Any]]:
    while (item := await anext(stream))["event"] != "presence":
        pass
    return json.loads(item["data"])["people"]


async def test_who_looks_and_who_types_is_seen(house: House) -> None:
    session_id, _ = await working(house)
    async with following(house, "/api/events") as home:
        await until_ready(home)
        async with following(house, f"/api/events?session={session_id}") as page:
            begin = await until_ready(page)
            you = json.loads(begin[-1]["data"])["you"]
            (seen,) = await people_in(home)
            assert seen == {"id": you, "name": house.admin.name, "typing": False}
            async with house.program() as program:
                # The same token in another tab: the same somebody.
                typing = f"/api/sessions/{session_id}/typing"
                assert (await program.post(typing, json={"typing": True})).status_code == 204
                assert [each["typing"] for each in await people_in(home)] == [True]
                assert (await program.post(typing, json={"typing": False})).status_code == 204
                assert [each["typing"] for each in await people_in(home)] == [False]
        assert await people_in(home) == []
    async with house.program() as program:
        assert (await program.post("/api/sessions/none/typing", json={})).status_code == 404


async def test_one_who_comes_later_is_told_who_is_there(house: House) -> None:
    session_id, _ = await working(house)
    async with following(house, f"/api/events?session={session_id}") as page:
        await until_ready(page)
        async with following(house, "/api/events") as home:
            begin = await until_ready(home)
            assert [item["event"] for item in begin].count("presence") == 1


async def test_one_counts_as_looking_as_long_as_one_reads(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "KEEP_ALIVE_SECONDS", 0.01)
    now = 0.0
    presence = house.services.presence = MemoryPresence(house.room.bus, lambda: now)
    session_id, runner = await working(house)
    path = f"/api/events?session={session_id}"
    async with house.program() as program, program.stream("GET", path) as answer:
        comments = (item async for item in items(answer) if item == {"comment": "ping"})
        for _ in range(3):
            now += LOOK_SECONDS - 1
            # Two of the page's own: what was on its way does not count.
            for _ in range(4):
                await anext(comments)
            assert presence.of(session_id)
    deaf = await Deaf.look(house, path)
    await runner.say(*(chunk("x" * 500_000, str(n)) for n in range(16)))
    last = (await house.sessions.get(session_id)).last_seq
    async with following(house, path) as stream:
        await the_log(stream, last)
    now += LOOK_SECONDS + 1
    assert presence.of(session_id) == []
    await deaf.listen(b'"message_id":"15"')
    assert presence.of(session_id)


async def test_what_was_shown_is_written_down_as_seen(house: House) -> None:
    session_id, runner = await working(house)
    turn = next(
        e for e in await house.sessions.events(session_id) if e.type == "turn_started"
    ).turn_id
    await runner.say(AgentMessageChunk(message_id="m", text="done"))
    await runner.say(TurnEnded(turn_id=turn, outcome="done"))
    last = (await house.sessions.get(session_id)).last_seq
    written: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    seen = house.sessions.seen

    async def noting(session_id: str, place: int) -> None:
        await seen(session_id, place)
        if place == last and not written.done():
            written.set_result(place)

    house.sessions.seen = noting
    async with following(house, f"/api/events?session={session_id}") as stream:
        await until_ready(stream)
        await the_log(stream, last)
    async with asyncio.timeout(60):
        assert await written == last
