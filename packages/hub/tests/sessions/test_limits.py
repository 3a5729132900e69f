"""How many sessions and sandboxes there may be, of one person and in all."""

import pytest

from bunkhouse.errors import TooLarge, TooMany
from bunkhouse.people import Person
from bunkhouse.sandboxes.fake import FakeProvider
from bunkhouse.sessions.sleepers import Sleepers
from bunkhouse.sessions.views import NewSession

from ..conftest import ADMIN, Room
from .hub import ends, honest, hub, in_state, until

BOB = Person(id="u_bob", name="Bob", role="member")


@pytest.mark.parametrize("whose", ["one person's", "all"])
async def test_sessions_that_have_not_ended(room: Room, whose: str) -> None:
    if whose == "all":
        room.settings.max_sessions = 2
    else:
        room.settings.max_sessions_per_person = 2
    first = await room.sessions.create(NewSession(), ADMIN)
    second = await room.sessions.create(NewSession(), ADMIN)
    with pytest.raises(TooMany) as refused:
        await room.sessions.create(NewSession(prompt="one more"), ADMIN)
    assert refused.value.reason == "too_many_sessions" and refused.value.status == 429
    assert "BUNKHOUSE_MAX_SESSIONS" in (refused.value.remedy or "")
    assert len((await room.sessions.list())[0]) == 2  # nothing of it was made
    if whose == "all":
        with pytest.raises(TooMany):
            await room.sessions.create(NewSession(), BOB)
    else:
        await room.sessions.create(NewSession(), BOB)
    await Sleepers(room.journal).end(first.id, ADMIN)
    await room.sessions.create(NewSession(), ADMIN)
    await room.sessions.delete(second.id, ADMIN)
    await room.sessions.create(NewSession(), ADMIN)


async def test_sandboxes_of_one_person(room: Room) -> None:
    room.settings.max_sandboxes_per_person = 1
    room.settings.hibernate_for_room = False
    async with hub(room, FakeProvider(honest)):
        mine = await room.sessions.create(NewSession(prompt="one"), ADMIN)
        await until(room, mine.id, ends(1))
        more = await room.sessions.create(NewSession(prompt="two"), ADMIN)
        theirs = await room.sessions.create(NewSession(prompt="three"), BOB)
        await until(room, theirs.id, ends(1))
        await until(room, more.id, in_state("queued"))
        why = (await room.sessions.get(more.id)).state_reason or ""
        assert "1 sandboxes of Ada's sessions" in why and "one person" in why
        await room.sessions.delete(mine.id, ADMIN)
        await until(room, more.id, ends(1))


async def test_room_is_made_among_ones_own_sessions(room: Room) -> None:
    room.settings.max_sandboxes_per_person = 1
    async with hub(room, FakeProvider(honest)):
        theirs = await room.sessions.create(NewSession(prompt="theirs"), BOB)
        await until(room, theirs.id, ends(1))
        mine = await room.sessions.create(NewSession(prompt="one"), ADMIN)
        await until(room, mine.id, ends(1))
        more = await room.sessions.create(NewSession(prompt="two"), ADMIN)
        await until(room, more.id, ends(1))
        assert (await room.sessions.get(mine.id)).state in ("hibernating", "hibernated")
        assert (await room.sessions.get(theirs.id)).state == "idle"


async def test_a_prompt_has_a_largest_size(room: Room) -> None:
    room.settings.prompt_bytes = 1024
    session = (await room.sessions.create(NewSession(), ADMIN)).id
    with pytest.raises(TooLarge, match="limit is 1024") as refused:
        await room.sessions.prompt(session, "é" * 513, ADMIN)
    assert (refused.value.reason, refused.value.status) == ("too_large", 413)
    assert "BUNKHOUSE_PROMPT_BYTES" in (refused.value.remedy or "")
    await room.sessions.prompt(session, "é" * 512, ADMIN)
    with pytest.raises(TooLarge):
        await room.sessions.create(NewSession(prompt="x" * 1025), ADMIN)
