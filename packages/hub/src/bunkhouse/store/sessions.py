"""Queries over sessions."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict

from sqlalchemy import RowMapping, and_, case, delete, func, insert, or_, select, update

from bunkhouse.store import tables
from bunkhouse.store.connections import Transaction
from bunkhouse_protocol.events import SessionState

_S = tables.sessions


Visibility = Literal["private", "visible", "joinable"]
"""Who but its participants may see a session: nobody, all to look, all to work in it."""


class Driver(TypedDict):
    """Who drives a session, as its row holds it."""

    id: str
    name: str
    state: Literal["requested", "driving"]
    since: str
    """In the format of ISO 8601."""
    snapshot: str | None
    """Names the workspace as it was when they began."""


class Service(TypedDict):
    """A part of the environment that does not rest, as its session's row holds it."""

    state: Literal["starting", "ready", "stopping"]
    by: NotRequired[str]
    """Id of the person who started it."""


class ListeningPort(TypedDict):
    """Something that listens in a sandbox."""

    port: int
    process: str | None


class Rewind(TypedDict):
    """How far a session is rewound, as its row holds it."""

    id: str
    """Of the order to the runner."""
    state: Literal["requested", "rewound"]
    prompt_id: str | None
    """The prompt before which it is; None: it is to go forward again."""
    seq: int | None
    """The place of that prompt in the log."""
    undone_from: int | None
    """The place of the first event that does not count."""
    undone: list[str]
    """Turns that do not count, in order."""
    by: str
    before: "Rewind | None"
    """While it is requested: what holds if it fails."""
    fork: NotRequired[Literal["exact", "newest"]]
    """The log has nothing to undo, since it is a copy; the files have. `newest`: perhaps."""


class ForkedFrom(TypedDict):
    """Of which session one began as a copy, as its row holds it."""

    session_id: str
    title: str
    prompt_id: str | None
    seq: int | None
    """The place of that prompt in the other's log; None: all that there was."""
    last_seq: int
    """As much of the other's log was copied."""
    sandbox_id: str | None
    """Whose files are to be copied."""
    copying: str | None
    """The id of the snapshot that is to be made for that; None: it is made."""


class Check(TypedDict):
    """How a check of a pull request's newest commit is."""

    id: str
    """Of its newest run."""
    conclusion: str | None
    """The forge's word; None: it still runs."""
    url: str | None


class PullRequest(TypedDict):
    """The pull request of a session's branch, as its row holds it."""

    host: str
    repository: str
    """`owner/name`."""
    number: int
    url: str
    title: str
    body: str
    state: Literal["open", "closed", "merged"]
    draft: bool
    base: str
    commit: str
    """Where its branch is."""
    checks: dict[str, Check]
    """Of that commit, by name."""
    seen: list[str]
    """Reviews and comments that the log has already; the newest of them."""


class SetUp(TypedDict):
    """How a session's repository is set up, as its row holds it: decided once."""

    commands: list[str]
    seconds: float
    environment: dict[str, str]
    egress: list[str] | None
    """What the repository's own file wants to reach; None: it says nothing of that."""
    told: dict[str, Any]
    """The event that told of it: what came from where."""
    troubles: list[str]
    """What of the file could not be used, in sentences."""


class EndsAfter(TypedDict):
    """After which turn a session is to end, as its row holds it."""

    turn_id: str
    by: str
    """With whose rights the agent asked for it."""


@dataclass(slots=True)
class SessionRow:
    """A row of `sessions`; the fields are described at the table."""

    id: str
    title: str
    state: SessionState
    state_reason: str | None
    repository: str | None
    repository_door: str | None
    branch: str | None
    base_commit: str | None
    model: str
    permissions: dict[str, str]
    author_id: str
    author: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    last_seq: int
    activity: str | None
    additions: int
    deletions: int
    changed_files: int
    pending: dict[str, Literal["permission", "question", "asked"]]
    """`asked`: a question for which a tool of the hub waits, and not the agent by itself."""
    driver: Driver | None
    services: dict[str, Service] | None
    ports: list[ListeningPort] | None
    seen_seq: int
    seen_at: datetime | None
    run_type: str | None
    run_key: str | None
    run_seq: int | None
    spool_id: str | None
    spool_acked: int
    sandbox_id: str | None
    state_at: datetime | None
    hibernate_after: int | None
    snapshot_id: str | None
    kept_bytes: int | None
    kept_until: datetime | None
    rewind: Rewind | None
    forked_from: ForkedFrom | None
    visibility: Visibility
    work_branch: str | None
    pull_request: PullRequest | None
    pull_request_key: str | None
    set_up: SetUp | None
    model_chosen: bool
    parent_id: str | None
    ends_after: EndsAfter | None
    lease_owner: str | None
    lease_until: float | None


