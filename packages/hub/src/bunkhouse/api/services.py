"""What the API calls: the ports of the rooms below, as narrow as the routes need them.

`app.py` fills a `Services` with the real ones; tests fill it with honest ones in memory.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol

from bunkhouse.api import schemas
from bunkhouse.api.repository_schemas import Branches, RepositoriesOut, TopicOut
from bunkhouse.blobs import Blobs, Uploads
from bunkhouse.broker.repository_settings import RepositorySettings
from bunkhouse.bus.presence import Look, Present, Who
from bunkhouse.forges import GitHubApp, Grants, Heard
from bunkhouse.people import Directory, Participants, People, Person, Rights
from bunkhouse.people.invites import Invites
from bunkhouse.people.share_links import ShareLinks
from bunkhouse.people.signin import SignIn
from bunkhouse.people.throttle import Throttle
from bunkhouse.sessions.commenting import Comments
from bunkhouse.sessions.export import Export, Format
from bunkhouse.sessions.once import Once
from bunkhouse.sessions.opening import Opening
from bunkhouse.sessions.pull_requests import Draft, Wanted
from bunkhouse.sessions.views import NewSession, PromptEdit, PromptView, SessionView
from bunkhouse.settings import Settings
from bunkhouse_protocol.events import Event, ServiceName, When
from bunkhouse_protocol.gateway import Changes, ServiceStatus, Terminal, Terminals
from bunkhouse_protocol.gateway import Services as SandboxServices

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Sessions(Protocol):
    """`bunkhouse.sessions.service.Sessions`, as far as the API calls it.

    Every method with a session's id raises `NotFound` where there is none, and those that change
    something `Conflict` where its state does not allow it.
    """

    async def create(
        self, new: NewSession, author: Person, *, key: Once | None = None
    ) -> SessionView:
        """Start a session."""
        ...

    async def get(self, session_id: str) -> SessionView:
        """Give one."""
        ...

    async def rename(
        self, session_id: str, *, title: str | None = None, model: str | None = None
    ) -> SessionView:
        """Change title or model."""
        ...

    async def delete(self, session_id: str, by: Person) -> None:
        """End and forget it."""
        ...

    async def prompt(
        self,
        session_id: str,
        text: str,
        author: Person,
        model: str | None = None,
        *,
        attachments: Sequence[str] = (),
        when: When = "queue",
        key: Once | None = None,
    ) -> PromptView:
        """Queue a prompt, or have the agent get it now."""
        ...

    async def retry_prompt(self, session_id: str, prompt_id: str, by: Person) -> PromptView:
        """Say again what failed or was stopped; asked twice, once."""
        ...

    async def edit_prompt(
        self, session_id: str, prompt_id: str, edit: PromptEdit, by: Person
    ) -> PromptView:
        """Change a waiting prompt."""
        ...

    async def withdraw(self, session_id: str, prompt_id: str, by: Person) -> None:
        """Take a waiting prompt back."""
        ...

    async def stop(self, session_id: str, by: Person) -> SessionView:
        """Stop what runs."""
        ...

    async def retry(
        self,
        session_id: str,
        *,
        branch: str | None = None,
        repository: str | None = None,
        by: Person,
    ) -> SessionView:
        """Set it up again."""
        ...

    async def reply_permission(
        self,
        session_id: str,
        request_id: str,
        reply: Literal["once", "always", "reject"],
        message: str | None,
        by: Person,
    ) -> None:
        """Answer a permission request."""
        ...

    async def reply_question(
        self, session_id: str, request_id: str, answers: Sequence[Sequence[str]] | None, by: Person
    ) -> None:
        """Answer questions, or dismiss them."""
        ...

    async def events(
        self, session_id: str, after: int = 0, limit: int = 500, *, folded: bool = False
    ) -> Sequence[Event]:
        """Give a part of the log."""
        ...

    async def events_before(
        self, session_id: str, before: int | None, limit: int, *, folded: bool = False
    ) -> tuple[Sequence[Event], Opening | None]:
        """Give what stands before a place (None: at the end), and what a reader folds first."""
        ...

    def follow(
        self, session_id: str, after: int = 0, *, folded: bool = False
    ) -> AsyncIterator[Sequence[Event]]:
        """Give the log above `after`, then what is added, until the session is deleted."""
        ...

    def follow_all(self) -> AsyncIterator[str]:
        """Give ids of sessions that change or are deleted from the moment of the call on."""
        ...

    def follow_log(self, session_id: str) -> AsyncIterator[str]:
        """Give a word whenever there may be more in a log, from the moment of the call on."""
        ...

    async def seen(self, session_id: str, place: int) -> None:
        """Write down that somebody was shown a log up to this place."""
        ...

    async def changes(self, session_id: str) -> Changes:
        """Ask the sandbox how its workspace differs; `SandboxNotRunning` where none runs."""
        ...

    def gateway(
        self, session_id: str, *, holds: bool = True
    ) -> AbstractAsyncContextManager[Stream]:
        """Open a byte stream to the sandbox's gateway; `SandboxNotRunning` where none runs.

        `holds`: while it is open the session does not go to sleep.
        """
        ...

    def use(self, session_id: str) -> None:
        """Somebody does something in the sandbox, so that it does not go to sleep yet."""
        ...

    async def open_stream(self, session_id: str, target: str) -> Stream:
        """Connect to `editor`, `desktop` or a port of the sandbox.

        Raises:
            ServiceNotRunning, NotListening, NotAllowed: what the sandbox refuses.
        """
        ...

    async def list(
        self, cursor: str | None = None, limit: int = 50, *, seen_by: str | None = None
    ) -> tuple[Sequence[SessionView], str | None]:
        """Give a page, newest activity first, and the cursor of the next.

        `seen_by`: only those that a member of this id may see.
        """
        ...


class Environment(Protocol):
    """`bunkhouse.sessions.environment.Environment`, as far as the API calls it.

    Every method raises `NotFound` where there is no such session and `SandboxNotRunning` where its
    sandbox does not run.
    """

    async def set_up_again(self, session_id: str) -> None:
        """Have the repository's set-up commands run again."""
        ...

    async def services(self, session_id: str) -> SandboxServices:
        """Say what runs beside the agent, and what it costs."""
        ...

    async def start_service(
        self, session_id: str, name: ServiceName, person: Person
    ) -> ServiceStatus:
        """Start the editor or the desktop, or wait until it has started; `UpstreamFailed`."""
        ...

    async def stop_service(self, session_id: str, name: ServiceName) -> None:
        """Stop it."""
        ...

    async def terminals(self, session_id: str) -> Terminals:
        """List its terminals."""
        ...

    async def open_terminal(self, session_id: str) -> Terminal:
        """Open one more."""
        ...

    async def end_terminal(self, session_id: str, terminal_id: str) -> None:
        """End one, with what runs in it; `NotFound`."""
        ...


