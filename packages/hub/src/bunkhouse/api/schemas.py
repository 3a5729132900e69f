"""The shapes of the API's requests and answers.

Lists answer `{"items": […], "next": CURSOR}`; errors are problem details (RFC 9457).
"""

import json
from datetime import datetime
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bunkhouse.api.pull_request_schemas import PullRequestOut
from bunkhouse.people import SessionRole, Visibility
from bunkhouse_protocol import gateway
from bunkhouse_protocol.events import Attachment, ChangedFile, Event, Port, SessionState, When

T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    """A part of a list."""

    items: list[T]
    next: str | None = None
    """Give it as `cursor` to get what follows; null at the end."""


class ProblemDetails(BaseModel):
    """RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    """Machine-readable reason."""
    remedy: str | None = None
    errors: list[dict[str, object]] | None = None
    """For invalid input: where and what."""
    role: str | None = None
    """The role that would be needed."""
    scope: str | None = None
    """The scope that the token would need."""


class Input(BaseModel):
    """What a reader sends: no unknown fields, and no text that is not Unicode.

    (JSON can spell halves of characters; neither the store nor a stream could carry them.)
    """

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _is_unicode(cls, value: object) -> object:
        try:
            json.dumps(value, ensure_ascii=False, default=str).encode()
        except UnicodeEncodeError:
            raise ValueError("Text should be valid Unicode") from None
        return value


# ── sessions ─────────────────────────────────────────────────────────────────────────────────


class NewSession(Input):
    """What a session is started with. Without a repository the workspace is empty."""

    repository: str | None = Field(None, max_length=2048)
    """An `https://` URL, or an absolute folder of the hub's machine."""
    branch: str | None = Field(None, max_length=255)
    model: str | None = Field(None, max_length=255)
    """`provider/model`; without it the installation's default."""
    prompt: str | None = Field(None)
    from_issue: int | None = Field(None, ge=1, le=2**31 - 1)
    """The number of an issue of the repository at its forge. The first prompt quotes it, with what
    is said on it, after your own text."""
    from_pull_request: int | None = Field(None, ge=1, le=2**31 - 1)
    """The same of a pull request, on whose branch it starts. Not with `from_issue`."""
    title: str | None = Field(None, max_length=200)
    """Without it, that of the issue or pull request, or the first line of the prompt."""
    permissions: dict[str, Literal["allow", "ask", "deny"]] | None = None
    """By tool (`bash`, `edit`, `webfetch`): whether the agent may, must ask first, or may not."""
    attachments: list[str] = Field(default_factory=list[str])
    """Ids of your uploads, for the prompt."""
    visibility: Visibility | None = None
    """Without it, as is set for the installation."""
    parent: str | None = Field(None, max_length=64)
    """The session within which it is started. What is left out it has from there."""


class SessionPatch(Input):
    """What of a session can be changed."""

    title: str | None = Field(None, min_length=1, max_length=200)
    model: str | None = Field(None, max_length=255)
    hibernate_after: int | None = Field(None, ge=0, le=31_536_000)
    """Seconds unused after which it goes to sleep: 0 never, null as the installation does."""
    visibility: Visibility | None = None
    """Only an owner may change it."""


class PromptOut(BaseModel):
    """A prompt in the queue, or past it."""

    id: str
    text: str
    author: str
    model: str | None
    kind: Literal["prompt", "hand_back"]
    """`hand_back`: the hub wrote it, to tell the agent what a person did while they drove."""
    attachments: list[Attachment]
    """Their bytes: `GET /api/sessions/{id}/blobs/{blob}`."""
    state: Literal[
        "queued",
        "steering",
        "steered",
        "working",
        "done",
        "failed",
        "stopped",
        "paused",
        "withdrawn",
    ]
    """`steering`: the agent gets it at the next step of the running turn; `steered`: it has."""
    created_at: datetime
    notice: str | None = None
    """What it waits for, beside the agent: a person who drives."""
    retry_of: str | None = None
    """The prompt that it repeats."""


class DriverOut(BaseModel):
    """The person who works in the agent's place, or is about to."""

    id: str
    """As in `Me`."""
    name: str
    state: Literal["requested", "driving"]
    """`requested`: the agent has not come to a safe point yet."""
    since: datetime


