"""Share links: who takes part by them, as what, and for how long."""

import asyncio
from typing import Any

import pytest

from bunkhouse.bus.memory import MemoryBus
from bunkhouse.errors import Forbidden, InvalidInput, NotFound, TooMany
from bunkhouse.people import Directory, Participants, People, Person, Rights, SessionRole
from bunkhouse.people.rights import Question
from bunkhouse.people.share_links import LinkOver, ShareLinks
from bunkhouse.store import Database, sessions

from ..store.rows import add_session
from .conftest import Clock


@pytest.fixture
def people(database: Database, clock: Clock, bus: MemoryBus) -> People:
    return People(database, clock=clock, bus=bus, public_links=True)


@pytest.fixture
def links(database: Database, clock: Clock, bus: MemoryBus) -> ShareLinks:
    return ShareLinks(database, bus, clock=clock, most=5, public=True)


@pytest.fixture
def participants(database: Database, bus: MemoryBus) -> Participants:
    return Participants(database, bus)


async def member(people: People) -> Person:
    return (await people.use_link(await people.sign_in_link("member"))).person


@pytest.fixture
async def owner(people: People, database: Database) -> Person:
    """Who has begun the session `s`."""
    await people.first_admin()
    owner = await member(people)
    async with database.write() as tx:
        await add_session(
            tx, "s", author_id=owner.id, author=owner.name, title="T", visibility="private"
        )
    return owner


async def roles(participants: Participants) -> dict[str, SessionRole]:
    return {each.id: each.role for each in await participants.of("s") if not each.author}


# ── taking part ──────────────────────────────────────────────────────────────────────────────


async def test_whoever_opens_one_takes_part(
    people: People, links: ShareLinks, owner: Person, participants: Participants, bus: MemoryBus
) -> None:
    link, secret = await links.create("s", owner, role="commenter", uses=2)
    assert (link.role, link.uses_left, link.created_by, link.public) == (
        "commenter",
        2,
        owner.name,
        False,
    )
    offer = await links.look(secret)
    assert (offer.session_id, offer.title, offer.link) == ("s", "T", link)
    one, two, three = await member(people), await member(people), await member(people)
    with bus.subscribe(topic="access") as words:
        assert await links.use(secret, one) == "s"
        assert words.sessions() == {"s"}
    assert [each.uses_left for each in await links.of_session("s")] == [1]
    await links.use(secret, two)
    assert await links.of_session("s") == []
    for late in (links.use(secret, three), links.look(secret)):
        with pytest.raises(LinkOver):
            await late
    assert await roles(participants) == {one.id: "commenter", two.id: "commenter"}


async def test_nobody_is_lowered_and_nothing_is_used_for_it(
    people: People, links: ShareLinks, owner: Person, participants: Participants
) -> None:
    driver, viewer = await member(people), await member(people)
    await participants.put("s", driver.id, "driver", owner)
    await participants.put("s", viewer.id, "viewer", owner)
    _, secret = await links.create("s", owner, role="commenter", uses=1)
    admin = await people.first_admin()
    for person in (driver, owner, admin):
        assert await links.use(secret, person) == "s"
    assert [each.uses_left for each in await links.of_session("s")] == [1]
    await links.use(secret, viewer)
    assert await roles(participants) == {driver.id: "driver", viewer.id: "commenter"}


async def test_of_many_who_come_at_once_as_many_get_in_as_it_is_for(
    people: People, links: ShareLinks, owner: Person, participants: Participants
) -> None:
    _, secret = await links.create("s", owner, uses=2)
    everybody = [await member(people) for _ in range(5)]
    came = await asyncio.gather(
        *(links.use(secret, each) for each in everybody), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in came) == ["LinkOver"] * 3 + ["str"] * 2
    assert len(await roles(participants)) == 2


async def test_for_any_number_it_is_for_any_number(
    people: People, links: ShareLinks, owner: Person, participants: Participants
) -> None:
    _, secret = await links.create("s", owner)
    for _ in range(3):
        await links.use(secret, await member(people))
    assert len(await roles(participants)) == 3
    assert [each.uses_left for each in await links.of_session("s")] == [None]


async def test_it_ends(people: People, links: ShareLinks, owner: Person, clock: Clock) -> None:
    link, revoked = await links.create("s", owner)
    _, old = await links.create("s", owner, days=2)
    await links.revoke("s", link.id, owner)
    clock.advance(days=2)
    for secret in (revoked, old):
        with pytest.raises(LinkOver):
            await links.use(secret, await member(people))
    for session_id, link_id in (("s", link.id), ("s", "none"), ("other", link.id)):
        with pytest.raises(NotFound):
            await links.revoke(session_id, link_id, owner)
    with pytest.raises(NotFound):
        await links.look("nonsense")


