"""The life cycle as people, hub and runner live it, in any order: on a real store, with crashes.

The hub is the real reconciler, told when to look. A sandbox is one in memory, whose runner speaks
straight into the store.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bunkhouse.bus.memory import MemoryBus
from bunkhouse.errors import BunkhouseError, Conflict, EngineDown, StorageFull
from bunkhouse.sandboxes.fake import FakeProvider
from bunkhouse.sandboxes.provider import SandboxSpec
from bunkhouse.sessions import (
    Journal,
    Links,
    NewSession,
    Sessions,
    Specs,
    history,
    keeping,
    runner_word,
)
from bunkhouse.sessions.dozing import Dozing
from bunkhouse.sessions.drivers import Drivers
from bunkhouse.sessions.history import History
from bunkhouse.sessions.keeping import Keeper
from bunkhouse.sessions.lifecycle import TABLE, TURN_STATES
from bunkhouse.sessions.reaching import Reaching
from bunkhouse.sessions.reconciler import Reconciler
from bunkhouse.sessions.rewinders import Rewinders
from bunkhouse.sessions.sleepers import Sleepers
from bunkhouse.sessions.starting import Starter
from bunkhouse.sessions.usage import Usage
from bunkhouse.store import Database, prompts, sessions
from bunkhouse.store.sessions import SessionRow
from bunkhouse_protocol.events import (
    Event,
    PermissionRequested,
    PermissionResolved,
    RewindFailed,
    SessionRewound,
    StateChanged,
    TurnEnded,
)
from bunkhouse_protocol.link import EventFrame, Ready

from ..conftest import ADMIN, FakeCatalog
from ..settled import settled
from .hub import Images

MOVES = {(move.source, move.target) for move in TABLE}
CALLS = ["create", "start", "stop", "size", "snapshot", "destroy"]
TROUBLE: list[Callable[[], BunkhouseError]] = [
    lambda: EngineDown("It does not answer."),
    lambda: StorageFull("The disk is full."),
]


class Troubled(FakeProvider):
    """The next call of a name fails, or is never answered: before its work, or after it."""

    call: str | None = None
    after = False
    error: BunkhouseError | None = None

    def __init__(self, runner: Callable[[SandboxSpec], Awaitable[int | None]]) -> None:
        super().__init__(runner)
        self.hangs = asyncio.Event()

    async def _do(self, call: str, work: Callable[[], Awaitable[Any]]) -> Any:
        if call != self.call:
            return await work()
        self.call = None
        if self.after:
            await work()
        if self.error is not None:
            raise self.error
        self.hangs.set()
        return await asyncio.Event().wait()

    async def create(self, spec: SandboxSpec) -> None:
        await self._do("create", lambda: super(Troubled, self).create(spec))

    async def start(self, sandbox_id: str) -> None:
        await self._do("start", lambda: super(Troubled, self).start(sandbox_id))

    async def stop(self, sandbox_id: str, grace: float = 10.0) -> None:
        await self._do("stop", lambda: super(Troubled, self).stop(sandbox_id, 0.05))

    async def size(self, sandbox_id: str) -> int:
        return await self._do("size", lambda: super(Troubled, self).size(sandbox_id))

    async def snapshot(self, sandbox_id: str, snapshot_id: str) -> None:
        await self._do("snapshot", lambda: super(Troubled, self).snapshot(sandbox_id, snapshot_id))

    async def destroy(self, sandbox_id: str) -> None:
        await self._do("destroy", lambda: super(Troubled, self).destroy(sandbox_id))


class Present(Links):
    """Whoever is started is connected; who is to dial again says at once how it is."""

    def __init__(self, house: "House", journal: Journal, specs: Specs) -> None:
        super().__init__(journal, specs, event_bytes=1 << 20)
        self._house = house

    async def wait_connected(self, session_id: str) -> None:
        return

    async def redial(self, session_id: str) -> None:
        await self._house.ready()


class NoDoors:
    async def open(self, sandbox_id: str, session_id: str, run_dir: Path) -> None:
        return

    async def close(self, sandbox_id: str) -> None:
        return


class House:
    """One session, and all that has to do with it."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.settings = settled(data_dir=folder)
        self.journal = Journal(database, MemoryBus())
        self.provider = Troubled(self._runner)
        specs = Specs(database, FakeCatalog(), self.settings)
        self.links = Present(self, self.journal, specs)
        self.sessions = Sessions(self.journal, self.links, FakeCatalog(), specs, self.settings)
        self.sleepers = Sleepers(self.journal)
        self.reaching = Reaching(self.journal, self.links, self.settings)
        self.drivers = Drivers(self.journal, self.reaching)
        self.rewinders = Rewinders(self.journal, self.links)
        self.hub = self._hub()
        self.id = ""
        self.well = True
        self.spoken = 0
        self.wrote = 0
        self.requests = 0
        self.heard = asyncio.Condition()
        self.settled: set[asyncio.Task[Any] | None] = set()

    async def settle(self) -> None:
        """Until every runner that was started has said how it is."""

        def all_have() -> bool:
            running = [one.task for one in self.provider.sandboxes.values() if one.running]
            return all(task in self.settled for task in running)

        async with asyncio.timeout(20), self.heard:
            await self.heard.wait_for(all_have)

    def _hub(self) -> Reconciler:
        starter = Starter(self.journal, self.links, self.provider, NoDoors(), self.settings)
        return Reconciler(
            self.journal,
            self.provider,
            starter,
            Images(),
            self.settings,
            keeper=Keeper(self.journal, self.provider, starter, self.settings),
            dozing=Dozing(self.journal, self.reaching, Usage(), self.settings),
        )

    # ── the runner ───────────────────────────────────────────────────────────────────────────

    async def _runner(self, spec: SandboxSpec) -> int | None:
        async with self.journal.change(spec.session_id) as change:
            self.spoken = await runner_word.greet(change, spec.sandbox_id)
        await self.ready()
        async with self.heard:
            self.settled.add(asyncio.current_task())
            self.heard.notify_all()
        await asyncio.Event().wait()
        return 0

    async def ready(self) -> None:
        async with self.journal.change(self.id) as change:
            running = await prompts.in_state(change.tx, [self.id], "working")
            turn = running[0].id if running else None
            await runner_word.take(change, Ready(ok=self.well, running_turn=turn))

    async def say(self, event: Event) -> None:
        async with self.journal.change(self.id) as change:
            self.spoken += 1
            await runner_word.take(change, EventFrame(n=self.spoken, event=event))

    # ── looking ──────────────────────────────────────────────────────────────────────────────

    async def row(self) -> SessionRow:
        async with self.journal.database.read() as tx:
            row = await sessions.get(tx, self.id)
        assert row is not None
        return row

    async def past(self) -> History:
        async with self.journal.database.read() as tx:
            return await history.read(tx, self.id)

    async def turn(self) -> str | None:
        async with self.journal.database.read() as tx:
            running = await prompts.in_state(tx, [self.id], "working")
        assert len(running) <= 1
        return running[0].id if running else None

    # ── the hub ──────────────────────────────────────────────────────────────────────────────

    async def look(self) -> None:
        async with asyncio.timeout(20):
            await self.hub.look()

    async def die_at(self, call: str, *, after: bool) -> None:
        self.provider.hangs.clear()
        self.provider.call, self.provider.after, self.provider.error = call, after, None
        looking = asyncio.create_task(self.look())
        hangs = asyncio.create_task(self.provider.hangs.wait())
        await asyncio.wait({looking, hangs}, return_when=asyncio.FIRST_COMPLETED)
        self.provider.call = None
        for task in (looking, hangs):
            task.cancel()
        await asyncio.gather(looking, hangs, return_exceptions=True)
        await self.hub.give_up()
        self.hub = self._hub()


