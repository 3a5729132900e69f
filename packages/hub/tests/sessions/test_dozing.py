"""What counts as use: streams that are open, and programs that run in terminals."""

import asyncio
from pathlib import Path

from bunkhouse.sessions import NewSession
from bunkhouse.sessions.dozing import Dozing
from bunkhouse.sessions.reaching import Reaching, Way
from bunkhouse.sessions.usage import Usage
from bunkhouse.store import sessions
from bunkhouse.store.sessions import SessionRow

from ..conftest import ADMIN, Room
from ..sandbox import FakeSandbox, fake_sandbox
from .runner import Runner


class ReachingOne(Reaching):
    """Finds one sandbox."""

    sandbox: FakeSandbox

    async def socket(self, session_id: str, way: Way) -> Path:
        return self.sandbox.gateway if way == "gateway" else self.sandbox.streams


async def idle(room: Room) -> str:
    view = await room.sessions.create(NewSession(), ADMIN)
    await Runner(room, view.id).start()
    return view.id


async def row_of(room: Room, session: str) -> SessionRow:
    async with room.database.read() as tx:
        row = await sessions.get(tx, session)
    assert row is not None
    return row


async def test_a_program_in_a_terminal_keeps_it_awake(room: Room, short_path: Path) -> None:
    now = [0.0]
    usage = Usage(lambda: now[0])
    reaching = ReachingOne(room.journal, room.links, room.settings)
    dozing = Dozing(room.journal, reaching, usage, room.settings, clock=lambda: now[0])
    session = await idle(room)
    began = (await row_of(room, session)).state_at
    assert began is not None
    now[0] = began.timestamp() + room.settings.hibernate_after - 1
    assert not dozing.due(await row_of(room, session))
    now[0] += 2
    assert dozing.due(await row_of(room, session))
    async with fake_sandbox(short_path) as sandbox:
        reaching.sandbox = sandbox
        sandbox.terminals, sandbox.title = ["t1"], "make test"
        await dozing.doze(session)
        assert (await room.sessions.get(session)).state == "idle"
        # It is looked at again when it was unused for as long again.
        assert not dozing.due(await row_of(room, session))
        sandbox.title = "bash"
        now[0] += room.settings.hibernate_after
        await dozing.doze(session)
    assert (await room.sessions.get(session)).state == "hibernating"


async def test_an_open_stream_is_use_until_it_is_closed(short_path: Path) -> None:
    now = [1000.0]
    usage = Usage(lambda: now[0])
    async with fake_sandbox(short_path) as sandbox:
        _, writer = await asyncio.open_unix_connection(str(sandbox.streams))
        usage.hold("s", writer)
        now[0] = 2000.0
        assert usage.in_use("s")
        writer.close()
        assert not usage.in_use("s")
        assert usage.last("s") == 2000.0
    assert usage.last("never seen") == 1000.0
