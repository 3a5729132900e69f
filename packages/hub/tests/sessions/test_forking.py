"""Sessions that begin as a copy: their log, their files, and a hub that dies on the way."""

import asyncio
from collections.abc import Callable

import pytest

from bunkhouse.blobs import Blobs
from bunkhouse.errors import BunkhouseError, Conflict, EngineDown, StorageFull, TooMany
from bunkhouse.people import Person
from bunkhouse.sandboxes.fake import FakeProvider
from bunkhouse.sandboxes.misbehaving import FailingProvider
from bunkhouse.sessions import NewSession
from bunkhouse.sessions.attaching import Attaching
from bunkhouse.sessions.forking import Forking
from bunkhouse.sessions.once import Once
from bunkhouse.sessions.sleepers import Sleepers
from bunkhouse.store import sessions, snapshots
from bunkhouse_protocol.events import (
    AgentMessageChunk,
    Event,
    Problem,
    PromptQueued,
    SessionForked,
    Stage,
    TurnStarted,
)

from ..conftest import ADMIN, Room
from .hub import ends, honest, hub, in_state, until

BOB = Person(id="u_bob", name="Bob", role="member")
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100


@pytest.fixture
def blobs(room: Room) -> Blobs:
    return Attaching.of(room.settings).blobs


async def talked(room: Room, provider: FakeProvider, *more: str) -> str:
    """A session with some turns, whose sandbox has a file."""
    view = await room.sessions.create(NewSession(prompt="one"), ADMIN)
    await until(room, view.id, ends(1))
    for count, text in enumerate(more, start=2):
        await room.sessions.prompt(view.id, text, ADMIN)
        await until(room, view.id, ends(count))
    sandbox = next(s for s in provider.sandboxes.values() if s.spec.session_id == view.id)
    sandbox.files["/workspace/mine"] = "kept"
    return view.id


async def place(room: Room, session: str, text: str) -> int:
    return next(
        event.seq
        for event in await room.sessions.events(session)
        if isinstance(event, PromptQueued) and event.text == text
    )


def said(log: list[Event]) -> list[str]:
    return [event.text for event in log if isinstance(event, PromptQueued)]


def ready(log: list[Event]) -> bool:
    """The copy has been started."""
    forked = next((n for n, e in enumerate(log) if isinstance(e, SessionForked)), len(log))
    return in_state("idle")(log[forked:])


def begun(turn_id: str) -> Callable[[list[Event]], bool]:
    return lambda log: any(isinstance(e, TurnStarted) and e.turn_id == turn_id for e in log)


def kept_away(log: list[Event]) -> bool:
    return any(isinstance(e, Stage) and (e.name, e.status) == ("snapshot", "done") for e in log)


async def undone(room: Room, session: str) -> list[str] | None:
    async with room.database.read() as tx:
        row = await sessions.get(tx, session)
    assert row is not None
    return row.rewind["undone"] if row.rewind else None


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider(honest)


async def test_a_copy_of_an_earlier_moment(
    room: Room, provider: FakeProvider, blobs: Blobs
) -> None:
    forking = Forking(room.journal, provider, blobs, room.settings)
    async with hub(room, provider, forking=forking):
        session = await talked(room, provider, "two", "three")
        picture = await blobs.add(session, PNG)
        before = list(await room.sessions.events(session))
        view = await forking.fork(session, await place(room, session, "two"), BOB)
        assert (view.state, view.author, view.title) == ("queued", "Bob", "Fork of one")
        assert view.visibility == (await room.sessions.get(session)).visibility == "private"
        assert view.forked_from is not None
        assert (view.forked_from.session_id, view.forked_from.title) == (session, "one")
        log = await until(room, view.id, ready)
        assert [event.seq for event in log] == list(range(1, len(log) + 1))
        assert said(log) == ["one"]
        cut = next(n for n, event in enumerate(log) if isinstance(event, SessionForked))
        assert log[:cut] == before[:cut]
        turns = [e.turn_id for e in before if isinstance(e, TurnStarted)]
        # The runner is to go back, and no prompt reaches the agent before.
        assert await undone(room, view.id) == turns[1:]
        (copy,) = [s for s in provider.sandboxes.values() if s.spec.session_id == view.id]
        assert copy.files == {"/workspace/mine": "kept"}
        copy.files["/workspace/mine"] = "other"
        assert (await blobs.get(view.id, picture)).data == PNG
        original = next(s for s in provider.sandboxes.values() if s.spec.session_id == session)
        assert original.files == {"/workspace/mine": "kept"}
        assert original.running
        assert copy.spec.token != original.spec.token
        assert list(await room.sessions.events(session)) == before
        await room.sessions.prompt(session, "on", ADMIN)
        await until(room, session, ends(4))


