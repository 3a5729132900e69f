"""A small honest runner that stands for the sandbox, and sessions that have one."""

from bunkhouse.sessions import NewSession, runner_word
from bunkhouse_protocol.events import Event
from bunkhouse_protocol.link import EventFrame, Ready

from ..conftest import ADMIN, Room


class Runner:
    """Speaks as a runner does, straight into the store."""

    def __init__(self, room: Room, session_id: str) -> None:
        self.room = room
        self.session_id = session_id
        self.n = 0

    async def start(self, *, ok: bool = True) -> None:
        """Be there: the first prompt, if there is one, becomes a turn. Not `ok`: it can't be."""
        async with self.room.journal.change(self.session_id) as change:
            change.move("starting", "hub")
            await runner_word.greet(change, "spool")
            await runner_word.take(change, Ready(ok=ok))

    async def say(self, *events: Event) -> None:
        async with self.room.journal.change(self.session_id) as change:
            if self.n == 0:
                await runner_word.greet(change, "spool")
            for event in events:
                self.n += 1
                await runner_word.take(change, EventFrame(n=self.n, event=event))

    async def ready(
        self, *, ok: bool = True, turn: str | None = None, rewinds: bool = True
    ) -> None:
        async with self.room.journal.change(self.session_id) as change:
            await runner_word.take(change, Ready(ok=ok, running_turn=turn), rewinds=rewinds)


async def started(room: Room, prompt: str | None = None) -> tuple[str, Runner]:
    view = await room.sessions.create(NewSession(prompt=prompt), ADMIN)
    async with room.journal.change(view.id) as change:
        change.move("starting", "hub")
    return view.id, Runner(room, view.id)


async def working(room: Room) -> tuple[str, Runner, str]:
    session_id, runner = await started(room, "first")
    await runner.ready()
    turn = next(e for e in await room.sessions.events(session_id) if e.type == "turn_started")
    return session_id, runner, turn.turn_id
