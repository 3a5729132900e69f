"""What repositories are set up with: kept for admins, decided for sessions, told to runners.

It is decided once for a session, when its files are there: all that came from the repository's file
is then as the file was. What an admin lets a repository reach counts at once, in sessions that run.
"""

import asyncio
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

import structlog
from pydantic import ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from bunkhouse.broker.egress.policy import Policy
from bunkhouse.broker.egress.reach import Reach
from bunkhouse.broker.git import repositories
from bunkhouse.broker.repository_settings import file, shape
from bunkhouse.broker.repository_settings.file import Found
from bunkhouse.broker.repository_settings.merging import Admins, Merged, merge
from bunkhouse.broker.repository_settings.shape import Limits, Values
from bunkhouse.errors import InvalidInput, NotFound, TooLarge
from bunkhouse.people.identity import Person
from bunkhouse.people.permissions import missing
from bunkhouse.sessions.journal import Change, Journal
from bunkhouse.sessions.ports import Catalog
from bunkhouse.store import Transaction, sessions
from bunkhouse.store import repository_settings as rows
from bunkhouse.store.repository_settings import RepositorySettingsRow
from bunkhouse.store.sessions import SessionRow
from bunkhouse_protocol.configuring import CONFIG, ConfigFile, SetUp
from bunkhouse_protocol.events import Notice, Problem, RepositoryConfigured

_audit = structlog.get_logger("bunkhouse.audit")

_ESCAPED = 6
"""JSON may spell a byte in six characters."""
_WHERE = "Settings → Repositories"


@dataclass(frozen=True, slots=True)
class Entry:
    """What an admin says of a repository."""

    repository: str
    values: Values
    reads_file: bool
    updated_at: datetime
    updated_by: str


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """How a session is set up, and what came from where."""

    told: RepositoryConfigured
    environment: dict[str, str]
    allowed: tuple[str, ...]
    """What an admin lets its repository reach besides, now."""
    refused: tuple[str, ...]
    """Of what the file wants to reach, what it may not, now."""
    troubles: tuple[str, ...]
    """What of the file could not be used, in sentences."""


