"""What the sessions room gives to, and takes from, the rooms above it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypedDict

from bunkhouse.store.prompts import PromptKind, PromptRow, PromptState
from bunkhouse.store.sessions import Driver, SessionRow, Visibility
from bunkhouse_protocol.events import Attachment, Port, PullRequestState, SessionState

_LINE_LENGTH = 160
_GOOD = ("success", "neutral", "skipped")

Permission = Literal["allow", "ask", "deny"]


@dataclass(frozen=True, slots=True)
class NewSession:
    """What a session is started with, as a person gave it."""

    repository: str | None = None
    branch: str | None = None
    model: str | None = None
    prompt: str | None = None
    from_issue: int | None = None
    """The number of an issue of the repository at its forge, which the first prompt then quotes."""
    from_pull_request: int | None = None
    """The same of a pull request, on whose branch it starts; not both."""
    title: str | None = None
    permissions: dict[str, Permission] | None = None
    attachments: tuple[str, ...] = ()
    """Ids of the person's uploads."""
    visibility: Visibility | None = None
    """None: as is set for the installation."""
    parent: str | None = None
    """The id of the session within which it is started, from which it has what is not given."""


class PromptEdit(TypedDict, total=False):
    """What is to be changed of a prompt that waits."""

    text: str
    model: str | None
    """None: the session's."""
    attachments: list[str]
    """All that it has from now on: blobs that it has already, and ids of uploads."""
    position: int
    """0 for the next."""
    when: Literal["now"]


@dataclass(frozen=True, slots=True)
class PromptView:
    """A prompt, as the API shows it."""

    id: str
    text: str
    author: str
    model: str | None
    kind: PromptKind
    attachments: list[Attachment]
    state: PromptState
    created_at: datetime
    notice: str | None
    """What it waits for, beside the agent."""
    retry_of: str | None = None
    """The prompt that it repeats."""

    @classmethod
    def of(
        cls, row: PromptRow, driver: Driver | None = None, held: str | None = None
    ) -> "PromptView":
        """From its row, whoever drives its session, and why no new work is begun."""
        notice = None
        if driver is not None and row.state == "queued":
            notice = f"{driver['name']} drives. The agent gets this when they hand back."
        elif held is not None and row.state == "queued":
            notice = f"{held} The agent gets this then."
        return cls(
            id=row.id,
            text=row.text,
            author=row.author,
            model=row.model,
            kind=row.kind,
            attachments=[Attachment.model_validate(each) for each in row.attachments],
            state=row.state,
            created_at=row.created_at,
            notice=notice,
            retry_of=row.retry_of,
        )


@dataclass(frozen=True, slots=True)
class DriverView:
    """Who works in the agent's place, as the API shows it."""

    id: str
    name: str
    state: Literal["requested", "driving"]
    since: datetime

    @classmethod
    def of(cls, driver: Driver) -> "DriverView":
        """From what the session's row holds."""
        since = datetime.fromisoformat(driver["since"])
        return cls(driver["id"], driver["name"], driver["state"], since)


@dataclass(frozen=True, slots=True)
class KeptView:
    """What is kept of a session that has no running sandbox, as the API shows it."""

    form: Literal["sandbox", "snapshot"]
    bytes: int | None
    """What it costs on the engine's disk, where that is known."""
    until: datetime | None
    """When it is removed; None: not by itself."""

    @classmethod
    def of(cls, row: SessionRow) -> "KeptView | None":
        """From the session's row."""
        if row.state not in ("hibernating", "hibernated", "restoring", "ended"):
            return None
        if row.sandbox_id is not None:
            return cls("sandbox", row.kept_bytes, None)
        if row.snapshot_id is not None:
            return cls("snapshot", row.kept_bytes, row.kept_until)
        return None


@dataclass(frozen=True, slots=True)
class RewindView:
    """How far a session is rewound, as the API shows it."""

    state: Literal["requested", "rewound"]
    prompt_id: str | None
    seq: int | None
    by: str

    @classmethod
    def of(cls, row: SessionRow) -> "RewindView | None":
        """From the session's row. What a copy has yet to undo in its files is nobody's doing."""
        rewind = row.rewind
        if rewind is None or "fork" in rewind:
            return None
        return cls(rewind["state"], rewind["prompt_id"], rewind["seq"], rewind["by"])