class LifeCycle(RuleBasedStateMachine):
    """What may happen, and what must be so after each of it."""

    def __init__(self) -> None:
        super().__init__()
        keeping.AGAIN_SECONDS = 0.0
        self.folder = tempfile.TemporaryDirectory(prefix="bh")
        self.runner = asyncio.Runner()
        path = Path(self.folder.name)
        database = self.do(Database.open(path / "b.db"))
        self.house = self.do(self._house(path, database))

    async def _house(self, path: Path, database: Database) -> House:
        return House(path, database)

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(self._settled(work))

    async def _settled(self, work: Coroutine[Any, Any, Any]) -> Any:
        try:
            return await work
        finally:
            if hasattr(self, "house"):
                await self.house.settle()

    def ask(self, work: Coroutine[Any, Any, Any]) -> None:
        """What people ask for is done, or refused in words."""
        try:
            self.do(work)
        except Conflict as refused:
            assert refused.message
            assert refused.reason != "internal"

    @property
    def state(self) -> str:
        return self.do(self.house.row()).state

    @initialize(prompt=st.sampled_from([None, "first"]))
    def begin(self, prompt: str | None) -> None:
        view = self.do(self.house.sessions.create(NewSession(prompt=prompt), ADMIN))
        self.house.id = view.id

    # ── people ───────────────────────────────────────────────────────────────────────────────

    @rule()
    def prompt(self) -> None:
        self.ask(self.house.sessions.prompt(self.house.id, "go", ADMIN))

    @rule()
    def stop(self) -> None:
        self.ask(self.house.sessions.stop(self.house.id, ADMIN))

    @rule()
    def hibernate(self) -> None:
        self.ask(self.house.sleepers.hibernate(self.house.id, ADMIN))

    @rule()
    def wake(self) -> None:
        self.ask(self.house.sleepers.wake(self.house.id, ADMIN))

    @rule()
    def end(self) -> None:
        self.do(self.house.sleepers.end(self.house.id, ADMIN))

    @rule()
    def retry(self) -> None:
        self.ask(self.house.sessions.retry(self.house.id, by=ADMIN))

    @rule()
    def drive(self) -> None:
        self.ask(self.house.drivers.drive(self.house.id, ADMIN))

    @rule(forward=st.booleans())
    def rewind(self, forward: bool) -> None:
        """To before the newest prompt whose turn counts, or forward again."""
        past = self.do(self.house.past())
        seq = past.asked[past.live[-1]] if past.live else None
        self.ask(self.house.rewinders.rewind(self.house.id, None if forward else seq, ADMIN))

    @rule(back=st.booleans())
    def drive_no_more(self, back: bool) -> None:
        drivers, session = self.house.drivers, self.house.id
        self.ask(
            drivers.hand_back(session, None, ADMIN) if back else drivers.give_up(session, ADMIN)
        )

    # ── the hub ──────────────────────────────────────────────────────────────────────────────

    @rule(well=st.sampled_from([True, True, True, False]))
    def hub_looks(self, well: bool) -> None:
        self.house.well = well
        self.do(self.house.look())
        self.house.well = True

    @rule(call=st.sampled_from(CALLS), after=st.booleans())
    def hub_dies(self, call: str, after: bool) -> None:
        self.do(self.house.die_at(call, after=after))

    @rule(call=st.sampled_from(CALLS), after=st.booleans(), error=st.sampled_from(TROUBLE))
    def engine_fails(self, call: str, after: bool, error: Callable[[], BunkhouseError]) -> None:
        provider = self.house.provider
        provider.call, provider.after, provider.error = call, after, error()
        self.do(self.house.look())
        provider.call = None

    # ── the sandbox ──────────────────────────────────────────────────────────────────────────

    @precondition(lambda self: self.state in TURN_STATES)
    @rule(outcome=st.sampled_from(["done", "failed", "stopped"]))
    def turn_ends(self, outcome: Any) -> None:
        turn = self.do(self.house.turn())
        self.do(self.house.say(TurnEnded(turn_id=turn, outcome=outcome)))

    @precondition(lambda self: self.state == "working")
    @rule()
    def agent_asks(self) -> None:
        self.house.requests += 1
        name = f"r{self.house.requests}"
        self.do(self.house.say(PermissionRequested(request_id=name, permission="bash", title="t")))

    @precondition(lambda self: self.state == "waiting")
    @rule()
    def agent_is_answered(self) -> None:
        name = f"r{self.house.requests}"
        self.do(self.house.say(PermissionResolved(request_id=name, reply="once")))

    @precondition(lambda self: self.state == "idle")
    @rule(done=st.booleans())
    def sandbox_goes_back(self, done: bool) -> None:
        """It does, or says that it can't; nobody may have asked for it."""
        self.do(self.house.say(SessionRewound() if done else RewindFailed()))

    @precondition(lambda self: self.state == "idle")
    @rule()
    def something_is_written(self) -> None:
        row = self.do(self.house.row())
        sandbox = self.house.provider.sandboxes.get(row.sandbox_id or "")
        if sandbox is not None:
            self.house.wrote += 1
            sandbox.files["mine"] = str(self.house.wrote)

    @rule(oom=st.booleans())
    def sandbox_dies(self, oom: bool) -> None:
        row = self.do(self.house.row())
        sandbox = self.house.provider.sandboxes.get(row.sandbox_id or "")
        if sandbox is not None and sandbox.running:
            self.do(self.house.provider.kill(row.sandbox_id or "", oom=oom))

    # ── what must be so ──────────────────────────────────────────────────────────────────────

    @invariant()
    def the_log_agrees_with_the_row_and_the_table(self) -> None:
        if not self.house.id:
            return
        row = self.do(self.house.row())
        log = self.do(self.house.sessions.events(self.house.id, limit=100_000))
        assert [event.seq for event in log] == list(range(1, row.last_seq + 1))
        state = "queued"
        for event in log:
            if isinstance(event, StateChanged):
                assert event.previous == state
                assert (event.previous, event.state) in MOVES
                state = event.state
        assert state == row.state

    @invariant()
    def a_turn_runs_where_the_state_says_so(self) -> None:
        if not self.house.id:
            return
        row = self.do(self.house.row())
        turn = self.do(self.house.turn())
        if row.state in ("queued", "starting"):
            # Of a sandbox that stopped in a turn: its runner says how that ended once it is back.
            assert turn is not None or not row.pending
        else:
            assert (turn is not None) == (row.state in TURN_STATES)
            assert bool(row.pending) == (row.state == "waiting")
        if row.state in ("hibernating", "hibernated", "ended"):
            assert row.driver is None

    @invariant()
    def what_counts_is_what_the_row_says(self) -> None:
        if not self.house.id:
            return
        row = self.do(self.house.row())
        past = self.do(self.house.past())
        rewound = row.rewind
        if rewound is not None and rewound["state"] == "requested":
            assert row.state not in TURN_STATES
            rewound = rewound["before"]
        # What can come to count again is what the row could bring back, and nothing else.
        assert past.ahead == (rewound["undone"] if rewound else [])
        assert len(set(past.live)) == len(past.live)

    @invariant()
    def what_was_written_is_kept_somewhere(self) -> None:
        if not self.house.wrote:
            return
        row = self.do(self.house.row())
        sandbox = self.house.provider.sandboxes.get(row.sandbox_id or "")
        kept = self.house.provider.kept.get(row.snapshot_id or "")
        there = sandbox if sandbox is not None else kept
        assert there is not None
        assert there.files.get("mine") == str(self.house.wrote)
        if row.state == "hibernated":
            assert sandbox is not None
            assert not sandbox.running

    def teardown(self) -> None:
        """Wherever it has come to, there is a way out: it works again, soon."""
        try:
            if self.house.id:
                self.do(self._work_again())
                self.the_log_agrees_with_the_row_and_the_table()
                self.what_was_written_is_kept_somewhere()
        finally:
            self.do(self.house.hub.give_up())
            self.do(self.house.provider.close())
            self.do(self.house.journal.database.close())
            self.runner.close()
            self.folder.cleanup()

    async def _work_again(self) -> None:
        house = self.house
        if (await house.row()).driver is not None:
            await house.drivers.give_up(house.id, ADMIN)
        queue = (await house.sessions.get(house.id)).queue
        for _ in range(8 + len(queue)):
            row = await house.row()
            if row.state in TURN_STATES:
                turn = await house.turn()
                await house.say(TurnEnded(turn_id=turn or "", outcome="done"))
            elif row.state == "failed":
                await house.sessions.retry(house.id, by=ADMIN)
            elif row.state == "ended" and row.sandbox_id is None and row.snapshot_id is None:
                return  # nothing was ever made of it, and it says so
            elif row.state == "idle" and row.rewind and row.rewind["state"] == "requested":
                await house.say(SessionRewound())
            elif row.state == "idle":
                if house.provider.sandboxes[row.sandbox_id or ""].running:
                    return
            else:
                await house.sleepers.wake(house.id, ADMIN)
            await house.look()
        raise AssertionError(f"it stays {(await house.row()).state}")


TestLifeCycle = LifeCycle.TestCase
TestLifeCycle.settings = settings(
    max_examples=30,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    # A step that hangs takes its whole time-out at each try to make the example shorter.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
