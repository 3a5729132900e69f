"""Accounts of other services, and the people of this installation whose they are."""

import secrets
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from bunkhouse.errors import Conflict, Forbidden, NotFound
from bunkhouse.people.admission import Invitation, Rules, admit, admit_first
from bunkhouse.people.identity import Person, SignedIn
from bunkhouse.people.people import People
from bunkhouse.people.signin.profile import Profile
from bunkhouse.store import Database, Transaction, identities
from bunkhouse.store import people as rows

_audit = structlog.get_logger("bunkhouse.audit")

Redeem = Callable[[Transaction, Profile], Awaitable[Invitation | None]]
"""Uses up the invite that somebody came with, if they came with one and it is good. It is called in
the transaction in which they become a person, and not where they are one already."""


@dataclass(frozen=True, slots=True)
class LinkedAccount:
    """An account as its owner sees it. `usable`: one can sign in with it as things are set."""

    id: str
    provider: str
    login: str | None
    name: str | None
    email: str | None
    created_at: datetime
    last_used_at: datetime | None
    usable: bool


class Accounts:
    """All accounts. `issuers`: those by whom one can sign in. `clock` gives the time in UTC."""

    def __init__(
        self,
        database: Database,
        people: People,
        rules: Rules,
        *,
        issuers: Collection[str] = (),
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._people = people
        self._rules = rules
        self.issuers = issuers
        self._clock = clock

    async def enter(
        self, profile: Profile, provider: str, *, redeem: Redeem | None = None
    ) -> SignedIn:
        """Sign a browser in as whose account this is, who may become a person by it.

        Raises:
            NotAdmitted: it is nobody's, and its owner is not let in.
        """
        async with self._database.read() as tx:
            known = await identities.by_account(tx, profile.issuer, profile.subject)
        async with self._database.write() as tx:
            if known is None:
                # Asked again alone: somebody may come twice at once.
                await identities.hold_accounts(tx)
            account = await identities.by_account(tx, profile.issuer, profile.subject)
            if account is None:
                user = await self._new_person(tx, profile, redeem)
                account = await self._add(tx, profile, provider, user.id)
            else:
                user = await self._owner(tx, account)
                await self._renew(tx, account, profile, provider)
            signed_in = await self._people.open_browser(tx, user)
        _audit.info("signed in", person=user.id, provider=provider, account=account.id)
        return signed_in

    async def link(self, person: Person, profile: Profile, provider: str) -> None:
        """Make an account a further one of `person`.

        Raises:
            Conflict: it is somebody else's (`account_taken`).
        """
        async with self._database.write() as tx:
            await identities.hold_accounts(tx)
            account = await identities.by_account(tx, profile.issuer, profile.subject)
            if account is None:
                account = await self._add(tx, profile, provider, person.id)
            elif account.user_id == person.id:
                await self._renew(tx, account, profile, provider)
            else:
                raise Conflict(
                    "This account belongs to another person of this installation.",
                    remedy="Sign in with it and unlink it there first, or link another account.",
                    code="account_taken",
                )
            await self._owner(tx, account)
        _audit.info("account linked", person=person.id, provider=provider, account=account.id)

    async def of(self, person: Person) -> list[LinkedAccount]:
        """List the accounts of `person`, oldest first."""
        async with self._database.read() as tx:
            return [self._shown(each) for each in await identities.of_person(tx, person.id)]

    async def unlink(self, person: Person, account_id: str) -> None:
        """Have an account of `person` be nobody's.

        Raises:
            NotFound: they have no such account.
            Conflict: they could not sign in any more (`last_way_in`).
        """
        async with self._database.write() as tx:
            theirs = await identities.of_person(tx, person.id, lock=True)
            if all(each.id != account_id for each in theirs):
                raise NotFound("You have no such account.")
            others = [each for each in theirs if each.id != account_id]
            if not any(each.issuer in self.issuers for each in others):
                # The one-time link signs in the first admin, and nobody else.
                first = await rows.first_with_role(tx, "admin")
                if first is None or first.id != person.id:
                    raise Conflict(
                        "This is the last account that you can sign in with.",
                        remedy="Link another one first.",
                        code="last_way_in",
                    )
            await identities.remove(tx, account_id)
        _audit.info("account unlinked", person=person.id, account=account_id)

    async def _new_person(
        self, tx: Transaction, profile: Profile, redeem: Redeem | None
    ) -> rows.User:
        """Make whoever has this account a person, or the one who was there from the beginning."""
        now = self._clock()
        name = profile.name or profile.login or profile.email or "Somebody"
        admin = await rows.first_with_role(tx, "admin", lock=True)
        if not await identities.anybody_signed_in_as(tx, "admin"):
            admit_first(self._rules, profile.email)
            if admin is None:
                admin = rows.User(_new_id(), name, "admin", now)
                await rows.add_user(tx, admin)
            if await identities.take_over(tx, admin.id, name, now):
                _audit.warning("first admin", person=admin.id)
                return replace(admin, name=name)
        invitation = await redeem(tx, profile) if redeem else None
        role = admit(self._rules, profile.email, invitation)
        user = rows.User(_new_id(), name, role, now)
        await rows.add_user(tx, user)
        return user

    async def _add(
        self, tx: Transaction, profile: Profile, provider: str, user_id: str
    ) -> identities.Identity:
        now = self._clock()
        account = identities.Identity(
            id=_new_id(),
            user_id=user_id,
            provider=provider,
            issuer=profile.issuer,
            subject=profile.subject,
            login=profile.login,
            name=profile.name,
            email=profile.email,
            avatar_url=profile.avatar_url,
            created_at=now,
            last_used_at=now,
        )
        await identities.add(tx, account)
        return account

    async def _renew(
        self, tx: Transaction, account: identities.Identity, profile: Profile, provider: str
    ) -> None:
        """Take what the provider says now."""
        newer = replace(
            account,
            provider=provider,
            login=profile.login,
            name=profile.name,
            email=profile.email,
            avatar_url=profile.avatar_url,
            last_used_at=self._clock(),
        )
        await identities.renew(tx, newer)

    async def _owner(self, tx: Transaction, account: identities.Identity) -> rows.User:
        user = await rows.active(tx, account.user_id)
        if user is None:
            raise Forbidden(
                "You may not use this installation any more.",
                remedy="Ask an admin of this installation.",
            )
        return user

    def _shown(self, account: identities.Identity) -> LinkedAccount:
        return LinkedAccount(
            id=account.id,
            provider=account.provider,
            login=account.login,
            name=account.name,
            email=account.email,
            created_at=account.created_at,
            last_used_at=account.last_used_at,
            usable=account.issuer in self.issuers,
        )


def _new_id() -> str:
    return secrets.token_hex(8)
