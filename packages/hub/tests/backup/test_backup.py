"""A backup restores to what there was at one moment, into either kind of store, or not at all."""

import asyncio
import hashlib
import io
import json
import sqlite3
import tarfile
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bunkhouse import backup
from bunkhouse.blobs import Blobs
from bunkhouse.bus.memory import MemoryBus
from bunkhouse.errors import Conflict, InvalidInput, NotFound
from bunkhouse.people import People
from bunkhouse.sessions import Journal, NewSession
from bunkhouse.sessions.attaching import Attaching
from bunkhouse.store import Database, Place, database, log, outbox, prompts, schema, sessions
from bunkhouse_protocol.events import AgentMessageChunk, Event, Notice
from bunkhouse_protocol.link import StopCommand

from ..conftest import ADMIN, Room
from ..postgres import Server
from ..sessions.runner import Runner
from ..store.filling import contents, fill
from ..stores import Stores

PICTURE = b"\x89PNG\r\n\x1a\n" + b"\0" * 64


@pytest.fixture(params=["sqlite", "postgres"])
def elsewhere(request: pytest.FixtureRequest, postgres: Server, tmp_path: Path) -> Place:
    """An empty place to restore to."""
    if request.param == "sqlite":
        return tmp_path / "restored" / "bunkhouse.db"
    return request.getfixturevalue("other_database")