def _row(row: RowMapping) -> SessionRow:
    return SessionRow(**row)


async def add(tx: Transaction, **columns: Any) -> None:
    """A new session."""
    await tx.execute(insert(_S).values(**columns))


async def get(tx: Transaction, session_id: str, *, lock: bool = False) -> SessionRow | None:
    """One session; None where there is none, or it was deleted.

    `lock`: wait until nobody else changes it, and let nobody until the transaction ends. All that
    belongs to a session is written under this lock. SQLite's one writer has it anyway.
    """
    query = select(_S).where(_S.c.id == session_id, _S.c.deleted_at.is_(None))
    if lock:
        query = query.with_for_update()
    found = (await tx.execute(query)).mappings().first()
    return None if found is None else _row(found)


async def of_pull_request(tx: Transaction, key: str) -> str | None:
    """The id of the session that a pull request is of."""
    query = select(_S.c.id).where(_S.c.pull_request_key == key, _S.c.deleted_at.is_(None))
    return (await tx.execute(query.order_by(_S.c.created_at.desc()).limit(1))).scalar()


async def children(tx: Transaction, parent_id: str) -> list[SessionRow]:
    """The sessions that were started within one, oldest first."""
    query = select(_S).where(_S.c.parent_id == parent_id, _S.c.deleted_at.is_(None))
    query = query.order_by(_S.c.created_at, _S.c.id)
    return [_row(row) for row in (await tx.execute(query)).mappings()]


async def page(
    tx: Transaction,
    *,
    before: tuple[datetime, str] | None,
    limit: int,
    seen_by: str | None = None,
) -> list[SessionRow]:
    """Sessions by newest activity; `before` is (updated_at, id) of the last one already seen.

    `seen_by`: only those that a member of this id may see.
    """
    query = select(_S).where(_S.c.deleted_at.is_(None))
    if seen_by is not None:
        participants = tables.participants
        takes_part = (
            select(participants.c.user_id)
            .where(participants.c.session_id == _S.c.id, participants.c.user_id == seen_by)
            .exists()
        )
        query = query.where(
            or_(_S.c.visibility != "private", _S.c.author_id == seen_by, takes_part)
        )
    if before is not None:
        at, session_id = before
        query = query.where(
            or_(_S.c.updated_at < at, and_(_S.c.updated_at == at, _S.c.id < session_id))
        )
    query = query.order_by(_S.c.updated_at.desc(), _S.c.id.desc()).limit(limit)
    return [_row(row) for row in (await tx.execute(query)).mappings()]


async def repositories(tx: Transaction, author_id: str, *, limit: int) -> list[str]:
    """The repositories of one person's sessions, each once, the one used last first."""
    used = func.max(_S.c.updated_at)
    query = (
        select(_S.c.repository)
        .where(_S.c.author_id == author_id, _S.c.repository.is_not(None), _S.c.deleted_at.is_(None))
        .group_by(_S.c.repository)
        .order_by(used.desc(), _S.c.repository)
        .limit(limit)
    )
    return [row.repository for row in await tx.execute(query)]


async def in_states(tx: Transaction, *states: SessionState) -> list[SessionRow]:
    """All sessions in one of these states, oldest first."""
    query = select(_S).where(_S.c.state.in_(states), _S.c.deleted_at.is_(None))
    return [
        _row(row) for row in (await tx.execute(query.order_by(_S.c.created_at, _S.c.id))).mappings()
    ]


async def to_put_away(tx: Transaction) -> list[SessionRow]:
    """Sessions that have ended and still have a sandbox, or a snapshot without a last day."""
    undated = _S.c.snapshot_id.is_not(None) & _S.c.kept_until.is_(None)
    query = select(_S).where(
        _S.c.state == "ended", _S.c.sandbox_id.is_not(None) | undated, _S.c.deleted_at.is_(None)
    )
    return [_row(row) for row in (await tx.execute(query)).mappings()]


