"""Sessions: what people do with them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import TypeAdapter

from bunkhouse.errors import InvalidInput
from bunkhouse.people.identity import Person
from bunkhouse.people.permissions import missing
from bunkhouse.sessions import (
    asking,
    beginning,
    branching,
    cursors,
    deleting,
    families,
    limits,
    once,
    prompting,
    retrying,
    sandbox_gateway,
    sleeping,
    turns,
)
from bunkhouse.sessions.attaching import Attaching
from bunkhouse.sessions.followed import Followed
from bunkhouse.sessions.identifiers import new_id
from bunkhouse.sessions.journal import Change, Journal
from bunkhouse.sessions.links import Links
from bunkhouse.sessions.once import Once
from bunkhouse.sessions.opening import Opening
from bunkhouse.sessions.ports import Catalog
from bunkhouse.sessions.reaching import Reaching
from bunkhouse.sessions.specs import Specs
from bunkhouse.sessions.usage import Usage
from bunkhouse.sessions.views import NewSession, PromptEdit, PromptView, SessionView
from bunkhouse.settings import Settings
from bunkhouse.store import prompts, sessions
from bunkhouse_protocol.events import Attachment, Event, SessionCreated, When
from bunkhouse_protocol.gateway import Changes
from bunkhouse_protocol.link import PermissionCommand, SetupCommand

_SESSION = TypeAdapter(SessionView)
_PROMPT = TypeAdapter(PromptView)
_BEYOND = 2**31 - 1
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
        attaching: Attaching | None = None,
        usage: Usage | None = None,
    ) -> None:
        self._journal = journal
        self._links = links
        self._reaching = reaching or Reaching(journal, links, settings)
        self._attaching = attaching or Attaching.of(settings)
        self._usage = usage or Usage()
        self._catalog = catalog
        self._specs = specs
        self._settings = settings

    # ── making, reading, ending ──────────────────────────────────────────────────────────────

    async def create(
        self, new: NewSession, author: Person, *, key: Once | None = None
    ) -> SessionView:
        """Start a session; it begins in `queued`. With a `key` it is started once.

        Raises:
            InvalidInput: no such repository, model or upload; a key that stands for something else.
            Forbidden: the repository is not for this person.
            BunkhouseError: what it is to start from can't be read at the forge; see `Topics`.
            TooLarge: the prompt is over `prompt_bytes`.
            NotFound: there is no such parent.
            TooMany: this person, or all together, or the parent, have as many as may be.
        """
        return await once.answered(lambda: self._create(new, author, key), _SESSION)

    async def _create(self, new: NewSession, author: Person, key: Once | None) -> SessionView:
        await once.look(self._journal.database, key)
        new = await families.inherited(new, author, self._journal, self._catalog)
        model = self._catalog.model(new.model)
        begins = await beginning.understood(new, author, self._catalog, self._settings)
        text, choice, branch = begins.text, begins.choice, begins.branch
        session_id = new_id()
        attachments = await self._attaching.take(session_id, author, new.attachments)
        title = begins.title or prompting.title(text, attachments) or "New session"
        now = datetime.now(UTC)
        columns: dict[str, Any] = {
            "title": title,
            "state": "queued",
            **branching.columns(choice, title, session_id, self._settings.branch_template),
            "branch": branch,
            "model": model,
            "model_chosen": new.model is not None,
            "permissions": dict(new.permissions or {}),
            "author_id": author.id,
            "author": author.name,
            "created_at": now,
            "updated_at": now,
            "pending": {},
            "visibility": new.visibility or self._settings.session_visibility,
            "parent_id": new.parent,
        }
        try:
            async with self._journal.begin(session_id, columns) as change:
                await once.check(change.tx, key)
                await limits.check(change.tx, author, self._settings)
                await families.join(change, self._journal, author, self._settings)
                change.record(
                    SessionCreated(
                        repository=change.row.repository,
                        branch=branch,
                        model=model,
                        title=title,
                        author=author.name,
                    )
                )
                if text or attachments:
                    await prompting.enqueue(change, text, author, attachments=attachments)
                await change.store()
                view = SessionView.of(change.row, await prompting.waiting(change))
                await once.keep(change.tx, key, _SESSION, view)
        except BaseException:
            await self._attaching.blobs.remove(session_id)
            raise
        await self._attaching.forget(author, new.attachments)
        return view

    async def get(self, session_id: str) -> SessionView:
        """One session.

        Raises:
            NotFound: there is none of this id.
        """
        async with self._journal.database.read() as tx:
            row = await sessions.get(tx, session_id)
            if row is None:
                raise missing(session_id)
            queue = await prompts.in_state(tx, [session_id], *prompts.WAITING)
        return SessionView.of(row, queue)

    async def list(
        self, cursor: str | None = None, limit: int = 50, *, seen_by: str | None = None
    ) -> tuple[list[SessionView], str | None]:
        """Sessions by newest activity, and a cursor for those that follow.

        `seen_by`: only those that a member of this id may see.

        Raises:
            InvalidInput: the cursor is not one of ours.
        """
        before = cursors.read(cursor) if cursor else None
        async with self._journal.database.read() as tx:
            rows = await sessions.page(tx, before=before, limit=limit + 1, seen_by=seen_by)
            waiting = await prompts.in_state(tx, [row.id for row in rows], *prompts.WAITING)
        shown = rows[:limit]
        views = [
            SessionView.of(row, [prompt for prompt in waiting if prompt.session_id == row.id])
            for row in shown
        ]
        more = len(rows) > limit
        return views, cursors.write(shown[-1].updated_at, shown[-1].id) if more else None

    async def rename(
        self, session_id: str, *, title: str | None = None, model: str | None = None
    ) -> SessionView:
        """Change title or model; the model counts from the next turn on."""
        async with self._journal.change(session_id) as change:
            if title is not None:
                change.row.title = title.strip() or change.row.title
            if model is not None:
                change.row.model, change.row.model_chosen = self._catalog.model(model), True
        return await self.get(session_id)

    async def delete(self, session_id: str, by: Person) -> None:
        """End a session and forget it; its sandbox is destroyed soon after."""
        async with self._journal.change(session_id) as change:
            was = change.row.state
            await deleting.delete(change)
        deleting.audit(session_id, by, was)
        self._usage.forget(session_id)

    # ── prompts and answers ──────────────────────────────────────────────────────────────────

    async def prompt(
        self,
        session_id: str,
        text: str,
        author: Person,
        model: str | None = None,
        *,
        attachments: Sequence[str] = (),
        when: When = "queue",
        key: Once | None = None,
    ) -> PromptView:
        """Say something to the agent; queued while it works. A failed session is tried again.

        `attachments`: ids of the author's uploads. `when` is `now`: into the running turn, or in
        its place. While somebody drives it waits until they hand back; the prompt's `notice` says
        so. With a `key` it is said once.

        One that sleeps wakes up, and one that has ended is brought back.

        Raises:
            SnapshotMissing: the session has ended, and nothing of it is kept any more.
            InvalidInput: no such model or upload; a key that stands for something else.
        """
        text = text.strip()

        async def say() -> PromptView:
            return await self._say(
                session_id, text, author, model=model, uploads=attachments, when=when, key=key
            )

        return await once.answered(say, _PROMPT)

    async def _say(
        self,
        session_id: str,
        text: str,
        author: Person,
        *,
        model: str | None,
        uploads: Sequence[str],
        when: When,
        key: Once | None,
    ) -> PromptView:
        await once.look(self._journal.database, key)
        if not text and not uploads:
            raise InvalidInput("The prompt is empty.")
        prompting.check_size(text, self._settings.prompt_bytes)
        chosen = None if model is None else self._catalog.model(model)
        await self.get(session_id)  # nothing is kept for a session that is not there
        attachments = await self._attaching.take(session_id, author, uploads)
        async with self._journal.change(session_id) as change:
            await once.check(change.tx, key)
            await sleeping.rouse(change)
            prompt_id = await prompting.enqueue(
                change, text, author, chosen, attachments=attachments, when=when
            )
            if change.row.state == "failed":
                await self._set_up_again(change)
            await turns.begin_next(change)
            if when == "now":
                await turns.hurry(change, prompt_id, steers=self._links.steers(session_id))
            row = await prompting.find(change, prompt_id)
            view = PromptView.of(row, change.row.driver, change.hold())
            await once.keep(change.tx, key, _PROMPT, view)
        await self._attaching.forget(author, uploads)
        return view

    async def retry_prompt(self, session_id: str, prompt_id: str, by: Person) -> PromptView:
        """Say again what failed or was stopped, with its files; asked twice, once (`retrying`).

        Raises:
            NotFound, Conflict: there is no such prompt, or it has not failed.
            SnapshotMissing: the session has ended, and nothing of it is kept any more.
        """
        async with self._journal.change(session_id) as change:
            new = await retrying.again(change, prompt_id, by)
            if new.state == "queued":
                await sleeping.rouse(change)
                if change.row.state == "failed":
                    await self._set_up_again(change)
                await turns.begin_next(change)
            return PromptView.of(await prompting.find(change, new.id), change.row.driver)

    async def edit_prompt(
        self, session_id: str, prompt_id: str, edit: PromptEdit, by: Person
    ) -> PromptView:
        """Change a prompt that still waits: what it says, its place, or that it is to go now.

        Raises:
            NotFound: there is no such prompt.
            Conflict: the agent has it already, or it was taken back; the hub wrote it.
            InvalidInput: it would be empty; no such model or upload.
        """
        columns: dict[str, Any] = {}
        if "text" in edit:
            columns["text"] = edit["text"].strip()
            prompting.check_size(columns["text"], self._settings.prompt_bytes)
        if "model" in edit:
            wanted = edit["model"]
            columns["model"] = None if wanted is None else self._catalog.model(wanted)
        if "attachments" in edit:
            held = await self._attachments(session_id, prompt_id)
            columns["attachments"] = await self._attaching.take(
                session_id, by, edit["attachments"], held
            )
        async with self._journal.change(session_id) as change:
            row = await prompting.find_waiting(change, prompt_id)
            if not columns.get("text", row.text) and not columns.get(
                "attachments", row.attachments
            ):
                raise InvalidInput("The prompt would be empty.", remedy="Take it back instead.")
            await prompting.edit(change, row, by, **columns)
            if edit.get("when") == "now":
                await prompting.move(change, row, 0, by, when="now")
                await turns.hurry(change, prompt_id, steers=self._links.steers(session_id))
            elif "position" in edit:
                await prompting.move(change, row, edit["position"], by)
            view = PromptView.of(await prompting.find(change, prompt_id), change.row.driver)
        await self._attaching.forget(by, edit.get("attachments", []))
        return view

    async def withdraw(self, session_id: str, prompt_id: str, by: Person) -> None:
        """Take back a prompt that still waits.

        Raises:
            NotFound: there is no such prompt.
            Conflict: the agent has it already.
        """
        async with self._journal.change(session_id) as change:
            await prompting.find_waiting(change, prompt_id)
            await turns.withdraw(change, prompt_id)

    async def stop(self, session_id: str, by: Person) -> SessionView:
        """Stop what runs, a turn or the set-up; the session stays usable.

        Where it is not up yet, what waits is taken back. Nothing happens where nothing runs.
        """
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
                branching.change(change.row, choice, self._settings.branch_template)
            if branch is not None:
                branching.begin_at(change.row, branch)
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
            asking.check_pending(change, request_id)
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
            asking.check_pending(change, request_id)
            await asking.answer(change, request_id, answers, by)

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
        self, session_id: str, *, holds: bool = True
    ) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A byte stream to the sandbox's gateway.

        `holds`: while it is open the session counts as used; else say so with `use`.

        Raises:
            SandboxNotRunning: there is no running sandbox.
        """
        socket = await self._reaching.socket(session_id, "gateway")
        async with sandbox_gateway.connect(socket) as stream:
            if holds:
                self._usage.hold(session_id, stream[1])
            yield stream

    def use(self, session_id: str) -> None:
        """Somebody does something in the session's sandbox at this moment."""
        self._usage.touch(session_id)

    async def open_stream(
        self, session_id: str, target: str
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A stream of bytes to `editor`, `desktop` or a port. Who asked closes the writer.

        Raises:
            SandboxNotRunning: there is no running sandbox.
            ServiceNotRunning, NotListening, NotAllowed: the sandbox refused.
        """
        socket = await self._reaching.socket(session_id, "streams")
        stream = await sandbox_gateway.open_stream(socket, target)
        self._usage.hold(session_id, stream[1])
        return stream

    # ── within ───────────────────────────────────────────────────────────────────────────────

    async def _set_up_again(self, change: Change) -> None:
        change.move("queued", "person", "it is tried again")
        if change.row.sandbox_id is not None:
            # It runs, or will again: its runner is told, now or when it next connects.
            change.move("starting", "hub")
            spec = await self._specs.write(change.tx, change.row)
            await change.command(SetupCommand(session=spec))

    async def _attachments(self, session_id: str, prompt_id: str) -> Sequence[Attachment]:
        async with self._journal.database.read() as tx:
            row = await prompts.get(tx, session_id, prompt_id)
        return [] if row is None else PromptView.of(row).attachments
