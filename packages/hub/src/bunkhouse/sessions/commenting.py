"""Comments: what people say to each other in a session, beside the agent's work.

A comment is in the log and nowhere else. The agent is told nothing of it, a sleeping session stays
asleep, and one that has ended can still be spoken about.
"""

from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from bunkhouse.errors import InvalidInput, TooLarge
from bunkhouse.people.identity import Person
from bunkhouse.sessions import once
from bunkhouse.sessions.identifiers import new_id
from bunkhouse.sessions.journal import Journal
from bunkhouse.sessions.once import Once
from bunkhouse_protocol.events import CommentPosted


@dataclass(frozen=True, slots=True)
class CommentView:
    """A comment that was posted."""

    id: str
    author: str
    text: str
    created_at: datetime


_COMMENT = TypeAdapter(CommentView)


class Comments:
    """Posts comments of at most `longest` bytes of UTF-8."""

    def __init__(self, journal: Journal, *, longest: int) -> None:
        self._journal = journal
        self._longest = longest

    async def post(
        self, session_id: str, text: str, author: Person, *, key: Once | None = None
    ) -> CommentView:
        """Post a comment. Asked again with the same `key`, it is the one that there is.

        Raises:
            NotFound: there is no such session.
            InvalidInput: it says nothing, or the key stands for another request.
            TooLarge: it is longer than comments may be.
        """
        text = text.strip()
        if not text:
            raise InvalidInput("The comment is empty.")
        size = len(text.encode())
        if size > self._longest:
            raise TooLarge(
                f"The comment has {size:,} bytes; the limit is {self._longest:,}.",
                remedy="Say it in two, or raise BUNKHOUSE_COMMENT_BYTES.",
            )

        async def post() -> CommentView:
            async with self._journal.change(session_id) as change:
                await once.check(change.tx, key)
                event = CommentPosted(comment_id=new_id("cm"), author=author.name, text=text)
                change.record(event)
                view = CommentView(event.comment_id, event.author, event.text, event.at)
                await once.keep(change.tx, key, _COMMENT, view)
            return view

        return await once.answered(post, _COMMENT)