async def test_a_copy_of_now_goes_on_by_itself(
    room: Room, provider: FakeProvider, blobs: Blobs
) -> None:
    forking = Forking(room.journal, provider, blobs, room.settings)
    async with hub(room, provider, forking=forking):
        session = await talked(room, provider, "two")
        view = await forking.fork(session, None, BOB)
        log = await until(room, view.id, ready)
        assert said(log) == ["one", "two"]
        assert await undone(room, view.id) is None
        prompt = await room.sessions.prompt(view.id, "here", BOB)
        log = await until(room, view.id, ends(3))
        assert prompt.id in [e.turn_id for e in log if isinstance(e, TurnStarted)]
        assert said(list(await room.sessions.events(session))) == ["one", "two"]


async def test_what_the_original_did_meanwhile_is_not_the_copys(
    room: Room, provider: FakeProvider, blobs: Blobs
) -> None:
    forking = Forking(room.journal, provider, blobs, room.settings)
    async with hub(room, provider):  # which does not copy: somebody is quicker
        session = await talked(room, provider)
        view = await forking.fork(session, None, BOB)
        later = await room.sessions.prompt(session, "later", ADMIN)
        await until(room, session, ends(2))
        await forking.copy(view.id)
        assert await undone(room, view.id) == [later.id]


async def test_what_waited_and_who_drove_do_not_go_on_in_the_copy(
    room: Room, provider: FakeProvider, blobs: Blobs
) -> None:
    forking = Forking(room.journal, provider, blobs, room.settings)
    async with hub(room, provider, forking=forking):
        session = await talked(room, provider)
        running = await room.sessions.prompt(session, "wait", ADMIN)
        await until(room, session, begun(running.id))
        await room.sessions.prompt(session, "queued meanwhile", ADMIN)
        with pytest.raises(Conflict) as busy:
            await forking.fork(session, None, BOB)
        assert busy.value.reason == "busy"
        view = await forking.fork(session, await place(room, session, "wait"), BOB)
        assert view.queue == []
        log = list(await room.sessions.events(view.id))
        assert said(log) == ["one"]


async def test_frames_at_the_end_of_the_log_are_folded_in_the_copy_too(
    room: Room, provider: FakeProvider, blobs: Blobs
) -> None:
    async with hub(room, provider):
        session = await talked(room, provider)
        frames = [AgentMessageChunk(message_id="late", text=text) for text in "abc"]
        await room.journal.note(session, *frames)
        length = (await room.sessions.get(session)).last_seq
        view = await Forking(room.journal, provider, blobs, room.settings).fork(session, None, BOB)
        log = await room.sessions.events(view.id, folded=True)
        run = next(event for event in log if getattr(event, "message_id", None) == "late")
        assert (run.first_seq, run.seq) == (length - 2, length)
        plain = await room.sessions.events(view.id)
        assert [event.seq for event in plain] == list(range(1, len(plain) + 1))


async def test_a_hub_that_dies_while_files_are_copied(
    room: Room, provider: FakeProvider, blobs: Blobs
) -> None:
    class Dying(FakeProvider):
        reached = asyncio.Event()

        async def snapshot(self, sandbox_id: str, snapshot_id: str) -> None:
            await super().snapshot(sandbox_id, snapshot_id)
            self.reached.set()
            await asyncio.Event().wait()

    dying = Dying(honest, sandboxes=provider.sandboxes, kept=provider.kept)
    forking = Forking(room.journal, dying, blobs, room.settings)
    async with hub(room, dying, forking=forking):
        session = await talked(room, provider)
        view = await forking.fork(session, None, BOB)
        async with asyncio.timeout(20):
            await dying.reached.wait()
    assert (await room.sessions.get(view.id)).state == "queued"
    async with hub(room, provider, forking=Forking(room.journal, provider, blobs, room.settings)):
        await until(room, view.id, ready)
    assert len(provider.kept) == 1


