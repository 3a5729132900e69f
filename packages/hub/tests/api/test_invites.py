"""Invites, from the link to the signed-in browser, over real HTTP."""

import re
from collections.abc import Generator

import httpx2
import pytest

from bunkhouse.api.access import COOKIE
from bunkhouse.people import Person
from tests.providers import FakeOpenID, OpenIDAccount, approve

from .house import House
from .signing_in import Browser, offer, stored

INVITE = "bunkhouse_invite"


@pytest.fixture
def oidc() -> Generator[FakeOpenID]:
    ada = OpenIDAccount("ada-1", "Ada Lovelace", "ada@acme.example")
    bob = OpenIDAccount("bob-1", "Bob", "bob@acme.example")
    eve = OpenIDAccount("eve-1", "Eve", "eve@acme.example", False)
    with FakeOpenID.running(ada, bob, eve) as fake:
        yield fake


@pytest.fixture
async def admin(house: House) -> Person:
    """The admin, who has signed in."""
    return (await house.people.use_link(await house.people.sign_in_link())).person


async def invited(house: House, **given: object) -> str:
    """The path of a new invite's link."""
    async with house.program() as program:
        answer = await program.post("/api/invites", json=given)
    assert answer.status_code == 201, answer.text
    link = answer.json()["link"]
    assert link.startswith(f"{house.url}/invite/")
    return link.removeprefix(house.url)


async def left(house: House) -> list[int]:
    """How many uses are left of those that are good."""
    async with house.program() as program:
        listed = await program.get("/api/invites")
    return [each["uses_left"] for each in listed.json()["items"]]


def button(page: httpx2.Response) -> str:
    """Where the page's one button leads."""
    assert page.status_code == 200, page.text
    (path,) = re.findall(r'<a class="way" href="([^"]+)"', page.text)
    return path


async def come_in(
    house: House, browser: httpx2.AsyncClient, link: str, name: str
) -> httpx2.Response:
    """Fill in the form, as a browser sends it."""
    return await browser.post(link, data={"name": name}, headers={"Origin": house.url})


# ── the API ──────────────────────────────────────────────────────────────────────────────────


async def test_an_admin_makes_lists_and_takes_back(house: House, admin: Person) -> None:
    async with house.program() as program:
        made = (await program.post("/api/invites", json={"role": "admin", "uses": 3})).json()
        secret = made.pop("link").rpartition("/")[2]
        assert (made["role"], made["email"], made["uses_left"]) == ("admin", None, 3)
        assert made["created_by"] == admin.name
        listed = await program.get("/api/invites")
        assert listed.json()["items"] == [{**made, "link": None}]
        assert secret not in listed.text
        assert (await program.delete(f"/api/invites/{made['id']}")).status_code == 204
        assert (await program.delete(f"/api/invites/{made['id']}")).status_code == 404
        assert (await program.get("/api/invites")).json()["items"] == []
        page = await program.get(f"/invite/{secret}")
    assert page.status_code == 410
    assert "taken back" in page.text


@pytest.mark.parametrize(
    ("given", "status", "words"),
    [
        ({"uses": 101}, 422, "BUNKHOUSE_INVITE_USES_MOST"),
        ({"days": 91}, 422, "BUNKHOUSE_INVITE_DAYS_MOST"),
        ({"uses": 0}, 422, "uses"),
        ({"email": "not one"}, 422, "e-mail"),
        ({"role": "owner"}, 422, "role"),
        ({"email": "a@b.example"}, 409, "provider"),
    ],
)
async def test_what_is_no_invite_is_refused(
    house: House, given: dict[str, object], status: int, words: str
) -> None:
    async with house.program() as program:
        answer = await program.post("/api/invites", json=given)
    assert answer.status_code == status
    assert words in answer.text
    assert await left(house) == []


# ── without a provider ───────────────────────────────────────────────────────────────────────


async def test_a_name_is_asked_for_and_is_enough(house: House, admin: Person) -> None:
    link = await invited(house)
    async with house.client() as client:
        page = await client.get(link)
        assert page.status_code == 200
        assert f"{admin.name} invites you to this Bunkhouse, as a member." in page.text
        assert f'<form method="post" action="{link}">' in page.text
        assert "form-action 'self'" in page.headers["content-security-policy"]
        assert page.headers["referrer-policy"] == "same-origin"
        assert page.headers["cache-control"] == "no-store"
        assert not page.headers.get_list("set-cookie")
        answer = await come_in(house, client, link, "Grace <Hopper>")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        me = await Browser(client).me()
        assert me is not None
        assert (me["name"], me["role"]) == ("Grace <Hopper>", "member")
    async with house.client() as client:
        for answer in (await client.get(link), await come_in(house, client, link, "Joan")):
            assert answer.status_code == 410
            assert "was used already" in answer.text
            assert "ask whoever invited you" in answer.text
        assert COOKIE not in client.cookies


