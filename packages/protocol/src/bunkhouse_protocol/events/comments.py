"""What people say to each other in a session."""

from typing import Literal

from bunkhouse_protocol.events.base import EventBase


class CommentPosted(EventBase):
    """A person's word for the others who read along. The agent does not get it."""

    type: Literal["comment_posted"] = "comment_posted"
    comment_id: str
    author: str
    text: str
