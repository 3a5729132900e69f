"""Setting up a GitHub App, as a browser goes through it between the hub and GitHub."""

import hashlib
import hmac
import html
import re
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from bunkhouse.app import open_forges, open_ways_in
from bunkhouse.forges import Grants
from bunkhouse.sessions.pull_requests import PullRequests
from bunkhouse.sessions.reaching import Reaching
from tests.fakes.consent import approve
from tests.fakes.github import FakeGitHub, running
from tests.fakes.github.apps import make

from .house import House
from .signing_in import Browser, stored

PUBLIC = "https://bunkhouse.acme.org"


@dataclass
class Bench:
    house: House
    fake: FakeGitHub
    grants: Grants
    admin: httpx2.AsyncClient
    """The admin's browser."""

    async def begin(self, **given: str | None) -> httpx2.Response:
        return await self.admin.post(
            "/api/github-app/setups",
            json={"url": self.fake.url, **given},
            headers={"Origin": self.house.url},
        )

    async def page(self) -> tuple[str, str]:
        """Where the form of the hub's page posts to, and what."""
        shown = await self.admin.get("/setup/github")
        assert shown.status_code == 200, shown.text
        address, manifest = re.findall(r'(?:action|value)="([^"]+)"', shown.text)
        return html.unescape(address), html.unescape(manifest)

    async def back(self, name: str | None = None) -> str:
        """The address that GitHub sends the browser back to."""
        assert (await self.begin()).status_code == 201
        return await make(*await self.page(), name=name)

    async def set_up(self) -> None:
        answer = await self.admin.get(await self.back())
        assert answer.status_code == 303, answer.text

    async def state(self) -> dict[str, object]:
        return (await self.admin.get("/api/github-app")).json()

    async def ways_in(self) -> list[str]:
        answer = await self.admin.get("/api/sign-in")
        return [each["key"] for each in answer.json()["providers"]]


@pytest.fixture
async def bench(house: House, tmp_path: Path) -> AsyncGenerator[Bench]:
    room = house.room
    async with AsyncExitStack() as stack:
        fake = await stack.enter_async_context(running(tmp_path / "github"))
        fake.world.person("ada", "Ada").with_email("ada@example.org")
        settings, services = room.settings, house.services
        app, grants = await open_forges(room.database, settings, stack)
        services.github_app, services.grants = app, grants
        services.sign_in, services.invites = open_ways_in(
            settings, room.database, house.people, grants, app
        )
        reaching = Reaching(room.journal, room.links, settings)
        services.pull_requests = PullRequests(room.journal, reaching, grants, settings)
        client = await stack.enter_async_context(house.client())
        await client.get(f"/login/{await house.people.sign_in_link()}")
        yield Bench(house, fake, grants, client)


async def test_from_the_button_to_signing_in_without_a_restart(bench: Bench) -> None:
    before = await bench.state()
    assert (before["app"], before["url"], before["reachable"]) == (
        None,
        "https://github.com",
        False,
    )
    assert await bench.ways_in() == []
    begun = await bench.begin()
    assert (begun.status_code, begun.json()) == (201, {"url": "/setup/github"})
    address = await make(*await bench.page(), name="Bunkhouse of Ada")
    assert address.startswith(f"{bench.house.url}/setup/github/callback?code=")
    answer = await bench.admin.get(address)
    assert (answer.status_code, answer.headers["location"]) == (303, "/settings/github")
    after = await bench.state()
    app = after["app"]
    assert isinstance(app, dict)
    assert (app["name"], app["owner"], app["in_use"], app["hears"]) == (
        "Bunkhouse of Ada",
        "ada",
        True,
        False,
    )
    (made,) = [each for each in bench.fake.world.applications.values() if each.app]
    for hidden in (made.client_secret, "PRIVATE KEY"):
        assert hidden not in str(after)
    assert await bench.ways_in() == ["github"]

    # Whoever links their account lets the hub work for them, by tokens that are replaced in time.
    bench.fake.world.lasts = timedelta(minutes=4)
    linked = await bench.admin.post(
        "/api/me/identities", json={"provider": "github"}, headers={"Origin": bench.house.url}
    )
    back = await approve(linked.json()["url"], "ada")
    assert (await bench.admin.get(back)).status_code == 303
    (grant,) = (await bench.admin.get("/api/me/grants")).json()["items"]
    assert (grant["kind"], grant["login"]) == ("app", "ada")
    assert grant["install_url"] == app["install_url"]
    bench.fake.world.lasts = timedelta(hours=8)
    (first,) = bench.fake.world.tokens
    host = urlsplit(bench.fake.url).netloc
    token = await bench.grants.token_for(bench.house.admin.id, host)
    assert token != first
    assert list(bench.fake.world.tokens) == [token]


