"""The agent's work: what it says, thinks, plans, and does with tools."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from bunkhouse_protocol.events.base import EventBase


class AgentMessageChunk(EventBase):
    """A frame of what the agent says: those of one `message_id` make one text (markdown)."""

    type: Literal["agent_message_chunk"] = "agent_message_chunk"
    message_id: str
    text: str


class AgentThoughtChunk(EventBase):
    """A frame of what the agent thinks aloud."""

    type: Literal["agent_thought_chunk"] = "agent_thought_chunk"
    message_id: str
    text: str


class MessageRetracted(EventBase):
    """A text that broke off and that the model began anew: it is to be shown no more."""

    type: Literal["message_retracted"] = "message_retracted"
    message_id: str


ToolKind = Literal[
    "read", "edit", "delete", "move", "search", "execute", "think", "fetch", "question", "other"
]
ToolStatus = Literal["pending", "in_progress", "completed", "failed"]


class ToolCall(EventBase):
    """The agent calls a tool."""

    type: Literal["tool_call"] = "tool_call"
    tool_call_id: str
    tool: str
    """The agent's own name of the tool: `bash`, `edit`, `grep`."""
    kind: ToolKind
    title: str
    """The object of the verb, in one line: a command, a path, a pattern."""
    status: ToolStatus = "pending"
    input: dict[str, Any] = Field(default_factory=dict[str, Any])


class Picture(BaseModel):
    """An image that a tool gave, such as a screenshot. Its bytes are in the hub's blobs."""

    blob: str
    """Where they are: their SHA-256, in hexadecimal."""
    mime: Literal["image/png", "image/jpeg", "image/webp", "image/gif"]
    size: int
    """In bytes."""
    width: int | None = None
    height: int | None = None


class WholeOutput(BaseModel):
    """An output that is too long for the log. Its bytes are in the hub's blobs, as text."""

    blob: str = Field(pattern="^[0-9a-f]{64}$")
    """Where they are: their SHA-256, in hexadecimal."""
    size: int = Field(ge=0)
    """Of what is there, in bytes."""
    lost: int = Field(default=0, ge=0)
    """Bytes that were printed and are not there: the output was too long for a blob as well, which
    has its head and its tail, and between them a line that says so."""


class ToolCallUpdate(EventBase):
    """Something about a tool call became known. Fields that are null did not change."""

    type: Literal["tool_call_update"] = "tool_call_update"
    tool_call_id: str
    status: ToolStatus | None = None
    title: str | None = None
    input: dict[str, Any] | None = None
    output: str | None = None
    """The whole output; long ones keep their head and tail, and between them a line
    `… 1,234 bytes left out …`."""
    output_truncated: bool = False
    output_left_out: int = 0
    """The number in that line; 0 where there is none."""
    whole_output: WholeOutput | None = None
    """Where the whole of a long output is."""
    diff: str | None = None
    """For edits and writes: a unified diff."""
    pictures: list[Picture] | None = None
    exit_code: int | None = None
    error: str | None = None
    ms: int | None = None


class ToolOutputChunk(EventBase):
    """A frame of what a running tool prints; replaced by `output` of the final update."""

    type: Literal["tool_output_chunk"] = "tool_output_chunk"
    tool_call_id: str
    text: str


class PlanEntry(BaseModel):
    """One thing on the agent's list."""

    content: str
    status: Literal["pending", "in_progress", "completed", "cancelled"]
    priority: Literal["high", "medium", "low"] = "medium"


class Plan(EventBase):
    """The agent's list of things to do, whole; the newest replaces those before."""

    type: Literal["plan"] = "plan"
    entries: list[PlanEntry]


class ModelRetry(EventBase):
    """The model could not be reached or refused for now; the agent tries again by itself."""

    type: Literal["model_retry"] = "model_retry"
    attempt: int
    message: str
    next_at: datetime | None = None
