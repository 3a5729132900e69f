"""What people let the hub do at a forge: kept sealed, replaced in time, and given up."""

import asyncio
import base64
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from bunkhouse.app import keeping
from bunkhouse.errors import GrantMissing, GrantRevoked, NotFound, UpstreamFailed, VaultKeyMissing
from bunkhouse.forges import Account, Application, GitHub, Grants, Tokens
from bunkhouse.people import People, Person
from bunkhouse.people.signin import Grant
from bunkhouse.store import Database, Place
from bunkhouse.store import grants as rows
from bunkhouse.vault import Vault, given_keys
from tests.fakes.github import FakeGitHub
from tests.fakes.github.world import Application as Known
from tests.fakes.github.world import Token

OLD, NEW = given_keys(",".join(base64.b64encode(bytes([n] * 32)).decode() for n in (1, 2)))


@dataclass
class Bench:
    database: Database
    fake: FakeGitHub
    github: GitHub
    grants: Grants
    person: Person
    now: datetime

    def passes(self, **time: float) -> None:
        """Let time pass, here and at GitHub."""
        self.now += timedelta(**time)

    def again(self, *keys: object) -> Grants:
        """The grants as another hub sees them, with other keys."""
        vault = Vault(keys)  # pyright: ignore[reportArgumentType]
        return Grants(self.database, vault, [self.github], clock=lambda: self.now)

    async def app(self) -> Token:
        """The person signs in with a GitHub App."""
        ada = self.fake.world.people["ada"]
        pair = self.fake.world.app_tokens(ada)
        tokens = Tokens(pair.secret, pair.refresh, pair.expires_at)
        account = Account(str(ada.id), "ada", "Ada")
        await self.grants.keep(self.person.id, self.github.host, account, tokens, "app")
        return pair

    async def token(self) -> str:
        return await self.grants.token_for(self.person.id, self.github.host)

    def refreshes(self) -> int:
        return sum(request.url.path.endswith("/access_token") for request in self.fake.asked)


@pytest.fixture
async def bench(fake: FakeGitHub, store_place: Place) -> AsyncGenerator[Bench]:
    github = GitHub(fake.url, clock=lambda: bench.now)
    database = await Database.open(store_place)
    person = await People(database).first_admin()

    known = Application(fake.world.client_id, fake.world.client_secret)

    async def application(host: str) -> Application:
        return known

    bench: Bench
    grants = Grants(
        database, Vault([OLD]), [github], application=application, clock=lambda: bench.now
    )
    bench = Bench(database, fake, github, grants, person, datetime.now(UTC))
    fake.world.clock = lambda: bench.now
    fake.world.person("ada", "Ada")
    yield bench
    await database.close()
    await github.aclose()


async def test_a_token_that_a_person_gives_is_asked_whose_it_is(bench: Bench) -> None:
    secret = bench.fake.world.token(bench.fake.world.people["ada"], "repo")
    grant = await bench.grants.keep_token(bench.person.id, bench.github.host, secret)
    assert (grant.account.login, grant.account.name, grant.scopes) == ("ada", "Ada", ("repo",))
    assert (grant.kind, grant.forge, grant.revoked) == ("token", "github", False)
    assert await bench.token() == secret
    assert await bench.grants.of(bench.person.id) == [grant]
    async with bench.database.read() as tx:
        [row] = await rows.every(tx)
    assert secret not in repr(row)
    bench.passes(days=400)
    assert await bench.token() == secret


async def test_one_that_is_not_good_is_not_kept_and_the_old_one_stays(bench: Bench) -> None:
    world = bench.fake.world
    good, bad = (world.token(world.people["ada"]) for _ in range(2))
    world.revoke(bad)
    await bench.grants.keep_token(bench.person.id, bench.github.host, good)
    with pytest.raises(GrantRevoked):
        await bench.grants.keep_token(bench.person.id, bench.github.host, bad)
    assert await bench.token() == good


async def test_the_last_one_given_counts(bench: Bench) -> None:
    world = bench.fake.world
    for login in ("ada", "eve"):
        secret = world.token(world.people.get(login) or world.person(login))
        await bench.grants.keep_token(bench.person.id, bench.github.host, secret)
    [grant] = await bench.grants.of(bench.person.id)
    assert grant.account.login == "eve"


async def test_without_one_it_says_what_to_do(bench: Bench) -> None:
    with pytest.raises(GrantMissing) as caught:
        await bench.token()
    assert caught.value.remedy
    assert await bench.grants.find(bench.person.id, bench.github.host) is None
    with pytest.raises(NotFound):
        await bench.grants.keep_token(bench.person.id, "elsewhere.example", "ghp_x")


async def test_forgotten_is_forgotten(bench: Bench) -> None:
    await bench.app()
    for _ in range(2):
        await bench.grants.forget(bench.person.id, bench.github.host)
    with pytest.raises(GrantMissing):
        await bench.token()