async def kept_too_long(tx: Transaction, now: datetime) -> list[str]:
    """Sessions that have ended and whose snapshot is to be kept no longer."""
    query = select(_S.c.id).where(
        _S.c.state == "ended",
        _S.c.snapshot_id.is_not(None),
        _S.c.kept_until < now,
        _S.c.deleted_at.is_(None),
    )
    return [row.id for row in await tx.execute(query)]


async def ended_before(tx: Transaction, at: datetime, *, limit: int) -> list[str]:
    """Sessions that ended before a time, those first that ended first."""
    ended = func.coalesce(_S.c.state_at, _S.c.updated_at)
    query = (
        select(_S.c.id)
        .where(_S.c.state == "ended", ended < at, _S.c.deleted_at.is_(None))
        .order_by(ended)
        .limit(limit)
    )
    return [row.id for row in await tx.execute(query)]


async def stalled(tx: Transaction) -> list[str]:
    """Sessions that are idle, that nobody drives, and whose queue is not empty."""
    waiting = (
        select(tables.prompts.c.id)
        .where(tables.prompts.c.session_id == _S.c.id, tables.prompts.c.state == "queued")
        .exists()
    )
    query = select(_S.c.id).where(
        _S.c.state == "idle", _S.c.driver.is_(None), _S.c.deleted_at.is_(None), waiting
    )
    return [row.id for row in await tx.execute(query)]


async def known(tx: Transaction, ids: Collection[str]) -> set[str]:
    """Those of these ids that are of sessions, deleted ones among them."""
    found = await tx.execute(select(_S.c.id).where(_S.c.id.in_(ids)))
    return {row.id for row in found}


async def count(tx: Transaction, author_id: str) -> tuple[int, int]:
    """How many sessions have not ended: all, and those of this person."""
    own = func.count(case((_S.c.author_id == author_id, 1)))
    query = select(func.count(), own).where(_S.c.state != "ended", _S.c.deleted_at.is_(None))
    everybody, theirs = (await tx.execute(query)).one()
    return everybody, theirs


async def change(tx: Transaction, session_id: str, **columns: Any) -> None:
    """Set columns of one session."""
    await tx.execute(update(_S).where(_S.c.id == session_id).values(**columns))


async def seen(tx: Transaction, session_id: str, place: int, at: datetime) -> None:
    """Somebody was shown the session's log up to a place."""
    query = update(_S).where(_S.c.id == session_id, _S.c.seen_seq <= place)
    await tx.execute(query.values(seen_seq=place, seen_at=at))


async def deleted(tx: Transaction) -> list[str]:
    """Sessions that were deleted and whose rows are still there."""
    query = select(_S.c.id).where(_S.c.deleted_at.is_not(None))
    return [row.id for row in await tx.execute(query)]


async def purge(tx: Transaction, session_id: str) -> None:
    """Forget a session with all that belongs to it."""
    belongings = (
        tables.events,
        tables.prompts,
        tables.outbox,
        tables.sandboxes,
        tables.snapshots,
        tables.participants,
        tables.share_links,
    )
    for table in belongings:
        await tx.execute(delete(table).where(table.c.session_id == session_id))
    await tx.execute(delete(_S).where(_S.c.id == session_id))


# ── leases ───────────────────────────────────────────────────────────────────────────────────


async def claim(tx: Transaction, session_id: str, *, owner: str, now: float, until: float) -> bool:
    """Take the session's lease, or renew it; False while somebody else holds it."""
    free = or_(_S.c.lease_owner.is_(None), _S.c.lease_owner == owner, _S.c.lease_until < now)
    result = await tx.execute(
        update(_S).where(_S.c.id == session_id, free).values(lease_owner=owner, lease_until=until)
    )
    return result.rowcount == 1


async def release(tx: Transaction, session_id: str, *, owner: str) -> None:
    """Give the lease back."""
    await tx.execute(
        update(_S)
        .where(_S.c.id == session_id, _S.c.lease_owner == owner)
        .values(lease_owner=None, lease_until=None)
    )


async def release_all(tx: Transaction) -> None:
    """Free every lease: for the only hub of an installation, when it starts."""
    await tx.execute(
        update(_S).where(_S.c.lease_owner.is_not(None)).values(lease_owner=None, lease_until=None)
    )
