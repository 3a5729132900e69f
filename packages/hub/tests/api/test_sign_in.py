"""Signing in with accounts of other services, from the button to the cookie, over real HTTP."""

from collections.abc import Generator
from datetime import datetime
from typing import Any

import pytest
from pydantic import ValidationError

from bunkhouse.api.access import COOKIE
from bunkhouse.errors import InvalidInput, StorageFull
from bunkhouse.people.signin import Grant
from tests.providers import FakeGitHub, FakeOpenID, GitHubAccount, OpenIDAccount, approve

from .house import House
from .signing_in import Browser, offer, query_of, stored

ATTEMPT = "bunkhouse_sign_in"


@pytest.fixture
def github() -> Generator[FakeGitHub]:
    ada = GitHubAccount(7, "ada", "Ada Lovelace").with_email("ada@example.org")
    bob = GitHubAccount(8, "bob").with_email("bob@example.org", verified=False)
    acme = GitHubAccount(9, "acme", type="Organization")
    with FakeGitHub.running(ada, bob, acme) as fake:
        yield fake


@pytest.fixture
def oidc() -> Generator[FakeOpenID]:
    ada = OpenIDAccount("ada-1", "Ada Lovelace", "ada@acme.example")
    with FakeOpenID.running(ada, OpenIDAccount("eve-1", "Eve", "eve@acme.example", False)) as fake:
        yield fake


@pytest.fixture
def google() -> Generator[FakeOpenID]:
    with FakeOpenID.running(OpenIDAccount("1001", "Grace", "grace@example.org")) as fake:
        fake.says_issuer = False  # Google does not
        yield fake


# ── what is offered ──────────────────────────────────────────────────────────────────────────


async def test_nothing_is_offered_that_is_not_set_up(house: House) -> None:
    async with house.client() as client:
        assert (await client.get("/api/sign-in")).json() == {"providers": []}
        answer = await client.get("/sign-in/github")
    assert answer.status_code == 404
    assert "text/html" in answer.headers["content-type"]


async def test_everybody_sees_what_is_offered_and_no_secret(
    house: House, github: FakeGitHub, google: FakeOpenID, oidc: FakeOpenID
) -> None:
    offer(house, github=github, google=google, oidc=oidc)
    async with house.client() as client:
        answer = await client.get("/api/sign-in")
    assert answer.json() == {
        "providers": [
            {"key": "github", "name": "GitHub Enterprise", "start": "/sign-in/github"},
            {"key": "google", "name": "Google", "start": "/sign-in/google"},
            {"key": "oidc", "name": "Acme ID", "start": "/sign-in/oidc"},
        ]
    }


# ── the way through ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("provider", "account", "name"),
    [
        ("github", "ada", "Ada Lovelace"),
        ("google", "1001", "Grace"),
        ("oidc", "ada-1", "Ada Lovelace"),
    ],
)
async def test_the_first_is_admin_and_the_second_needs_an_invitation(
    house: House,
    github: FakeGitHub,
    google: FakeOpenID,
    oidc: FakeOpenID,
    provider: str,
    account: str,
    name: str,
) -> None:
    offer(house, github=github, google=google, oidc=oidc)
    async with house.client() as client:
        browser = Browser(client)
        answer = await browser.sign_in(provider, account, "/sessions/s_1?tab=changes")
        assert (answer.status_code, answer.headers["location"]) == (
            303,
            "/sessions/s_1?tab=changes",
        )
        assert await browser.me() == {"id": house.admin.id, "name": name, "role": "admin"}
    before = await stored(house)
    async with house.client() as client:
        second = Browser(client)
        answer = await second.sign_in(
            "oidc" if provider != "oidc" else "github",
            {
                "oidc": "ada",
                "github": "eve-1",
                "google": "eve-1",
            }[provider],
        )
        assert answer.status_code == 403
        assert "by invitation" in answer.text
        assert "Ask an admin" in answer.text
        assert COOKIE not in client.cookies
        assert await second.me() is None
    assert await stored(house) == before