async def test_a_token_is_replaced_before_it_ends(bench: Bench) -> None:
    pair = await bench.app()
    bench.passes(hours=7)
    assert await bench.token() == pair.secret
    bench.passes(minutes=56)
    fresh = await bench.token()
    assert fresh != pair.secret
    assert bench.fake.world.who(fresh) is not None
    assert await bench.token() == fresh
    assert bench.refreshes() == 1
    bench.passes(hours=8)
    assert bench.fake.world.who(await bench.token()) is not None


async def test_many_who_ask_at_once_replace_it_once(bench: Bench) -> None:
    await bench.app()
    bench.passes(hours=9)
    tokens = await asyncio.gather(*(bench.token() for _ in range(20)))
    assert len(set(tokens)) == 1
    assert bench.refreshes() == 1


async def test_whoever_leaves_in_the_middle_takes_nothing_along(bench: Bench) -> None:
    await bench.app()
    bench.passes(hours=9)
    asked = asyncio.Event()
    refreshed = bench.fake.world.refreshed

    def noted(refresh: str, application: Known) -> Token | None:
        asked.set()
        return refreshed(refresh, application)

    bench.fake.world.refreshed = noted
    asking = asyncio.create_task(bench.token())
    await asked.wait()
    asking.cancel()
    with suppress(asyncio.CancelledError):
        await asking
    assert bench.fake.world.who(await bench.token()) is not None
    assert bench.refreshes() == 1


async def test_one_that_can_t_be_replaced_asks_for_a_new_sign_in(bench: Bench) -> None:
    pair = await bench.app()
    bench.fake.world.revoke(pair.secret)
    bench.passes(hours=9)
    for _ in range(2):
        with pytest.raises(GrantRevoked, match="as ada") as caught:
            await bench.token()
        assert "Sign in again" in (caught.value.remedy or "")
    assert bench.refreshes() == 1
    [grant] = await bench.grants.of(bench.person.id)
    assert grant.revoked
    await bench.app()
    assert await bench.token()


async def test_a_forge_that_fails_costs_no_grant(bench: Bench) -> None:
    pair = await bench.app()
    world = bench.fake.world
    world.applications[world.client_id].client_secret = "changed"
    bench.passes(hours=7, minutes=58)
    assert await bench.token() == pair.secret
    bench.passes(minutes=3)
    with pytest.raises(UpstreamFailed):
        await bench.token()
    [grant] = await bench.grants.of(bench.person.id)
    assert not grant.revoked


async def test_a_token_that_the_forge_refuses_is_not_offered_again(bench: Bench) -> None:
    world = bench.fake.world
    secret = world.token(world.people["ada"])
    await bench.grants.keep_token(bench.person.id, bench.github.host, secret)
    world.revoke(secret)
    with pytest.raises(GrantRevoked):
        await bench.grants.call(bench.person.id, bench.github.host, bench.github.account)
    with pytest.raises(GrantRevoked):
        await bench.token()
    # What is said of an older token does not concern the one of now.
    fresh = world.token(world.people["ada"])
    await bench.grants.keep_token(bench.person.id, bench.github.host, fresh)
    await bench.grants.rejected(bench.person.id, bench.github.host, secret)
    assert await bench.token() == fresh


async def test_what_an_older_key_sealed_is_sealed_anew(bench: Bench) -> None:
    pair = await bench.app()
    with pytest.raises(VaultKeyMissing):
        await bench.again(NEW).token_for(bench.person.id, bench.github.host)
    assert await bench.again(NEW).seal_anew() == 0
    assert await bench.again(NEW, OLD).seal_anew() == 1
    assert await bench.again(NEW, OLD).seal_anew() == 0
    only_new = bench.again(NEW)
    assert await only_new.token_for(bench.person.id, bench.github.host) == pair.secret
    async with bench.database.read() as tx:
        [row] = await rows.every(tx)
    vault = Vault([NEW])
    assert vault.open(row.refresh_token or "", f"grants/{row.id}/refresh_token") == pair.refresh


@pytest.mark.parametrize(
    ("scopes", "kept"),
    [(("read:user", "user:email"), None), (("read:user", "repo"), "oauth"), ((), "app")],
)
async def test_signing_in_gives_a_grant_only_where_it_reaches_repositories(
    bench: Bench, scopes: tuple[str, ...], kept: str | None
) -> None:
    world, host = bench.fake.world, bench.github.host
    secret = world.token(world.people["ada"], *scopes)
    await keeping(bench.grants)(bench.person.id, "github", Grant(secret, scopes=scopes))
    found = await bench.grants.find(bench.person.id, host)
    assert (found and (found.kind, found.account.login)) == (kept and (kept, "ada"))


async def test_signing_in_does_not_replace_what_reaches_further(bench: Bench) -> None:
    world, host = bench.fake.world, bench.github.host
    by_hand, at_sign_in = (world.token(world.people["ada"]) for _ in range(2))
    await bench.grants.keep_token(bench.person.id, host, by_hand)
    only_who = Grant(at_sign_in, scopes=("read:user",))
    await keeping(bench.grants)(bench.person.id, "github", only_who)
    assert await bench.token() == by_hand
