"""What was under way when the backup was taken comes to a right state without its sandboxes."""

import tempfile
from pathlib import Path

from bunkhouse import backup
from bunkhouse.sandboxes.fake import FakeProvider
from bunkhouse.sandboxes.fake import idle as silent
from bunkhouse.sandboxes.readiness import Readiness
from bunkhouse.sessions import NewSession
from bunkhouse.store import sandboxes
from bunkhouse_protocol.events import Notice

from ..conftest import ADMIN, Room, opened_room
from ..sessions.test_reconciler import Images, ends, honest, hub, in_state, until
from ..stores import Stores


async def test_each_session_is_usable_again(room: Room, stores: Stores, tmp_path: Path) -> None:
    images, first = Images(), FakeProvider(honest)
    async with hub(room, first, images):
        idle = await room.sessions.create(NewSession(prompt="one"), ADMIN)
        await until(room, idle.id, ends(1))
        working = await room.sessions.create(NewSession(prompt="wait"), ADMIN)
        await until(room, working.id, lambda log: log[-1].type == "agent_message_chunk")
        images.now = Readiness(None, "The sandbox image is being built.")
        queued = await room.sessions.create(NewSession(prompt="later"), ADMIN)
        await until(room, queued.id, in_state("queued"))
    for sandbox_id in list(first.sandboxes):  # else they would dial the next hub
        await first.destroy(sandbox_id)
    images.now = Readiness("image:1", None)
    async with hub(room, FakeProvider(silent), images):
        # The store says that it starts; nobody ever dials in.
        await until(room, queued.id, lambda log: any(e.type == "stage" for e in log))
        deleted = await room.sessions.create(NewSession(prompt="gone"), ADMIN)
        await room.sessions.delete(deleted.id, ADMIN)
        path, _ = await backup.take(
            room.settings.database, room.settings.data_dir, tmp_path / "backup.tar"
        )

    with stores.empty() as place, tempfile.TemporaryDirectory(prefix="bh") as folder:
        target = Path(folder) / "bunkhouse.db" if isinstance(place, Path) else place
        await backup.restore(path, target, Path(folder))
        async with opened_room(Path(folder), target) as restored:
            # Another machine: its engine knows none of the sandboxes.
            provider = FakeProvider(honest)
            async with hub(restored, provider):
                for view in (idle, working, queued):
                    await restored.sessions.prompt(view.id, "go on", ADMIN)
                log = await until(restored, idle.id, ends(2))
                assert any(isinstance(e, Notice) and e.code == "sandbox_lost" for e in log)
                await until(restored, working.id, ends(1))
                await until(restored, queued.id, ends(2))  # what it began with, and "go on"
                assert {each.spec.session_id for each in provider.sandboxes.values()} == {
                    idle.id,
                    working.id,
                    queued.id,
                }
                found, _ = await restored.sessions.list()
                assert {view.id: view.state for view in found} == dict.fromkeys(
                    (idle.id, working.id, queued.id), "idle"
                )
                async with restored.database.read() as tx:
                    living = {each.id for each in await sandboxes.living(tx)}
                assert set(provider.sandboxes) <= living
