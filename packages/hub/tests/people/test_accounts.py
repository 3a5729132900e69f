"""Whose an account is: the first admin, new people, linked accounts. On both stores."""

import asyncio
from dataclasses import replace

import pytest

from bunkhouse.errors import Conflict, NotFound
from bunkhouse.people import People
from bunkhouse.people.admission import Invitation, NotAdmitted, Rules
from bunkhouse.people.signin.accounts import Accounts
from bunkhouse.people.signin.profile import Profile
from bunkhouse.store import Database, Transaction, identities
from bunkhouse.store import people as rows

from .test_people import Clock

GITHUB = "https://github.com"
ACME = "https://id.acme.example"

ADA = Profile(GITHUB, "1", "ada", "Ada Lovelace", "ada@example.org", "https://pictures.example/1")
BOB = Profile(GITHUB, "2", "bob", "Bob", "bob@example.org")
ADA_AT_ACME = Profile(ACME, "1", "a.lovelace", "Ada L.", "ada@acme.example")


def accounts_of(
    database: Database, people: People, rules: Rules, *issuers: str, clock: Clock | None = None
) -> Accounts:
    return Accounts(
        database, people, rules, issuers=issuers or (GITHUB, ACME), clock=clock or Clock()
    )


@pytest.fixture
def accounts(database: Database, people: People, clock: Clock) -> Accounts:
    """Where whoever signs up is let in."""
    return accounts_of(database, people, Rules("open"), clock=clock)


@pytest.fixture
def invited(database: Database, people: People, clock: Clock) -> Accounts:
    return accounts_of(database, people, Rules("invited"), clock=clock)


# ── the first admin ──────────────────────────────────────────────────────────────────────────


async def test_the_first_takes_over_the_admin_who_was_there_from_the_beginning(
    invited: Accounts, people: People, database: Database
) -> None:
    placeholder = await people.first_admin()
    signed_in = await invited.enter(ADA, "github")
    assert signed_in.person.id == placeholder.id
    assert (signed_in.person.name, signed_in.person.role) == ("Ada Lovelace", "admin")
    assert await people.by_cookie(signed_in.secret) == signed_in.person
    assert await people.first_admin() == signed_in.person
    (account,) = await invited.of(signed_in.person)
    assert (account.email, account.login) == (ADA.email, ADA.login)


async def test_the_first_becomes_admin_where_there_is_none_yet(
    invited: Accounts, people: People
) -> None:
    signed_in = await invited.enter(ADA, "github")
    assert signed_in.person.role == "admin"
    assert (await people.first_admin()).id == signed_in.person.id


async def test_the_second_is_no_admin(invited: Accounts, people: People) -> None:
    await invited.enter(ADA, "github")
    with pytest.raises(NotAdmitted) as refused:
        await invited.enter(BOB, "github")
    assert refused.value.reason == "invitation_needed"


async def test_who_was_let_in_by_the_link_is_not_taken_over(
    invited: Accounts, people: People
) -> None:
    by_link = await people.use_link(await people.sign_in_link())
    await people.sign_out(by_link.secret)
    with pytest.raises(NotAdmitted):
        await invited.enter(ADA, "github")
    assert (await people.first_admin()).name == "Admin"


async def test_a_member_who_came_by_a_link_keeps_nobody_from_being_admin(
    invited: Accounts, people: People
) -> None:
    await people.use_link(await people.sign_in_link("member"))
    assert (await invited.enter(ADA, "github")).person.role == "admin"


async def test_a_list_holds_for_the_first_too(database: Database, people: People) -> None:
    listed = accounts_of(database, people, Rules("listed", emails=frozenset({"bob@example.org"})))
    with pytest.raises(NotAdmitted):
        await listed.enter(ADA, "github")
    assert (await listed.enter(BOB, "github")).person.role == "admin"


