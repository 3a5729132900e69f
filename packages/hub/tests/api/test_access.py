"""Who gets in: tokens, cookies, links, and what other sites can not make a browser do."""

import pytest
import websockets

from bunkhouse.api.access import COOKIE, SECURE_COOKIE
from bunkhouse.people import Person

from .house import House


async def cookie_of(house: House) -> str:
    return (await house.people.use_link(await house.people.sign_in_link())).secret


async def test_health_needs_no_token(house: House) -> None:
    async with house.client() as client:
        answer = await client.get("/api/health")
    assert answer.status_code == 200
    assert answer.json()["ok"] is True


async def test_every_other_route_does(house: House) -> None:
    async with house.client() as client:
        description = (await client.get("/api/openapi.json")).json()
        public: set[str] = set()
        for path, operations in description["paths"].items():
            for method, operation in operations.items():
                if operation.get("security") == []:
                    public.add(path)
                    continue
                address = path.replace("{", "").replace("}", "")
                answer = await client.request(method, address)
                assert answer.status_code == 401, (method, path, answer.text)
                assert answer.headers["www-authenticate"].startswith("Bearer")
                assert answer.json()["code"] == "unauthorized"
        assert public == {"/api/health", "/api/sign-in", "/api/webhooks/github"}


@pytest.mark.parametrize("header", ["Bearer bh_wrong", "Basic YTpi", "Bearer", "nonsense"])
async def test_a_wrong_credential_is_refused_even_beside_a_good_cookie(
    house: House, header: str
) -> None:
    cookies = {COOKIE: await cookie_of(house)}
    async with house.client() as client:
        answer = await client.get(
            "/api/me", headers={"Authorization": header, "Cookie": f"{COOKIE}={cookies[COOKIE]}"}
        )
    assert answer.status_code == 401
    assert answer.json()["code"] == "token_not_valid"


async def test_the_link_signs_a_browser_in_once(house: House) -> None:
    link = await house.people.sign_in_link()
    async with house.client() as browser:
        answer = await browser.get(f"/login/{link}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        set_cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in set_cookie
        assert "SameSite=lax" in set_cookie
        assert "Secure" not in set_cookie
        me = (await browser.get("/api/me")).json()
        assert me == {"id": house.admin.id, "name": "Admin", "role": "admin"}
        # Again in the same browser, from history: it is where it wanted to be.
        assert (await browser.get(f"/login/{link}")).status_code == 303
    async with house.client() as another:
        answer = await another.get(f"/login/{link}")
        assert answer.status_code == 401
        assert "text/html" in answer.headers["content-type"]
        assert "<code>bunkhouse admin link</code>" in answer.text
        assert "set-cookie" not in answer.headers


async def test_behind_tls_the_cookie_is_for_tls_alone(house: House) -> None:
    house.services.settings.public_url = "https://hub.example.org"
    link = await house.people.sign_in_link()
    async with house.client() as browser:
        answer = await browser.get(f"/login/{link}")
    assert "Secure" in answer.headers["set-cookie"]
    assert answer.headers["set-cookie"].startswith("__Host-")


async def test_looking_at_a_link_without_opening_it_does_not_spend_it(house: House) -> None:
    link = await house.people.sign_in_link()
    async with house.client() as browser:
        assert (await browser.head(f"/login/{link}")).status_code == 405
        assert (await browser.get(f"/login/{link}")).status_code == 303


async def test_signing_out(house: House) -> None:
    async with house.client() as browser:
        await browser.get(f"/login/{await house.people.sign_in_link()}")
        answer = await browser.post("/api/sign-out", headers={"Origin": house.url})
        assert answer.status_code == 204
        assert (await browser.get("/api/me")).status_code == 401


ELSEWHERE = "https://evil.example"


@pytest.mark.parametrize(
    ("method", "headers", "allowed"),
    [
        ("GET", {}, True),
        ("GET", {"Origin": ELSEWHERE}, False),
        ("GET", {"Sec-Fetch-Site": "same-origin"}, True),
        ("GET", {"Sec-Fetch-Site": "none"}, True),
        ("GET", {"Sec-Fetch-Site": "same-site"}, False),  # a sandbox's own pages
        ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, False),
        (
            "GET",
            {
                "Sec-Fetch-Site": "cross-site",
                "Sec-Fetch-Mode": "navigate",
                "Sec-Fetch-Dest": "document",
            },
            True,
        ),
        (
            "GET",
            {
                "Sec-Fetch-Site": "cross-site",
                "Sec-Fetch-Mode": "navigate",
                "Sec-Fetch-Dest": "iframe",
            },
            False,
        ),
        ("POST", {"Origin": "{own}"}, True),
        ("POST", {"Sec-Fetch-Site": "same-origin"}, True),
        ("POST", {"Origin": "https://hub.example.org"}, True),  # the public URL
        ("POST", {"Origin": ELSEWHERE}, False),
        ("POST", {"Origin": ELSEWHERE, "Sec-Fetch-Site": "same-origin"}, False),
        ("POST", {"Origin": "null"}, False),
        ("POST", {"Origin": "http://hub.example.org"}, False),  # another scheme
        ("POST", {"Origin": "http://127.0.0.1:1"}, False),  # another port
        ("POST", {"Sec-Fetch-Site": "same-site"}, False),  # a sandbox's own pages
        ("POST", {"Sec-Fetch-Site": "cross-site"}, False),
        ("POST", {"Sec-Fetch-Site": "none"}, False),
        ("POST", {}, False),
        ("DELETE", {"Origin": ELSEWHERE}, False),
        ("PATCH", {"Origin": ELSEWHERE}, False),
    ],
)
async def test_what_another_site_can_make_a_signed_in_browser_do(
    house: House, method: str, headers: dict[str, str], allowed: bool
) -> None:
    house.services.settings.public_url = "https://hub.example.org/"
    sent = {name: value.format(own=house.url) for name, value in headers.items()}
    sent["Cookie"] = f"{SECURE_COOKIE}={await cookie_of(house)}"
    path = "/api/sessions/s_none" if method in ("DELETE", "PATCH") else "/api/sessions"
    async with house.client() as client:
        answer = await client.request(
            method, path, headers=sent, json=None if method == "GET" else {}
        )
    if allowed:
        assert answer.status_code < 300
    else:
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_origin")
        assert (await house.sessions.list())[0] == []


