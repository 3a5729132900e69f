"""Invites: what they are good for, and when no more. On both stores."""

import asyncio

import pytest
from sqlalchemy import select

from bunkhouse.bus.memory import MemoryBus
from bunkhouse.errors import BunkhouseError, Conflict, Forbidden, InvalidInput, NotFound
from bunkhouse.people import Directory, People, Person
from bunkhouse.people.admission import NotAdmitted, Rules
from bunkhouse.people.invites import InviteOver, Invites
from bunkhouse.people.signin.accounts import Accounts
from bunkhouse.people.signin.profile import Profile
from bunkhouse.store import Database, tables

from .conftest import Clock

GITHUB = "https://github.com"
ADA = Profile(GITHUB, "1", "ada", "Ada", "ada@example.org")
BOB = Profile(GITHUB, "2", "bob", "Bob", "bob@example.org")
EVE = Profile(GITHUB, "3", "eve", "Eve")


@pytest.fixture
async def admin(people: People) -> Person:
    return (await people.use_link(await people.sign_in_link())).person


@pytest.fixture
def alone(database: Database, people: People, clock: Clock) -> Invites:
    """Where there is no provider."""
    return Invites(database, people, Rules(), vouching=False, clock=clock)


@pytest.fixture
def invites(database: Database, people: People, clock: Clock) -> Invites:
    """Where there is one."""
    return Invites(database, people, Rules(), vouching=True, clock=clock)


@pytest.fixture
def accounts(database: Database, people: People, clock: Clock) -> Accounts:
    return Accounts(database, people, Rules(), issuers=(GITHUB,), clock=clock)


@pytest.fixture
def directory(database: Database, bus: MemoryBus, clock: Clock) -> Directory:
    return Directory(database, bus, clock=clock)


async def refused(invites: Invites, secret: str, code: str) -> None:
    """For this reason nobody comes in by it, and whoever looks is told so."""
    for asking in (invites.look(secret), invites.join(secret, "Late")):
        with pytest.raises(BunkhouseError) as told:
            await asking
        assert (told.value.reason, bool(told.value.remedy)) == (code, True)


async def stored(database: Database) -> list[str]:
    async with database.read() as tx:
        return [str(row) for row in await tx.execute(select(tables.invites))]


# ── with a name alone ────────────────────────────────────────────────────────────────────────


async def test_an_invite_makes_a_person_who_is_signed_in(
    alone: Invites, people: People, admin: Person
) -> None:
    _, secret = await alone.create(admin)
    signed_in = await alone.join(secret, "  Grace \t Hopper ")
    assert (signed_in.person.name, signed_in.person.role) == ("Grace Hopper", "member")
    assert await people.by_cookie(signed_in.secret) == signed_in.person
    await refused(alone, secret, "invite_spent")
    assert await alone.listed() == []


async def test_it_says_as_what_and_for_how_many(alone: Invites, admin: Person) -> None:
    made, secret = await alone.create(admin, role="admin", uses=2)
    assert await alone.look(secret) == made
    assert (made.role, made.uses_left, made.created_by) == ("admin", 2, admin.name)
    roles = [(await alone.join(secret, name)).person.role for name in ("Grace", "Joan")]
    assert roles == ["admin", "admin"]
    await refused(alone, secret, "invite_spent")


async def test_of_two_at_once_one_has_the_last_use(alone: Invites, admin: Person) -> None:
    _, secret = await alone.create(admin, uses=3)
    came = await asyncio.gather(
        *(alone.join(secret, f"Guest {number}") for number in range(6)), return_exceptions=True
    )
    late = [each for each in came if isinstance(each, InviteOver)]
    assert [each.reason for each in late] == ["invite_spent"] * 3
    assert len([each for each in came if not isinstance(each, BaseException)]) == 3


async def test_looking_uses_nothing(alone: Invites, admin: Person) -> None:
    made, secret = await alone.create(admin)
    for _ in range(3):
        await alone.look(secret)
    assert await alone.listed() == [made]


async def test_it_is_good_for_its_time(alone: Invites, admin: Person, clock: Clock) -> None:
    _, short = await alone.create(admin, days=1)
    _, usual = await alone.create(admin)
    clock.advance(days=1)
    await refused(alone, short, "invite_expired")
    assert len(await alone.listed()) == 1
    clock.advance(days=6, seconds=-1)
    assert (await alone.look(usual)).uses_left == 1
    clock.advance(seconds=1)
    await refused(alone, usual, "invite_expired")


async def test_it_is_taken_back(alone: Invites, admin: Person) -> None:
    made, secret = await alone.create(admin, uses=2)
    guest = await alone.join(secret, "Grace")
    await alone.revoke(made.id, admin)
    await refused(alone, secret, "invite_revoked")
    assert guest.person.name == "Grace"
    for gone in (made.id, "never there"):
        with pytest.raises(NotFound):
            await alone.revoke(gone, admin)


async def test_a_secret_that_is_none(alone: Invites, admin: Person) -> None:
    _, secret = await alone.create(admin)
    await refused(alone, secret[:-1], "invite_unknown")


async def test_its_secret_is_not_in_the_store(
    alone: Invites, admin: Person, database: Database
) -> None:
    made, secret = await alone.create(admin)
    rows = await stored(database)
    assert len(rows) == 1
    assert made.id in rows[0]
    assert secret not in rows[0]


@pytest.mark.parametrize("name", ["", " \n ", "x" * 101, "a\u202eb", "a\0b"])
async def test_a_name_that_is_none_uses_nothing(alone: Invites, admin: Person, name: str) -> None:
    made, secret = await alone.create(admin)
    with pytest.raises(InvalidInput):
        await alone.join(secret, name)
    assert await alone.look(secret) == made