class Drivers(Protocol):
    """`bunkhouse.sessions.drivers.Drivers`, as far as the API calls it."""

    async def drive(self, session_id: str, person: Person) -> SessionView:
        """Have the agent rest at its next safe point."""
        ...

    async def hand_back(self, session_id: str, note: str | None, person: Person) -> SessionView:
        """Tell the agent what was done, and let it go on."""
        ...

    async def give_up(self, session_id: str, person: Person) -> SessionView:
        """Drive no more, without a word to the agent."""
        ...


class Sleepers(Protocol):
    """`bunkhouse.sessions.sleepers.Sleepers`, as far as the API calls it."""

    async def hibernate(self, session_id: str, by: Person) -> None:
        """Stop its sandbox, which keeps its files."""
        ...

    async def wake(self, session_id: str, by: Person) -> None:
        """Start it again, or bring it back; `SnapshotMissing` where nothing is kept."""
        ...

    async def end(self, session_id: str, by: Person) -> None:
        """Take its sandbox away, and keep its files for a while."""
        ...

    async def hibernate_after(self, session_id: str, seconds: int | None) -> None:
        """Set when it goes to sleep by itself."""
        ...


class Rewinders(Protocol):
    """`bunkhouse.sessions.rewinders.Rewinders`, as far as the API calls it."""

    async def rewind(self, session_id: str, seq: int | None, by: Person) -> None:
        """Go back to just before the prompt at a place, or (None) forward again."""
        ...


class Forks(Protocol):
    """`bunkhouse.sessions.forking.Forking`, as far as the API calls it."""

    async def fork(
        self, session_id: str, seq: int | None, by: Person, *, key: Once | None = None
    ) -> SessionView:
        """Make a session as this one was just before the prompt at a place, or (None) as it is."""
        ...


class PullRequests(Protocol):
    """`bunkhouse.sessions.pull_requests.PullRequests`, as far as the API calls it."""

    async def draft(self, session_id: str) -> Draft:
        """Title and body to begin with."""
        ...

    async def open(self, session_id: str, wanted: Wanted, by: Person) -> bool:
        """Push, and open or update it; True: it is a new one."""
        ...

    async def refresh(self, session_id: str, by: Person) -> Sequence[Heard]:
        """Ask the forge how it is."""
        ...

    async def heard(self, host: str, told: Heard) -> int:
        """Take what a forge told by itself."""
        ...