async def test_looking_uses_nothing_and_leaves_nothing(house: House, oidc: FakeOpenID) -> None:
    offer(house, oidc=oidc)
    async with house.client() as client:
        await Browser(client).sign_in("oidc", "ada-1")
    link = await invited(house)
    before = await stored(house)
    async with house.client() as client:
        for _ in range(3):
            page = await client.get(link)
            await client.head(link)
            await client.get(button(page))
    assert await left(house) == [1]
    assert await stored(house) == before


@pytest.mark.parametrize("name", ["", "   ", "x" * 101])
async def test_a_name_that_is_none_is_asked_for_again(
    house: House, admin: Person, name: str
) -> None:
    link = await invited(house)
    async with house.client() as client:
        answer = await come_in(house, client, link, name)
        assert answer.status_code == 422
        assert "A name has between 1 and 100 characters." in answer.text
        assert "<form" in answer.text
        assert COOKIE not in client.cookies
    assert await left(house) == [1]


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": "https://evil.example"}, {"Origin": "null"}], ids=str
)
async def test_another_site_makes_nobody_come_in(
    house: House, admin: Person, headers: dict[str, str]
) -> None:
    link = await invited(house)
    async with house.client() as client:
        answer = await client.post(link, data={"name": "Mallory"}, headers=headers)
        assert answer.status_code == 403
        assert COOKIE not in client.cookies
    assert await left(house) == [1]


@pytest.mark.parametrize("body", [b"", b"\xff\xfe=&&&", b"{}", b"name", b"name=%00%ff"])
async def test_a_body_that_is_no_form_uses_nothing(
    house: House, admin: Person, body: bytes
) -> None:
    link = await invited(house)
    async with house.client() as client:
        answer = await client.post(link, content=body, headers={"Origin": house.url})
    assert answer.status_code == 422
    assert await left(house) == [1]


async def test_who_is_here_already_uses_nothing(house: House, admin: Person) -> None:
    first, second = await invited(house), await invited(house)
    async with house.client() as client:
        await come_in(house, client, first, "Grace")
        for answer in (await client.get(second), await come_in(house, client, second, "Joan")):
            assert answer.status_code == 200
            assert "You are signed in as Grace" in answer.text
    assert await left(house) == [1]


@pytest.mark.parametrize("path", ["/invite/none", "/invite/none/oidc", "/invite/%ff%00"])
async def test_a_link_that_is_none(house: House, path: str) -> None:
    async with house.client() as client:
        answer = await client.get(path)
        assert answer.status_code == 404
        assert "text/html" in answer.headers["content-type"]
        assert "There is no such invitation" in answer.text
        assert "ask whoever invited you" in answer.text


# ── with a provider ──────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def provided(house: House, oidc: FakeOpenID) -> FakeOpenID:
    """A provider, with which Ada is the admin."""
    offer(house, oidc=oidc)
    async with house.client() as client:
        await Browser(client).sign_in("oidc", "ada-1")
    return oidc


async def test_an_account_comes_in_by_the_invite(house: House, provided: FakeOpenID) -> None:
    link = await invited(house, role="admin")
    async with house.client() as client:
        page = await client.get(link)
        assert "Ada Lovelace invites you to this Bunkhouse, as an admin." in page.text
        assert "Continue with Acme ID" in page.text
        assert "<form" not in page.text
        begun = await client.get(button(page))
        cookie = next(
            each for each in begun.headers.get_list("set-cookie") if each.startswith(INVITE)
        )
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Max-Age=600" in cookie
        assert link.rpartition("/")[2] not in begun.headers["location"]
        assert await left(house) == [1]
        answer = await client.get(await approve(begun.headers["location"], "bob-1"))
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert INVITE not in client.cookies
        me = await Browser(client).me()
        assert me is not None
        assert (me["name"], me["role"]) == ("Bob", "admin")
    assert await left(house) == []


