"""The log and the list as streams: exact after every reconnect, and they end when they should."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, cast

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bunkhouse.api import sse
from bunkhouse.api.access import leave_of
from bunkhouse.api.schemas import ImageStatus
from bunkhouse.bus import Subscription, Topic
from bunkhouse.sessions import NewSession
from bunkhouse_protocol.events import AgentMessageChunk, Notice, TurnEnded

from ..sessions.runner import Runner
from .house import House


def chunk(text: str, message: str = "m") -> AgentMessageChunk:
    return AgentMessageChunk(message_id=message, text=text)


async def items(answer: httpx2.Response) -> AsyncIterator[dict[str, str]]:
    """The events of a stream, as `{"event": …, "id": …, "data": …}`; comments as `comment`."""
    found: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line:
            name, _, value = line.partition(":")
            found[name or "comment"] = value.removeprefix(" ")
        elif found:
            yield found
            found = {}


@asynccontextmanager
async def following(
    house: House, path: str, **headers: str
) -> AsyncGenerator[AsyncIterator[dict[str, str]]]:
    async with house.program() as program, program.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield (item async for item in items(answer) if "data" in item)


async def working(house: House) -> tuple[str, Runner]:
    view = await house.sessions.create(NewSession(prompt="go"), house.admin)
    runner = Runner(house.room, view.id)
    await runner.start()
    return view.id, runner


async def test_what_was_and_what_comes(house: House) -> None:
    session_id, runner = await working(house)
    known = len(await house.sessions.events(session_id))
    async with following(house, f"/api/sessions/{session_id}/events") as stream:
        first = [await anext(stream) for _ in range(known)]
        assert first[0]["event"] == "session_created"
        assert [int(item["id"]) for item in first] == list(range(1, known + 1))
        await runner.say(chunk("Hel"), chunk("lo\n\nthere\r\n"))
        live = [await anext(stream) for _ in range(2)]
    data = [json.loads(item["data"]) for item in live]
    assert [each["text"] for each in data] == ["Hel", "lo\n\nthere\r\n"]
    assert [each["seq"] for each in data] == [known + 1, known + 2]
    assert set(data[0]) == {"seq", "first_seq", "at", "type", "message_id", "text"}


async def test_a_reader_that_breaks_off_anywhere_misses_and_repeats_nothing(house: House) -> None:
    session_id, runner = await working(house)

    async def speak() -> None:
        for n in range(60):
            await runner.say(chunk(f"{n} "))

    speaking = asyncio.create_task(speak())
    texts: list[str] = []
    seqs: list[int] = []
    last = 0
    while len(texts) < 60:
        headers = {"Last-Event-ID": str(last)} if last else {}
        # `after` stays what it was at first, as it does in a browser's EventSource.
        async with following(house, f"/api/sessions/{session_id}/events?after=0", **headers) as it:
            taken = 0
            async for item in it:
                event = json.loads(item["data"])
                last = event["seq"]
                seqs.append(last)
                if event["type"] == "agent_message_chunk":
                    texts.append(event["text"])
                taken += 1
                if taken == 7 or len(texts) == 60:
                    break
    await speaking
    assert texts == [f"{n} " for n in range(60)]
    assert seqs == list(range(1, last + 1))


async def test_folded_and_unfolded_say_the_same(house: House) -> None:
    session_id, runner = await working(house)
    turn = next(
        e for e in await house.sessions.events(session_id) if e.type == "turn_started"
    ).turn_id
    await runner.say(chunk("a"), chunk("b"), chunk("c"), TurnEnded(turn_id=turn, outcome="done"))
    async with house.program() as program:
        address = f"/api/sessions/{session_id}/events"
        json_only = {"Accept": "application/json"}
        plain = (await program.get(address, headers=json_only)).json()["items"]
        folded = (await program.get(address + "?folded=true", headers=json_only)).json()["items"]
    assert [e["text"] for e in plain if "message_id" in e] == ["a", "b", "c"]
    (whole,) = [e for e in folded if "message_id" in e]
    assert whole["text"] == "abc"
    assert whole["seq"] - whole["first_seq"] == 2
    assert folded[-1] == plain[-1]


@pytest.mark.parametrize("folded", ["true", "false"])
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_pages_are_the_log(house: House, limit: int, folded: str) -> None:
    session_id, runner = await working(house)
    await runner.say(chunk("a"), chunk("b"), Notice(code="x", message="y"), chunk("c", "n"))
    whole = await house.sessions.events(session_id, folded=folded == "true")
    after: int | None = 0
    got: list[dict[str, Any]] = []
    async with house.program() as program:
        while after is not None:
            page = await program.get(
                f"/api/sessions/{session_id}/events",
                params={"after": after, "limit": limit, "folded": folded},
                headers={"Accept": "application/json"},
            )
            got += page.json()["items"]
            after = page.json()["next"]
    assert [e["seq"] for e in got] == [event.seq for event in whole]


@pytest.mark.parametrize("folded", ["true", "false"])
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_pages_from_the_end_are_the_log(house: House, limit: int, folded: str) -> None:
    session_id, runner = await working(house)
    await runner.say(chunk("a"), chunk("b"), Notice(code="x", message="y"), chunk("c", "n"))
    whole = await house.sessions.events(session_id, folded=folded == "true")
    address = f"/api/sessions/{session_id}/events"
    json_only = {"Accept": "application/json"}
    got: list[dict[str, Any]] = []
    query: dict[str, Any] = {"tail": limit}
    async with house.program() as program:
        while True:
            answer = await program.get(
                address, params={"folded": folded, **query}, headers=json_only
            )
            page = answer.json()
            assert len(page["items"]) <= limit
            assert page["next"] == (got[0] and page["items"][-1]["seq"] if got else None)
            # What stands at the page's beginning comes with it, unless that is the log's.
            assert (page["opening"] is None) == (page["previous"] is None)
            got = page["items"] + got
            if page["previous"] is None:
                break
            assert page["opening"]["events"][0]["type"] == "session_created"
            query = {"before": page["previous"], "limit": limit}
        assert [e["seq"] for e in got] == [event.seq for event in whole]
        refused = await program.get(address, params={"tail": 5})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_input")


async def test_the_stream_ends_when_the_session_is_deleted(house: House) -> None:
    session_id, _ = await working(house)
    async with following(house, f"/api/sessions/{session_id}/events") as stream:
        await anext(stream)
        await house.sessions.delete(session_id, house.admin)
        async for _ in stream:
            pass


async def test_readers_that_leave_are_forgotten(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id, runner = await working(house)
    listening: set[object] = set()
    left = asyncio.Event()
    subscribe = house.room.bus.subscribe

    @contextmanager
    def counting(session_id: str | None = None, topic: Topic = "log") -> Generator[Subscription]:
        with subscribe(session_id, topic) as subscription:
            listening.add(subscription)
            try:
                yield subscription
            finally:
                listening.discard(subscription)
                if not listening:
                    left.set()

    monkeypatch.setattr(house.room.bus, "subscribe", counting)
    async with (
        following(house, f"/api/sessions/{session_id}/events") as log,
        following(house, "/api/events") as overview,
    ):
        await anext(log)
        await anext(overview)
        assert len(listening) == 3  # the log, the list, who is there
    async with asyncio.timeout(60):
        await left.wait()
    await runner.say(chunk("nobody listens"))


async def test_a_quiet_stream_says_that_it_lives(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "KEEP_ALIVE_SECONDS", 0.01)
    session_id, runner = await working(house)
    async with (
        house.program() as program,
        program.stream("GET", f"/api/sessions/{session_id}/events?after=1000") as answer,
    ):
        comments = items(answer)
        for _ in range(3):
            assert (await anext(comments)) == {"comment": "ping"}
    # Being asked so often must not have lost what the next wait would have brought.
    known = len(await house.sessions.events(session_id))
    async with following(house, f"/api/sessions/{session_id}/events?after={known}") as stream:
        await runner.say(chunk("here"))
        assert json.loads((await anext(stream))["data"])["text"] == "here"


async def test_streams_end_when_the_hub_stops(house: House) -> None:
    session_id, _ = await working(house)
    async with (
        following(house, f"/api/sessions/{session_id}/events") as log,
        following(house, "/api/events") as overview,
    ):
        await anext(log)
        await anext(overview)
        house.services.closing.set()
        house.server.should_exit = True
        async with asyncio.timeout(60):
            async for _ in log:
                pass
            async for _ in overview:
                pass


async def test_a_slow_reader_holds_the_source_back(house: House) -> None:
    """The source is asked for the next batch only when the one before was taken."""
    given_out = 0

    async def source() -> AsyncGenerator[bytes, None]:
        nonlocal given_out
        while True:
            given_out += 1
            yield b"x"

    person = await house.people.by_token(house.token)
    assert person is not None
    leave = leave_of(house.services, person, "sessions.list")
    answer = sse.respond(source(), asyncio.Event(), leave)
    body = cast("AsyncGenerator[bytes]", answer.body_iterator)
    assert await anext(body) == b": ping\n\n"
    for taken in range(1, 20):
        assert await anext(body) == b"x"
        assert given_out == taken
    await body.aclose()


async def test_the_list_as_a_stream(house: House) -> None:
    old = await house.sessions.create(NewSession(title="old"), house.admin)
    async with following(house, "/api/events") as stream:
        begin = [await anext(stream) for _ in range(3)]
        assert [item["event"] for item in begin] == ["system", "session", "ready"]
        assert json.loads(begin[1]["data"])["id"] == old.id

        new = await house.sessions.create(NewSession(title="new"), house.admin)
        item = await anext(stream)
        assert (item["event"], json.loads(item["data"])["title"]) == ("session", "new")

        house.system.build(ImageStatus(state="building", step="Installing", progress=0.3))
        while (item := await anext(stream))["event"] != "system":
            pass
        assert json.loads(item["data"])["image"]["progress"] == 0.3

        await house.sessions.delete(new.id, house.admin)
        while (item := await anext(stream))["event"] != "session_deleted":
            pass
        assert json.loads(item["data"]) == {"id": new.id}


@given(st.text())
def test_any_text_survives_the_format(text: str) -> None:
    """A reader's rules: lines end at CR, LF or both; nothing in a text may look like a field."""
    event = chunk(text).model_copy(update={"seq": 3})
    printed = sse.encode_events([event]).decode()
    assert printed.count("\n\n") == 1
    lines = printed.removesuffix("\n\n").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    fields = dict(line.split(": ", 1) for line in lines)
    assert fields["id"] == "3"
    assert json.loads(fields["data"])["text"] == text
