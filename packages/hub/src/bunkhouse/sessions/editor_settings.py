"""A person's own settings of VS Code, which they find again in the editor of every session.

The hub lays them into the editor that the person starts, and keeps what they change in it. A
sandbox could write anything into that file, and what is kept reaches the same person's other
sandboxes: so only harmless settings are kept, and what was there when the editor started is
nobody's wish. Where several people use one editor, the settings are those of who started it.
"""

import asyncio
import math
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress

from bunkhouse.errors import BunkhouseError, NotFound
from bunkhouse.people.identity import Person
from bunkhouse.sessions import sandbox_gateway
from bunkhouse.sessions.journal import Change, Journal
from bunkhouse.sessions.lifecycle import SANDBOX_STATES
from bunkhouse.sessions.reaching import Reaching
from bunkhouse.store import preferences, sessions
from bunkhouse.store.sessions import Service

Scalar = str | int | float | bool | None
Settings = dict[str, Scalar]

_NAME = "editor"
_EVERY_SECONDS = 60.0

_KEEP = re.compile(
    r"(editor|diffEditor|workbench|window|explorer|breadcrumbs|zenMode|problems|search)\.[\w.-]+"
    r"|files\.autoSave(Delay)?|terminal\.integrated\.(font|cursor|lineHeight)[A-Za-z]*"
)
_NEVER = re.compile(
    r"command|path|exec|shell|program|browser|formatter|extension|external|ur[il]|profile|trust"
    r"|associations|actions|proxy|experiment|watcher|telemetry|unicode|chat",
    re.IGNORECASE,
)
"""Names of settings that may say what is run, opened or sent somewhere."""
_TEXT = re.compile(r"[\w .,'\"+()#-]*")
"""No slash, backslash, colon or dollar: neither a path, nor a URL, nor a variable."""
_COUNT = 300
_LENGTH = 200
_LARGEST = 10_000


def harmless(settings: Mapping[str, object]) -> Settings:
    """Give what of these settings may follow a person from one sandbox to the next."""
    kept: Settings = {}
    for name, value in settings.items():
        if len(kept) == _COUNT:
            break
        if len(name) <= _LENGTH and _KEEP.fullmatch(name) and not _NEVER.search(name):
            if value is None or isinstance(value, bool):
                kept[name] = value
            elif isinstance(value, int | float):
                if math.isfinite(value) and abs(value) <= _LARGEST:
                    kept[name] = value
            elif isinstance(value, str) and len(value) <= _LENGTH and _TEXT.fullmatch(value):
                kept[name] = value
    return kept


class EditorSettings:
    """Lays and keeps the settings of all who use editors."""

    def __init__(self, journal: Journal, reaching: Reaching) -> None:
        self._journal = journal
        self._reaching = reaching
        self._seen: dict[str, Settings] = {}
        """By session: what its editor's settings were when last looked at."""

    async def run(self) -> None:
        """Keep what people change, every minute, until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_SECONDS)
            async with self._journal.database.read() as tx:
                there = await sessions.in_states(tx, *SANDBOX_STATES)
            with_editor = {row.id for row in there if "editor" in (row.services or {})}
            self._seen = {name: seen for name, seen in self._seen.items() if name in with_editor}
            for session_id in with_editor:
                await self.keep(session_id)

    async def of(self, person_id: str) -> Settings:
        """What this person has set."""
        async with self._journal.database.read() as tx:
            return harmless(await preferences.get(tx, person_id, _NAME) or {})

    @asynccontextmanager
    async def laid(self, session_id: str, person: Person) -> AsyncGenerator[Settings]:
        """For the time of an editor's start: the settings to lay into it."""
        async with self._journal.change(session_id) as change:
            owner, begun = _owned(change, person)
        if begun:
            self._seen.pop(session_id, None)
        try:
            yield await self.of(owner)
        except BaseException:
            if begun:
                await asyncio.shield(self._forget(session_id))
            raise
        if session_id not in self._seen:
            with suppress(BunkhouseError):
                self._seen[session_id] = await self._ask(session_id)

    async def keep(self, session_id: str) -> None:
        """Keep what the editor's owner has changed since the last look; what fails waits."""
        with suppress(BunkhouseError):
            async with self._journal.database.read() as tx:
                row = await sessions.get(tx, session_id)
            editor = None if row is None else (row.services or {}).get("editor")
            owner = None if editor is None else editor.get("by")
            if owner is None:
                return
            now, before = await self._ask(session_id), self._seen.get(session_id)
            self._seen[session_id] = now
            if before is not None and now != before:
                await self._store(owner, before, now)

    async def _store(self, owner: str, before: Settings, now: Settings) -> None:
        async with self._journal.database.write() as tx:
            wishes = harmless(await preferences.get(tx, owner, _NAME, lock=True) or {})
            for name in before.keys() - now.keys():
                wishes.pop(name, None)
            for name, value in now.items():
                if name not in before or before[name] != value:
                    wishes[name] = value
            await preferences.put(tx, owner, _NAME, harmless(wishes))

    async def _ask(self, session_id: str) -> Settings:
        socket = await self._reaching.socket(session_id, "gateway")
        return harmless((await sandbox_gateway.editor_settings(socket)).settings)

    async def _forget(self, session_id: str) -> None:
        """A start came to nothing, and no event may ever say so."""
        with suppress(NotFound):
            async with self._journal.change(session_id) as change:
                known = dict(change.row.services or {})
                editor = known.pop("editor", None)
                if editor is not None and editor["state"] == "starting":
                    change.row.services = known or None


def _owned(change: Change, person: Person) -> tuple[str, bool]:
    """Whose settings the editor has, and whether it is this person who starts it."""
    known = change.row.services or {}
    editor = known.get("editor")
    if editor is not None and "by" in editor:
        return editor["by"], False
    state = "starting" if editor is None else editor["state"]
    change.row.services = {**known, "editor": Service(state=state, by=person.id)}
    return person.id, editor is None
