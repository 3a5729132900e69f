"""Sessions within sessions: what a child has from its parent, and how many there may be.

A child is a session of its own: its sandbox, its log, its owner. From its parent it has, at its
beginning and no longer, where it works (the repository, and the branch that the parent has pushed),
what its agent must ask for, who may see it and who takes part.

Who may see the parent may do so of the child only by what the child has itself.
"""

from dataclasses import replace
from datetime import UTC, datetime

from bunkhouse.errors import TooMany
from bunkhouse.people.identity import Person, SessionRole
from bunkhouse.people.permissions import missing
from bunkhouse.sessions.journal import Change, Journal
from bunkhouse.sessions.ports import Catalog
from bunkhouse.sessions.views import NewSession, Permission, SessionView
from bunkhouse.settings import Settings
from bunkhouse.store import Transaction, participants, prompts, sessions
from bunkhouse.store.sessions import SessionRow
from bunkhouse_protocol.events import ChildStarted


async def inherited(
    new: NewSession, author: Person, journal: Journal, catalog: Catalog
) -> NewSession:
    """Fill in what a child has from its parent where nothing else is given; else `new` as it is.

    Raises:
        NotFound: there is no such parent.
        InvalidInput, Forbidden: its repository is not for this person.
    """
    if new.parent is None:
        return new
    async with journal.database.read() as tx:
        parent = await _row(tx, new.parent)
    branch = new.branch
    same = new.repository in (None, parent.repository)
    if branch is None and same and new.from_issue is None and new.from_pull_request is None:
        branch = await _branch(parent, author, catalog)
    permissions: dict[str, Permission] | None = new.permissions
    if not permissions:
        permissions = {tool: _permission(kind) for tool, kind in parent.permissions.items()}
    return replace(
        new,
        repository=new.repository or parent.repository,
        branch=branch,
        model=new.model or parent.model,
        permissions=permissions,
        visibility=new.visibility or parent.visibility,
    )


async def join(change: Change, journal: Journal, author: Person, settings: Settings) -> None:
    """Make a new session the child of its parent, in the transaction that makes it.

    Raises:
        NotFound: there is no such parent any more.
        TooMany: it is one too many, or too deep.
    """
    child = change.row
    if child.parent_id is None:
        return
    async with journal.beside(change, child.parent_id) as parent:
        depth = await _depth(change.tx, parent.row)
        if depth > settings.max_child_depth:
            raise TooMany(
                f"This session is itself a child, {depth - 1} deep, and may have no children.",
                remedy="Do the work here, or raise BUNKHOUSE_MAX_CHILD_DEPTH.",
                code="too_deep",
            )
        # The new one is among them.
        count = len(await sessions.children(change.tx, parent.row.id))
        if count > settings.max_children:
            raise TooMany(
                f"This session has {count - 1:,} children, and may have no more.",
                remedy="Write to one that is there, delete one, or raise BUNKHOUSE_MAX_CHILDREN.",
                code="too_many_children",
            )
        await _take_along(change, parent.row, author)
        parent.record(ChildStarted(session_id=child.id, title=child.title, by=author.name))


class Families:
    """Which sessions are children of which."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def children(self, session_id: str) -> list[SessionView]:
        """The sessions that were started within one, oldest first, whoever may see them.

        Raises:
            NotFound: there is no such session.
        """
        async with self._journal.database.read() as tx:
            await _row(tx, session_id)
            rows = await sessions.children(tx, session_id)
            waiting = await prompts.in_state(tx, [row.id for row in rows], *prompts.WAITING)
        return [
            SessionView.of(row, [prompt for prompt in waiting if prompt.session_id == row.id])
            for row in rows
        ]


async def _branch(parent: SessionRow, author: Person, catalog: Catalog) -> str | None:
    """The parent's own branch as it is pushed; without one there, where the parent began."""
    if parent.repository is not None and parent.work_branch is not None:
        choice = await catalog.repository(parent.repository, author)
        if await catalog.has_branch(choice, parent.work_branch, author):
            return parent.work_branch
    return parent.branch


async def _depth(tx: Transaction, row: SessionRow) -> int:
    """How deep a child of a session is; 1 where that is no child itself."""
    depth, seen = 1, {row.id}
    while row.parent_id is not None and row.parent_id not in seen:
        seen.add(row.parent_id)
        above = await sessions.get(tx, row.parent_id)
        depth += 1
        if above is None:
            break
        row = above
    return depth


async def _take_along(change: Change, parent: SessionRow, author: Person) -> None:
    """Let those who take part in the parent take part in the child, as what they are there."""
    now = datetime.now(UTC)
    found = await participants.of(change.tx, parent.id)
    roles: dict[str, SessionRole] = {each.user_id: each.role for each in found}
    roles[parent.author_id] = "owner"
    for user_id, role in roles.items():
        if user_id != author.id:
            await participants.put(
                change.tx, change.row.id, user_id, role, added_by=author.id, at=now
            )


async def _row(tx: Transaction, session_id: str) -> SessionRow:
    row = await sessions.get(tx, session_id)
    if row is None:
        raise missing(session_id)
    return row


def _permission(kind: str) -> Permission:
    """What a row holds was one when it was written; of what is not understood, the agent asks."""
    match kind:
        case "allow" | "deny":
            return kind
        case _:
            return "ask"
