"""Going back: to before a prompt and forward again, and sessions that begin where others were."""

from typing import Literal

from bunkhouse_protocol.events.base import EventBase


class RewindRequested(EventBase):
    """A person goes back to just before a prompt; the sandbox has yet to do it."""

    type: Literal["rewind_requested"] = "rewind_requested"
    prompt_id: str | None = None
    """The prompt before which chat and files are to be; null: forward again, as before."""
    by: str


class SessionRewound(EventBase):
    """Chat and files are as they were just before a prompt, or as before the rewind again.

    It holds until something new is said (`prompt_queued`, `turn_started`), and then for good. What
    it undoes stays in the log: the events from `undone_from` up to this one, and those of every
    `session_rewound` since something was said last.
    """

    type: Literal["session_rewound"] = "session_rewound"
    prompt_id: str | None = None
    """Null: forward again, so that nothing is undone since something was said last."""
    undone_from: int | None = None
    """The place of the first event that does not count any more; null with `prompt_id`."""
    by: str = ""


class RewindFailed(EventBase):
    """It could not be done; chat and files are as they were. An `error` before it says why."""

    type: Literal["rewind_failed"] = "rewind_failed"


class SessionForked(EventBase):
    """This session began as a copy of another: the events before this one are that one's."""

    type: Literal["session_forked"] = "session_forked"
    session_id: str
    """The other one."""
    title: str
    """Of the other one, as it was then."""
    prompt_id: str | None = None
    """The prompt of it before which the copy was taken; null: it has all that there was."""
    by: str