async def test_files_that_can_not_be_copied(room: Room, blobs: Blobs) -> None:
    provider = FailingProvider(honest)
    provider.fail("snapshot", StorageFull("The disk is full.", remedy="Free some."))
    forking = Forking(room.journal, provider, blobs, room.settings)
    async with hub(room, provider, forking=forking):
        session = await talked(room, provider)
        view = await forking.fork(session, None, BOB)
        log = await until(room, view.id, in_state("failed"))
        problem = next(event for event in log if isinstance(event, Problem))
        assert (problem.code, problem.remedy) == ("not_copied", "Free some.")
        await room.sessions.retry(view.id, by=BOB)
        await until(room, view.id, ready)


async def test_an_engine_that_is_away_is_waited_for(room: Room, blobs: Blobs) -> None:
    provider = FailingProvider(honest)
    forking = Forking(room.journal, provider, blobs, room.settings)
    async with hub(room, provider):
        session = await talked(room, provider)
        view = await forking.fork(session, None, BOB)
        provider.fail("snapshot", EngineDown("It is away."))
        await forking.copy(view.id)
        assert (await room.sessions.get(view.id)).state == "queued"
        await forking.copy(view.id)
        await until(room, view.id, ready)


async def test_a_copy_of_one_that_has_ended_outlives_it(
    room: Room, provider: FakeProvider, blobs: Blobs
) -> None:
    forking = Forking(room.journal, provider, blobs, room.settings)
    sleepers = Sleepers(room.journal)
    async with hub(room, provider, forking=forking):
        session = await talked(room, provider)
        await sleepers.end(session, ADMIN)
        await until(room, session, kept_away)
        view = await forking.fork(session, None, BOB)
        await room.sessions.delete(session, ADMIN)
        await until(room, view.id, ready)
        (copy,) = [s for s in provider.sandboxes.values() if s.spec.session_id == view.id]
        assert copy.files == {"/workspace/mine": "kept"}


async def test_it_is_made_once_and_nothing_stays_of_a_refusal(
    room: Room, provider: FakeProvider, blobs: Blobs
) -> None:
    forking = Forking(room.journal, provider, blobs, room.settings)
    async with hub(room, provider):
        session = await talked(room, provider)
        await blobs.add(session, PNG)
        key = Once.of(BOB, "k", "fork", seconds=60)
        views = [await forking.fork(session, None, BOB, key=key) for _ in range(2)]
        assert views[0].id == views[1].id
        for seq, code in ((99, "unknown_seq"), (1, "not_a_prompt")):
            with pytest.raises(BunkhouseError) as error:
                await forking.fork(session, seq, BOB)
            assert error.value.reason == code
        with pytest.raises(BunkhouseError):
            await forking.fork("none", None, BOB)
        room.settings.max_sessions_per_person = 1
        with pytest.raises(TooMany):
            await forking.fork(session, None, BOB)
        bare = await room.sessions.create(
            NewSession(), Person(id="u_carl", name="Carl", role="member")
        )
        listed, _ = await room.sessions.list()
        assert {view.id for view in listed} == {session, views[0].id, bare.id}
        folders = {path.name for path in (room.settings.data_dir / "blobs").iterdir()}
        assert folders == {session, views[0].id}


async def test_nothing_to_copy(room: Room, provider: FakeProvider, blobs: Blobs) -> None:
    bare = await room.sessions.create(NewSession(), ADMIN)
    with pytest.raises(Conflict) as error:
        await Forking(room.journal, provider, blobs, room.settings).fork(bare.id, None, BOB)
    assert error.value.reason == "nothing_to_fork"
    async with room.database.read() as tx:
        assert await snapshots.every(tx) == []