async def test_what_the_browser_is_given(house: House, oidc: FakeOpenID) -> None:
    offer(house, oidc=oidc)
    async with house.client() as client:
        browser = Browser(client)
        begun = await client.get("/sign-in/oidc")
        cookie = begun.headers["set-cookie"]
        assert cookie.startswith(f"{ATTEMPT}=")
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Max-Age=600" in cookie
        assert begun.headers["cache-control"] == "no-store"
        asked = query_of(begun.headers["location"])
        assert asked["redirect_uri"] == f"{house.url}/sign-in/oidc/callback"
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert client.cookies[ATTEMPT] not in begun.headers["location"]
        answer = await browser.back(await approve(begun.headers["location"], "ada-1"))
        cookies = answer.headers.get_list("set-cookie")
        signed_in = next(each for each in cookies if each.startswith(f"{COOKIE}="))
        assert "HttpOnly" in signed_in
        assert "SameSite=lax" in signed_in
        assert ATTEMPT not in client.cookies


async def test_behind_tls_both_cookies_are_for_tls_alone(house: House, oidc: FakeOpenID) -> None:
    offer(house, oidc=oidc)
    house.services.settings.public_url = "https://hub.example.org"
    oidc.callback = "https://hub.example.org/sign-in/oidc/callback"
    async with house.client() as client:
        begun = await client.get("/sign-in/oidc")
        cookie = begun.headers["set-cookie"]
        assert cookie.startswith(f"__Host-{ATTEMPT}=")
        assert "Secure" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie
        address = await approve(begun.headers["location"], "ada-1")
        assert address.startswith("https://hub.example.org/")
        back = address.removeprefix("https://hub.example.org")
        answer = await client.get(back, headers={"Cookie": cookie.partition(";")[0]})
    assert answer.status_code == 303
    signed_in = [each for each in answer.headers.get_list("set-cookie") if COOKIE in each]
    assert signed_in[0].startswith(f"__Host-{COOKIE}=")
    assert "Secure" in signed_in[0]


async def test_each_sign_in_has_a_secret_of_its_own_and_ends_the_one_before(
    house: House, oidc: FakeOpenID
) -> None:
    offer(house, oidc=oidc)
    async with house.client() as client:
        browser = Browser(client)
        client.cookies.set(COOKIE, "chosen by somebody else", domain="127.0.0.1")
        await browser.sign_in("oidc", "ada-1")
        first = client.cookies[COOKIE]
        assert first != "chosen by somebody else"
        await browser.sign_in("oidc", "ada-1")
        second = client.cookies[COOKIE]
        assert second != first
    assert await house.people.by_cookie(first) is None
    assert await house.people.by_cookie(second) is not None


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_the_secret_is_told_as_the_provider_wants(
    house: House, oidc: FakeOpenID, method: str
) -> None:
    oidc.method = method
    offer(house, oidc=oidc)
    async with house.client() as client:
        assert (await Browser(client).sign_in("oidc", "ada-1")).status_code == 303


async def test_an_address_is_asked_for_where_the_token_has_none(
    house: House, oidc: FakeOpenID
) -> None:
    oidc.emails_in_token = False
    offer(house, oidc=oidc, sign_up="listed", sign_up_emails=["ada@acme.example"])
    async with house.client() as client:
        assert (await Browser(client).sign_in("oidc", "ada-1")).status_code == 303
        (account,) = (await client.get("/api/me/identities")).json()["items"]
    assert account["email"] == "ada@acme.example"


@pytest.mark.parametrize(
    ("provider", "account"), [("oidc", "eve-1"), ("github", "bob"), ("github", "ada")]
)
async def test_an_address_that_is_not_verified_counts_as_none(
    house: House, github: FakeGitHub, oidc: FakeOpenID, provider: str, account: str
) -> None:
    """Nor one that the person did not let us see, nor one that is only on their profile."""
    if account == "ada":

        def only_the_profile(_scope: str) -> str:
            return "read:user"

        github.allows = only_the_profile
    offer(
        house,
        github=github,
        oidc=oidc,
        sign_up="domains",
        sign_up_domains=["acme.example", "example.org"],
    )
    before = await stored(house)
    async with house.client() as client:
        answer = await Browser(client).sign_in(provider, account)
    assert answer.status_code == 403
    assert "no verified e-mail address" in answer.text
    assert await stored(house) == before


