"""Sessions: what people do with them."""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Literal

from bunkhouse.errors import Conflict, InvalidInput, NotFound, TooLarge
from bunkhouse.people.identity import Person
from bunkhouse.sessions import prompting, sandbox_gateway, turns
from bunkhouse.sessions.followed import Followed
from bunkhouse.sessions.identifiers import new_id
from bunkhouse.sessions.journal import Change, Journal, missing
from bunkhouse.sessions.links import Links
from bunkhouse.sessions.opening import Opening
from bunkhouse.sessions.ports import Catalog
from bunkhouse.sessions.reaching import Reaching
from bunkhouse.sessions.specs import Specs
from bunkhouse.sessions.views import NewSession, PromptView, SessionView
from bunkhouse.settings import Settings
from bunkhouse.store import prompts, sessions
from bunkhouse_protocol.events import Event, SessionCreated
from bunkhouse_protocol.gateway import Changes
from bunkhouse_protocol.link import PermissionCommand, QuestionCommand, SetupCommand

_TITLE_LENGTH = 80
_BEYOND = 2**53
"""Above every place of a log."""


class Sessions:
    """The sessions of an installation."""

    def __init__(
        self,
        journal: Journal,
        links: Links,
        catalog: Catalog,
        specs: Specs,
        settings: Settings,
        *,
        reaching: Reaching | None = None,
    ) -> None:
        self._journal = journal
        self._reaching = reaching or Reaching(journal, links, settings)
        self._catalog = catalog
        self._specs = specs
        self._settings = settings

    # ── making, reading, ending ──────────────────────────────────────────────────────────────

    async def create(self, new: NewSession, author: Person) -> SessionView:
        """Start a session; it begins in `queued`.

        Raises:
            InvalidInput: no such repository or model.
            Forbidden: the repository is not for this person.
            TooLarge: the prompt is over `prompt_bytes`.
        """
        model = self._catalog.model(new.model)
        text = (new.prompt or "").strip()
        self._check_size(text)
        repository = (new.repository or "").strip()
        choice = await self._catalog.repository(repository, author) if repository else None
        branch = (new.branch or "").strip() or None
        session_id = new_id()
        title = (new.title or "").strip() or _title(text) or "New session"
        now = datetime.now(UTC)
        columns: dict[str, Any] = {
            "title": title,
            "state": "queued",
            "repository": choice.shown if choice else None,
            "repository_door": choice.door if choice else None,
            "branch": branch,
            "model": model,
            "permissions": dict(new.permissions or {}),
            "author_id": author.id,
            "author": author.name,
            "created_at": now,
            "updated_at": now,
            "pending": {},
        }
        async with self._journal.begin(session_id, columns) as change:
            change.record(
                SessionCreated(
                    repository=change.row.repository,
                    branch=branch,
                    model=model,
                    title=title,
                    author=author.name,
                )
            )
            if text:
                await prompting.enqueue(change, text, author)
        return await self.get(session_id)

    async def get(self, session_id: str) -> SessionView:
        """One session.

        Raises:
            NotFound: there is none of this id.
        """
        async with self._journal.database.read() as tx:
            row = await sessions.get(tx, session_id)
            if row is None:
                raise missing(session_id)
            queue = await prompts.in_state(tx, [session_id], "queued")
        return SessionView.of(row, queue)

    async def list(
        self, cursor: str | None = None, limit: int = 50
    ) -> tuple[list[SessionView], str | None]:
        """Sessions by newest activity, and a cursor for those that follow.

        Raises:
            InvalidInput: the cursor is not one of ours.
        """
        before = _decode(cursor) if cursor else None
        async with self._journal.database.read() as tx:
            rows = await sessions.page(tx, before=before, limit=limit + 1)
            waiting = await prompts.in_state(tx, [row.id for row in rows], "queued")
        shown = rows[:limit]
        views = [
            SessionView.of(row, [prompt for prompt in waiting if prompt.session_id == row.id])
            for row in shown
        ]
        more = len(rows) > limit
        return views, _encode(shown[-1].updated_at, shown[-1].id) if more else None

    async def rename(
        self, session_id: str, *, title: str | None = None, model: str | None = None
    ) -> SessionView:
        """Change title or model; the model counts from the next turn on."""
        async with self._journal.change(session_id) as change:
            if title is not None:
                change.row.title = title.strip() or change.row.title
            if model is not None:
                change.row.model = self._catalog.model(model)
        return await self.get(session_id)

    async def delete(self, session_id: str) -> None:
        """End a session and forget it; its sandbox is destroyed soon after."""
        async with self._journal.change(session_id) as change:
            if change.row.state != "ended":
                await turns.lose(change, code="deleted", message="The session was deleted.")
                change.move("ended", "person", "deleted")
            change.row.deleted_at = datetime.now(UTC)
            change.moved = True

    # ── prompts and answers ──────────────────────────────────────────────────────────────────

    async def prompt(
        self, session_id: str, text: str, author: Person, model: str | None = None
    ) -> PromptView:
        """Say something to the agent; queued while it works. A failed session is tried again.

        While somebody drives it waits until they hand back; the prompt's `notice` says so.

        Raises:
            Conflict: the session has ended.
        """
        text = text.strip()
        if not text:
            raise InvalidInput("The prompt is empty.")
        self._check_size(text)
        chosen = None if model is None else self._catalog.model(model)
        async with self._journal.change(session_id) as change:
            if change.row.state == "ended":
                raise Conflict(
                    "This session has ended.", remedy="Start a new one.", code="wrong_state"
                )
            prompt_id = await prompting.enqueue(change, text, author, chosen)
            if change.row.state == "failed":
                await self._set_up_again(change)
            await turns.begin_next(change)
            row, driver = await _prompt(change, prompt_id), change.row.driver
        return PromptView.of(row, driver)

    async def withdraw(self, session_id: str, prompt_id: str, by: Person) -> None:
        """Take back a prompt that still waits.

        Raises:
            NotFound: there is no such prompt.
            Conflict: the agent has it already.
        """
        async with self._journal.change(session_id) as change:
            row = await _prompt(change, prompt_id)
            if row.state != "queued":
                raise Conflict(
                    "The agent has this prompt already.", remedy="Stop the turn instead."
                )
            await turns.withdraw(change, prompt_id)

    async def stop(self, session_id: str, by: Person) -> SessionView:
        """Stop what runs; the session stays usable. Nothing happens where nothing runs."""
        async with self._journal.change(session_id) as change:
            await turns.stop(change)
        return await self.get(session_id)

    async def retry(
        self,
        session_id: str,
        *,
        branch: str | None = None,
        repository: str | None = None,
        by: Person,
    ) -> SessionView:
        """Set a failed session up again, perhaps from another branch or repository.

        Raises:
            Conflict: it has not failed.
        """
        choice = await self._catalog.repository(repository, by) if repository else None
        async with self._journal.change(session_id) as change:
            if choice is not None:
                change.row.repository, change.row.repository_door = choice.shown, choice.door
                change.row.branch = None
            if branch is not None:
                change.row.branch = branch.strip() or None
            await self._set_up_again(change)
        return await self.get(session_id)

    async def reply_permission(
        self,
        session_id: str,
        request_id: str,
        reply: Literal["once", "always", "reject"],
        message: str | None,
        by: Person,
    ) -> None:
        """Answer a permission request.

        Raises:
            Conflict: it was answered already, or is void.
        """
        async with self._journal.change(session_id) as change:
            _check_pending(change, request_id)
            await change.command(
                PermissionCommand(request_id=request_id, reply=reply, message=message, by=by.name)
            )

    async def reply_question(
        self, session_id: str, request_id: str, answers: Sequence[Sequence[str]] | None, by: Person
    ) -> None:
        """Answer the agent's questions, or dismiss them with None.

        Raises:
            Conflict: they were answered already, or are void.
        """
        async with self._journal.change(session_id) as change:
            _check_pending(change, request_id)
            await change.command(
                QuestionCommand(
                    request_id=request_id,
                    answers=None if answers is None else [list(labels) for labels in answers],
                    by=by.name,
                )
            )

    # ── the log ──────────────────────────────────────────────────────────────────────────────

    async def events(
        self, session_id: str, after: int = 0, limit: int = 500, *, folded: bool = False
    ) -> Sequence[Event]:
        """A part of the log."""
        return await self._journal.read(session_id, after=after, limit=limit, folded=folded)

    async def events_before(
        self, session_id: str, before: int | None, limit: int, *, folded: bool = False
    ) -> tuple[Sequence[Event], Opening | None]:
        """A part of the log that ends before place `before`, or at its end, and its opening."""
        return await self._journal.read_before(
            session_id, before=_BEYOND if before is None else before, limit=limit, folded=folded
        )

    def follow(
        self, session_id: str, after: int = 0, *, folded: bool = False
    ) -> AsyncIterator[Sequence[Event]]:
        """The log, then live."""
        return self._journal.follow(session_id, after=after, folded=folded)

    def follow_all(self) -> "Followed":
        """Ids of sessions that change from now on."""
        return Followed(self._journal.bus)

    def follow_log(self, session_id: str) -> "Followed":
        """The same for one session, at once: there may be more in its log."""
        return Followed(self._journal.bus, session_id, gather=0)

    async def seen(self, session_id: str, place: int) -> None:
        """Write down that somebody was shown the log up to this place."""
        async with self._journal.database.write() as tx:
            await sessions.seen(tx, session_id, place, datetime.now(UTC))

    # ── the sandbox ──────────────────────────────────────────────────────────────────────────

    async def changes(self, session_id: str) -> Changes:
        """How the workspace differs from where it began.

        Raises:
            SandboxNotRunning: there is no running sandbox to ask.
        """
        return await sandbox_gateway.changes(
            await self._reaching.socket(session_id, "gateway"), limit=self._settings.diff_bytes
        )

    @asynccontextmanager
    async def gateway(
        self, session_id: str
    ) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A byte stream to the sandbox's gateway.

        Raises:
            SandboxNotRunning: there is no running sandbox.
        """
        socket = await self._reaching.socket(session_id, "gateway")
        async with sandbox_gateway.connect(socket) as stream:
            yield stream

    async def open_stream(
        self, session_id: str, target: str
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A stream of bytes to `editor`, `desktop` or a port. Who asked closes the writer.

        Raises:
            SandboxNotRunning: there is no running sandbox.
            ServiceNotRunning, NotListening, NotAllowed: the sandbox refused.
        """
        socket = await self._reaching.socket(session_id, "streams")
        return await sandbox_gateway.open_stream(socket, target)

    # ── within ───────────────────────────────────────────────────────────────────────────────

    async def _set_up_again(self, change: Change) -> None:
        change.move("queued", "person", "it is tried again")
        if change.row.sandbox_id is not None:
            # It runs, or will again: its runner is told, now or when it next connects.
            change.move("starting", "hub")
            await change.command(SetupCommand(session=self._specs.write(change.row)))

    def _check_size(self, text: str) -> None:
        size = len(text.encode())
        if size > self._settings.prompt_bytes:
            raise TooLarge(
                f"The prompt has {size} bytes; the limit is {self._settings.prompt_bytes}.",
                remedy="Put long material into a file of the repository, or raise "
                "BUNKHOUSE_PROMPT_BYTES.",
            )


async def _prompt(change: Change, prompt_id: str) -> prompts.PromptRow:
    row = await prompts.get(change.tx, change.row.id, prompt_id)
    if row is None:
        raise NotFound(f"There is no prompt {prompt_id} in this session.")
    return row


def _check_pending(change: Change, request_id: str) -> None:
    if request_id not in change.row.pending:
        raise Conflict("This was answered already, or its turn has ended.", code="not_pending")


def _title(text: str) -> str:
    line = text.splitlines()[0].strip() if text else ""
    return line if len(line) <= _TITLE_LENGTH else line[: _TITLE_LENGTH - 1].rstrip() + "…"


def _encode(at: datetime, session_id: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([at.isoformat(), session_id]).encode()).decode()


def _decode(cursor: str) -> tuple[datetime, str]:
    try:
        at, session_id = json.loads(base64.urlsafe_b64decode(cursor))
        return datetime.fromisoformat(at), str(session_id)
    except (ValueError, TypeError) as error:
        raise InvalidInput("This cursor is not one that the hub gave.") from error
