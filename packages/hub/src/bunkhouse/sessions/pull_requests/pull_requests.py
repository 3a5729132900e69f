"""Opening, updating and looking at the pull request of a session's branch.

All of it is done with the rights that the person who asks has at the forge: their token, their
name on what has yet to be committed.
"""

import asyncio
from dataclasses import dataclass, replace
from weakref import WeakValueDictionary

from bunkhouse.errors import Conflict, InvalidInput, NotFound
from bunkhouse.forges import Forge, Grants, Heard
from bunkhouse.forges import PullRequest as Pull
from bunkhouse.people.identity import Person
from bunkhouse.people.permissions import missing
from bunkhouse.sessions import committers, sandbox_gateway
from bunkhouse.sessions.journal import Journal
from bunkhouse.sessions.pull_requests import hearing
from bunkhouse.sessions.pull_requests.draft import Draft, draft
from bunkhouse.sessions.reaching import Reaching
from bunkhouse.settings import Settings
from bunkhouse.store import sessions
from bunkhouse.store.sessions import SessionRow
from bunkhouse_protocol.gateway import PublishRequest
from bunkhouse_protocol.link import CommitIdentity


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a pull request is to be. None: as it is; of a new one, as the draft says."""

    title: str | None = None
    body: str | None = None
    base: str | None = None
    """The branch that it is to be merged into; of a new one that where the session began."""
    draft: bool = False
    """Of a new one: not to be reviewed yet."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a session's branch is."""

    forge: Forge
    repository: str
    branch: str