class Families(Protocol):
    """`bunkhouse.sessions.families.Families`, as far as the API calls it."""

    async def children(self, session_id: str) -> Sequence[SessionView]:
        """List the sessions that were started within one, whoever may see them."""
        ...


class Exports(Protocol):
    """`bunkhouse.sessions.export.Exports`, as far as the API calls it."""

    async def open(self, session_id: str, form: Format, *, blobs: str) -> Export:
        """Begin a file of a session's log; `blobs`: where its blobs are to be had."""
        ...


class Presence(Protocol):
    """`bunkhouse.bus.presence.MemoryPresence`, as far as the API calls it."""

    def look(self, session_id: str, who: Who) -> AbstractContextManager[Look]:
        """Be there until the block ends, or is not refreshed any more."""
        ...

    def type(self, session_id: str, who: Who, *, typing: bool) -> None:
        """Say that somebody types, or does not any more."""
        ...

    def of(self, session_id: str) -> Sequence[Present]:
        """Say who is there."""
        ...

    def sessions(self) -> Sequence[str]:
        """Give the sessions in which somebody is."""
        ...

    def follow(self) -> AsyncIterator[str]:
        """Give ids of sessions in which that changes."""
        ...


class View(Protocol):
    """Where a person looks at something in a sandbox; see `schemas.ViewOut`."""

    @property
    def url(self) -> str:
        """With a ticket, for a frame."""
        ...

    @property
    def link(self) -> str:
        """Without, to be shared."""
        ...

    @property
    def mode(self) -> str:
        """How origins are told apart."""
        ...

    @property
    def notice(self) -> str | None:
        """What does not work as it should."""
        ...


class Apps(Protocol):
    """The gateway between browsers and sandboxes, as far as the API calls it."""

    async def view(self, person: Person, session_id: str, app: str, path: str) -> View:
        """Let a person's browser in.

        Raises:
            NotFound: there is no such session.
            Unavailable: this installation can't give origins to sandboxes.
        """
        ...


class ModelRegistry(Protocol):
    """The models that this installation offers."""

    async def models(self) -> schemas.Models:
        """List them."""
        ...


class System(Protocol):
    """The state of engine, image and sandboxes."""

    async def status(self) -> schemas.SystemStatus:
        """Give it as it is now."""
        ...

    def follow(self) -> AsyncIterator[schemas.SystemStatus]:
        """Give it at each change that people should see (image progress, engine)."""
        ...


class Repositories(Protocol):
    """`bunkhouse.api.repositories.RepositoryAnswers`, as far as the API calls it.

    Every method with a repository raises `Forbidden` for a folder that this person may not use, and
    `UpstreamFailed` where its host can't be reached.
    """

    async def find(self, text: str, person: Person) -> RepositoriesOut:
        """List those to choose from; fails for no forge."""
        ...

    async def branches(self, repository: str, person: Person) -> Branches:
        """List branches."""
        ...

    async def issues(self, repository: str, person: Person) -> list[TopicOut]:
        """List open issues; see `forges.Topics` for what it raises."""
        ...

    async def pull_requests(self, repository: str, person: Person) -> list[TopicOut]:
        """List open pull requests; see the same."""
        ...


@dataclass(slots=True)
class Services:
    """All that the API calls."""

    settings: Settings
    sessions: Sessions
    environment: Environment
    drivers: Drivers
    sleepers: Sleepers
    rewinders: Rewinders
    forks: Forks
    families: Families
    exports: Exports
    presence: Presence
    people: People
    rights: Rights
    participants: Participants
    directory: Directory
    sign_in: SignIn
    invites: Invites
    throttle: Throttle
    share_links: ShareLinks
    comments: Comments
    models: ModelRegistry
    system: System
    repositories: Repositories
    apps: Apps | None = None
    """None: nothing in a sandbox is shown to browsers."""
    blobs: Blobs | None = None
    """None: pictures are not kept."""
    uploads: Uploads | None = None
    """None: nothing can be attached."""
    grants: Grants | None = None
    """None: there are no forges."""
    pull_requests: PullRequests | None = None
    """None: there are no forges."""
    github_app: GitHubApp | None = None
    """None: none can be set up from the page."""
    repository_settings: RepositorySettings | None = None
    """None: repositories have no settings of their own."""
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the hub begins to stop: open streams end, so that the server can."""
