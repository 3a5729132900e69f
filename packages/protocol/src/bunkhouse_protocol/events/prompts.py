"""What people say to the agent, and the turns that it takes over that."""

from typing import Literal

from pydantic import BaseModel, Field

from bunkhouse_protocol.events.base import EventBase


class Attachment(BaseModel):
    """A file that a person gave with a prompt. Its bytes are in the hub's blobs."""

    blob: str
    """Where they are: their SHA-256, in hexadecimal."""
    name: str
    """As the person calls it, without a folder."""
    mime: Literal["image/png", "image/jpeg", "image/webp", "image/gif", "text/plain"]
    size: int
    """In bytes."""


When = Literal["queue", "now"]
"""`queue`: when the agent is free. `now`: into the running turn, or in its place."""


class PromptQueued(EventBase):
    """A person said something; it waits until the agent is free."""

    type: Literal["prompt_queued"] = "prompt_queued"
    prompt_id: str
    text: str
    author: str
    model: str | None = None
    """Where it differs from the session's model."""
    kind: Literal["prompt", "hand_back"] = "prompt"
    """`hand_back`: the hub wrote it, to tell the agent what a person did while they drove."""
    attachments: list[Attachment] = Field(default_factory=list[Attachment])
    when: When = "queue"
    position: int | None = None
    """Its place among those that wait, 0 for the next; null: at the end."""
    retry_of: str | None = None
    """The prompt that it repeats, whose turn failed or was stopped."""


class PromptEdited(EventBase):
    """A waiting prompt was changed. What it is from now on, whole."""

    type: Literal["prompt_edited"] = "prompt_edited"
    prompt_id: str
    text: str
    model: str | None = None
    attachments: list[Attachment] = Field(default_factory=list[Attachment])
    by: str


class PromptMoved(EventBase):
    """A waiting prompt has another place in the queue."""

    type: Literal["prompt_moved"] = "prompt_moved"
    prompt_id: str
    position: int
    """Its new place among those that wait, 0 for the next, counted without itself."""
    when: When = "queue"
    """`now`: it was to wait no longer."""
    by: str


class PromptSteered(EventBase):
    """The agent read a prompt in the middle of a turn, to which it belongs from now on."""

    type: Literal["prompt_steered"] = "prompt_steered"
    prompt_id: str
    turn_id: str


class PromptWithdrawn(EventBase):
    """A waiting prompt was taken back before the agent saw it."""

    type: Literal["prompt_withdrawn"] = "prompt_withdrawn"
    prompt_id: str


class TurnStarted(EventBase):
    """The agent was given a prompt. A turn has the id of its prompt."""

    type: Literal["turn_started"] = "turn_started"
    turn_id: str
    model: str


class TurnEnded(EventBase):
    """The agent is done with a prompt: `done`, `failed` (says why) or `stopped` by a person.

    `paused`: stopped at a safe point, for a person to drive.
    """

    type: Literal["turn_ended"] = "turn_ended"
    turn_id: str
    outcome: Literal["done", "failed", "stopped", "paused"]
    message: str | None = None
    """For `failed`: one sentence."""
    code: str | None = None
    ms: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: float | None = None
    """In US dollars, where known."""
