"""What every tool is given, and what it gives back."""

from dataclasses import dataclass

from bunkhouse.blobs import Blobs
from bunkhouse.people import People, Rights
from bunkhouse.people.identity import Person
from bunkhouse.sessions import Journal, Sessions
from bunkhouse.sessions.pull_requests import PullRequests
from bunkhouse.sessions.reaching import Reaching
from bunkhouse.settings import Settings
from bunkhouse_protocol.events import Picture


@dataclass(frozen=True, slots=True)
class Rooms:
    """The parts of the hub that the tools use."""

    journal: Journal
    sessions: Sessions
    pull_requests: PullRequests
    reaching: Reaching
    blobs: Blobs
    people: People
    rights: Rights
    settings: Settings


@dataclass(frozen=True, slots=True)
class Call:
    """A call that is allowed: where it comes from, and with whose rights."""

    session_id: str
    turn_id: str
    person: Person
    """Who wrote the prompt of the turn that runs."""
    rooms: Rooms


@dataclass(frozen=True, slots=True)
class Told:
    """What came of it."""

    text: str
    """For the agent."""
    message: str
    """For people, in the log: one sentence."""
    session_id: str | None = None
    picture: Picture | None = None
    caption: str = ""