async def test_of_many_who_come_first_at_once_one_is_admin(
    accounts: Accounts, people: People
) -> None:
    placeholder = await people.first_admin()
    profiles = [replace(ADA, subject=str(number)) for number in range(6)]
    entered = await asyncio.gather(*(accounts.enter(each, "github") for each in profiles))
    admins = [each.person.id for each in entered if each.person.role == "admin"]
    assert admins == [placeholder.id]
    assert len({each.person.id for each in entered}) == 6


async def test_link_and_account_at_once_make_one_of_them_the_first(
    accounts: Accounts, people: People, database: Database
) -> None:
    link = await people.sign_in_link()
    by_link, by_account = await asyncio.gather(people.use_link(link), accounts.enter(ADA, "github"))
    # The link is the admin's, whoever that is by then; the account is theirs only if it was first.
    assert by_link.person.role == "admin"
    taken_over = by_account.person.id == by_link.person.id
    assert by_account.person.role == ("admin" if taken_over else "member")


# ── people ───────────────────────────────────────────────────────────────────────────────────


async def test_an_account_is_known_again_by_issuer_and_subject_alone(
    accounts: Accounts, people: People
) -> None:
    await accounts.enter(BOB, "github")
    first = await accounts.enter(ADA, "github")
    renamed = replace(ADA, login="countess", name="Lovelace", email=None)
    again = await accounts.enter(renamed, "github")
    assert again.person == first.person
    assert again.secret != first.secret
    (account,) = await accounts.of(again.person)
    assert (account.login, account.name, account.email) == ("countess", "Lovelace", None)


async def test_the_same_address_elsewhere_is_somebody_else(accounts: Accounts) -> None:
    ada = await accounts.enter(ADA, "github")
    other = await accounts.enter(replace(ADA_AT_ACME, email=ADA.email), "oidc")
    assert other.person.id != ada.person.id
    assert (ada.person.role, other.person.role) == ("admin", "member")


async def test_the_same_subject_of_another_issuer_is_somebody_else(accounts: Accounts) -> None:
    ada = await accounts.enter(ADA, "oidc")
    other = await accounts.enter(replace(ADA, issuer=ACME), "oidc")
    assert other.person.id != ada.person.id


async def test_twice_at_once_is_one_person(accounts: Accounts) -> None:
    await accounts.enter(BOB, "github")
    entered = await asyncio.gather(*(accounts.enter(ADA, "github") for _ in range(5)))
    assert len({each.person.id for each in entered}) == 1
    assert len({each.secret for each in entered}) == 5


async def test_nothing_is_stored_of_who_is_not_let_in(
    invited: Accounts, database: Database
) -> None:
    await invited.enter(ADA, "github")
    with pytest.raises(NotAdmitted):
        await invited.enter(BOB, "github")
    async with database.read() as tx:
        assert await identities.by_account(tx, BOB.issuer, BOB.subject) is None
        assert await rows.first_with_role(tx, "member") is None


async def test_an_invite_is_redeemed_by_who_becomes_a_person_by_it(
    invited: Accounts, database: Database
) -> None:
    redeemed: list[str] = []

    async def redeem(_tx: Transaction, profile: Profile) -> Invitation:
        redeemed.append(profile.subject)
        return Invitation("member", email=profile.email)

    admin = await invited.enter(ADA, "github", redeem=redeem)
    assert (admin.person.role, redeemed) == ("admin", [])  # needed none
    bob = await invited.enter(BOB, "github", redeem=redeem)
    assert (bob.person.role, redeemed) == ("member", ["2"])
    await invited.enter(BOB, "github", redeem=redeem)
    assert redeemed == ["2"]


async def test_what_is_known_of_an_account_is_what_its_own_service_says_now(
    accounts: Accounts,
) -> None:
    await accounts.enter(BOB, "github")
    ada = (await accounts.enter(ADA, "github")).person
    await accounts.link(ada, ADA_AT_ACME, "oidc")
    await accounts.enter(replace(ADA, email="ada@new.example"), "github")
    await accounts.enter(replace(ADA_AT_ACME, email="other@acme.example"), "oidc")
    emails = {each.provider: each.email for each in await accounts.of(ada)}
    assert emails == {"github": "ada@new.example", "oidc": "other@acme.example"}