async def test_a_token_needs_no_origin(house: House) -> None:
    async with house.program() as program:
        answer = await program.post("/api/sessions", json={}, headers={"Origin": ELSEWHERE})
    assert answer.status_code == 201


@pytest.mark.parametrize(("origin", "status"), [(None, 403), (ELSEWHERE, 403), ("{own}", 404)])
async def test_a_websocket_with_a_cookie_asks_for_the_origin(
    house: House, origin: str | None, status: int
) -> None:
    headers = {"Cookie": f"{COOKIE}={await cookie_of(house)}"}
    if origin:
        headers["Origin"] = origin.format(own=house.url)
    address = house.url.replace("http", "ws") + "/api/sessions/s_none/exec"
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(address, additional_headers=headers, proxy=None)
    assert refused.value.response.status_code == status


async def test_tokens_are_told_once_and_are_ones_own(house: House) -> None:
    async with house.program() as program:
        wanted = {"name": "ci", "scopes": ["account", "read"], "days": 7}
        made = await program.post("/api/tokens", json=wanted)
        assert made.status_code == 201
        assert made.json()["scopes"] == ["read", "account"]
        assert made.json()["expires_at"] is not None
        secret = made.json()["token"]
        listed = (await program.get("/api/tokens")).json()
        assert listed["next"] is None
        assert {token["name"] for token in listed["items"]} == {"ci", "tests"}
        assert all(token["token"] is None for token in listed["items"])
    async with house.client() as client:
        theirs = {"Authorization": f"Bearer {secret}"}
        assert (await client.get("/api/me", headers=theirs)).status_code == 200
        more = await client.post("/api/tokens", headers=theirs, json={"scopes": ["sessions"]})
        assert (more.status_code, more.json()["code"]) == (403, "scope_needed")
        assert more.json()["scope"] == "sessions"
        gone = await client.delete(f"/api/tokens/{made.json()['id']}", headers=theirs)
        assert gone.status_code == 204
        assert (await client.get("/api/me", headers=theirs)).status_code == 401


async def test_a_role_that_may_not_is_told_which_may(house: House) -> None:
    member: Person = (await house.people.use_link(await house.people.sign_in_link("member"))).person
    _, secret = await house.people.create_token(member, "m")
    async with house.client() as client:
        headers = {"Authorization": f"Bearer {secret}"}
        answer = await client.delete(f"/api/people/{house.admin.id}", headers=headers)
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["role"]) == (
            403,
            "role_needed",
            "admin",
        )
        assert (await client.get("/api/sessions", headers=headers)).status_code == 200
