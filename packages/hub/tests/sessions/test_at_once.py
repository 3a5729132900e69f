"""Who changes a session at the same time as others waits for them, and for nobody else."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from bunkhouse.bus.memory import MemoryBus
from bunkhouse.sessions import Journal, NewSession
from bunkhouse.store import Database, outbox, prompts, sessions
from bunkhouse_protocol.events import AgentMessageChunk, Notice
from bunkhouse_protocol.link import StopCommand

from ..conftest import ADMIN, Room
from ..stores import Stores

AT_ONCE = 12


@pytest.fixture
async def other(room: Room) -> AsyncGenerator[Journal]:
    """A second process on the same store, as far as the store can tell."""
    database = await Database.open(room.settings.database)
    yield Journal(database, MemoryBus())
    await database.close()


async def new_session(room: Room) -> str:
    return (await room.sessions.create(NewSession(), ADMIN)).id


async def test_a_log_written_by_many_has_no_gap_and_agrees_with_its_commands(
    room: Room, other: Journal
) -> None:
    first, second = await new_session(room), await new_session(room)

    async def work(journal: Journal, session_id: str, name: str) -> None:
        async with journal.change(session_id) as change:
            change.record(Notice(code=name, message=""))
            await change.command(StopCommand(turn_id=name))
            change.record(AgentMessageChunk(message_id=name, text="a"))
            change.record(AgentMessageChunk(message_id=name, text="b"))

    await asyncio.gather(
        *(
            work(journal, session_id, f"{place}-{number}")
            for number in range(AT_ONCE)
            for place, journal in enumerate((room.journal, other))
            for session_id in (first, second)
        )
    )
    for session_id in (first, second):
        log = await room.journal.read(session_id)
        assert [event.seq for event in log] == list(range(1, len(log) + 1))
        assert (await room.sessions.get(session_id)).last_seq == len(log)
        told = [event.code for event in log if isinstance(event, Notice)]
        assert len(told) == 2 * AT_ONCE
        async with room.database.read() as tx:
            waiting = await outbox.waiting(tx, session_id)
        assert [command["turn_id"] for _, _, command in waiting] == told


async def test_who_sends_commands_misses_none_that_is_written_meanwhile(
    room: Room, other: Journal
) -> None:
    """A sender goes by positions: none may come to be seen below one that was sent."""
    first, second = await new_session(room), await new_session(room)
    sent: list[str] = []

    async def send() -> None:
        position = 0
        while len(sent) < 2 * AT_ONCE:
            async with room.database.read() as tx:
                waiting = await outbox.waiting(tx, first, after=position)
            for place, _, command in waiting:
                sent.append(command["turn_id"])
                position = place

    async def work(journal: Journal, session_id: str, name: str) -> None:
        async with journal.change(session_id) as change:
            await change.command(StopCommand(turn_id=name))
            change.record(Notice(code=name, message=""))

    async with asyncio.timeout(30):
        await asyncio.gather(
            send(),
            *(
                work(journal, session_id, f"{place}-{number}")
                for number in range(AT_ONCE)
                for place, journal in enumerate((room.journal, other))
                for session_id in (first, second)
            ),
        )
    log = await room.journal.read(first)
    assert sent == [event.code for event in log if isinstance(event, Notice)]


async def test_prompts_that_come_at_once_each_get_a_place(room: Room) -> None:
    session_id = await new_session(room)
    await asyncio.gather(
        *(room.sessions.prompt(session_id, f"prompt {n}", ADMIN) for n in range(AT_ONCE))
    )
    async with room.database.read() as tx:
        queue = await prompts.in_state(tx, [session_id], "queued")
    assert [each.position for each in queue] == list(range(1, AT_ONCE + 1))


async def test_of_those_who_want_a_lease_one_gets_it(room: Room, other: Journal) -> None:
    session_id = await new_session(room)

    async def claim(database: Database, owner: str) -> bool:
        async with database.write() as tx:
            return await sessions.claim(tx, session_id, owner=owner, now=1.0, until=2.0)

    taken = await asyncio.gather(
        *(claim(room.database, f"a{n}") for n in range(AT_ONCE)),
        *(claim(other.database, f"b{n}") for n in range(AT_ONCE)),
    )
    assert taken.count(True) == 1


async def test_a_lease_that_is_taken_within_a_change_is_not_written_over(room: Room) -> None:
    session_id = await new_session(room)
    async with room.database.write() as tx:
        assert await sessions.claim(tx, session_id, owner="a", now=1.0, until=2.0)
    async with room.journal.change(session_id) as change:
        change.record(Notice(code="n", message=""))
        await sessions.release(change.tx, session_id, owner="a")
    async with room.database.read() as tx:
        row = await sessions.get(tx, session_id)
    assert row is not None
    assert row.lease_owner is None


async def test_a_session_that_is_changed_holds_no_other_up(room: Room, stores: Stores) -> None:
    first, second = await new_session(room), await new_session(room)
    order: list[str] = []

    async def beside() -> None:
        await room.journal.note(second, Notice(code="n", message=""))
        order.append("second")

    async with asyncio.timeout(20):
        async with room.journal.change(first) as change:
            change.record(Notice(code="n", message=""))
            task = asyncio.create_task(beside())
            if stores.kind == "postgres":  # SQLite has one writer: it comes after
                await task
            order.append("first")
        await task
    assert order == (["second", "first"] if stores.kind == "postgres" else ["first", "second"])


async def test_a_session_that_is_deleted_meanwhile_is_gone_for_who_waited(room: Room) -> None:
    session_id = await new_session(room)
    outcomes = await asyncio.gather(
        room.sessions.delete(session_id, ADMIN),
        *(room.journal.note(session_id, Notice(code="n", message="")) for _ in range(AT_ONCE)),
        return_exceptions=True,
    )
    assert outcomes[0] is None
    async with room.database.write() as tx:
        assert await sessions.deleted(tx) == [session_id]
        await sessions.purge(tx, session_id)