@pytest.mark.parametrize("why", ["deleted", "let go", "deactivated"])
async def test_it_is_as_good_as_who_made_it(
    people: People,
    links: ShareLinks,
    owner: Person,
    participants: Participants,
    database: Database,
    bus: MemoryBus,
    clock: Clock,
    why: str,
) -> None:
    second = await member(people)
    await participants.put("s", second.id, "owner", owner)
    _, secret = await links.create("s", second, role="driver")
    _, public = await links.create("s", second, public=True)
    assert await people.by_public_link(public) is not None
    if why == "deleted":
        async with database.write() as tx:
            await sessions.change(tx, "s", deleted_at=clock.now)
    elif why == "let go":
        await participants.put("s", second.id, "driver", owner)
    else:
        await Directory(database, bus).deactivate(second.id, await people.first_admin())
    with pytest.raises(LinkOver):
        await links.use(secret, await member(people))
    assert await people.by_public_link(public) is None
    assert await links.of_session("s") == []


@pytest.mark.parametrize(
    "given",
    [
        {"days": 0},
        {"days": 91},
        {"uses": 0},
        {"uses": 101},
        {"role": "owner"},
        {"public": True, "role": "driver"},
        {"public": True, "uses": 3},
    ],
)
async def test_what_can_not_be_said_of_one(
    links: ShareLinks, owner: Person, given: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInput):
        await links.create("s", owner, **given)
    assert await links.of_session("s") == []


async def test_there_are_only_so_many_and_none_of_nothing(links: ShareLinks, owner: Person) -> None:
    link, _ = await links.create("s", owner)
    for _ in range(4):
        await links.create("s", owner)
    with pytest.raises(TooMany):
        await links.create("s", owner)
    await links.revoke("s", link.id, owner)
    await links.create("s", owner)
    with pytest.raises(NotFound):
        await links.create("none", owner)


async def test_a_session_that_is_purged_takes_its_links_along(
    links: ShareLinks, owner: Person, database: Database
) -> None:
    _, secret = await links.create("s", owner)
    async with database.write() as tx:
        await sessions.purge(tx, "s")
    with pytest.raises(NotFound):
        await links.look(secret)


# ── public ones ──────────────────────────────────────────────────────────────────────────────


async def test_a_public_one_shows_one_session_to_nobody_in_particular(
    people: People, links: ShareLinks, owner: Person, database: Database, bus: MemoryBus
) -> None:
    async with database.write() as tx:
        await add_session(tx, "t", author_id=owner.id, visibility="joinable")
    link, secret = await links.create("s", owner, public=True)
    public = await people.by_public_link(secret)
    assert public is not None
    assert (public.role, public.shown) == ("public", "s")
    assert owner.name not in public.name
    rights = Rights(database, bus, people)
    await rights.require(public, "session.read", "s")
    assert await rights.role_in(public, "s") == "viewer"
    for action in ("session.details", "session.leave", "session.type", "session.use"):
        with pytest.raises(Forbidden):
            await rights.require(public, action, "s")
    for action in ("session.read", "session.use"):
        with pytest.raises(NotFound):
            await rights.require(public, action, "t")
    for action in ("self.own", "sessions.list", "people.read", "tokens.own"):
        with pytest.raises(Forbidden):
            await rights.require(public, action)
    shown = await links.shown_by(public)
    assert shown is not None
    assert shown.created_by == owner.name
    assert await links.shown_by(owner) is None
    # Nobody takes part by it.
    with pytest.raises(InvalidInput):
        await links.use(secret, await member(people))
    assert [each.id for each in await links.of_session("s")] == [link.id]


async def test_a_link_to_take_part_shows_nothing_to_the_public(
    people: People, links: ShareLinks, owner: Person
) -> None:
    link, secret = await links.create("s", owner, role="driver")
    assert await people.by_public_link(secret) is None
    assert await people.by_sign_in(f"public:{link.id}") is None


async def test_what_the_public_has_open_ends_when_it_is_revoked(
    people: People, links: ShareLinks, owner: Person, database: Database, bus: MemoryBus
) -> None:
    link, secret = await links.create("s", owner, public=True)
    public = await people.by_public_link(secret)
    assert public is not None
    rights = Rights(database, bus, people)
    running = asyncio.create_task(rights.run())
    with rights.held(Question(public.sign_in or "", "session.read", "s")) as leave:
        await leave.ask()
        await links.revoke("s", link.id, owner)
        async with asyncio.timeout(60):
            await leave.over.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_where_they_are_switched_off_there_are_none(
    people: People,
    links: ShareLinks,
    owner: Person,
    database: Database,
    bus: MemoryBus,
    clock: Clock,
) -> None:
    _, secret = await links.create("s", owner, public=True)
    off = ShareLinks(database, bus, clock=clock)
    with pytest.raises(Forbidden) as told:
        await off.create("s", owner, public=True)
    assert told.value.reason == "public_links_off"
    with pytest.raises(Forbidden):
        await off.look(secret)
    assert await off.of_session("s") == []
    without = People(database, clock=clock, bus=bus)
    assert await without.by_public_link(secret) is None
    public = await people.by_public_link(secret)
    assert public is not None
    assert await without.by_sign_in(public.sign_in or "") is None
