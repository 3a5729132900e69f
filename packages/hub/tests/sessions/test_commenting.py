"""Comments: in the log, and nowhere else."""

import pytest

from bunkhouse.errors import InvalidInput, NotFound, TooLarge
from bunkhouse.people import Person
from bunkhouse.sessions import NewSession
from bunkhouse.sessions.commenting import Comments
from bunkhouse.sessions.once import Once
from bunkhouse.store import outbox, prompts
from bunkhouse_protocol.events import CommentPosted

from ..conftest import ADMIN, Room

BEN = Person(id="u_ben", name="Ben", role="member")


@pytest.fixture
async def session_id(room: Room) -> str:
    return (await room.sessions.create(NewSession(title="T"), ADMIN)).id


@pytest.fixture
def comments(room: Room) -> Comments:
    return Comments(room.journal, longest=20)


async def posted(room: Room, session_id: str) -> list[tuple[str, str]]:
    events = await room.journal.read(session_id)
    return [(each.author, each.text) for each in events if isinstance(each, CommentPosted)]


async def test_it_is_in_the_log_and_the_agent_gets_nothing(
    room: Room, session_id: str, comments: Comments
) -> None:
    before = await room.sessions.get(session_id)
    view = await comments.post(session_id, "  Why so?\n", BEN)
    assert (view.author, view.text) == ("Ben", "Why so?")
    assert await posted(room, session_id) == [("Ben", "Why so?")]
    after = await room.sessions.get(session_id)
    assert (after.state, after.last_seq) == (before.state, before.last_seq + 1)
    async with room.database.read() as tx:
        assert await outbox.waiting(tx, session_id) == []
        assert await prompts.in_state(tx, [session_id], *prompts.WAITING) == []


async def test_a_repeated_request_posts_it_once(
    room: Room, session_id: str, comments: Comments
) -> None:
    key = Once.of(BEN, "k", "asked", seconds=60)
    first = await comments.post(session_id, "Once", BEN, key=key)
    assert await comments.post(session_id, "Once", BEN, key=key) == first
    assert await posted(room, session_id) == [("Ben", "Once")]
    with pytest.raises(InvalidInput):
        await comments.post(
            session_id, "Other", BEN, key=Once.of(BEN, "k", "asked otherwise", seconds=60)
        )


async def test_what_is_no_comment_is_refused(
    room: Room, session_id: str, comments: Comments
) -> None:
    for text, error in ((" \n", InvalidInput), ("ä" * 11, TooLarge)):
        with pytest.raises(error):
            await comments.post(session_id, text, BEN)
    with pytest.raises(NotFound):
        await comments.post("none", "Hello", BEN)
    assert await posted(room, session_id) == []
    await comments.post(session_id, "ä" * 10, BEN)
