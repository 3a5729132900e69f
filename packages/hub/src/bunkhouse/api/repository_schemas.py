"""The shapes of what the API says of repositories, before there is a session."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel


class Branches(BaseModel):
    """The branches of a repository, for the picker."""

    default: str | None
    items: list[str]


class RepositoryOut(BaseModel):
    """A repository to start a session with. What only its forge knows is null where it did not
    say it."""

    name: str
    """`owner/name`; of a folder of the hub's machine its name."""
    url: str
    """Give it as `repository`."""
    private: bool | None
    default_branch: str | None
    description: str | None
    pushed_at: datetime | None
    may_push: bool | None
    recent: bool
    """You started a session with it."""


class ForgeOut(BaseModel):
    """A forge, and whether it could say what you can see there."""

    kind: Literal["github"]
    host: str
    url: str
    """What the URLs of its repositories begin with, without a slash at the end."""
    grant: Literal["given", "missing", "revoked"]
    """Whether you let the hub act for you there; `revoked`: the forge takes it no more."""
    problem: str | None
    """Why what you see there is not among the items, in a sentence."""
    remedy: str | None


class RepositoriesOut(BaseModel):
    """Repositories to choose from: recent ones first, then by newest push, or as they are found."""

    items: list[RepositoryOut]
    forges: list[ForgeOut]


class TopicOut(BaseModel):
    """An open issue or pull request, to start a session from."""

    number: int
    title: str
    author: str
    url: str
    branch: str | None
    """On which a session starts that starts from it; null: the default one."""
