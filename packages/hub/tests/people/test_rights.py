"""Who takes part, and that a change counts at once: for the next question, and what is open."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from bunkhouse.bus.memory import MemoryBus
from bunkhouse.errors import Conflict, NotFound, RoleNeeded, ScopeNeeded, Unauthorized
from bunkhouse.people import (
    Directory,
    Participants,
    People,
    Person,
    Question,
    Rights,
    Visibility,
    rights,
)
from bunkhouse.people.tokens import TokenRules
from bunkhouse.store import Database, sessions

from ..store.rows import add_session
from .conftest import Clock


@pytest.fixture
async def asked(database: Database, bus: MemoryBus, people: People) -> AsyncIterator[Rights]:
    found = Rights(database, bus, people)
    running = asyncio.create_task(found.run())
    yield found
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
def participants(database: Database, bus: MemoryBus) -> Participants:
    return Participants(database, bus)


async def member(people: People) -> Person:
    person = (await people.use_link(await people.sign_in_link("member"))).person
    _, secret = await people.create_token(person, "t")
    found = await people.by_token(secret)
    assert found is not None
    return found


async def session_of(
    database: Database, person: Person, visibility: Visibility = "private"
) -> None:
    async with database.write() as tx:
        await add_session(tx, "s", author_id=person.id, author=person.name, visibility=visibility)


async def test_who_takes_part(
    people: People, database: Database, participants: Participants
) -> None:
    author, other = await member(people), await member(people)
    await session_of(database, author)
    put = await participants.put("s", other.id, "viewer", author)
    assert (put.id, put.role, put.author) == (other.id, "viewer", False)
    assert (await participants.put("s", other.id, "owner", author)).role == "owner"
    listed = await participants.of("s")
    assert [(each.id, each.role, each.author) for each in listed] == [
        (author.id, "owner", True),
        (other.id, "owner", False),
    ]
    await participants.remove("s", other.id, author)
    assert len(await participants.of("s")) == 1
    with pytest.raises(NotFound):
        await participants.remove("s", other.id, author)


async def test_whoever_began_it_stays(
    people: People, database: Database, participants: Participants
) -> None:
    author = await member(people)
    await session_of(database, author)
    with pytest.raises(Conflict):
        await participants.put("s", author.id, "viewer", author)
    with pytest.raises(Conflict):
        await participants.remove("s", author.id, author)


async def test_who_may_not_sign_in_does_not_take_part(
    people: People, database: Database, bus: MemoryBus, participants: Participants
) -> None:
    admin = await people.first_admin()
    author, other = await member(people), await member(people)
    await session_of(database, author)
    await participants.put("s", other.id, "viewer", author)
    await Directory(database, bus).deactivate(other.id, admin)
    assert [each.id for each in await participants.of("s")] == [author.id]
    for nobody in (other.id, "none"):
        with pytest.raises(NotFound):
            await participants.put("s", nobody, "viewer", author)


async def test_two_who_let_the_same_one_in_at_once(
    people: People, database: Database, participants: Participants
) -> None:
    author, other = await member(people), await member(people)
    await session_of(database, author)
    await asyncio.gather(*(participants.put("s", other.id, "driver", author) for _ in range(5)))
    assert len(await participants.of("s")) == 2


async def test_a_session_that_is_purged_takes_its_participants_along(
    people: People, database: Database, participants: Participants
) -> None:
    author, other = await member(people), await member(people)
    await session_of(database, author)
    await participants.put("s", other.id, "viewer", author)
    async with database.write() as tx:
        await sessions.purge(tx, "s")
    with pytest.raises(NotFound):
        await participants.of("s")


async def test_what_one_may_see_is_listed(
    people: People, database: Database, participants: Participants
) -> None:
    author, other = await member(people), await member(people)
    await session_of(database, author)

    async def seen(by: str | None) -> list[str]:
        async with database.read() as tx:
            return [row.id for row in await sessions.page(tx, before=None, limit=9, seen_by=by)]

    assert (await seen(author.id), await seen(other.id), await seen(None)) == (["s"], [], ["s"])
    await participants.put("s", other.id, "viewer", author)
    assert await seen(other.id) == ["s"]
    await participants.remove("s", other.id, author)
    for visibility in ("visible", "joinable"):
        await participants.set_visibility("s", visibility, author)
        assert await seen(other.id) == ["s"]


async def test_a_change_counts_for_the_next_question(
    people: People, database: Database, asked: Rights, participants: Participants
) -> None:
    author, other = await member(people), await member(people)
    await session_of(database, author)
    await participants.put("s", other.id, "driver", author)
    question = Question(other.sign_in or "", "session.prompt", "s")
    await asked.ask(question)
    await participants.put("s", other.id, "viewer", author)
    with pytest.raises(RoleNeeded) as needed:
        await asked.ask(question)
    assert needed.value.role == "driver"
    await participants.remove("s", other.id, author)
    with pytest.raises(NotFound):
        await asked.ask(question)
    await participants.set_visibility("s", "joinable", author)
    await asked.ask(question)


async def test_what_is_open_ends_and_the_others_stay(
    people: People, database: Database, asked: Rights, participants: Participants
) -> None:
    author, other = await member(people), await member(people)
    await session_of(database, author)
    await participants.put("s", other.id, "driver", author)
    ended: list[str] = []

    def question(person: Person) -> Question:
        return Question(person.sign_in or "", "session.use", "s")

    with (
        asked.held(question(author)) as stays,
        asked.held(question(other), lambda: ended.append("one")) as goes,
        asked.held(question(other), lambda: ended.append("two")),
    ):
        await participants.put("s", other.id, "commenter", author)
        async with asyncio.timeout(60):
            await goes.over.wait()
        assert sorted(ended) == ["one", "two"]
        assert not stays.over.is_set()
        await stays.ask()


async def test_what_no_word_comes_of_is_found_out(
    people: People,
    database: Database,
    clock: Clock,
    asked: Rights,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As when the command line, another process, does it."""
    monkeypatch.setattr(rights, "ASK_AGAIN_SECONDS", 0.02)
    author = await member(people)
    await session_of(database, author)
    silent = People(database, clock=clock)
    with asked.held(Question(author.sign_in or "", "session.read", "s")) as leave:
        (token,) = await silent.tokens(author)
        await silent.revoke_token(author, token.id)
        async with asyncio.timeout(60):
            await leave.over.wait()
        with pytest.raises(Unauthorized):
            await leave.ask()