# ── linked accounts ──────────────────────────────────────────────────────────────────────────


async def test_a_further_account_is_a_way_in(accounts: Accounts, clock: Clock) -> None:
    ada = (await accounts.enter(ADA, "github")).person
    clock.advance(minutes=1)
    await accounts.link(ada, ADA_AT_ACME, "oidc")
    assert (await accounts.enter(ADA_AT_ACME, "oidc")).person == ada
    assert [each.provider for each in await accounts.of(ada)] == ["github", "oidc"]
    await accounts.link(ada, ADA_AT_ACME, "oidc")  # asked twice, once
    assert len(await accounts.of(ada)) == 2


async def test_somebody_elses_account_is_not_linked(accounts: Accounts) -> None:
    ada = (await accounts.enter(ADA, "github")).person
    bob = (await accounts.enter(BOB, "github")).person
    with pytest.raises(Conflict) as refused:
        await accounts.link(ada, BOB, "github")
    assert refused.value.reason == "account_taken"
    assert (await accounts.enter(BOB, "github")).person == bob


async def test_the_last_way_in_stays(accounts: Accounts) -> None:
    await accounts.enter(BOB, "github")
    ada = (await accounts.enter(ADA, "github")).person
    (only,) = await accounts.of(ada)
    with pytest.raises(Conflict) as refused:
        await accounts.unlink(ada, only.id)
    assert refused.value.reason == "last_way_in"
    await accounts.link(ada, ADA_AT_ACME, "oidc")
    await accounts.unlink(ada, only.id)
    (left,) = await accounts.of(ada)
    assert left.provider == "oidc"
    # Unlinked, it is nobody's.
    assert (await accounts.enter(ADA, "github")).person.id != ada.id


async def test_of_two_accounts_unlinked_at_once_one_stays(accounts: Accounts) -> None:
    await accounts.enter(BOB, "github")
    ada = (await accounts.enter(ADA, "github")).person
    await accounts.link(ada, ADA_AT_ACME, "oidc")
    results = await asyncio.gather(
        *(accounts.unlink(ada, each.id) for each in await accounts.of(ada)),
        return_exceptions=True,
    )
    assert sum(isinstance(each, Conflict) for each in results) == 1
    assert len(await accounts.of(ada)) == 1


async def test_the_first_admin_has_the_link_besides(accounts: Accounts, people: People) -> None:
    ada = (await accounts.enter(ADA, "github")).person
    (only,) = await accounts.of(ada)
    await accounts.unlink(ada, only.id)
    assert await accounts.of(ada) == []
    assert (await people.use_link(await people.sign_in_link())).person == ada


async def test_an_account_of_a_provider_that_is_gone_is_no_way_in(
    accounts: Accounts, database: Database, people: People
) -> None:
    await accounts.enter(BOB, "github")
    ada = (await accounts.enter(ADA, "github")).person
    await accounts.link(ada, ADA_AT_ACME, "oidc")
    without_acme = accounts_of(database, people, Rules("open"), GITHUB)
    by_provider = {each.provider: each for each in await without_acme.of(ada)}
    assert {name: each.usable for name, each in by_provider.items()} == {
        "github": True,
        "oidc": False,
    }
    with pytest.raises(Conflict):
        await without_acme.unlink(ada, by_provider["github"].id)
    await without_acme.unlink(ada, by_provider["oidc"].id)


async def test_nobody_unlinks_the_account_of_another(accounts: Accounts) -> None:
    ada = (await accounts.enter(ADA, "github")).person
    bob = (await accounts.enter(BOB, "github")).person
    (theirs,) = await accounts.of(ada)
    with pytest.raises(NotFound):
        await accounts.unlink(bob, theirs.id)
    assert await accounts.of(ada) != []