class KeptOut(BaseModel):
    """What is kept of a session that has no running sandbox."""

    form: Literal["sandbox", "snapshot"]
    """The stopped sandbox itself, or its files alone."""
    bytes: int | None
    """What it costs on the engine's disk, without the image; null where that is not known."""
    until: datetime | None
    """When it is removed; null: not by itself."""


class RewindOut(BaseModel):
    """How far a session is rewound. It holds until something new is said, and then for good."""

    state: Literal["requested", "rewound"]
    """`requested`: the sandbox is not there yet; prompts wait."""
    prompt_id: str | None
    """The prompt before which it is; null: it goes forward again."""
    seq: int | None
    """The place of that prompt in the log."""
    by: str


class ForkedFromOut(BaseModel):
    """Of which session one began as a copy."""

    session_id: str
    """It may have been deleted since."""
    title: str
    """As it was then."""
    prompt_id: str | None
    """The prompt before which the copy was taken; null: it had all that there was."""
    seq: int | None
    """The place of that prompt in the other's log."""


class SessionOut(BaseModel):
    """A session, as lists and headers show it."""

    id: str
    title: str
    state: SessionState
    state_reason: str | None
    repository: str | None
    branch: str | None
    work_branch: str | None
    """The session's own at the forge, to which it may push."""
    model: str
    author: str
    created_at: datetime
    updated_at: datetime
    """When it last did something."""
    last_seq: int
    activity: str | None
    """One live line: what the agent does right now, or the last thing that it said."""
    additions: int
    deletions: int
    changed_files: int
    queue: list[PromptOut]
    """Prompts that wait, in order. They wait on while somebody drives."""
    driver: DriverOut | None
    """Who drives; null while the agent does."""
    ports: list[Port]
    """What listens in the sandbox, as far as is known."""
    state_at: datetime
    """When it came to its state."""
    hibernate_after: int | None
    """Seconds unused after which it goes to sleep; null: as the installation does."""
    kept: KeptOut | None
    """What is kept while it sleeps, and after it has ended; null: nothing, or it is awake."""
    rewind: RewindOut | None
    """How far it is rewound; null: not at all."""
    forked_from: ForkedFromOut | None
    """Of which session it began as a copy; null: of none."""
    visibility: Visibility
    """Who but its participants may see it."""
    pull_request: PullRequestOut | None
    """Of its branch; null: none was opened."""
    parent: str | None
    """The session within which it was started, which you may not be allowed to see."""
    role: SessionRole
    """Your own, here."""


class SessionDeleted(BaseModel):
    """In the stream of the list: a session is no more, or not for you to see any more."""

    id: str


class PresentOut(BaseModel):
    """Somebody who looks at a session."""

    id: str
    """Of the person at one browser: two of their tabs are one."""
    name: str
    typing: bool


class PresenceOut(BaseModel):
    """Who looks at a session now, in the order in which they came."""

    session_id: str
    people: list[PresentOut]


class Typing(Input):
    """Whether one writes a prompt. Said again every few seconds: it is forgotten after six."""

    typing: bool = True


class LogItems(BaseModel):
    """In a page's stream: the next events of the log that it shows."""

    session_id: str
    items: list[Event]


class NewPrompt(Input):
    """A follow-up; it is queued while the agent works. It has a text, or attachments, or both."""

    text: str = ""
    model: str | None = Field(None, max_length=255)
    attachments: list[str] = Field(default_factory=list[str])
    """Ids of your uploads."""
    when: When = "queue"
    """`now`: it goes into the running turn, or in its place, and before all that waits."""


class PromptPatch(Input):
    """What to change of a prompt that waits. What is left out stays; so does what is null.

    Only a `model` of null says something: the session's.
    """

    text: str | None = None
    model: str | None = Field(None, max_length=255)
    attachments: list[str] | None = None
    """All that it is to have: blobs of those that it has, and ids of your uploads."""
    position: int | None = Field(None, ge=0)
    """Its place among those that wait, 0 for the next."""
    when: Literal["now"] | None = None
    """It is to wait no longer; a `position` then says nothing."""


class UploadOut(BaseModel):
    """A file that waits for its prompt."""

    id: str
    name: str
    mime: str
    size: int
    """In bytes."""


class Rewind(Input):
    """Where to go back to."""

    seq: int | None = Field(ge=1)
    """The place of a prompt (`prompt_queued`) in the log: chat and files are to be as they were
    just before it. Null: forward again, as it was before the rewind."""