async def test_behind_tls_the_invite_is_for_tls_alone(house: House, provided: FakeOpenID) -> None:
    house.services.settings.public_url = "https://hub.example.org"
    provided.callback = "https://hub.example.org/sign-in/oidc/callback"
    async with house.program() as program:
        link = (await program.post("/api/invites", json={})).json()["link"]
    assert link.startswith("https://hub.example.org/invite/")
    async with house.client() as client:
        page = await client.get(link.removeprefix("https://hub.example.org"))
        begun = await client.get(button(page))
        cookies = begun.headers.get_list("set-cookie")
        cookie = next(each for each in cookies if INVITE in each)
        assert cookie.startswith(f"__Host-{INVITE}=")
        assert "Secure" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie
        address = await approve(begun.headers["location"], "bob-1")
        sent = "; ".join(each.partition(";")[0] for each in cookies)
        back = address.removeprefix("https://hub.example.org")
        answer = await client.get(back, headers={"Cookie": sent})
    assert answer.status_code == 303, answer.text
    assert any(
        each.startswith(f"__Host-{INVITE}=") and "Max-Age=0" in each
        for each in answer.headers.get_list("set-cookie")
    )


async def test_a_name_is_not_enough_beside_a_provider(house: House, provided: FakeOpenID) -> None:
    link = await invited(house)
    async with house.client() as client:
        answer = await come_in(house, client, link, "Mallory")
        assert answer.status_code == 403
        assert COOKIE not in client.cookies
    assert await left(house) == [1]


@pytest.mark.parametrize("account", ["bob-1", "eve-1"])
async def test_an_invite_for_another_address(
    house: House, provided: FakeOpenID, account: str
) -> None:
    """Eve's is the one, but nobody vouches for that."""
    link = await invited(house, email="Eve@acme.example")
    before = await stored(house)
    async with house.client() as client:
        page = await client.get(link)
        assert "the address eve@acme.example, verified" in page.text
        begun = await client.get(button(page))
        answer = await client.get(await approve(begun.headers["location"], account))
        assert answer.status_code == 403
        assert "for another e-mail address" in answer.text
        assert f'<a href="{link}">Back to the invitation</a>' in answer.text
        assert COOKIE not in client.cookies
        assert INVITE not in client.cookies
    assert await left(house) == [1]
    assert await stored(house) == before
    provided.accounts["eve-1"].email_verified = True
    async with house.client() as client:
        begun = await client.get(button(await client.get(link)))
        answer = await client.get(await approve(begun.headers["location"], "eve-1"))
        assert answer.status_code == 303


async def test_an_invite_that_is_used_up_meanwhile(house: House, provided: FakeOpenID) -> None:
    link = await invited(house)
    async with house.client() as one, house.client() as other:
        begun = [(each, await each.get(button(await each.get(link)))) for each in (one, other)]
        (first, second) = [
            await each.get(await approve(away.headers["location"], account))
            for (each, away), account in zip(begun, ("bob-1", "eve-1"), strict=True)
        ]
        assert first.status_code == 303
        assert second.status_code == 410
        assert "was used already" in second.text
        assert "ask whoever invited you" in second.text
        assert COOKIE not in other.cookies


async def test_an_invite_is_of_the_attempt_that_began_with_it(
    house: House, provided: FakeOpenID
) -> None:
    """Whoever turns away and signs in later without it does not use it."""
    link = await invited(house)
    async with house.client() as client:
        await client.get(button(await client.get(link)))
        assert INVITE in client.cookies
        answer = await Browser(client).sign_in("oidc", "bob-1")
        assert answer.status_code == 403
        assert "by invitation" in answer.text
    assert await left(house) == [1]


async def test_who_was_deactivated_does_not_come_back_by_an_invite(
    house: House, provided: FakeOpenID
) -> None:
    first, second = await invited(house), await invited(house)
    async with house.client() as client:
        begun = await client.get(button(await client.get(first)))
        await client.get(await approve(begun.headers["location"], "bob-1"))
        me = await Browser(client).me()
        assert me is not None
        await house.services.directory.deactivate(me["id"], house.admin)
        begun = await client.get(button(await client.get(second)))
        answer = await client.get(await approve(begun.headers["location"], "bob-1"))
        assert answer.status_code == 403
        assert "may not use this installation any more" in answer.text
        assert await Browser(client).me() is None
    assert await left(house) == [1]


async def test_an_invite_for_an_address_after_the_provider_is_gone(
    house: House, provided: FakeOpenID
) -> None:
    link = await invited(house, email="eve@acme.example")
    offer(house)
    async with house.client() as client:
        page = await client.get(link)
        assert page.status_code == 409
        assert "an invitation without an address" in page.text
        answer = await come_in(house, client, link, "Eve")
        assert answer.status_code == 403
        assert COOKIE not in client.cookies
    assert await left(house) == [1]