async def test_a_name_is_not_enough_where_a_provider_vouches(
    invites: Invites, admin: Person
) -> None:
    made, secret = await invites.create(admin)
    with pytest.raises(NotAdmitted) as told:
        await invites.join(secret, "Grace")
    assert told.value.reason == "provider_needed"
    assert await invites.look(secret) == made


async def test_an_address_is_nobodys_where_no_provider_vouches(
    alone: Invites, invites: Invites, admin: Person
) -> None:
    with pytest.raises(Conflict) as told:
        await alone.create(admin, email="ada@example.org")
    assert told.value.reason == "nobody_vouches"
    # The provider was there when it was made, and is gone.
    made, secret = await invites.create(admin, email="ada@example.org")
    with pytest.raises(NotAdmitted):
        await alone.join(secret, "Ada")
    assert await alone.listed() == [made]


@pytest.mark.parametrize(
    "given",
    [{"uses": 0}, {"uses": 101}, {"days": 0}, {"days": 91}, {"email": "ada"}, {"email": "a@b@c"}],
)
async def test_what_can_not_be_made(invites: Invites, admin: Person, given: dict[str, int]) -> None:
    with pytest.raises(InvalidInput) as told:
        await invites.create(admin, **given)  # pyright: ignore[reportArgumentType]
    assert told.value.remedy
    assert await invites.listed() == []


# ── with an account ──────────────────────────────────────────────────────────────────────────


async def test_an_account_comes_in_by_it(
    invites: Invites, accounts: Accounts, admin: Person
) -> None:
    _, secret = await invites.create(admin, role="admin")
    redeem = invites.redeeming(secret)
    ada = (await accounts.enter(ADA, "github", redeem=redeem)).person
    assert ada.role == "admin"
    assert (await accounts.enter(ADA, "github", redeem=redeem)).person == ada
    with pytest.raises(NotAdmitted) as told:
        await accounts.enter(BOB, "github", redeem=redeem)
    assert told.value.reason == "invitation_needed"


async def test_who_is_here_already_uses_nothing(
    invites: Invites, accounts: Accounts, admin: Person
) -> None:
    _, first = await invites.create(admin)
    await accounts.enter(ADA, "github", redeem=invites.redeeming(first))
    made, second = await invites.create(admin)
    await accounts.enter(ADA, "github", redeem=invites.redeeming(second))
    assert await invites.listed() == [made]


@pytest.mark.parametrize("wrong", [BOB, EVE], ids=["another", "none"])
async def test_an_address_has_to_be_vouched_for(
    invites: Invites, accounts: Accounts, admin: Person, wrong: Profile
) -> None:
    made, secret = await invites.create(admin, email="Ada@Example.org")
    with pytest.raises(NotAdmitted) as told:
        await accounts.enter(wrong, "github", redeem=invites.redeeming(secret))
    assert told.value.reason == "invited_as_another"
    assert await invites.listed() == [made]  # it is there for whom it is for
    ada = await accounts.enter(ADA, "github", redeem=invites.redeeming(secret))
    assert ada.person.role == "member"


async def test_of_two_accounts_at_once_one_has_the_last_use(
    invites: Invites, accounts: Accounts, admin: Person
) -> None:
    _, secret = await invites.create(admin)
    came = await asyncio.gather(
        *(accounts.enter(each, "github", redeem=invites.redeeming(secret)) for each in (ADA, BOB)),
        return_exceptions=True,
    )
    assert sorted(isinstance(each, NotAdmitted) for each in came) == [False, True]


async def test_nobody_is_invited_to_be_the_first(invites: Invites, people: People) -> None:
    """Whoever signs in first becomes admin, whatever the invite would say."""
    with pytest.raises(Conflict) as told:
        await invites.create(await people.first_admin())
    assert told.value.reason == "no_admin_yet"


async def test_where_nobody_new_is_let_in_nobody_is_invited(
    database: Database, people: People, alone: Invites, admin: Person, clock: Clock
) -> None:
    closed = Invites(database, people, Rules("closed"), vouching=False, clock=clock)
    with pytest.raises(Conflict):
        await closed.create(admin)
    made, secret = await alone.create(admin)
    with pytest.raises(NotAdmitted):
        await closed.join(secret, "Grace")
    assert await alone.listed() == [made]


# ── people who are gone ──────────────────────────────────────────────────────────────────────


async def test_who_is_deactivated_does_not_come_back_by_it(
    invites: Invites, accounts: Accounts, directory: Directory, admin: Person
) -> None:
    _, first = await invites.create(admin)
    ada = (await accounts.enter(ADA, "github", redeem=invites.redeeming(first))).person
    await directory.deactivate(ada.id, admin)
    made, second = await invites.create(admin)
    with pytest.raises(Forbidden):
        await accounts.enter(ADA, "github", redeem=invites.redeeming(second))
    assert await invites.listed() == [made]


@pytest.mark.parametrize("change", ["deactivated", "demoted"])
async def test_who_is_no_admin_any_more_invites_nobody(
    alone: Invites, directory: Directory, admin: Person, change: str
) -> None:
    _, chief = await alone.create(admin, role="admin")
    other = (await alone.join(chief, "Grace")).person
    _, theirs = await alone.create(other, role="admin")
    kept, _ = await alone.create(admin)
    if change == "deactivated":
        await directory.deactivate(other.id, admin)
    else:
        await directory.set_role(other.id, "member", admin)
    await refused(alone, theirs, "invite_revoked")
    assert await alone.listed() == [kept]
