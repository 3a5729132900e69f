"""Grants: what people let the hub do for them at forges.

A grant is one person's tokens at one host, sealed in the store. Those that end by themselves are
replaced shortly before; the forge gives a new pair once for each old one, so that is done once for
each grant at a time, and to its end even if whoever asked has left.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from weakref import WeakValueDictionary

import structlog

from bunkhouse.errors import (
    BunkhouseError,
    GrantMissing,
    GrantRevoked,
    NotFound,
    TooMany,
    UpstreamFailed,
)
from bunkhouse.forges.forge import Account, Application, Forge, Tokens
from bunkhouse.store import Database
from bunkhouse.store import grants as rows
from bunkhouse.store.grants import GrantRow, Kind
from bunkhouse.vault import Vault

T = TypeVar("T")

_EARLY = timedelta(minutes=5)
"""A token is replaced so long before it ends: what is begun with it has time to finish."""

_audit = structlog.get_logger("bunkhouse.audit")


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant, as its person sees it."""

    forge: str
    host: str
    kind: Kind
    account: Account
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    """When it ends unless it is replaced before; None: not by itself."""
    revoked: bool
    """The forge does not take it any more."""


def _now() -> datetime:
    return datetime.now(UTC)


class Grants:
    """The grants of an installation, at the forges that it knows. `clock` gives the time in UTC."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        forges: Sequence[Forge],
        *,
        application: Callable[[str], Awaitable[Application | None]] | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        """`application`: as whom the hub is known at a host, for replacing tokens."""
        self._database = database
        self._vault = vault
        self._forges = {forge.host: forge for forge in forges}
        self._application = application
        self._clock = clock
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._at_work: set[asyncio.Task[str]] = set()

    @property
    def forges(self) -> Sequence[Forge]:
        """The forges."""
        return list(self._forges.values())

    def replace_forge(self, forge: Forge) -> None:
        """Know this forge in place of that of the same kind."""
        others = [each for each in self._forges.values() if each.kind != forge.kind]
        self._forges = {each.host: each for each in (*others, forge)}

    def forge(self, kind: str) -> Forge:
        """The forge of a kind.

        Raises:
            NotFound: there is none here.
        """
        for forge in self._forges.values():
            if forge.kind == kind:
                return forge
        raise NotFound(f"This installation has no forge `{kind}`.")

    def forge_of(self, url: str) -> Forge | None:
        """The forge that a repository's URL is of."""
        return next((f for f in self._forges.values() if f.repository_of(url)), None)

    # ── keeping and forgetting ───────────────────────────────────────────────────────────────

    async def keep(
        self, user_id: str, host: str, account: Account, tokens: Tokens, kind: Kind
    ) -> Grant:
        """Keep what a person lets the hub do at a host, in place of what there was.

        Raises:
            NotFound: this installation knows no forge at that host.
        """
        forge = self._at(host)
        now = self._clock()
        grant_id = secrets.token_hex(8)
        refresh = tokens.refresh_token
        row = GrantRow(
            id=grant_id,
            user_id=user_id,
            forge=forge.kind,
            host=host,
            kind=kind,
            account_id=account.id,
            login=account.login,
            name=account.name,
            access_token=self._vault.seal(tokens.access_token, _access(grant_id)),
            refresh_token=refresh and self._vault.seal(refresh, _refresh(grant_id)),
            expires_at=tokens.expires_at,
            scopes=list(tokens.scopes),
            created_at=now,
            updated_at=now,
        )
        async with self._database.write() as tx:
            await rows.put(tx, row)
        _audit.info("grant_kept", person=user_id, host=host, login=account.login, kind=kind)
        return _grant(row)

    async def keep_token(self, user_id: str, host: str, token: str) -> Grant:
        """Keep a token that the person made at the forge, once the forge has said whose it is.

        Raises:
            NotFound: this installation knows no forge at that host.
            GrantRevoked: the forge does not take the token.
            TooMany, UpstreamFailed, Forbidden: as the forge says.
        """
        account, scopes = await self._at(host).account(token)
        return await self.keep(user_id, host, account, Tokens(token, scopes=scopes), "token")

    async def of(self, user_id: str) -> list[Grant]:
        """What a person has, by host."""
        async with self._database.read() as tx:
            return [_grant(row) for row in await rows.of_person(tx, user_id)]

    async def find(self, user_id: str, host: str) -> Grant | None:
        """What a person has at a host."""
        row = await self._row(user_id, host)
        return None if row is None else _grant(row)

    async def forget(self, user_id: str, host: str) -> None:
        """Forget what a person has at a host; nothing happens where that is nothing."""
        async with self._database.write() as tx:
            gone = await rows.forget(tx, user_id, host)
        if gone:
            _audit.info("grant_forgotten", person=user_id, host=host)

    async def seal_anew(self) -> int:
        """Seal with the current key what an older one sealed; returns how many grants.

        Those whose key is not here stay as they are.
        """
        async with self._database.read() as tx:
            old = [row for row in await rows.every(tx) if not self._is_current(row)]
        done = 0
        for row in old:
            try:
                columns = self._sealed_anew(row)
            except BunkhouseError as error:
                _audit.warning(
                    "grant_not_opened", person=row.user_id, host=row.host, why=str(error)
                )
                continue
            async with self._database.write() as tx:
                done += await rows.replace(tx, row.id, columns, was=row.access_token)
        return done

    # ── using ────────────────────────────────────────────────────────────────────────────────

    async def token_for(self, user_id: str, host: str) -> str:
        """A token that is good now.

        Raises:
            GrantMissing: the person has none at this host.
            GrantRevoked: theirs is not good any more.
            VaultKeyMissing, SealBroken: it can't be decrypted.
            UpstreamFailed, TooMany: it has to be replaced, and the forge can't now.
        """
        row = await self._usable(user_id, host)
        if not self._is_due(row):
            return self._vault.open(row.access_token, _access(row.id))
        turn = self._turns.setdefault(row.id, asyncio.Lock())
        task = asyncio.create_task(self._replaced(user_id, host, turn))
        self._at_work.add(task)
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    async def call(self, user_id: str, host: str, act: Callable[[str], Awaitable[T]]) -> T:
        """Do something at the forge with a person's token, and note it if that is not taken.

        Raises:
            GrantMissing, GrantRevoked, VaultKeyMissing, SealBroken: there is no good token.
            BunkhouseError: whatever `act` raises.
        """
        token = await self.token_for(user_id, host)
        try:
            return await act(token)
        except GrantRevoked:
            await self.rejected(user_id, host, token)
            raise

    async def rejected(self, user_id: str, host: str, token: str) -> None:
        """The forge did not take this token: do not offer it again."""
        row = await self._row(user_id, host)
        if row is None or row.revoked_at or self._opened(row) != token:
            return
        async with self._database.write() as tx:
            now = self._clock()
            await rows.replace(tx, row.id, {"revoked_at": now}, was=row.access_token)
        _audit.warning("grant_rejected", person=user_id, host=host, login=row.login)

    def _done(self, task: asyncio.Task[str]) -> None:
        self._at_work.discard(task)
        if not task.cancelled():
            task.exception()  # whoever asked may have left

    async def _replaced(self, user_id: str, host: str, turn: asyncio.Lock) -> str:
        async with turn:
            # Whoever had the turn before may have done it.
            row = await self._usable(user_id, host)
            if not self._is_due(row):
                return self._vault.open(row.access_token, _access(row.id))
            old = row.refresh_token
            if old is None:
                return await self._ended(row)
            application = await self._application(host) if self._application else None
            if application is None:
                return await self._ended(row)
            refresh = self._vault.open(old, _refresh(row.id))
            try:
                fresh = await self._at(host).refreshed(application, refresh)
            except GrantRevoked:
                return await self._ended(row)
            except (UpstreamFailed, TooMany):
                if row.expires_at is not None and row.expires_at > self._clock():
                    return self._vault.open(row.access_token, _access(row.id))
                raise
            next_refresh = fresh.refresh_token
            columns = {
                "access_token": self._vault.seal(fresh.access_token, _access(row.id)),
                "refresh_token": next_refresh and self._vault.seal(next_refresh, _refresh(row.id)),
                "expires_at": fresh.expires_at,
                "updated_at": self._clock(),
            }
            async with self._database.write() as tx:
                await rows.replace(tx, row.id, columns, was=row.access_token)
            return fresh.access_token

    async def _ended(self, row: GrantRow) -> str:
        """It can't be replaced. Raises GrantRevoked."""
        async with self._database.write() as tx:
            now = self._clock()
            await rows.replace(tx, row.id, {"revoked_at": now}, was=row.access_token)
        _audit.warning("grant_ended", person=row.user_id, host=row.host, login=row.login)
        raise _not_good(row)

    async def _usable(self, user_id: str, host: str) -> GrantRow:
        row = await self._row(user_id, host)
        if row is None:
            raise GrantMissing(
                f"You are not signed in at {host}.",
                remedy="Sign in there, or give a token, in Settings.",
            )
        if row.revoked_at is not None:
            raise _not_good(row)
        return row

    async def _row(self, user_id: str, host: str) -> GrantRow | None:
        async with self._database.read() as tx:
            return await rows.of(tx, user_id, host)

    def _at(self, host: str) -> Forge:
        forge = self._forges.get(host)
        if forge is None:
            raise NotFound(f"This installation knows no forge at {host}.")
        return forge

    def _is_due(self, row: GrantRow) -> bool:
        return row.expires_at is not None and row.expires_at - self._clock() < _EARLY

    def _is_current(self, row: GrantRow) -> bool:
        sealed = (row.access_token, row.refresh_token)
        return all(each is None or self._vault.is_current(each) for each in sealed)

    def _sealed_anew(self, row: GrantRow) -> dict[str, str | None]:
        access = self._vault.open(row.access_token, _access(row.id))
        refresh = row.refresh_token and self._vault.open(row.refresh_token, _refresh(row.id))
        return {
            "access_token": self._vault.seal(access, _access(row.id)),
            "refresh_token": refresh and self._vault.seal(refresh, _refresh(row.id)),
        }

    def _opened(self, row: GrantRow) -> str | None:
        try:
            return self._vault.open(row.access_token, _access(row.id))
        except BunkhouseError:
            return None


def _access(grant_id: str) -> str:
    return f"grants/{grant_id}/access_token"


def _refresh(grant_id: str) -> str:
    return f"grants/{grant_id}/refresh_token"


def _not_good(row: GrantRow) -> GrantRevoked:
    return GrantRevoked(
        f"Your sign-in at {row.host} (as {row.login}) is not good any more.",
        remedy="Sign in again, or give a new token, in Settings.",
    )


def _grant(row: GrantRow) -> Grant:
    return Grant(
        forge=row.forge,
        host=row.host,
        kind=row.kind,
        account=Account(row.account_id, row.login, row.name),
        scopes=tuple(row.scopes),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked=row.revoked_at is not None,
    )
