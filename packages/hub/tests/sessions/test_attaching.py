"""Files with prompts: from a person's uploads into the session, once, and never half."""

import json
import os
from pathlib import Path

import pytest

from bunkhouse.blobs import Upload, Uploads
from bunkhouse.errors import InvalidInput, NotFound, StorageFull, TooLarge
from bunkhouse.people.identity import Person
from bunkhouse.sessions import NewSession
from bunkhouse.sessions.attaching import Attaching
from bunkhouse.store import outbox
from bunkhouse_protocol.events import PromptEdited, PromptQueued

from ..conftest import ADMIN, Room
from .runner import working

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100
TEXT = "Grüße\n".encode()
BOB = Person(id="u_bob", name="Bob", role="member")


@pytest.fixture
def attaching(room: Room) -> Attaching:
    return Attaching.of(room.settings)


async def upload(attaching: Attaching, name: str, data: bytes, person: Person = ADMIN) -> str:
    return (await attaching.uploads.add(person.id, name, data)).id


async def test_a_session_begins_with_what_was_attached(room: Room, attaching: Attaching) -> None:
    ids = [await upload(attaching, "shot.png", PNG), await upload(attaching, "notes.md", TEXT)]
    view = await room.sessions.create(NewSession(attachments=tuple(ids)), ADMIN)
    assert view.title == "shot.png, notes.md"
    (prompt,) = view.queue
    assert [(a.name, a.mime, a.size) for a in prompt.attachments] == [
        ("shot.png", "image/png", 108),
        ("notes.md", "text/plain", 8),
    ]
    queued = next(e for e in await room.sessions.events(view.id) if isinstance(e, PromptQueued))
    assert queued.attachments == prompt.attachments
    kept = [await attaching.blobs.get(view.id, a.blob) for a in prompt.attachments]
    assert [(blob.data, blob.mime) for blob in kept] == [(PNG, "image/png"), (TEXT, "text/plain")]
    with pytest.raises(NotFound):  # the upload waits no longer
        await attaching.uploads.get(ADMIN.id, ids[0])


async def test_the_runner_is_told_of_them(room: Room, attaching: Attaching) -> None:
    session_id, _, _ = await working(room)
    name = await upload(attaching, "a.png", PNG)
    await room.sessions.prompt(session_id, "", ADMIN, attachments=[name], when="now")
    async with room.journal.change(session_id) as change:
        from bunkhouse.sessions import turns
        from bunkhouse_protocol.events import TurnEnded

        turn = await turns.running(change)
        assert turn is not None
        await turns.end(change, TurnEnded(turn_id=turn.id, outcome="stopped"), by="runner")
    async with room.database.read() as tx:
        given = [c for _, _, c in await outbox.waiting(tx, session_id)][-1]
    assert [each["name"] for each in given["attachments"]] == ["a.png"]


async def test_an_edit_keeps_takes_away_and_adds(room: Room, attaching: Attaching) -> None:
    session_id, _, _ = await working(room)
    first = await upload(attaching, "a.png", PNG)
    prompt = await room.sessions.prompt(session_id, "", ADMIN, attachments=[first])
    more = await upload(attaching, "b.txt", TEXT, BOB)
    blob = prompt.attachments[0].blob
    edited = await room.sessions.edit_prompt(
        session_id, prompt.id, {"attachments": [more, blob]}, BOB
    )
    assert [a.name for a in edited.attachments] == ["b.txt", "a.png"]
    told = [e for e in await room.sessions.events(session_id) if isinstance(e, PromptEdited)]
    assert told[-1].attachments == edited.attachments
    with pytest.raises(InvalidInput):
        await room.sessions.edit_prompt(session_id, prompt.id, {"attachments": []}, BOB)


async def test_a_refusal_leaves_nothing_behind(room: Room, attaching: Attaching) -> None:
    mine, theirs = await upload(attaching, "a", TEXT), await upload(attaching, "b", TEXT, BOB)
    for names, error, code in (
        ((mine, theirs), InvalidInput, "upload_not_found"),
        ((mine, "../x"), InvalidInput, "upload_not_found"),
        ((mine,) * 9, InvalidInput, "too_many_attachments"),
    ):
        with pytest.raises(error) as told:
            await room.sessions.create(NewSession(attachments=names), ADMIN)
        assert told.value.reason == code
    assert await room.sessions.list() == ([], None)
    assert (await attaching.uploads.get(ADMIN.id, mine))[1] == TEXT


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(
        tmp_path / "uploads", picture_bytes=200, text_bytes=50, person_bytes=600, hours=1
    )


@pytest.mark.parametrize(
    ("data", "error", "code"),
    [
        (b"", InvalidInput, "attachment_empty"),
        (b"%PDF-1.7\n\0\1", InvalidInput, "attachment_type"),
        ("é".encode("latin-1"), InvalidInput, "attachment_type"),
        (b"a" * 51, TooLarge, "attachment_too_large"),
        (PNG + b"x" * 100, TooLarge, "attachment_too_large"),
    ],
)
async def test_what_can_not_be_attached(
    uploads: Uploads, data: bytes, error: type[InvalidInput], code: str
) -> None:
    with pytest.raises(error) as told:
        await uploads.add("u", "file", data)
    assert told.value.reason == code and told.value.message


async def test_one_person_does_not_fill_the_disk(uploads: Uploads) -> None:
    for _ in range(2):
        await uploads.add("u", "a.png", PNG)
    with pytest.raises(TooLarge):
        for _ in range(3):
            await uploads.add("u", "a.png", PNG)
    await uploads.add("another", "a.png", PNG)


async def test_a_full_disk_is_told_and_leaves_no_half(
    uploads: Uploads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFull):
        await uploads.add("u", "a.png", PNG)
    monkeypatch.undo()
    assert list((tmp_path / "uploads/u").iterdir()) == []


async def test_what_nobody_names_in_time_goes(uploads: Uploads, tmp_path: Path) -> None:
    old = await uploads.add("u", "a.txt", TEXT)
    for place in (tmp_path / "uploads/u").iterdir():
        os.utime(place, (0, 0))
    with pytest.raises(NotFound):
        await uploads.get("u", old.id)
    new = await uploads.add("v", "b.txt", TEXT)
    assert list((tmp_path / "uploads/u").iterdir()) == []
    assert await uploads.get("v", new.id) == (new, TEXT)
    await uploads.remove("v", new.id)
    await uploads.remove("v", new.id)
    with pytest.raises(NotFound):
        await uploads.get("v", new.id)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("shot.png", "shot.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\notes.txt", "notes.txt"),
        ("a\nb\x00\u202e.txt", "ab.txt"),
        ("", "attachment.txt"),
        ("..", "attachment.txt"),
        ("x" * 300 + ".log", "x" * 116 + ".log"),
    ],
)
async def test_names_are_harmless(uploads: Uploads, tmp_path: Path, given: str, kept: str) -> None:
    added = await uploads.add("u", given, TEXT)
    assert added == Upload(added.id, kept, "text/plain", len(TEXT))
    said = json.loads((tmp_path / "uploads/u" / f"{added.id}.json").read_text())
    assert said["name"] == kept
