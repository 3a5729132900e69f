"""What repositories are set up with: what admins say of them, and what sessions got."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from bunkhouse.api.access import Executor, Hub, Reader, RepositoryManager
from bunkhouse.api.routes.sessions import SessionId
from bunkhouse.api.schemas import Input, Page
from bunkhouse.api.services import Services
from bunkhouse.broker.repository_settings import (
    Entry,
    RepositorySettings,
    SessionSettings,
    Values,
)
from bunkhouse.errors import NotFound, Unavailable
from bunkhouse_protocol.events import SettingSource

router = APIRouter(tags=["repositories"])

Repository = Annotated[
    str,
    Query(min_length=1, max_length=2000, description="A repository, as a session is given it."),
]

_Text = Annotated[str, Field(min_length=1, max_length=64 * 1024)]


class RepositorySettingsIn(Input):
    """What an admin says of a repository. What is null is left to its own file."""

    reads_file: bool = True
    """Whether its own `.bunkhouse/config.toml` counts."""
    model: str | None = Field(None, min_length=1, max_length=200)
    """For sessions for which a person chose none."""
    commands: list[_Text] | None = None
    """Set-up commands, in place of the file's; empty: none are run."""
    seconds: float | None = Field(None, gt=0, allow_inf_nan=False)
    """How long they may take together."""
    environment: dict[str, str] | None = None
    """Variables, laid over the file's."""
    egress: list[_Text] | None = None
    """What its sandboxes may reach besides what all may."""


class RepositorySettingsOut(RepositorySettingsIn):
    """The same, as it is kept."""

    repository: str
    """Its address, in the one form that all its spellings have."""
    updated_at: datetime
    updated_by: str


class VariableOut(BaseModel):
    """A variable of a session's environment."""

    name: str
    value: str
    source: SettingSource


class SessionSettingsOut(BaseModel):
    """How a session is set up for its repository, and who said so."""

    file: Literal["absent", "read", "in_part", "unusable", "not_read"]
    """The repository's own file, at the commit that the session began at."""
    troubles: list[str]
    """What of it could not be used."""
    model: str
    """As it was at the beginning."""
    model_source: SettingSource
    commands: list[str]
    commands_source: SettingSource
    seconds: float
    environment: list[VariableOut]
    egress: list[str] | None
    """What the file wants to reach; null: it says nothing of that."""
    egress_refused: list[str]
    """Of that, what the installation does not allow now."""
    egress_allowed: list[str]
    """What an admin lets the repository reach besides, now."""


@router.get("/repository-settings")
async def list_repository_settings(
    hub: Hub, person: RepositoryManager, repository: Repository | None = None
) -> Page[RepositorySettingsOut]:
    """List what admins say of repositories; with `repository`, of that one."""
    settings = _settings(hub)
    if repository is None:
        return Page(items=[_out(entry) for entry in await settings.entries()])
    return Page(items=[_out(await settings.entry(repository, person))])


@router.put("/repository-settings")
async def put_repository_settings(
    said: RepositorySettingsIn, hub: Hub, person: RepositoryManager, repository: Repository
) -> RepositorySettingsOut:
    """Say something of a repository in place of what was said. It counts for new sessions.

    What it may reach counts at once.
    """
    values = Values(
        model=said.model,
        commands=None if said.commands is None else tuple(said.commands),
        seconds=said.seconds,
        environment=said.environment,
        egress=None if said.egress is None else tuple(said.egress),
    )
    put = await _settings(hub).put(repository, values, person, reads_file=said.reads_file)
    return _out(put)


@router.delete("/repository-settings", status_code=204)
async def delete_repository_settings(
    hub: Hub, person: RepositoryManager, repository: Repository
) -> None:
    """Say nothing of a repository any more."""
    await _settings(hub).forget(repository, person)


@router.get("/sessions/{session_id}/repository-settings")
async def get_session_repository_settings(
    session_id: SessionId, hub: Hub, _person: Reader
) -> SessionSettingsOut:
    """Show how a session is set up for its repository, and what came from where."""
    found = await _settings(hub).of_session(session_id)
    if found is None:
        raise NotFound(
            "This session has no settings of a repository, or not yet.",
            code="no_repository_settings",
        )
    return _shown(found)


@router.post("/sessions/{session_id}/setup", status_code=202)
async def set_up_session(session_id: SessionId, hub: Hub, _person: Executor) -> None:
    """Run the repository's set-up commands again. The log tells of them; prompts wait."""
    await hub.sessions.get(session_id)
    await hub.environment.set_up_again(session_id)


def _settings(hub: Services) -> RepositorySettings:
    if hub.repository_settings is None:
        raise Unavailable("This hub has no settings for repositories.")
    return hub.repository_settings


def _out(entry: Entry) -> RepositorySettingsOut:
    values = entry.values
    return RepositorySettingsOut(
        repository=entry.repository,
        reads_file=entry.reads_file,
        model=values.model,
        commands=None if values.commands is None else list(values.commands),
        seconds=values.seconds,
        environment=None if values.environment is None else dict(values.environment),
        egress=None if values.egress is None else list(values.egress),
        updated_at=entry.updated_at,
        updated_by=entry.updated_by,
    )


def _shown(found: SessionSettings) -> SessionSettingsOut:
    told = found.told
    return SessionSettingsOut(
        file=told.file,
        troubles=list(found.troubles),
        model=told.model,
        model_source=told.model_source,
        commands=told.commands,
        commands_source=told.commands_source,
        seconds=told.seconds,
        environment=[
            VariableOut(
                name=each.name, value=found.environment.get(each.name, ""), source=each.source
            )
            for each in told.environment
        ],
        egress=told.egress,
        egress_refused=list(found.refused),
        egress_allowed=list(found.allowed),
    )
