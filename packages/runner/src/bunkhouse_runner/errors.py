"""What the runner can't do for a reason that it understands.

A `RunnerError` is told to people as a `Problem` event, so it carries what they need: one clear
sentence, and what to do about it.
"""

from collections.abc import Sequence

from bunkhouse_protocol.events import Problem

DETAIL_CHARACTERS = 2000


class RunnerError(Exception):
    """The root: `code` for machines, `message` one sentence, `remedy` what the reader can do.

    `detail` is what the failing program itself said; only its tail is kept.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        remedy: str | None = None,
        detail: str | None = None,
        suggestions: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy
        self.detail = detail[-DETAIL_CHARACTERS:] if detail else None
        self.suggestions = list(suggestions)

    def problem(self) -> Problem:
        """Say it as an event of the session's log."""
        return Problem(
            code=self.code,
            message=self.message,
            remedy=self.remedy,
            detail=self.detail,
            suggestions=self.suggestions,
        )


class CloneFailed(RunnerError):
    """The workspace can't be made: codes `clone_failed`, `branch_not_found`, `disk_full`."""


class WorkspaceUnreadable(RunnerError):
    """Git can't say what changed: the repository is not there yet, or was taken away."""


class NotPublished(RunnerError):
    """The work can't be pushed: `nothing_to_publish`, `not_committed`, `push_refused`."""


class NotRewound(RunnerError):
    """It can't be gone back: codes `no_checkpoint`, `checkpoint_gone`, `not_rewound`."""


class AgentFailed(RunnerError):
    """The agent can't be started, or does not answer: code `agent_failed`, or a closer one."""


class AttachmentUnavailable(AgentFailed):
    """A file that came with a prompt can't be had: code `attachment_unavailable`."""


class StreamRefused(RunnerError):
    """There is nothing to connect to: codes `not_listening`, `not_running`, `not_allowed`."""


class Unknown(RunnerError):
    """There is no such thing: a terminal, a service, a snapshot."""


class Unauthorized(RunnerError):
    """The hub does not take our token, now or ever again."""
