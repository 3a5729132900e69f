"""A request that is repeated: once done, once answered, also beside itself and after a restart."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from pydantic import TypeAdapter

from bunkhouse.bus.memory import MemoryBus
from bunkhouse.errors import InvalidInput
from bunkhouse.people.identity import Person
from bunkhouse.sessions import Journal, Links, NewSession, Sessions
from bunkhouse.sessions.once import Once
from bunkhouse.store import Database, answers

from ..conftest import ADMIN, FakeCatalog, Room

BOB = Person(id="u_bob", name="Bob", role="member")


def once(key: str = "k", asked: str = "this", person: Person = ADMIN, seconds: float = 60) -> Once:
    return Once.of(person, key, asked, seconds=seconds)


async def count(room: Room) -> int:
    return len((await room.sessions.list())[0])


async def test_the_same_request_is_done_once_and_answered_alike(room: Room) -> None:
    new = NewSession(prompt="go")
    first = await room.sessions.create(new, ADMIN, key=once())
    await room.sessions.rename(first.id, title="Changed since")
    assert await room.sessions.create(new, ADMIN, key=once()) == first
    assert await count(room) == 1
    said = [await room.sessions.prompt(first.id, "more", ADMIN, key=once("p")) for _ in range(3)]
    assert said[0] == said[1] == said[2]
    assert [p.text for p in (await room.sessions.get(first.id)).queue] == ["go", "more"]


async def test_at_the_same_time_as_well(room: Room) -> None:
    made = await asyncio.gather(
        *(room.sessions.create(NewSession(prompt="go"), ADMIN, key=once()) for _ in range(8))
    )
    assert len({view.id for view in made}) == 1
    assert await count(room) == 1
    folder = room.settings.data_dir / "blobs"
    assert not folder.exists() or list(folder.iterdir()) == []


async def test_after_the_hub_was_restarted_too(room: Room) -> None:
    first = await room.sessions.create(NewSession(prompt="go"), ADMIN, key=once())
    again = await Database.open(room.settings.database)
    journal = Journal(again, MemoryBus())
    links = Links(journal, room.specs, event_bytes=1 << 20)
    sessions = Sessions(journal, links, FakeCatalog(), room.specs, room.settings)
    assert await sessions.create(NewSession(prompt="go"), ADMIN, key=once()) == first
    await again.close()


async def test_a_key_stands_for_one_request_of_one_person_for_a_time(room: Room) -> None:
    await room.sessions.create(NewSession(), ADMIN, key=once())
    with pytest.raises(InvalidInput) as told:
        await room.sessions.create(NewSession(), ADMIN, key=once(asked="that"))
    assert told.value.reason == "idempotency_key_reused"
    assert await count(room) == 1
    await room.sessions.create(NewSession(), BOB, key=once(person=BOB, asked="that"))
    assert await count(room) == 2
    for _ in range(2):  # an answer that is too old is none
        await room.sessions.create(NewSession(), ADMIN, key=once("old", seconds=0))
    assert await count(room) == 4


async def test_what_is_refused_is_not_kept(room: Room) -> None:
    with pytest.raises(InvalidInput):
        await room.sessions.create(NewSession(model="nope/nope"), ADMIN, key=once())
    await room.sessions.create(NewSession(), ADMIN, key=once())
    assert await count(room) == 1


async def test_whoever_finds_the_key_taken_beside_them_asks_again() -> None:
    """As it is on a store with more than one writer."""
    tries: list[Callable[[], Awaitable[str]]] = []

    async def do() -> str:
        tries.append(do)
        if len(tries) == 1:
            raise answers.Taken
        return "told"

    from bunkhouse.sessions.once import answered

    assert await answered(do, TypeAdapter(str)) == "told"
    assert len(tries) == 2


async def test_two_answers_under_one_key_can_not_be_written(room: Room) -> None:
    from bunkhouse.sessions.once import keep

    async with room.database.write() as tx:
        await keep(tx, once(), TypeAdapter(str), "first")
    with pytest.raises(answers.Taken):
        async with room.database.write() as tx:
            await keep(tx, once(), TypeAdapter(str), "second")