class PullRequests:
    """The pull requests of sessions."""

    def __init__(
        self, journal: Journal, reaching: Reaching, grants: Grants, settings: Settings
    ) -> None:
        self._journal = journal
        self._reaching = reaching
        self._grants = grants
        self._settings = settings
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def draft(self, session_id: str) -> Draft:
        """What it would say if nobody wrote it. Raises `NotFound`."""
        return await draft(self._journal, session_id)

    async def open(
        self, session_id: str, wanted: Wanted, by: Person, *, at_work: bool = False
    ) -> bool:
        """Push the session's work and have a pull request of it; True: it is a new one.

        One that is open is brought up to the work, and changed as wanted. `at_work`: it is the
        agent itself that asks, in the middle of its turn.

        Raises:
            NotFound: there is no such session.
            InvalidInput: it has no branch at a forge; or the forge refuses what it is told.
            Conflict: the agent is at work; there is nothing to publish; or git, a hook or the host
                refuses it.
            GrantMissing, GrantRevoked, Forbidden: the person may not, at the forge.
            SandboxNotRunning: there is nothing that could be pushed from.
            UpstreamFailed: sandbox or forge fails.
        """
        turn = self._turns.setdefault(session_id, asyncio.Lock())
        async with turn:
            row = await self._row(session_id)
            place = self._place(row)
            if row.state == "working" and not at_work:
                raise Conflict(
                    "The agent is at work.",
                    remedy="Wait until its turn has ended, or stop it.",
                    code="agent_at_work",
                )
            await self._grants.token_for(by.id, place.forge.host)  # before anything is pushed
            said = await draft(self._journal, session_id)
            title = (wanted.title or "").strip() or said.title
            commit = await self._push(row, place, title, by)
            before = await self._find(place, by)
            if before is None:
                whole = Wanted(
                    title=title,
                    body=said.body if wanted.body is None else wanted.body,
                    base=wanted.base or row.branch or await self._default_branch(place, by),
                    draft=wanted.draft,
                )
                pull = await self._opened(place, whole, by)
            else:
                pull = await self._changed(place, before, wanted, by)
            # Its list may be some moments behind what was pushed.
            pull = replace(pull, head_commit=commit)
            async with self._journal.change(session_id) as change:
                hearing.begin(change, place.forge.host, place.repository, pull, by.name)
            return before is None

    async def refresh(self, session_id: str, by: Person) -> list[Heard]:
        """Ask the forge how it is, and return all that it says; what is new goes into the log.

        Raises:
            NotFound: there is no such session, or it has none.
            GrantMissing, GrantRevoked, Forbidden, UpstreamFailed: as the forge says.
        """
        row = await self._row(session_id)
        place, known = self._place(row), row.pull_request
        if known is None:
            raise NotFound("This session has no pull request.", remedy="Open one.")
        name, number, forge = known["repository"], known["number"], place.forge

        async def ask(token: str) -> list[Heard]:
            pull = await forge.pull_request(token, name, number)
            found = [
                pull,
                *await forge.reviews(token, name, number),
                *await forge.review_comments(token, name, number),
                *await forge.comments(token, name, number),
                *await forge.checks(token, name, pull.head_commit),
            ]
            return [Heard(name, (number,), each, None) for each in found]

        told = await self._grants.call(by.id, forge.host, ask)
        async with self._journal.change(session_id) as change:
            for each in told:
                hearing.heard(change, each)
        return told

    async def heard(self, host: str, told: Heard) -> int:
        """Take what a forge told by itself; returns in how many sessions."""
        found = 0
        for number in told.numbers:
            key = hearing.key_of(host, told.repository, number)
            async with self._journal.database.read() as tx:
                session_id = await sessions.of_pull_request(tx, key)
            if session_id is not None:
                async with self._journal.change(session_id) as change:
                    hearing.heard(change, told)
                found += 1
        return found

    # ── within ───────────────────────────────────────────────────────────────────────────────

    async def _row(self, session_id: str) -> SessionRow:
        async with self._journal.database.read() as tx:
            row = await sessions.get(tx, session_id)
        if row is None:
            raise missing(session_id)
        return row

    def _place(self, row: SessionRow) -> _Place:
        forge = self._grants.forge_of(row.repository) if row.repository else None
        name = forge.repository_of(row.repository or "") if forge else None
        if forge is None or name is None or row.work_branch is None:
            raise InvalidInput(
                "This session has no branch of its own at a forge, of which a pull request could "
                "be.",
                remedy="Sign in at GitHub, or give a token in Settings, and start a session on a "
                "repository there.",
                code="no_branch",
            )
        return _Place(forge, name, row.work_branch)

    async def _push(self, row: SessionRow, place: _Place, message: str, by: Person) -> str:
        """Push all that was done; returns the branch's commit."""
        socket = await self._reaching.socket(row.id, "gateway")
        async with self._journal.database.read() as tx:
            identity = await committers.of(tx, by.id, by.name, row.repository)
        request = PublishRequest(
            branch=place.branch,
            message=message,
            author=CommitIdentity(name=identity.name, email=identity.email),
            co_author=self._settings.co_author or None,
        )
        return (await sandbox_gateway.publish(socket, request)).commit

    async def _find(self, place: _Place, by: Person) -> Pull | None:
        found = await self._grants.call(
            by.id,
            place.forge.host,
            lambda token: place.forge.pull_requests(token, place.repository, head=place.branch),
        )
        return next(iter(found), None)

    async def _default_branch(self, place: _Place, by: Person) -> str:
        found = await self._grants.call(
            by.id, place.forge.host, lambda token: place.forge.repository(token, place.repository)
        )
        return found.default_branch

    async def _opened(self, place: _Place, whole: Wanted, by: Person) -> Pull:
        return await self._grants.call(
            by.id,
            place.forge.host,
            lambda token: place.forge.open_pull_request(
                token,
                place.repository,
                head=place.branch,
                base=whole.base or "",
                title=whole.title or "",
                body=whole.body or "",
                draft=whole.draft,
            ),
        )

    async def _changed(self, place: _Place, before: Pull, wanted: Wanted, by: Person) -> Pull:
        title = (wanted.title or "").strip() or None
        if title in (None, before.title) and wanted.body in (None, before.body):
            return before
        return await self._grants.call(
            by.id,
            place.forge.host,
            lambda token: place.forge.change_pull_request(
                token, place.repository, before.number, title=title, body=wanted.body
            ),
        )
