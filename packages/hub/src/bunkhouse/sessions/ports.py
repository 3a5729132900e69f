"""What the sessions room needs from rooms above it, handed to it by `app`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bunkhouse.forges import Topic, TopicKind
from bunkhouse.people.identity import Person
from bunkhouse.sandboxes.readiness import Readiness
from bunkhouse_protocol.link import Provider


@dataclass(frozen=True, slots=True)
class RepositoryChoice:
    """A repository that its person may use."""

    shown: str
    """As people read it."""
    door: str
    """Its path behind the git door."""
    pushes: bool = False
    """Whether the person is signed in at its forge, so that the session gets a branch there."""


class Catalog(Protocol):
    """What a session may be started with."""

    async def repository(self, text: str, person: Person) -> RepositoryChoice:
        """Understand what a person gave.

        Raises:
            InvalidInput: it is no repository.
            Forbidden: this person may not use it.
        """
        ...

    async def topic(
        self, choice: RepositoryChoice, kind: TopicKind, number: int, person: Person
    ) -> Topic:
        """Read an issue or a pull request of a repository, as this person may. See `Topics`."""
        ...

    async def has_branch(self, choice: RepositoryChoice, branch: str, person: Person) -> bool:
        """Whether a repository has a branch that this person can read; False where none can say."""
        ...

    def model(self, text: str | None) -> str:
        """The full name of a model, or of the default one.

        Raises:
            InvalidInput: there is no such provider, or it is off.
        """
        ...

    def providers(self) -> list[Provider]:
        """All model providers that are switched on."""
        ...


class Doors(Protocol):
    """The sockets on which the hub listens, one for each sandbox."""

    async def open(self, sandbox_id: str, session_id: str, run_dir: Path) -> None:
        """Listen at `run_dir/hub.sock`; nothing happens if that is so already."""
        ...

    async def close(self, sandbox_id: str) -> None:
        """Stop listening; nothing happens if that is so already."""
        ...


class ImageSource(Protocol):
    """Where the sandbox image comes from."""

    async def readiness(self) -> Readiness:
        """Whether the image is there; begins to build it if nobody has."""
        ...
