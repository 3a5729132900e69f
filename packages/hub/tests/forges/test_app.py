"""The GitHub App of an installation: made of a manifest, kept sealed, and given up."""

import base64
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import select

from bunkhouse.errors import BunkhouseError, Conflict, Forbidden, InvalidInput, NotFound
from bunkhouse.forges import GitHubApp
from bunkhouse.forges.github.app import Form, has_app
from bunkhouse.forges.github.manifest import EVENTS, PERMISSIONS, form_address, hears, manifest
from bunkhouse.people import People, Person
from bunkhouse.store import Database, Place, tables
from bunkhouse.vault import Key, Vault, given_keys
from tests.fakes.github import FakeGitHub
from tests.fakes.github.apps import make
from tests.fakes.github.world import Person as Account

OLD, NEW = given_keys(",".join(base64.b64encode(bytes([n] * 32)).decode() for n in (1, 2)))
LOCAL = "http://bunkhouse.localhost:8787"
PUBLIC = "https://bunkhouse.acme.org"


@dataclass
class Bench:
    database: Database
    fake: FakeGitHub
    apps: GitHubApp
    person: Person
    now: datetime
    told: int = 0

    async def again(self, *keys: Key, **more: Any) -> GitHubApp:
        """The App as the hub finds it at its next start, with these keys."""
        apps = GitHubApp(self.database, Vault(keys or [OLD]), clock=lambda: self.now, **more)
        await apps.load()
        return apps

    async def begin(self, hub: str = LOCAL, organization: str | None = None) -> str:
        return await self.apps.begin(
            self.person.id, url=self.fake.url, organization=organization, hub=hub
        )

    async def form(self, secret: str) -> Form:
        return await self.apps.form(secret, self.person.id)

    async def back(self, secret: str, name: str | None = None) -> dict[str, str]:
        """What GitHub sends the browser back with, after the button was pressed there."""
        form = await self.form(secret)
        return dict(parse_qsl(urlsplit(await make(form.address, form.manifest, name=name)).query))

    async def finish(self, secret: str | None, answer: dict[str, str]) -> None:
        state, code = answer.get("state"), answer.get("code")
        await self.apps.finish(secret, self.person.id, state=state, code=code)

    async def set_up(self, **begun: Any) -> None:
        secret = await self.begin(**begun)
        await self.finish(secret, await self.back(secret))

    async def rows(self) -> list[Any]:
        async with self.database.read() as tx:
            return list((await tx.execute(select(tables.github_apps))).mappings())

    async def setups(self) -> int:
        async with self.database.read() as tx:
            return len(list(await tx.execute(select(tables.github_app_setups))))


@pytest.fixture
async def bench(fake: FakeGitHub, store_place: Place) -> AsyncGenerator[Bench]:
    database = await Database.open(store_place)
    person = await People(database).first_admin()
    apps = GitHubApp(database, Vault([OLD]), clock=lambda: bench.now)
    bench: Bench = Bench(database, fake, apps, person, datetime.now(UTC))
    await apps.load()

    def told() -> None:
        bench.told += 1

    apps.changed(told)
    fake.world.person("ada", "Ada")
    yield bench
    await database.close()


async def test_from_the_manifest_to_the_app(bench: Bench) -> None:
    assert (bench.apps.app, bench.apps.application, bench.apps.url) == (
        None,
        None,
        "https://github.com",
    )
    secret = await bench.begin()
    form = await bench.form(secret)
    assert form.address.startswith(f"{bench.fake.url}/settings/apps/new?state=")
    await bench.finish(secret, await bench.back(secret, name="Bunkhouse of Ada"))
    app = bench.apps.app
    assert app is not None
    assert (app.name, app.slug, app.owner) == ("Bunkhouse of Ada", "bunkhouse-of-ada", "ada")
    assert app.install_url == f"{bench.fake.url}/github-apps/bunkhouse-of-ada/installations/new"
    assert app.settings_url == f"{bench.fake.url}/settings/apps/bunkhouse-of-ada"
    assert (bench.apps.in_use, bench.apps.url, bench.told) == (True, bench.fake.url, 1)
    (made,) = [each for each in bench.fake.world.applications.values() if each.app]
    application = bench.apps.application
    assert application is not None
    assert (application.client_id, application.client_secret) == (
        made.client_id,
        made.client_secret,
    )
    assert (app.hears, bench.apps.webhook_secret) == (False, None)
    # Nothing that is secret is in the store as it is, and another start finds all of it.
    (row,) = await bench.rows()
    assert made.app is not None
    assert made.client_secret not in str(row)
    assert "PRIVATE KEY" not in str(row)
    again = await bench.again()
    assert (again.app, again.application) == (app, application)
    assert await has_app(bench.database)


