"""What needs a person: permissions and questions."""

from typing import Literal

from pydantic import BaseModel, Field

from bunkhouse_protocol.events.base import EventBase


class PermissionRequested(EventBase):
    """The agent asks before it does something. The turn waits for the answer."""

    type: Literal["permission_requested"] = "permission_requested"
    request_id: str
    tool_call_id: str | None = None
    permission: str
    """What kind of thing it wants to do: `bash`, `edit`, `webfetch`."""
    title: str
    patterns: list[str] = Field(default_factory=list[str])
    always: list[str] = Field(default_factory=list[str])
    """What an answer of `always` would allow from now on."""


class PermissionResolved(EventBase):
    """A permission request was answered, or is void since its turn ended."""

    type: Literal["permission_resolved"] = "permission_resolved"
    request_id: str
    reply: Literal["once", "always", "reject", "void"]
    by: str | None = None


class QuestionOption(BaseModel):
    """One of the answers that the agent offers."""

    label: str
    description: str = ""


class Question(BaseModel):
    """One question to a person."""

    question: str
    header: str = ""
    options: list[QuestionOption] = Field(default_factory=list[QuestionOption])
    multiple: bool = False
    custom: bool = True
    """Whether an answer in the person's own words is welcome."""


class QuestionAsked(EventBase):
    """The agent asks people something. The turn waits for the answers."""

    type: Literal["question_asked"] = "question_asked"
    request_id: str
    tool_call_id: str | None = None
    questions: list[Question]


class QuestionResolved(EventBase):
    """Questions were answered (`answers`: for each question its labels), or dismissed (null)."""

    type: Literal["question_resolved"] = "question_resolved"
    request_id: str
    answers: list[list[str]] | None
    by: str | None = None