async def test_what_is_open_ends_when_its_token_has_expired(
    people: People,
    database: Database,
    clock: Clock,
    asked: Rights,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rights, "ASK_AGAIN_SECONDS", 0.02)
    author = await member(people)
    await session_of(database, author)
    _, secret = await people.create_token(author, "short", rules=TokenRules(), days=1)
    by_token = await people.by_token(secret)
    assert by_token is not None
    with asked.held(Question(by_token.sign_in or "", "session.read", "s")) as leave:
        await leave.ask()
        clock.advance(days=1)
        async with asyncio.timeout(60):
            await leave.over.wait()


async def test_what_a_token_is_not_made_for_is_refused_while_open_too(
    people: People, database: Database, asked: Rights
) -> None:
    author = await member(people)
    await session_of(database, author)
    _, secret = await people.create_token(author, "reads", scopes=["read"])
    by_token = await people.by_token(secret)
    assert by_token is not None
    await asked.ask(Question(by_token.sign_in or "", "session.read", "s"))
    with pytest.raises(ScopeNeeded) as needed:
        await asked.ask(Question(by_token.sign_in or "", "session.use", "s"))
    assert needed.value.scope == "sessions"
    # Nor is it told whether there is such a session.
    for session_id in ("s", "none"):
        with pytest.raises(ScopeNeeded):
            await asked.require(by_token, "session.prompt", session_id)


async def test_refusals_are_audited_and_questions_about_nothing_are_not(
    people: People, database: Database, asked: Rights
) -> None:
    author, other = await member(people), await member(people)
    admin = await people.first_admin()
    await session_of(database, author)
    with capture_logs() as logs:
        for session_id in ("s", "none"):
            with pytest.raises(NotFound):
                await asked.require(other, "session.read", session_id)
        with pytest.raises(RoleNeeded):
            await asked.require(other, "people.manage")
        for _ in range(2):
            await asked.require(admin, "session.read", "s")
        await asked.require(author, "session.read", "s")
    assert [(each["event"], each["person"], each.get("session")) for each in logs] == [
        ("refused", other.id, "s"),
        ("refused", other.id, None),
        ("admin_in_private_session", admin.id, "s"),
    ]