async def test_where_github_reaches_the_hub_it_tells_by_webhook(bench: Bench) -> None:
    bench.fake.world.add(Account(77, "acme", type="Organization"))
    await bench.set_up(hub=PUBLIC, organization="acme")
    (made,) = bench.fake.world.apps
    assert (made.hook, made.owner.login) == (f"{PUBLIC}/api/webhooks/github", "acme")
    assert bench.apps.webhook_secret == made.webhook_secret is not None
    app = bench.apps.app
    assert app is not None
    assert app.hears
    assert app.settings_url == f"{bench.fake.url}/organizations/acme/settings/apps/{app.slug}"


async def test_a_code_is_good_once_and_for_an_hour(bench: Bench) -> None:
    secret = await bench.begin()
    answer = await bench.back(secret)
    bench.fake.apps.forget_codes()
    with pytest.raises(NotFound, match="once, for an hour") as caught:
        await bench.finish(secret, answer)
    assert caught.value.reason == "github_app_code"
    assert "Begin again" in str(caught.value.remedy)
    with pytest.raises(Conflict) as over:
        await bench.finish(secret, answer)
    assert over.value.reason == "github_app_not_begun"
    assert (await bench.rows(), bench.told) == ([], 0)


async def test_no_other_browser_and_no_other_person_can_finish(bench: Bench) -> None:
    secret = await bench.begin()
    answer = await bench.back(secret)
    for other, said in (
        (None, answer),
        ("guessed", answer),
        (secret, answer | {"state": "guessed"}),
        (secret, {"code": answer["code"]}),
    ):
        with pytest.raises(Forbidden) as caught:
            await bench.finish(other, said)
        assert caught.value.reason == "github_app_state"
    with pytest.raises(Forbidden, match="Somebody else"):
        await bench.apps.finish(secret, "another", state=answer["state"], code=answer["code"])
    with pytest.raises(Forbidden, match="Somebody else"):
        await bench.apps.form(secret, "another")
    with pytest.raises(InvalidInput) as nothing:
        await bench.finish(secret, {"state": answer["state"]})
    assert nothing.value.reason == "github_app_code"
    assert await bench.rows() == []
    # And none of that kept the right one from it.
    await bench.finish(secret, answer)
    assert bench.apps.in_use


async def test_what_was_begun_is_over_in_time_or_when_it_is_begun_anew(bench: Bench) -> None:
    first = await bench.begin()
    answer = await bench.back(first)
    second = await bench.begin()
    with pytest.raises(Conflict, match="has not begun"):
        await bench.finish(first, answer)
    answer = await bench.back(second)
    bench.now += timedelta(hours=1, seconds=1)
    for over in (bench.finish(second, answer), bench.form(second)):
        with pytest.raises(Conflict, match="its time is over"):
            await over
    assert await bench.setups() == 1
    await bench.begin()
    assert await bench.setups() == 1
    assert await bench.rows() == []


async def test_github_that_can_not_be_asked_is_asked_again(bench: Bench) -> None:
    secret = await bench.begin()
    answer = await bench.back(secret)
    bench.fake.broken = True
    with pytest.raises(BunkhouseError) as caught:
        await bench.finish(secret, answer)
    assert caught.value.reason == "forge_failed"
    bench.fake.broken = False
    await bench.finish(secret, answer)
    assert bench.apps.in_use


async def test_what_github_refuses_is_said_in_its_words(bench: Bench) -> None:
    secret = await bench.begin()
    answer = await bench.back(secret)
    bench.fake.apps.refuses = "Validation Failed: too many Apps"
    with pytest.raises(InvalidInput, match="too many Apps") as caught:
        await bench.finish(secret, answer)
    assert caught.value.reason == "github_app_refused"
    assert "delete it there" in str(caught.value.remedy)


async def test_there_is_one_app(bench: Bench) -> None:
    secret = await bench.begin()
    await bench.finish(secret, await bench.back(secret))
    with pytest.raises(Conflict) as caught:
        await bench.begin()
    assert caught.value.reason == "github_app_there"
    # Another process may have been faster: the one that is there stays.
    late = GitHubApp(bench.database, Vault([OLD]))
    secret = await late.begin(bench.person.id, url=bench.fake.url, organization=None, hub=LOCAL)
    form = await late.form(secret, bench.person.id)
    location = await make(form.address, form.manifest)
    answer = dict(parse_qsl(urlsplit(location).query))
    with pytest.raises(Conflict) as caught:
        await late.finish(secret, bench.person.id, state=answer["state"], code=answer["code"])
    assert caught.value.reason == "github_app_there"
    assert len(await bench.rows()) == 1


async def test_removed_it_is_of_no_use_and_another_can_be_set_up(bench: Bench) -> None:
    await bench.set_up()
    await bench.apps.remove(bench.person.id)
    assert (bench.apps.app, bench.apps.application, bench.told) == (None, None, 2)
    assert await bench.rows() == []
    await bench.apps.remove(bench.person.id)
    assert bench.told == 2
    await bench.set_up()
    assert bench.apps.in_use