async def test_amazon_says_it_as_text(house: House, oidc: FakeOpenID) -> None:
    oidc.accounts["ada-1"].email_verified = "true"
    offer(house, oidc=oidc, sign_up="domains", sign_up_domains=["acme.example"])
    async with house.client() as client:
        assert (await Browser(client).sign_in("oidc", "ada-1")).status_code == 303


async def test_new_keys_are_found(house: House, oidc: FakeOpenID) -> None:
    from tests.providers.openid import new_key

    offer(house, oidc=oidc)
    async with house.client() as client:
        browser = Browser(client)
        assert (await browser.sign_in("oidc", "ada-1")).status_code == 303
        assert (await browser.sign_in("oidc", "ada-1")).status_code == 303
        assert oidc.asked_for_keys == 1
        oidc.keys = [new_key("second")]
        assert (await browser.sign_in("oidc", "ada-1")).status_code == 303
        assert oidc.asked_for_keys == 2
        oidc.keys = [new_key("second")]  # another one under an old name
        assert (await browser.sign_in("oidc", "ada-1")).status_code == 303
        assert oidc.asked_for_keys == 3
        assert (await browser.sign_in("oidc", "ada-1")).status_code == 303
        assert oidc.asked_for_keys == 3


# ── tokens for later ─────────────────────────────────────────────────────────────────────────


async def test_what_github_gives_is_handed_on_and_never_shown(
    house: House, github: FakeGitHub, caplog: pytest.LogCaptureFixture
) -> None:
    kept: list[tuple[str, str, Grant]] = []

    async def keep(person: str, provider: str, grant: Grant) -> None:
        kept.append((person, provider, grant))

    def expiring(answer: dict[str, Any]) -> None:
        answer |= {"expires_in": 28800, "refresh_token": "ghr_1"}

    github.tokens = expiring
    offer(house, github=github, keep_grant=keep, github_scopes="read:user user:email repo")
    async with house.client() as client:
        await Browser(client).sign_in("github", "ada")
        listed = (await client.get("/api/me/identities")).text
    ((person, provider, grant),) = kept
    assert (person, provider, grant.refresh_token) == (house.admin.id, "github", "ghr_1")
    assert grant.access_token in github.given
    assert isinstance(grant.expires_at, datetime)
    assert grant.scopes == ("read:user", "user:email", "repo")
    assert grant.access_token not in listed + repr(grant)
    assert grant.access_token not in caplog.text


async def test_that_a_token_can_not_be_kept_keeps_nobody_out(
    house: House, github: FakeGitHub
) -> None:
    async def keep(*_: Any) -> None:
        raise StorageFull("The disk is full.")

    offer(house, github=github, keep_grant=keep)
    async with house.client() as client:
        assert (await Browser(client).sign_in("github", "ada")).status_code == 303


# ── linked accounts ──────────────────────────────────────────────────────────────────────────


async def link(house: House, browser: Browser, provider: str, next_path: str = "/") -> str:
    begun = await browser.client.post(
        "/api/me/identities",
        json={"provider": provider, "next": next_path},
        headers={"Origin": house.url},
    )
    assert begun.status_code == 200, begun.text
    return begun.json()["url"]


async def test_accounts_are_linked_listed_and_unlinked(
    house: House, github: FakeGitHub, oidc: FakeOpenID
) -> None:
    offer(house, github=github, oidc=oidc)
    own = {"Origin": house.url}
    async with house.client() as client:
        browser = Browser(client)
        await browser.sign_in("github", "ada")
        cookie = client.cookies[COOKIE]
        address = await link(house, browser, "oidc", "/settings/accounts")
        answer = await browser.back(await approve(address, "ada-1"))
        assert (answer.status_code, answer.headers["location"]) == (303, "/settings/accounts")
        assert client.cookies[COOKIE] == cookie
        accounts = (await client.get("/api/me/identities")).json()["items"]
        assert [(each["provider"], each["login"], each["usable"]) for each in accounts] == [
            ("github", "ada", True),
            ("oidc", "ada.lovelace", True),
        ]
        first = await client.delete(f"/api/me/identities/{accounts[0]['id']}", headers=own)
        assert first.status_code == 204
        again = await client.delete(f"/api/me/identities/{accounts[0]['id']}", headers=own)
        assert again.status_code == 404
    async with house.client() as client:
        there = Browser(client)
        await there.sign_in("oidc", "ada-1")
        assert await there.me() == {"id": house.admin.id, "name": "Ada Lovelace", "role": "admin"}