@dataclass(frozen=True, slots=True)
class ForkedFromView:
    """Of which session one began as a copy, as the API shows it."""

    session_id: str
    title: str
    prompt_id: str | None
    seq: int | None

    @classmethod
    def of(cls, row: SessionRow) -> "ForkedFromView | None":
        """From the session's row."""
        found = row.forked_from
        if found is None:
            return None
        return cls(found["session_id"], found["title"], found["prompt_id"], found["seq"])


@dataclass(frozen=True, slots=True)
class PullRequestView:
    """The pull request of a session, as the API shows it."""

    number: int
    url: str
    title: str
    body: str
    state: PullRequestState
    draft: bool
    base: str
    commit: str
    passed: int
    """Checks of its commit, by how they ended."""
    failed: int
    running: int

    @classmethod
    def of(cls, row: SessionRow) -> "PullRequestView | None":
        """From the session's row."""
        pull = row.pull_request
        if pull is None:
            return None
        ended = [check["conclusion"] for check in pull["checks"].values()]
        passed = sum(each in _GOOD for each in ended)
        running = ended.count(None)
        return cls(
            number=pull["number"],
            url=pull["url"],
            title=pull["title"],
            body=pull["body"],
            state=pull["state"],
            draft=pull["draft"],
            base=pull["base"],
            commit=pull["commit"],
            passed=passed,
            failed=len(ended) - passed - running,
            running=running,
        )


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session, as the API shows it."""

    id: str
    title: str
    state: SessionState
    state_reason: str | None
    repository: str | None
    branch: str | None
    work_branch: str | None
    model: str
    author: str
    created_at: datetime
    updated_at: datetime
    last_seq: int
    activity: str | None
    additions: int
    deletions: int
    changed_files: int
    queue: list[PromptView]
    driver: DriverView | None
    ports: list[Port]
    state_at: datetime
    hibernate_after: int | None
    kept: KeptView | None
    rewind: RewindView | None
    forked_from: ForkedFromView | None
    visibility: Visibility = "joinable"
    """In answers that were kept before there was this, as it was then."""
    pull_request: PullRequestView | None = None
    parent: str | None = None
    """The session within which it was started, which not all who see this one may see."""

    @classmethod
    def of(cls, row: SessionRow, queue: list[PromptRow]) -> "SessionView":
        """From its row and its waiting prompts."""
        return cls(
            id=row.id,
            title=row.title,
            state=row.state,
            state_reason=row.state_reason,
            repository=row.repository,
            branch=row.branch,
            work_branch=row.work_branch,
            model=row.model,
            author=row.author,
            created_at=row.created_at,
            updated_at=row.updated_at,
            last_seq=row.last_seq,
            activity=_last_line(row.activity),
            additions=row.additions,
            deletions=row.deletions,
            changed_files=row.changed_files,
            queue=[PromptView.of(prompt, row.driver) for prompt in queue],
            driver=None if row.driver is None else DriverView.of(row.driver),
            ports=[Port.model_validate(port) for port in row.ports or []],
            state_at=row.state_at or row.updated_at,
            hibernate_after=row.hibernate_after,
            kept=KeptView.of(row),
            rewind=RewindView.of(row),
            forked_from=ForkedFromView.of(row),
            visibility=row.visibility,
            pull_request=PullRequestView.of(row),
            parent=row.parent_id,
        )


@dataclass(frozen=True, slots=True)
class SandboxIdentity:
    """Whose token it was that knocked at a door."""

    sandbox_id: str
    session_id: str


@dataclass(frozen=True, slots=True)
class DoorContext:
    """What the doors need to know of a session."""

    session_id: str
    repository: str | None
    turn_id: str | None
    """The turn that runs."""
    author_id: str
    """Who started it."""
    work_branch: str | None
    """The one that it may push to."""
    base_commit: str | None


def _last_line(text: str | None) -> str | None:
    """The newest line without its markup; of a long one the end, from a whole word on."""
    lines = [line.strip("#>-*` ") for line in (text or "").replace("**", "").splitlines()]
    last = next((line for line in reversed(lines) if line), None)
    if last is None or len(last) <= _LINE_LENGTH:
        return last
    return "…" + last[-_LINE_LENGTH:].partition(" ")[2]