async def test_the_form_may_post_to_one_address_and_the_rest_to_none(bench: Bench) -> None:
    bench.fake.world.person("acme").type = "Organization"
    await bench.begin(organization="acme")
    shown = await bench.admin.get("/setup/github")
    policy = shown.headers["content-security-policy"]
    target = f"{bench.fake.url}/organizations/acme/settings/apps/new"
    assert policy.rpartition("; ")[2] == f"form-action {target}"
    assert "script-src" not in policy
    assert policy.startswith("default-src 'none'")
    assert shown.headers["referrer-policy"] == "strict-origin"
    assert shown.headers["cache-control"] == "no-store"
    # What goes wrong has a page with no form.
    bench.admin.cookies.delete("bunkhouse_github_app")
    answer = await bench.admin.get("/setup/github")
    assert answer.headers["content-security-policy"].endswith("form-action 'none'")


async def test_a_webhook_of_the_app_is_known_by_its_secret(bench: Bench) -> None:
    bench.house.room.settings.public_url = PUBLIC
    # The browser here comes by loopback; over TLS, as is set now, its cookie has another name.
    cookies = bench.admin.cookies
    cookies.set("__Host-bunkhouse_session", cookies["bunkhouse_session"])
    assert (await bench.state())["reachable"] is True
    begun = await bench.admin.post(
        "/api/github-app/setups", json={"url": bench.fake.url}, headers={"Origin": PUBLIC}
    )
    assert begun.status_code == 201, begun.text
    set_cookie = begun.headers["set-cookie"]
    assert set_cookie.startswith("__Host-bunkhouse_github_app=")
    for attribute in ("HttpOnly", "SameSite=lax", "Secure", "Path=/"):
        assert attribute in set_cookie
    cookies.set("__Host-bunkhouse_github_app", set_cookie.partition("=")[2].partition(";")[0])
    address = await make(*await bench.page())
    assert address.startswith(f"{PUBLIC}/setup/github/callback")
    parts = urlsplit(address)
    assert (await bench.admin.get(f"{parts.path}?{parts.query}")).status_code == 303
    (app,) = bench.fake.world.apps
    assert app.hook == f"{PUBLIC}/api/webhooks/github"
    assert app.webhook_secret is not None
    for secret, status in ((app.webhook_secret, 204), ("another", 401)):
        signed = hmac.new(secret.encode(), b"{}", hashlib.sha256).hexdigest()
        headers = {"X-GitHub-Event": "ping", "X-Hub-Signature-256": f"sha256={signed}"}
        answer = await bench.admin.post("/api/webhooks/github", content=b"{}", headers=headers)
        assert answer.status_code == status


async def test_only_an_admin_at_a_browser_of_this_page(bench: Bench) -> None:
    house = bench.house
    async with house.client() as member:
        await member.get(f"/login/{await house.people.sign_in_link('member')}")
        for method, path in (
            ("GET", "/api/github-app"),
            ("POST", "/api/github-app/setups"),
            ("DELETE", "/api/github-app"),
        ):
            sent = {"Origin": house.url, "Content-Type": "application/json"}
            answer = await member.request(method, path, content="{}", headers=sent)
            assert (answer.status_code, answer.json()["code"]) == (403, "role_needed")
        # What the admin began is of no use at another browser, whoever is signed in there.
        address = await bench.back()
        secret = bench.admin.cookies["bunkhouse_github_app"]
        for cookies, status in (({}, 403), ({"bunkhouse_github_app": secret}, 403)):
            member.cookies.update(cookies)
            answer = await member.get(address)
            assert answer.status_code == status
            assert "needs the role admin" in answer.text
            assert (await member.get("/setup/github")).status_code == 403
    async with house.client() as nobody:
        for path in ("/setup/github", address):
            answer = await nobody.get(path)
            assert answer.status_code == 401
            assert "You are not signed in" in answer.text
    async with house.program() as program:
        answer = await program.post("/api/github-app/setups", json={})
        assert (answer.status_code, answer.json()["code"]) == (403, "browser_needed")
    other = await bench.admin.post(
        "/api/github-app/setups", json={}, headers={"Origin": "https://evil.example"}
    )
    assert (other.status_code, other.json()["code"]) == (403, "cross_origin")
    # And none of that kept the right one from it.
    assert (await bench.admin.get(address)).status_code == 303