async def test_somebody_elses_account_is_not_linked(
    house: House, github: FakeGitHub, oidc: FakeOpenID
) -> None:
    offer(house, github=github, oidc=oidc, sign_up="open")
    async with house.client() as client:
        await Browser(client).sign_in("github", "ada")
    async with house.client() as client:
        browser = Browser(client)
        await browser.sign_in("oidc", "eve-1")
        answer = await browser.back(await approve(await link(house, browser, "github"), "ada"))
        assert answer.status_code == 409
        assert "belongs to another person" in answer.text
        assert len((await client.get("/api/me/identities")).json()["items"]) == 1


async def test_linking_and_unlinking_take_a_browser_and_our_own_page(
    house: House, oidc: FakeOpenID
) -> None:
    offer(house, oidc=oidc)
    async with house.program() as program:
        answer = await program.post("/api/me/identities", json={"provider": "oidc"})
        assert (answer.status_code, answer.json()["code"]) == (403, "browser_needed")
        answer = await program.delete("/api/me/identities/any")
        assert (answer.status_code, answer.json()["code"]) == (403, "browser_needed")
    async with house.client() as client:
        await Browser(client).sign_in("oidc", "ada-1")
        (account,) = (await client.get("/api/me/identities")).json()["items"]
        for headers in ({}, {"Origin": "https://evil.example"}):
            answer = await client.post(
                "/api/me/identities", json={"provider": "oidc"}, headers=headers
            )
            assert (answer.status_code, answer.json()["code"]) == (403, "cross_origin")
            answer = await client.delete(f"/api/me/identities/{account['id']}", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "cross_origin")


async def test_who_signed_out_meanwhile_links_nothing(
    house: House, github: FakeGitHub, oidc: FakeOpenID
) -> None:
    offer(house, github=github, oidc=oidc)
    async with house.client() as client:
        browser = Browser(client)
        await browser.sign_in("github", "ada")
        address = await approve(await link(house, browser, "oidc"), "ada-1")
        await client.post("/api/sign-out", headers={"Origin": house.url})
        before = await stored(house)
        answer = await browser.back(address)
        assert answer.status_code == 401
        assert "not signed in any more" in answer.text
        assert await browser.me() is None
    assert await stored(house) == before


async def test_a_provider_may_be_called_anything(house: House, oidc: FakeOpenID) -> None:
    oidc.name = "GitHub"
    offer(house, oidc=oidc)
    async with house.client() as client:
        assert (await Browser(client).sign_in("oidc", "ada-1")).status_code == 303


async def test_who_somebody_is_must_be_asked_for(house: House, oidc: FakeOpenID) -> None:
    with pytest.raises(ValidationError, match="openid"):
        offer(house, oidc=oidc, oidc_scopes="profile email")


# ── settings ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"github_client_id": "a"}, "BUNKHOUSE_GITHUB_CLIENT_SECRET"),
        ({"google_client_id": "a"}, "BUNKHOUSE_GOOGLE_CLIENT_SECRET"),
        ({"oidc_client_id": "a"}, "BUNKHOUSE_OIDC_ISSUER"),
        ({"oidc_issuer": "https://id.example"}, "BUNKHOUSE_OIDC_CLIENT_ID"),
        (
            {"oidc_issuer": "http://id.example", "oidc_client_id": "a"},
            "BUNKHOUSE_OIDC_ISSUER must be an https",
        ),
        (
            {"github_url": "github.com", "github_client_id": "a", "github_client_secret": "b"},
            "BUNKHOUSE_GITHUB_URL must be an https",
        ),
    ],
)
async def test_half_a_provider_is_said_at_the_start(
    house: House, given: dict[str, Any], missing: str
) -> None:
    with pytest.raises(InvalidInput, match=missing):
        offer(house, **given)