class RepositorySettings:
    """The settings of repositories."""

    def __init__(self, journal: Journal, catalog: Catalog, limits: Limits, reach: Reach) -> None:
        self._journal = journal
        self._catalog = catalog
        self._limits = limits
        self._reach = reach

    # ── what admins say ──────────────────────────────────────────────────────────────────────

    async def entries(self) -> list[Entry]:
        """All, by the address of the repository."""
        async with self._journal.database.read() as tx:
            return [_entry(row) for row in await rows.every(tx)]

    async def entry(self, repository: str, by: Person) -> Entry:
        """Of one repository.

        Raises:
            InvalidInput: it is no repository.
            NotFound: nothing is said of it.
        """
        key = await self._key(repository, by)
        async with self._journal.database.read() as tx:
            row = await rows.get(tx, key)
        if row is None:
            raise _nothing(key)
        return _entry(row)

    async def put(
        self, repository: str, values: Values, by: Person, *, reads_file: bool = True
    ) -> Entry:
        """Say something of a repository, in place of what was said.

        Raises:
            InvalidInput: it is no repository; something can't be said so.
        """
        key = await self._key(repository, by)
        if values.model is not None:
            values = replace(values, model=self._catalog.model(values.model))
        _check(values, self._limits)
        row = RepositorySettingsRow(
            repository=key,
            settings={**_plain(values), "reads_file": reads_file},
            updated_at=datetime.now(UTC),
            updated_by=by.name,
        )
        async with self._journal.database.write() as tx:
            await rows.put(tx, row)
        _audit.info("repository_settings_put", repository=key, by=by.id)
        return _entry(row)

    async def forget(self, repository: str, by: Person) -> None:
        """Say nothing of a repository any more.

        Raises:
            InvalidInput: it is no repository.
            NotFound: nothing is said of it.
        """
        async with self._journal.database.write() as tx:
            # As it is listed: a folder of this machine may be gone by now.
            if await rows.forget(tx, repository):
                key = repository
            elif not await rows.forget(tx, key := await self._key(repository, by)):
                raise _nothing(key)
        _audit.info("repository_settings_forgotten", repository=key, by=by.id)

    async def _key(self, repository: str, by: Person) -> str:
        return key_of((await self._catalog.repository(repository, by)).shown)

    # ── what sessions get ────────────────────────────────────────────────────────────────────

    async def of_session(self, session_id: str) -> SessionSettings | None:
        """How a session is set up; None: it has no repository, or that is not decided yet.

        Raises:
            NotFound: there is no such session.
        """
        async with self._journal.database.read() as tx:
            row = await _session(tx, session_id)
            admins = await _admins(tx, row)
        if row.set_up is None or not row.set_up.get("told"):
            return None
        allowed = admins.values.egress or ()
        return SessionSettings(
            told=RepositoryConfigured.model_validate(row.set_up["told"]),
            environment=row.set_up["environment"],
            allowed=tuple(allowed),
            refused=tuple(self._reach.refused(row.set_up["egress"] or (), allowed)),
            troubles=tuple(row.set_up["troubles"]),
        )

    async def policy(self, session_id: str) -> Policy:
        """What a session's sandbox may reach.

        Raises:
            NotFound: there is no such session.
        """
        async with self._journal.database.read() as tx:
            row = await _session(tx, session_id)
            admins = await _admins(tx, row)
        wanted = row.set_up.get("egress") if row.set_up and admins.reads_file else None
        return self._reach.of_repository(wanted, admins.values.egress or ())

    async def take(self, request: Request, session_id: str) -> Response:
        """Answer `POST /sandbox/settings`: a runner shows what the repository's file says.

        Raises:
            InvalidInput, TooLarge: it is none.
            NotFound: the session is gone.
        """
        body = bytearray()
        limit = _ESCAPED * self._limits.file_bytes + 1024
        try:
            async for piece in request.stream():
                body += piece
                if len(body) > limit:
                    raise TooLarge(f"A `{CONFIG}` is at most {self._limits.file_bytes:,} bytes.")
        except ClientDisconnect:
            return Response(status_code=400)
        try:
            given = ConfigFile.model_validate_json(bytes(body))
        except ValidationError as error:
            raise InvalidInput("This is not a repository's file of settings.") from error
        set_up = await self.decide(session_id, given)
        return Response(set_up.model_dump_json(), media_type="application/json")

    async def decide(self, session_id: str, given: ConfigFile) -> SetUp:
        """Decide how a session is set up, unless that is decided; the log tells of it.

        Raises:
            NotFound: there is no such session.
        """
        # Read beside the loop and before the transaction: who wrote it may have meant it to last.
        found = await asyncio.to_thread(file.parse, given, self._limits)
        async with self._journal.change(session_id) as change:
            row = change.row
            if row.set_up is None:
                self._decide(change, found, await _admins(change.tx, row))
            set_up = row.set_up or {}
        return SetUp(
            commands=set_up.get("commands", []),
            seconds=set_up.get("seconds", self._limits.seconds),
            environment=set_up.get("environment", {}),
        )

    def _decide(self, change: Change, found: Found, admins: Admins) -> None:
        row = change.row
        merged = merge(
            found,
            admins,
            chosen=row.model if row.model_chosen else None,
            default=self._catalog.model(None),
            offers=self._catalog.model,
            reach=self._reach,
            limits=self._limits,
        )
        troubles = [str(each) for each in found.troubles] if admins.reads_file else []
        told = merged.told.model_dump(mode="json", exclude={"seq", "first_seq", "at"})
        row.set_up = sessions.SetUp(
            commands=list(merged.commands),
            seconds=merged.seconds,
            environment=dict(merged.environment),
            egress=None if merged.egress is None else list(merged.egress),
            told=told,
            troubles=troubles,
        )
        row.model = merged.model
        _tell(change, merged, troubles)


