"""What runners are told of their sessions."""

from typing import cast

from bunkhouse.people.permissions import missing
from bunkhouse.sessions import committers
from bunkhouse.sessions.ports import Catalog
from bunkhouse.sessions.views import Permission
from bunkhouse.settings import Settings
from bunkhouse.store import Database, Transaction, sessions
from bunkhouse.store.sessions import SessionRow
from bunkhouse_protocol.configuring import SetUp
from bunkhouse_protocol.link import Repository, SessionSpec


class Specs:
    """Writes the specification of a session."""

    def __init__(self, database: Database, catalog: Catalog, settings: Settings) -> None:
        self._settings = settings
        self._database = database
        self._catalog = catalog

    async def of(self, session_id: str) -> SessionSpec:
        """Read it from the store.

        Raises:
            NotFound: there is no such session.
        """
        async with self._database.read() as tx:
            row = await sessions.get(tx, session_id)
            if row is None:
                raise missing(session_id)
            return await self.write(tx, row)

    async def write(self, tx: Transaction, row: SessionRow) -> SessionSpec:
        """From the session's row."""
        repository = None
        if row.repository is not None and row.repository_door is not None:
            repository = Repository(
                url=row.repository,
                door=row.repository_door,
                branch=row.branch,
                work_branch=row.work_branch,
            )
        author = await committers.of(tx, row.author_id, row.author, row.repository)
        return SessionSpec(
            session_id=row.id,
            repository=repository,
            model=row.model,
            providers=self._catalog.providers(),
            author_name=author.name,
            author_email=author.email,
            co_author=(self._settings.co_author or None) if row.work_branch else None,
            permissions=cast("dict[str, Permission]", row.permissions),
            service_idle_seconds=self._settings.service_idle_seconds,
            turn_stall_seconds=self._settings.turn_stall_seconds,
            tool_stall_seconds=self._settings.tool_stall_seconds,
            output_bytes=self._settings.output_bytes,
            whole_output_bytes=self._settings.whole_output_bytes,
            set_up=None if row.set_up is None else SetUp.model_validate(row.set_up),
            config_bytes=self._settings.config_bytes,
        )