async def test_another_admin_can_not_finish_what_one_began(bench: Bench) -> None:
    address = await bench.back()
    secret = bench.admin.cookies["bunkhouse_github_app"]
    house = bench.house
    async with house.client() as other:
        await other.get(f"/login/{await house.people.sign_in_link('member')}")
        me = (await other.get("/api/me")).json()["id"]
        await house.services.directory.set_role(me, "admin", house.admin)
        answer = await other.get(address)
        assert answer.status_code == 403
        assert "another browser" in answer.text
        other.cookies.set("bunkhouse_github_app", secret)
        answer = await other.get(address)
        assert answer.status_code == 403
        assert "Somebody else began" in answer.text


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        (("state=", "state=x"), 403, "belongs to another browser"),
        (("code=", "code=x"), 404, "good once, for an hour"),
        (("code=", "no="), 422, "GitHub sent no code"),
    ],
)
async def test_each_refusal_has_a_page_with_a_remedy(
    bench: Bench, change: tuple[str, str], status: int, words: str
) -> None:
    address = (await bench.back()).replace(*change)
    answer = await bench.admin.get(address)
    assert answer.status_code == status
    assert words in answer.text
    assert "Begin again in Settings" in answer.text
    assert 'href="/settings/github"' in answer.text
    assert (await bench.state())["app"] is None
    assert await bench.ways_in() == []


async def test_github_that_is_down_is_asked_again_at_the_same_address(bench: Bench) -> None:
    address = await bench.back()
    bench.fake.broken = True
    answer = await bench.admin.get(address)
    assert answer.status_code == 502
    assert "an error of its own" in answer.text
    again = re.findall(r'<a href="([^"]+)">Try again', answer.text)
    assert [html.unescape(each) for each in again] == [address.removeprefix(bench.house.url)]
    bench.fake.broken = False
    assert (await bench.admin.get(address)).status_code == 303
    answer = await bench.admin.get(address)
    assert answer.status_code == 403


async def test_a_name_that_is_taken_is_said_at_github(bench: Bench) -> None:
    await bench.set_up()
    (taken,) = bench.fake.world.apps
    await bench.admin.delete("/api/github-app", headers={"Origin": bench.house.url})
    with pytest.raises(AssertionError, match="Name is already in use"):
        await bench.back(taken.name)
    address = await make(*await bench.page(), name="Bunkhouse the second")
    assert (await bench.admin.get(address)).status_code == 303


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"organization": "a/b"}, "invalid_input"),
        ({"url": "http://github.example.org"}, "invalid_input"),
        ({"url": "javascript:alert(1)"}, "invalid_input"),
        ({"organization": "x" * 101}, "invalid_input"),
    ],
)
async def test_what_is_refused_before_anybody_goes_to_github(
    bench: Bench, given: dict[str, str], code: str
) -> None:
    answer = await bench.begin(**given)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert (await bench.admin.get("/setup/github")).status_code == 409


async def test_who_installed_the_app_comes_back_and_the_code_is_left_alone(bench: Bench) -> None:
    await bench.set_up()
    (made,) = [each for each in bench.fake.world.applications.values() if each.app]
    code = bench.fake.oauth.unasked(made, bench.fake.world.people["ada"])
    path = f"/sign-in/github/callback?code={code}&installation_id=1&setup_action=install"
    answer = await bench.admin.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/settings/accounts")
    before = await stored(bench.house)
    async with bench.house.client() as stranger:
        answer = await stranger.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in/github")
        assert await Browser(stranger).me() is None
    assert await stored(bench.house) == before
    assert bench.fake.world.tokens == {}


async def test_removed_nobody_signs_in_with_it_any_more(bench: Bench) -> None:
    await bench.set_up()
    again = await bench.begin()
    assert (again.status_code, again.json()["code"]) == (409, "github_app_there")
    invite = await bench.admin.post(
        "/api/invites", json={"email": "bob@example.org"}, headers={"Origin": bench.house.url}
    )
    assert invite.status_code == 201, invite.text
    for _ in range(2):
        answer = await bench.admin.delete("/api/github-app", headers={"Origin": bench.house.url})
        assert answer.status_code == 204
    assert await bench.ways_in() == []
    assert (await bench.admin.get("/sign-in/github")).status_code == 404
    invite = await bench.admin.post(
        "/api/invites", json={"email": "bob@example.org"}, headers={"Origin": bench.house.url}
    )
    assert (invite.status_code, invite.json()["code"]) == (409, "nobody_vouches")
    await bench.set_up()
    assert await bench.ways_in() == ["github"]