def key_of(repository: str) -> str:
    """The one form of a repository's address that all its spellings have."""
    found = repositories.recall(repository)
    if found.kind == "folder":
        return found.url
    place = found.url.partition("://")[2].removesuffix("/").removesuffix(".git")
    host, _, path = place.partition("/")
    # GitHub takes names in any case.
    return f"https://{host}/{path.lower() if host == 'github.com' else path}"


def _tell(change: Change, merged: Merged, troubles: list[str]) -> None:
    if troubles:
        change.record(
            Problem(
                code="config_invalid",
                message=troubles[0] if len(troubles) == 1 else f"{troubles[0]} There is more.",
                remedy="The session goes on without that. Correct the file, and start a new "
                "session.",
                detail=None if len(troubles) == 1 else "\n".join(troubles),
            )
        )
    for source, why in merged.models_refused:
        whose = "an admin wants for this repository" if source == "admin" else "it wants"
        said = f"The repository does not get the model that {whose}. {why}"
        change.record(Notice(code="model_not_offered", message=f"{said} {merged.model} is used."))
    if merged.told.egress_refused:
        hosts = ", ".join(merged.told.egress_refused)
        said = f"The repository asks to reach {hosts}, which is not allowed here."
        remedy = f"An admin may allow it at {_WHERE}."
        change.record(Notice(code="egress_asked", message=f"{said} {remedy}"))
    told = merged.told
    chosen = told.model_source in ("person", "installation")
    if told.file != "absent" or told.commands or told.environment or not chosen:
        change.record(told)


def _check(values: Values, limits: Limits) -> None:
    """Raises InvalidInput: `repository_settings`."""
    about: list[tuple[str, str | None]] = [
        ("The list of commands", shape.about_commands(values.commands or (), limits)),
        ("The environment", shape.about_variables(values.environment or {}, limits)),
        ("The list of hosts", shape.about_hosts(values.egress or (), limits)),
    ]
    for name, value in (values.environment or {}).items():
        about.append((f"The variable `{name[:80]}`", shape.about_variable(name, value, limits)))
    for entry in values.egress or ():
        about.append((f"“{entry[:80]}”", shape.about_host(entry)))
    for what, why in about:
        if why is not None:
            raise InvalidInput(f"{what} {why}.", code="invalid_repository_settings")
    if values.seconds is not None and values.seconds > limits.seconds:
        raise InvalidInput(
            f"Set-up commands may take {limits.seconds:g} s at most.",
            remedy="Raise BUNKHOUSE_SET_UP_COMMANDS_SECONDS.",
            code="invalid_repository_settings",
        )


def _plain(values: Values) -> dict[str, Any]:
    return {name: value for name, value in asdict(values).items() if value is not None}


def _values(settings: dict[str, Any]) -> Values:
    commands, egress = settings.get("commands"), settings.get("egress")
    return Values(
        model=settings.get("model"),
        commands=None if commands is None else tuple(commands),
        seconds=settings.get("seconds"),
        environment=settings.get("environment"),
        egress=None if egress is None else tuple(egress),
    )


def _entry(row: RepositorySettingsRow) -> Entry:
    reads_file = cast("bool", row.settings.get("reads_file", True))
    return Entry(row.repository, _values(row.settings), reads_file, row.updated_at, row.updated_by)


async def _session(tx: Transaction, session_id: str) -> SessionRow:
    row = await sessions.get(tx, session_id)
    if row is None:
        raise missing(session_id)
    return row


async def _admins(tx: Transaction, row: SessionRow) -> Admins:
    said = None if row.repository is None else await rows.get(tx, key_of(row.repository))
    if said is None:
        return Admins()
    entry = _entry(said)
    return Admins(entry.values, entry.reads_file)


def _nothing(repository: str) -> NotFound:
    return NotFound(f"Nothing is set for {repository}.", code="no_repository_settings")
