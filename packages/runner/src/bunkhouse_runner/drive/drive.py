"""A person takes over, and hands back: from `drive_started` to the `Handover`."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog

from bunkhouse_protocol.events import DriveStarted, Notice
from bunkhouse_protocol.gateway import Handover, HandoverRequest
from bunkhouse_runner.drive.journal import Journal
from bunkhouse_runner.drive.snapshots import Difference, Snapshot, Snapshots
from bunkhouse_runner.errors import Unknown, WorkspaceUnreadable
from bunkhouse_runner.outbox import Outbox
from bunkhouse_runner.processes import Account
from bunkhouse_runner.spool import Spool

_log = structlog.get_logger("bunkhouse.runner.drive")

_WANTED = "drive.wanted"
_BEGINNING = "drive.beginning"


@dataclass(frozen=True, slots=True)
class _Beginning:
    tree: str
    """Empty where there is no snapshot, since git could not read the workspace."""
    large: list[str]
    journal: int
    """How long the journal was, in bytes."""


class Drive:
    """What has to be remembered of a person who drives. All of it outlives the runner."""

    def __init__(self, outbox: Outbox, spool: Spool, workspace: Path, account: Account) -> None:
        self._outbox = outbox
        self._spool = spool
        self._snapshots = Snapshots(workspace, account)
        self._journal = Journal(account.home)

    @property
    def wanted(self) -> bool:
        """Whether a person waits until they may drive."""
        return self._spool.get(_WANTED) is not None

    def want(self) -> None:
        """Note that a person wants to drive. To ask twice is to ask once."""
        self._spool.set(_WANTED, "1")

    async def begin(self) -> None:
        """Remember how things are, and say that the person drives."""
        journal = self._journal.size()
        try:
            snapshot = await self._snapshots.take()
        except WorkspaceUnreadable as error:
            _log.warning("snapshot_failed", error=error.message, detail=error.detail)
            snapshot = Snapshot("", [])
        except Exception as error:
            _log.error("snapshot_broke", exc_info=error)
            snapshot = Snapshot("", [])
        if not snapshot.tree:
            said = "Git can't read the workspace: what you change will not be listed afterwards."
            self._outbox.emit(Notice(code="snapshot_failed", message=said))
        beginning = _Beginning(snapshot.tree, snapshot.large, journal)
        self._outbox.record(
            DriveStarted(snapshot=snapshot.tree),
            {_WANTED: None, _BEGINNING: json.dumps(asdict(beginning))},
        )

    async def handover(self, request: HandoverRequest) -> Handover:
        """Say what the person did.

        Raises:
            Unknown: it is not the newest snapshot.
            WorkspaceUnreadable: git can't say.
        """
        stored = self._spool.get(_BEGINNING)
        beginning = _Beginning(**json.loads(stored)) if stored else None
        if beginning is None or beginning.tree != request.snapshot:
            raise Unknown("no_such_snapshot", "The workspace was not remembered under that name.")
        found = Difference([], "", truncated=False)
        if beginning.tree:
            snapshot = Snapshot(beginning.tree, beginning.large)
            found = await self._snapshots.compare(snapshot, max(0, request.limit))
        return Handover(
            files=found.files,
            diff=found.diff,
            truncated=found.truncated,
            commands=self._journal.since(beginning.journal),
        )