class Fork(Input):
    """Of which moment the copy is to be."""

    seq: int | None = Field(None, ge=1)
    """The place of a prompt (`prompt_queued`) in the log: the copy is as it was just before it.
    Without one it is as it is now."""


class Retry(Input):
    """Set a failed session up again, perhaps with another branch or repository."""

    branch: str | None = Field(None, max_length=255)
    repository: str | None = Field(None, max_length=2048)


class PermissionReply(Input):
    """An answer to a permission request."""

    reply: Literal["once", "always", "reject"]
    message: str | None = Field(None, max_length=10_000)


class QuestionReply(Input):
    """Answers, a list of labels (or own words) for each question; null dismisses them."""

    answers: list[list[str]] | None


class Usage(BaseModel):
    """What turns took together."""

    turns: int
    input_tokens: int
    output_tokens: int
    cost: float | None
    """In US dollars, where known."""


class OpeningOut(BaseModel):
    """What a reader that begins in the middle of a log folds first."""

    events: list[Event]
    """Those from before the page that it builds on: how the session stands, what is open."""
    usage: Usage
    """Of the turns that ended before the page."""


class EventPage(BaseModel):
    """A part of a log."""

    items: list[Event]
    next: int | None
    """Give it as `after` to get what follows; null where the log ends for now."""
    previous: int | None
    """Give it as `before` to get what precedes; null where the page begins the log."""
    opening: OpeningOut | None
    """For pages that were asked for with `before` or `tail` and do not begin the log."""


class ChangesOut(BaseModel):
    """How the workspace differs from where it began."""

    diff: str
    files: list[ChangedFile]
    base: str | None
    truncated: bool


# ── what runs in a sandbox beside the agent ──────────────────────────────────────────────────


class ServicesOut(gateway.Services):
    """What runs in the sandbox beside the agent, and who drives."""

    drive: DriverOut | None


class NewView(Input):
    """A look at something in the sandbox that speaks HTTP."""

    app: str = Field(pattern=r"^(editor|[1-9][0-9]{0,4})$")
    """`editor`, or a port."""
    path: str = Field("/", max_length=4096, pattern=r"^/")


class ViewOut(BaseModel):
    """Where to look."""

    url: str
    """For a frame of the page: good once, and soon."""
    link: str
    """For a tab of its own, and to be shared: whoever opens it must be signed in."""
    mode: str
    """How origins are told apart: by name, or by port."""
    notice: str | None
    """What does not work as it should here, and how it would."""


class HandBack(Input):
    """The end of driving."""

    note: str | None = Field(None, max_length=10_000)
    """For the agent, in the person's own words."""


# ── the installation ─────────────────────────────────────────────────────────────────────────


class ModelOut(BaseModel):
    """A model to choose."""

    id: str
    """`provider/model`."""
    provider: str
    name: str
    scripted: bool = False
    """True for the built-in demo model, which is a script and no intelligence."""


class ProviderOut(BaseModel):
    """A model provider, on or off."""

    id: str
    name: str
    enabled: bool
    how: str
    """How to switch it on: the variable to set."""


class Models(BaseModel):
    """What can be chosen, and what could be."""

    items: list[ModelOut]
    providers: list[ProviderOut]
    default: str


class ImageStatus(BaseModel):
    """The sandbox image."""

    state: Literal["unknown", "missing", "building", "ready", "failed"]
    key: str | None = None
    step: str | None = None
    """What is being done, for people: "Installing packages"."""
    progress: float | None = None
    """From 0 to 1, by the steps of the recipe."""
    seconds: float | None = None
    """How long it has been building, or took."""
    error: str | None = None
    remedy: str | None = None


class EngineStatus(BaseModel):
    """The container engine."""

    ok: bool
    name: str | None = None
    version: str | None = None
    socket: str | None = None
    error: str | None = None
    remedy: str | None = None


class SystemStatus(BaseModel):
    """What the page shows while things get ready."""

    version: str
    engine: EngineStatus
    image: ImageStatus
    sandboxes: int
    max_sandboxes: int
    held: str | None = None
    """Why no new work is begun, such as a disk that is nearly full; null where it is."""
    sample_repository: str | None
    """A repository on the hub's machine to try things on, for the first screen."""


class Health(BaseModel):
    """Whether the hub answers; without a token."""

    ok: bool
    version: str