@pytest.fixture
def other_database(postgres: Server) -> object:
    with postgres.database() as url:
        yield url


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The data folder to restore to."""
    return tmp_path / "restored"


def rows_of(place: Place) -> dict[str, list[dict[str, object]]]:
    with database.at(place).alone() as connection:
        return contents(connection)


@asynccontextmanager
async def opened(place: Place) -> AsyncGenerator[Database]:
    store = await Database.open(place)
    try:
        yield store
    finally:
        await store.close()


async def keep_picture(room: Room, session_id: str) -> Path:
    blobs = Blobs(room.settings.data_dir / "blobs", blob_bytes=10**6, session_bytes=10**6)
    name = hashlib.sha256(PICTURE).hexdigest()
    await blobs.put(session_id, name, PICTURE)
    return Path("blobs") / session_id / name


def make(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)


def files_in(folder: Path) -> list[str]:
    """Names of files that are not of a store."""
    found = [each.name for each in folder.rglob("*") if each.is_file()]
    return sorted(name for name in found if not name.startswith(("b.db", "bunkhouse.db")))


async def taken(room: Room, tmp_path: Path, name: str = "backup.tar") -> Path:
    path, _ = await backup.take(room.settings.database, room.settings.data_dir, tmp_path / name)
    return path


async def test_everything_comes_back(
    room: Room, tmp_path: Path, folder: Path, elsewhere: Place
) -> None:
    people = People(room.database)
    cookie = (await people.use_link(await people.sign_in_link())).secret
    view = await room.sessions.create(NewSession(prompt="grüße\0"), ADMIN)
    runner = Runner(room, view.id)
    await runner.start()
    await runner.say(*(AgentMessageChunk(message_id="m", text=f"w{n}\0 ") for n in range(5)))
    picture = await keep_picture(room, view.id)
    uploads = Attaching.of(room.settings).uploads
    upload = await uploads.add(ADMIN.id, "notes.txt", b"waits for its prompt")
    (room.settings.data_dir / "installation").write_text("0123456789abcdef")
    (room.settings.data_dir / "gateway.key").write_bytes(b"\0key")
    (room.settings.data_dir / "hub.json").write_text("not kept")
    before = rows_of(room.settings.database)

    path = await taken(room, tmp_path, "b.tar.gz" if isinstance(elsewhere, str) else "b.tar")
    assert path.stat().st_mode & 0o777 == 0o600
    manifest = await backup.restore(path, elsewhere, folder)

    assert manifest.rows["sessions"] == 1
    assert rows_of(elsewhere) == before
    assert (folder / picture).read_bytes() == PICTURE
    assert (folder / "installation").read_text() == "0123456789abcdef"
    assert (folder / "gateway.key").read_bytes() == b"\0key"
    assert not (folder / "hub.json").exists()
    restored = Attaching.of(room.settings.model_copy(update={"data_dir": folder})).uploads
    assert await restored.get(ADMIN.id, upload.id) == (upload, b"waits for its prompt")
    async with opened(elsewhere) as store:
        assert (await People(store).by_cookie(cookie)) is not None
        # What is new goes on above what there was.
        journal = Journal(store, MemoryBus())
        old = await journal.read(view.id)
        await journal.note(view.id, Notice(code="after", message=""))
        new = await journal.read(view.id)
        assert [_said(event) for event in new[:-1]] == [_said(event) for event in old]
        assert [event.seq for event in new] == list(range(1, len(old) + 2))


def _said(event: Event) -> dict[str, object]:
    return event.model_dump(exclude={"at"})  # which is coarser once frames are folded


async def test_new_commands_come_after_those_that_were_restored(
    room: Room, tmp_path: Path, folder: Path, elsewhere: Place
) -> None:
    view = await room.sessions.create(NewSession(prompt="first"), ADMIN)
    await Runner(room, view.id).start()
    path = await taken(room, tmp_path)
    await backup.restore(path, elsewhere, folder)
    async with opened(elsewhere) as store:
        async with Journal(store, MemoryBus()).change(view.id) as change:
            await change.command(StopCommand(turn_id="p"))
        async with store.read() as tx:
            waiting = await outbox.waiting(tx, view.id)
        assert [command["command"] for _, _, command in waiting] == ["prompt", "stop"]


async def test_a_backup_taken_while_agents_speak_is_of_one_moment(
    room: Room, tmp_path: Path, folder: Path, elsewhere: Place
) -> None:
    views = [await room.sessions.create(NewSession(prompt="go"), ADMIN) for _ in range(3)]
    runners = [Runner(room, view.id) for view in views]
    for runner in runners:
        await runner.start()
    speaking = asyncio.Event()
    over = asyncio.Event()

    async def speak(runner: Runner) -> None:
        number = 0
        while not over.is_set():
            name = f"m{number // 7}"
            await runner.say(*(AgentMessageChunk(message_id=name, text="word ") for _ in range(3)))
            number += 1
            if number > 5:
                speaking.set()

    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        for runner in runners:
            tasks.create_task(speak(runner))
        await speaking.wait()
        path = await taken(room, tmp_path)
        over.set()
    await backup.restore(path, elsewhere, folder)

    async with opened(elsewhere) as store:
        for runner in runners:
            async with store.read() as tx:
                row = await sessions.get(tx, runner.session_id)
                assert row is not None
                flat = await log.read(tx, row.id, after=0, limit=10**6, folded=False)
            assert [entry.seq for entry in flat] == list(range(1, row.last_seq + 1))
            said = [entry for entry in flat if entry.type == "agent_message_chunk"]
            assert len(said) == row.spool_acked  # the row is of the moment of the log
            assert 0 < row.spool_acked <= runner.n
            assert row.state == "working"


@pytest.mark.parametrize("revision", schema.known())
async def test_a_backup_of_an_earlier_version_is_migrated(
    stores: Stores, tmp_path: Path, folder: Path, revision: str
) -> None:
    with stores.empty() as place, stores.empty() as other:
        with database.at(place).alone() as connection:
            schema.upgrade(connection, revision)
            fill(connection)
            before = contents(connection)
        path, manifest = await backup.take(place, tmp_path, tmp_path / "b.tar")
        assert manifest.revision == revision
        with database.at(place).alone() as connection:
            assert schema.revision(connection) == revision  # taking it changes nothing
        await backup.restore(path, other, folder)
        after = rows_of(other)
        for name, rows in before.items():
            kept = [{key: row[key] for key in rows[0]} for row in after[name]]
            assert kept == rows


async def test_text_that_no_server_keeps_does_not_keep_a_store_from_moving(
    room: Room, tmp_path: Path, folder: Path, stores: Stores, postgres: Server
) -> None:
    """Files that earlier versions wrote may have NUL in text and in JSON."""
    if stores.kind == "postgres":
        return  # it never had any
    view = await room.sessions.create(NewSession(prompt="go"), ADMIN)
    with sqlite3.connect(room.settings.database_path) as file:
        file.execute("UPDATE prompts SET text = 'a' || char(0) || 'b'")
        file.execute("""UPDATE events SET data = '{"type": "notice", "message": "a\\u0000b"}'""")
    path = await taken(room, tmp_path)
    with postgres.database() as url:
        await backup.restore(path, url, folder)
        async with opened(url) as store, store.read() as tx:
            (prompt,) = await prompts.in_state(tx, [view.id], "queued")
            entries = await log.read(tx, view.id, after=0, limit=9, folded=False)
    assert prompt.text == "a\ufffdb"
    assert {entry.data["message"] for entry in entries} == {"a\ufffdb"}


# ── what is refused, and leaves nothing behind ───────────────────────────────────────────────


async def test_only_into_an_empty_store(
    room: Room, tmp_path: Path, folder: Path, stores: Stores
) -> None:
    await room.sessions.create(NewSession(), ADMIN)
    before = rows_of(room.settings.database)
    path = await taken(room, tmp_path)
    with pytest.raises(Conflict) as refused:
        await backup.restore(path, room.settings.database, folder)
    assert refused.value.reason == "not_empty"
    assert rows_of(room.settings.database) == before
    with stores.fresh() as unused:  # its tables are there already, and nothing in them
        await backup.restore(path, unused, folder)
        assert rows_of(unused) == before


async def test_only_into_its_own_folder_or_an_empty_one(
    room: Room, tmp_path: Path, folder: Path, stores: Stores
) -> None:
    view = await room.sessions.create(NewSession(), ADMIN)
    await keep_picture(room, view.id)
    (room.settings.data_dir / "installation").write_text("this one")
    path = await taken(room, tmp_path)
    make(folder / "installation", "another")
    with stores.empty() as place:
        with pytest.raises(Conflict) as refused:
            await backup.restore(path, place, folder)
        assert refused.value.reason == "not_empty"
        assert files_in(folder) == ["installation"]
        # Nothing of it is in the store either: it can be restored where it belongs.
        await backup.restore(path, place, room.settings.data_dir)


def rewritten(
    path: Path, change: Callable[[dict[str, bytes]], None], *, honest: bool = True
) -> Path:
    """The archive with other members; `honest`: its checksums are those of what is in it."""
    with tarfile.open(path) as tar:
        members = {
            each.name: file.read() for each in tar if (file := tar.extractfile(each)) is not None
        }
    change(members)
    if honest and "manifest.json" in members:
        manifest = json.loads(members["manifest.json"])
        manifest["sha256"] = {
            name: hashlib.sha256(data).hexdigest()
            for name, data in members.items()
            if name != "manifest.json"
        }
        del members["manifest.json"]
        members["manifest.json"] = json.dumps(manifest).encode()
    fresh = path.with_name("rewritten.tar")
    with tarfile.open(fresh, "w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return fresh


def _forget_manifest(members: dict[str, bytes]) -> None:
    del members["manifest.json"]


def _lose_rows(members: dict[str, bytes]) -> None:
    members["tables/events/000000.jsonl"] = b""


def _reach_out(members: dict[str, bytes]) -> None:
    members["files/../../outside"] = b"x"


def _plant(members: dict[str, bytes]) -> None:
    members["files/cli-token"] = b"x"


def _break_row(members: dict[str, bytes]) -> None:
    lines = members["tables/sessions/000000.jsonl"]
    members["tables/sessions/000000.jsonl"] = lines.replace(b'"created_at"', b'"created"')


def _newer(members: dict[str, bytes]) -> None:
    manifest = json.loads(members["manifest.json"])
    members["manifest.json"] = json.dumps({**manifest, "revision": "9999"}).encode()


@pytest.mark.parametrize(
    ("change", "honest", "code"),
    [
        (_forget_manifest, True, "not_a_backup"),
        (_lose_rows, False, "not_a_backup"),
        (_lose_rows, True, "not_a_backup"),
        (_reach_out, True, "not_a_backup"),
        (_plant, True, "invalid_input"),
        (_break_row, True, "invalid_input"),
        (_newer, True, "newer_schema"),
    ],
)
async def test_what_is_no_whole_backup_of_ours_changes_nothing(
    room: Room,
    tmp_path: Path,
    folder: Path,
    stores: Stores,
    change: Callable[[dict[str, bytes]], None],
    honest: bool,
    code: str,
) -> None:
    view = await room.sessions.create(NewSession(prompt="go"), ADMIN)
    await keep_picture(room, view.id)
    path = await taken(room, tmp_path)
    with stores.empty() as place:
        with pytest.raises(InvalidInput) as refused:
            await backup.restore(rewritten(path, change, honest=honest), place, folder)
        assert refused.value.reason == code
        assert files_in(folder) == []
        await backup.restore(path, place, folder)


async def test_a_file_that_was_cut_off_anywhere_is_refused(
    room: Room, tmp_path: Path, folder: Path
) -> None:
    await room.sessions.create(NewSession(prompt="go"), ADMIN)
    for name in ("whole.tar", "whole.tar.gz"):
        whole = (await taken(room, tmp_path, name)).read_bytes()
        # The last of a compressed one is the padding behind the manifest, which nobody needs.
        end = len(whole) * 3 // 4 if name.endswith("gz") else whole.rindex(b"manifest.json")
        for length in (0, 10, 600, end // 2, end - 20):
            cut = tmp_path / "cut.tar"
            cut.write_bytes(whole[:length])
            with pytest.raises(InvalidInput) as refused:
                await backup.restore(cut, tmp_path / "none.db", folder)
            assert refused.value.reason == "not_a_backup"
    assert files_in(folder) == []


async def test_a_backup_is_never_written_over_and_none_is_left_half(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await room.sessions.create(NewSession(), ADMIN)
    path = await taken(room, tmp_path)
    before = path.read_bytes()
    with pytest.raises(Conflict):
        await taken(room, tmp_path)
    assert path.read_bytes() == before

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    make(tmp_path / "folder" / "other", "")
    with monkeypatch.context() as broken:
        broken.setattr("bunkhouse.backup.archive.os.fsync", full)
        with pytest.raises(Exception, match="full") as refused:
            await taken(room, tmp_path, "folder")
    assert getattr(refused.value, "code", None) == "storage_full"
    assert files_in(tmp_path / "folder") == ["other"]
    assert (await taken(room, tmp_path, "folder")).parent == tmp_path / "folder"


async def test_where_there_is_nothing_there_is_no_backup(stores: Stores, tmp_path: Path) -> None:
    with stores.empty() as place:
        with pytest.raises(NotFound):
            await backup.take(place, tmp_path, tmp_path / "b.tar")
        if isinstance(place, Path):
            assert not place.exists()
    assert files_in(tmp_path) == []