async def test_the_environment_goes_before_it(bench: Bench) -> None:
    await bench.set_up()
    elsewhere = await bench.again(fixed_url="https://github.example.org")
    assert (elsewhere.in_use, elsewhere.application) == (False, None)
    assert elsewhere.url == "https://github.example.org"
    same = await bench.again(fixed_url=f"{bench.fake.url}/")
    assert same.in_use
    other = await bench.again(fixed_client=True)
    assert (other.in_use, other.application) == (False, None)
    assert other.app is not None
    await bench.apps.remove(bench.person.id)
    other = await bench.again(fixed_client=True)
    with pytest.raises(Conflict) as caught:
        await other.begin(bench.person.id, url=None, organization=None, hub=LOCAL)
    assert caught.value.reason == "github_set_by_environment"
    elsewhere = await bench.again(fixed_url="https://github.example.org")
    with pytest.raises(Conflict) as caught:
        await elsewhere.begin(bench.person.id, url=bench.fake.url, organization=None, hub=LOCAL)
    assert caught.value.reason == "github_set_by_environment"


@pytest.mark.parametrize(
    ("url", "organization"),
    [
        ("github.example.org", None),
        ("http://github.example.org", None),
        ("https://x.org/github", None),
        ("https://[", None),
        (None, "a/b"),
        (None, "-acme"),
        (None, "../settings"),
    ],
)
async def test_what_is_no_github_and_no_organization(
    bench: Bench, url: str | None, organization: str | None
) -> None:
    with pytest.raises(InvalidInput):
        await bench.apps.begin(bench.person.id, url=url, organization=organization, hub=LOCAL)
    assert await bench.setups() == 0


async def test_a_new_key_seals_all_of_it_anew(bench: Bench) -> None:
    await bench.set_up(hub=PUBLIC)
    application, hook = bench.apps.application, bench.apps.webhook_secret
    await bench.again(NEW, OLD)
    again = await bench.again(NEW)
    assert (again.application, again.webhook_secret) == (application, hook)
    (row,) = await bench.rows()
    vault = Vault([NEW])
    for column in ("client_secret", "webhook_secret", "private_key"):
        assert vault.is_current(row[column])


async def test_without_its_key_it_says_so(bench: Bench) -> None:
    await bench.set_up()
    without = await bench.again(NEW)
    assert (without.in_use, without.application, without.webhook_secret) == (False, None, None)
    assert without.app is not None
    assert "does not have" in str(without.problem)
    assert (await bench.again(NEW, OLD)).in_use


def test_the_manifest() -> None:
    made = manifest(LOCAL, hears=False)
    assert made["default_permissions"] == PERMISSIONS
    assert made["redirect_url"] == f"{LOCAL}/setup/github/callback"
    assert made["callback_urls"] == [
        f"http://{name}:8787/sign-in/github/callback"
        for name in ("bunkhouse.localhost", "localhost", "127.0.0.1")
    ]
    assert not {"hook_attributes", "default_events"} & set(made)
    assert (made["public"], made["request_oauth_on_install"]) == (False, True)
    made = manifest(PUBLIC, hears=True)
    assert made["name"] == "Bunkhouse acme.org"
    assert made["hook_attributes"] == {"url": f"{PUBLIC}/api/webhooks/github", "active": True}
    assert made["default_events"] == list(EVENTS)
    assert len(manifest(f"https://{'a' * 60}.org", hears=True)["name"]) == 34
    json.dumps(made)


def test_where_it_is_posted_to() -> None:
    assert form_address("https://github.com", None, "s") == (
        "https://github.com/settings/apps/new?state=s"
    )
    assert form_address("https://ghe.org", "acme", "s") == (
        "https://ghe.org/organizations/acme/settings/apps/new?state=s"
    )


@pytest.mark.parametrize(
    ("github", "hub", "reached"),
    [
        ("https://github.com", PUBLIC, True),
        ("https://github.com", LOCAL, False),
        ("https://github.com", "http://127.0.0.1:8787", False),
        ("https://github.com", "http://10.1.2.3:8787", False),
        ("https://github.com", "https://8.8.8.8", True),
        ("https://github.com", "http://workshop:8787", False),
        ("https://github.com", "http://hub.workshop.internal", False),
        ("https://acme.ghe.com", "http://10.1.2.3:8787", False),
        ("https://github.acme.org", "http://10.1.2.3:8787", True),
        ("https://github.acme.org", "http://workshop:8787", True),
        ("https://github.acme.org", LOCAL, False),
    ],
)
def test_whether_github_reaches_the_hub(github: str, hub: str, reached: bool) -> None:
    assert hears(github, hub) == reached
