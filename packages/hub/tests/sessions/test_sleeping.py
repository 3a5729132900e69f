"""To sleep and back, away and back: with a hub that works, and with one that dies at each step."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bunkhouse.errors import Conflict, EngineDown, SnapshotMissing, StorageFull
from bunkhouse.people import Person
from bunkhouse.sandboxes.fake import FakeProvider, FakeSandbox, FakeSnapshot
from bunkhouse.sandboxes.misbehaving import FailingProvider, LyingProvider
from bunkhouse.sandboxes.provider import SandboxSpec
from bunkhouse.sessions import NewSession, keeping
from bunkhouse.sessions.sleepers import Sleepers
from bunkhouse.sessions.usage import Usage
from bunkhouse.store import sandboxes, snapshots
from bunkhouse.store.sandboxes import hash_token
from bunkhouse_protocol.events import Event, Notice, Problem, Stage, StateChanged

from ..conftest import ADMIN, Room
from .hub import ends, honest, hub, in_state, until

BOB = Person(id="u_bob", name="Bob", role="member")


class Clock:
    """A time that a test moves."""

    def __init__(self) -> None:
        self.late = 0.0

    def __call__(self) -> float:
        return datetime.now(UTC).timestamp() + self.late


class Crashing(FakeProvider):
    """One call is reached and never returns, before its work or after it: there the hub dies."""

    def __init__(
        self,
        call: str | None = None,
        *,
        after: bool = False,
        sandboxes: dict[str, FakeSandbox] | None = None,
        kept: dict[str, FakeSnapshot] | None = None,
    ) -> None:
        super().__init__(honest, sandboxes=sandboxes, kept=kept)
        self._call, self._after = call, after
        self.reached = asyncio.Event()

    async def _do(self, call: str, work: Callable[[], Awaitable[Any]]) -> Any:
        dies = call == self._call and not self.reached.is_set()
        done = await work() if self._after or not dies else None
        if dies:
            self.reached.set()
            await asyncio.Event().wait()
        return done

    async def create(self, spec: SandboxSpec) -> None:
        await self._do("create", lambda: super(Crashing, self).create(spec))

    async def start(self, sandbox_id: str) -> None:
        await self._do("start", lambda: super(Crashing, self).start(sandbox_id))

    async def stop(self, sandbox_id: str, grace: float = 10.0) -> None:
        await self._do("stop", lambda: super(Crashing, self).stop(sandbox_id, grace))

    async def size(self, sandbox_id: str) -> int:
        return await self._do("size", lambda: super(Crashing, self).size(sandbox_id))

    async def snapshot(self, sandbox_id: str, snapshot_id: str) -> None:
        await self._do("snapshot", lambda: super(Crashing, self).snapshot(sandbox_id, snapshot_id))

    async def destroy(self, sandbox_id: str) -> None:
        await self._do("destroy", lambda: super(Crashing, self).destroy(sandbox_id))


@pytest.fixture
def sleepers(room: Room) -> Sleepers:
    return Sleepers(room.journal)


def states(log: list[Event]) -> list[str]:
    return [event.state for event in log if isinstance(event, StateChanged)]


def times_in(state: str, count: int) -> Callable[[list[Event]], bool]:
    return lambda log: states(log).count(state) >= count


def told(code: str) -> Callable[[list[Event]], bool]:
    return lambda log: any(isinstance(e, Notice | Problem) and e.code == code for e in log)


def kept_away(log: list[Event]) -> bool:
    return any(isinstance(e, Stage) and (e.name, e.status) == ("snapshot", "done") for e in log)


async def started(room: Room, provider: FakeProvider, **more: Any) -> tuple[str, FakeSandbox]:
    """A session that has done its first turn and left a file."""
    view = await room.sessions.create(NewSession(prompt="one", **more), ADMIN)
    await until(room, view.id, ends(1))
    sandbox = next(s for s in provider.sandboxes.values() if s.spec.session_id == view.id)
    sandbox.files["/workspace/mine"] = "kept"
    return view.id, sandbox


async def gone(room: Room, done: Callable[[], bool]) -> None:
    """Until the reconciler has come to this."""
    async with asyncio.timeout(20):
        with room.bus.subscribe(topic="state") as subscription:
            while not done():
                await subscription.wait()


async def test_asleep_by_hand_it_wakes_with_the_next_prompt(room: Room, sleepers: Sleepers) -> None:
    provider = FakeProvider(honest)
    async with hub(room, provider):
        session, sandbox = await started(room, provider)
        await sleepers.hibernate(session, ADMIN)
        await sleepers.hibernate(session, ADMIN)
        log = await until(room, session, in_state("hibernated"))
        assert states(log)[-2:] == ["hibernating", "hibernated"]
        stop = [(e.name, e.status, e.ms is None) for e in log if isinstance(e, Stage)][-2:]
        assert stop == [("stop", "started", True), ("stop", "done", False)]
        assert not sandbox.running
        shown = await room.sessions.get(session)
        assert shown.kept is not None
        assert (shown.kept.form, shown.kept.bytes, shown.kept.until) == ("sandbox", 4, None)

        await room.sessions.prompt(session, "two", ADMIN)
        log = await until(room, session, ends(2))
        assert states(log)[-4:] == ["restoring", "idle", "working", "idle"]
        assert list(provider.sandboxes.values()) == [sandbox]
        assert sandbox.files == {"/workspace/mine": "kept"}
        assert (await room.sessions.get(session)).kept is None
        assert [event.seq for event in log] == list(range(1, len(log) + 1))


async def test_ended_it_is_brought_back_with_its_files_and_a_new_token(
    room: Room, sleepers: Sleepers
) -> None:
    provider = FakeProvider(honest)
    async with hub(room, provider):
        session, first = await started(room, provider)
        await sleepers.end(session, BOB)
        await sleepers.end(session, BOB)
        await until(room, session, kept_away)
        await gone(room, lambda: not provider.sandboxes)
        shown = await room.sessions.get(session)
        assert (shown.state, shown.state_reason) == ("ended", "Bob ended it")
        assert shown.kept is not None
        assert shown.kept.form == "snapshot"
        assert shown.kept.until is not None
        assert shown.kept.until > datetime.now(UTC) + timedelta(days=29)

        await sleepers.wake(session, ADMIN)
        await until(room, session, lambda log: states(log)[-2:] == ["restoring", "idle"])
        (second,) = provider.sandboxes.values()
        assert second.files == {"/workspace/mine": "kept"}
        assert second.spec.token != first.spec.token
        async with room.database.read() as tx:
            assert await sandboxes.by_token(tx, hash_token(first.spec.token)) is None
            assert await sandboxes.by_token(tx, hash_token(second.spec.token)) is not None

        # Away once more, on top of what it stood on, which is not needed by name any more.
        second.files["/workspace/more"] = "too"
        (older,) = provider.kept
        await sleepers.end(session, ADMIN)
        await gone(room, lambda: not provider.sandboxes and older not in provider.kept)
        (newer,) = provider.kept.values()
        assert newer.files == {"/workspace/mine": "kept", "/workspace/more": "too"}
        await room.sessions.prompt(session, "two", ADMIN)
        await until(room, session, ends(2))
        await room.sessions.delete(session, ADMIN)
        await gone(room, lambda: not provider.sandboxes and not provider.kept)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", ["stop", "size", "start"])
async def test_a_hub_that_dies_on_the_way_to_sleep_and_back(
    room: Room, sleepers: Sleepers, call: str, after: bool
) -> None:
    provider = Crashing()
    async with hub(room, provider):
        session, sandbox = await started(room, provider)
    dying = Crashing(call, after=after, sandboxes=provider.sandboxes)
    async with hub(room, dying):
        await sleepers.hibernate(session, ADMIN)
        if call == "start":
            await until(room, session, in_state("hibernated"))
            await sleepers.wake(session, ADMIN)
        async with asyncio.timeout(20):
            await dying.reached.wait()
    async with hub(room, provider):
        if call != "start":
            await until(room, session, in_state("hibernated"))
            assert not sandbox.running
        await room.sessions.prompt(session, "two", ADMIN)
        log = await until(room, session, ends(2))
        assert [event.seq for event in log] == list(range(1, len(log) + 1))
    assert list(provider.sandboxes.values()) == [sandbox]
    assert sandbox.files == {"/workspace/mine": "kept"}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", ["stop", "snapshot", "destroy", "create", "start"])
async def test_a_hub_that_dies_while_it_puts_away_and_brings_back(
    room: Room, sleepers: Sleepers, call: str, after: bool
) -> None:
    provider = Crashing()
    async with hub(room, provider):
        session, _ = await started(room, provider)
    dying = Crashing(call, after=after, sandboxes=provider.sandboxes, kept=provider.kept)
    async with hub(room, dying):
        await sleepers.end(session, ADMIN)
        if call in ("create", "start"):
            await until(room, session, kept_away)
            await sleepers.wake(session, ADMIN)
        async with asyncio.timeout(20):
            await dying.reached.wait()
    async with hub(room, provider):
        if call not in ("create", "start"):
            await until(room, session, kept_away)
            await gone(room, lambda: not provider.sandboxes)
        await room.sessions.prompt(session, "two", ADMIN)
        await until(room, session, ends(2))
        await gone(room, lambda: len(provider.sandboxes) == 1)
    (sandbox,) = provider.sandboxes.values()
    assert sandbox.files == {"/workspace/mine": "kept"}
    assert len(provider.kept) == 1


async def test_who_comes_back_on_the_way_gets_the_session_back(
    room: Room, sleepers: Sleepers
) -> None:
    provider = FakeProvider(honest)
    async with hub(room, provider):
        session, sandbox = await started(room, provider)
        await sleepers.hibernate(session, ADMIN)
        await room.sessions.prompt(session, "two", ADMIN)
        await until(room, session, ends(2))
        await sleepers.end(session, ADMIN)
        await sleepers.wake(session, ADMIN)
        await until(room, session, times_in("restoring", 2))
        await room.sessions.prompt(session, "three", ADMIN)
        await until(room, session, ends(3))
        assert list(provider.sandboxes.values()) == [sandbox]
        async with room.database.read() as tx:
            assert await snapshots.every(tx) == []


async def test_unused_it_goes_to_sleep_by_itself_and_in_use_it_does_not(
    room: Room, sleepers: Sleepers
) -> None:
    clock = Clock()
    usage = Usage(clock)
    provider = FakeProvider(honest)
    async with hub(room, provider, usage=usage, clock=clock):
        session, _ = await started(room, provider)
        never, _ = await started(room, provider)
        used, _ = await started(room, provider)
        await sleepers.hibernate_after(never, 0)
        clock.late = 3600
        usage.touch(used)
        log = await until(room, session, in_state("hibernated"))
        move = next(e for e in log if isinstance(e, StateChanged) and e.state == "hibernating")
        assert move.reason == "nobody used it for 30 minutes"
        await sleepers.hibernate_after(used, 60)
        clock.late += 120
        await until(room, used, in_state("hibernated"))
        assert (await room.sessions.get(never)).state == "idle"
        await sleepers.hibernate_after(never, None)
        await until(room, never, in_state("hibernated"))


async def test_for_want_of_room_the_one_unused_longest_makes_room(
    room: Room, sleepers: Sleepers
) -> None:
    room.settings.max_sandboxes = 2
    provider = FakeProvider(honest)
    async with hub(room, provider):
        first, _ = await started(room, provider)
        second, _ = await started(room, provider)
        third, _ = await started(room, provider)
        await until(room, first, told("made_room"))
        assert (await room.sessions.get(second)).state == "idle"
        # Who wakes up takes somebody's room in turn.
        await room.sessions.prompt(first, "again", ADMIN)
        await until(room, first, ends(2))
        await until(room, second, in_state("hibernated"))
        assert (await room.sessions.get(third)).state == "idle"
        assert sum(sandbox.running for sandbox in provider.sandboxes.values()) == 2


async def test_without_room_who_wakes_up_waits_and_is_told_why(
    room: Room, sleepers: Sleepers
) -> None:
    room.settings.max_sandboxes = 1
    provider = FakeProvider(honest)
    async with hub(room, provider):
        first, _ = await started(room, provider)
        await sleepers.hibernate(first, ADMIN)
        await until(room, first, in_state("hibernated"))
        second, _ = await started(room, provider)
        await sleepers.hibernate_after(second, 0)  # it stays where it is
        await sleepers.wake(first, ADMIN)
        await until(room, first, times_in("restoring", 2))
        shown = await room.sessions.get(first)
        assert shown.state == "restoring"
        assert "the limit" in (shown.state_reason or "")
        await sleepers.end(second, ADMIN)
        await until(room, first, lambda log: states(log)[-1] == "idle")


async def test_what_runs_or_is_driven_does_not_go_to_sleep(room: Room, sleepers: Sleepers) -> None:
    provider = FakeProvider(honest)
    async with hub(room, provider):
        session, _ = await started(room, provider)
        await room.sessions.prompt(session, "wait", ADMIN)
        with pytest.raises(Conflict) as refused:
            await sleepers.hibernate(session, ADMIN)
        assert refused.value.reason == "busy"
        assert refused.value.remedy
        # But it can be ended, and goes on with what waited when it is brought back.
        await room.sessions.prompt(session, "later", ADMIN)
        await sleepers.end(session, ADMIN)
        await until(room, session, kept_away)
        assert [prompt.text for prompt in (await room.sessions.get(session)).queue] == ["later"]
        await sleepers.wake(session, ADMIN)
        await until(room, session, ends(2))


async def test_what_can_not_be_stopped_stays_awake_and_says_so(
    room: Room, sleepers: Sleepers
) -> None:
    provider = LyingProvider(honest, lies={"stop"})
    async with hub(room, provider):
        session, sandbox = await started(room, provider)
        await sleepers.hibernate(session, ADMIN)
        log = await until(room, session, told("not_hibernated"))
        assert sandbox.running
        await room.sessions.prompt(session, "two", ADMIN)
        await until(room, session, ends(2))
        assert states(log)[-2:] == ["hibernating", "idle"]


@pytest.mark.parametrize("lies", [False, True], ids=["full", "lying"])
async def test_files_that_can_not_be_kept_are_not_given_up(
    room: Room, sleepers: Sleepers, lies: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "AGAIN_SECONDS", 0.0)
    lying = LyingProvider(honest, lies={"snapshot"})
    failing = FailingProvider(honest)
    failing.fail("snapshot", StorageFull("The disk is full.", remedy="Make room."), times=2)
    provider = lying if lies else failing
    async with hub(room, provider):
        session, sandbox = await started(room, provider)
        await sleepers.end(session, ADMIN)
        log = await until(room, session, told("not_kept"))
        assert list(provider.sandboxes.values()) == [sandbox]
        lying.lies.clear()
        log = await until(room, session, kept_away)
        assert sum(isinstance(e, Problem) and e.code == "not_kept" for e in log) == 1
        await gone(room, lambda: not provider.sandboxes)
        (snapshot,) = provider.kept.values()
        assert snapshot.files == {"/workspace/mine": "kept"}


async def test_an_engine_that_is_away_only_delays(room: Room, sleepers: Sleepers) -> None:
    provider = FailingProvider(honest)
    async with hub(room, provider):
        session, _ = await started(room, provider)
        provider.fail("stop", EngineDown("It does not answer."))
        await sleepers.hibernate(session, ADMIN)
        await until(room, session, in_state("hibernated"))
        provider.fail("start", EngineDown("It does not answer."))
        await sleepers.wake(session, ADMIN)
        log = await until(room, session, lambda log: states(log)[-1] == "idle")
        assert states(log)[-3:] == ["restoring", "restoring", "idle"]


async def test_what_was_kept_long_enough_is_removed_and_can_not_be_brought_back(
    room: Room, sleepers: Sleepers
) -> None:
    provider = FakeProvider(honest)
    provider.kept["stray"] = FakeSnapshot("nobody", {})
    async with hub(room, provider):
        await gone(room, lambda: not provider.kept)
        session, _ = await started(room, provider)
        await sleepers.end(session, ADMIN)
        await until(room, session, kept_away)
        async with room.journal.change(session) as change:
            change.row.kept_until = datetime.now(UTC) - timedelta(seconds=1)
            change.moved = True
        await until(room, session, told("snapshot_removed"))
        await gone(room, lambda: not provider.kept)
        for bring_back in (
            lambda: sleepers.wake(session, ADMIN),
            lambda: room.sessions.prompt(session, "two", ADMIN),
        ):
            with pytest.raises(SnapshotMissing) as refused:
                await bring_back()
            assert refused.value.remedy
        assert (await room.sessions.get(session)).state == "ended"


async def test_a_snapshot_that_somebody_else_removed_ends_the_session_in_words(
    room: Room, sleepers: Sleepers
) -> None:
    provider = FakeProvider(honest)
    async with hub(room, provider):
        session, _ = await started(room, provider)
        await sleepers.end(session, ADMIN)
        await until(room, session, kept_away)
        await gone(room, lambda: not provider.sandboxes)
        provider.kept.clear()
        await sleepers.wake(session, ADMIN)
        log = await until(room, session, told("snapshot_missing"))
        log = await until(room, session, times_in("ended", 2))
        assert states(log)[-1] == "ended"
        with pytest.raises(SnapshotMissing):
            await sleepers.wake(session, ADMIN)


async def test_a_sleeping_sandbox_that_is_gone_is_made_anew_and_one_that_runs_stopped(
    room: Room, sleepers: Sleepers
) -> None:
    provider = FakeProvider(honest)
    async with hub(room, provider):
        session, sandbox = await started(room, provider)
        await sleepers.hibernate(session, ADMIN)
        await until(room, session, in_state("hibernated"))
        await provider.start(sandbox.spec.sandbox_id)
        task = sandbox.task
        assert task is not None
        async with asyncio.timeout(20):
            await asyncio.wait({task})
        await provider.destroy(sandbox.spec.sandbox_id)
        await room.sessions.prompt(session, "two", ADMIN)
        log = await until(room, session, ends(2))
        assert told("sandbox_lost")(log)
