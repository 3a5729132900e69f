"""Share links over HTTP: from the link to the session, with nothing of it left in an address."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx2
import pytest

from bunkhouse.people import Person

from ..sessions.runner import Runner
from .cast import Cast, gathered
from .house import House
from .test_streams import chunk, items

PUBLIC = "bunkhouse_public"


@pytest.fixture
async def cast(house: House) -> Cast:
    return await gathered(house)


@asynccontextmanager
async def browser(house: House, as_: str | None = None) -> AsyncGenerator[httpx2.AsyncClient]:
    """A browser on our own pages; `as_`: signed in with this one-time link."""
    async with house.client() as client:
        client.headers["Sec-Fetch-Site"] = "same-origin"
        if as_ is not None:
            assert (await client.get(f"/login/{as_}")).status_code == 303
        yield client


async def made(cast: Cast, session_id: str, **given: object) -> tuple[str, str]:
    """The id of a new link, and its path."""
    async with cast.house.client() as client:
        answer = await client.post(
            f"/api/sessions/{session_id}/links", headers=cast.headers("owner"), json=given
        )
    assert answer.status_code == 201, answer.text
    link = answer.json()
    assert link["link"].startswith(f"{cast.house.url}/share/")
    return link["id"], link["link"].removeprefix(cast.house.url)


async def test_whoever_is_signed_in_takes_part_once_they_say_so(cast: Cast) -> None:
    house = cast.house
    session_id = await cast.session()
    await house.sessions.rename(session_id, title="Quokka")
    _, path = await made(cast, session_id, role="driver", uses=1, days=1)
    async with browser(house, await house.people.sign_in_link("member")) as client:
        # Followed from a chat: what a browser says of a link on another site.
        client.headers["Sec-Fetch-Site"] = "cross-site"
        opened = await client.get(path)
        assert (opened.status_code, opened.headers["location"]) == (303, "/share")
        assert opened.headers["referrer-policy"] == "no-referrer"
        page = await client.get("/share")
        assert "shares a session with you, as a driver" in page.text
        assert "Quokka" in page.text
        assert path.removeprefix("/share/") not in page.text
        # Nothing was used by looking, and no other site can have it used.
        assert (await client.get(f"/api/sessions/{session_id}")).status_code in (403, 404)
        assert (await client.post("/share")).status_code == 403
        client.headers["Sec-Fetch-Site"] = "same-origin"
        assert (await client.get(f"/api/sessions/{session_id}")).status_code == 404
        used = await client.post("/share", headers={"Origin": house.url})
        assert (used.status_code, used.headers["location"]) == (303, f"/sessions/{session_id}")
        assert (await client.get(f"/api/sessions/{session_id}")).json()["role"] == "driver"
        again = await client.post("/share")
        assert (again.status_code, "has opened no share link" in again.text) == (404, True)
    async with browser(house, await house.people.sign_in_link("member")) as client:
        assert (await client.get(path)).status_code == 410


async def test_who_is_not_signed_in_is_told_how_and_sees_no_title(cast: Cast) -> None:
    house = cast.house
    session_id = await cast.session()
    await house.sessions.rename(session_id, title="Quokka")
    _, path = await made(cast, session_id)
    async with browser(house) as client:
        assert (await client.get(path)).headers["location"] == "/share"
        page = await client.get("/share")
        assert "Sign in to open the session" in page.text
        assert "Quokka" not in page.text
        assert (await client.post("/share")).status_code == 401
        # Once signed in, the same browser goes on where it was.
        link = await house.people.sign_in_link("member")
        assert (await client.get(f"/login/{link}")).status_code == 303
        assert "Quokka" in (await client.get("/share")).text
        assert (await client.post("/share")).status_code == 303
        assert (await client.get(f"/api/sessions/{session_id}")).json()["role"] == "viewer"


async def test_owners_see_them_without_their_secrets_and_take_them_back(cast: Cast) -> None:
    session_id = await cast.session()
    link_id, path = await made(cast, session_id, role="commenter")
    owner = cast.headers("owner")
    async with cast.house.client() as client:
        address = f"/api/sessions/{session_id}/links"
        listed = (await client.get(address, headers=owner)).json()
        assert listed["public_allowed"] is True
        assert [(each["id"], each["role"], each["link"]) for each in listed["items"]][:1] == [
            (link_id, "commenter", None)
        ]
        ended = await client.delete(f"{address}/{link_id}", headers=owner)
        assert ended.status_code == 204
        assert (await client.delete(f"{address}/{link_id}", headers=owner)).status_code == 404
        assert (await client.get(path)).status_code == 410
        assert (await client.get("/share/nonsense")).status_code == 404


async def test_a_public_link_shows_the_transcript_and_nothing_else(cast: Cast) -> None:
    house = cast.house
    session_id = await cast.session(prompt="Numbat")
    other = await cast.session("joinable")
    _, path = await made(cast, session_id, public=True)
    async with browser(house) as client:
        client.headers["Sec-Fetch-Site"] = "cross-site"
        opened = await client.get(path)
        assert (opened.status_code, opened.headers["location"]) == (303, f"/shared/{session_id}")
        (cookie,) = opened.headers.get_list("set-cookie")
        assert re.match(rf"{PUBLIC}_{session_id}=", cookie)
        assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
        client.headers["Sec-Fetch-Site"] = "same-origin"
        shown = await client.get(f"/api/sessions/{session_id}")
        assert (shown.status_code, shown.json()["role"]) == (200, "viewer")
        told = await client.get(f"/api/sessions/{session_id}/shared")
        assert told.json()["by"] == cast.people["owner"].name
        assert told.json()["until"]
        log = await client.get(
            f"/api/sessions/{session_id}/events", headers={"Accept": "application/json"}
        )
        assert "Numbat" in log.text
        for refused, status in (
            (f"/api/sessions/{session_id}/people", 403),
            (f"/api/sessions/{session_id}/services", 403),
            (f"/api/sessions/{session_id}/terminals", 403),
            (f"/api/sessions/{session_id}/links", 403),
            (f"/api/sessions/{other}", 401),
            ("/api/sessions", 401),
            ("/api/events", 401),
            ("/api/me", 401),
            ("/api/people", 401),
            ("/api/models", 401),
        ):
            assert (await client.get(refused)).status_code == status, refused
        # Pages of other sites do not read along by it.
        client.headers["Sec-Fetch-Site"] = "cross-site"
        assert (await client.get(f"/api/sessions/{session_id}")).status_code == 403


async def test_it_shows_to_somebody_who_is_signed_in_what_they_may_not_see_otherwise(
    cast: Cast,
) -> None:
    house = cast.house
    session_id = await cast.session()
    _, path = await made(cast, session_id, public=True)
    async with browser(house, await house.people.sign_in_link("member")) as client:
        assert (await client.get(f"/api/sessions/{session_id}")).status_code == 404
        await client.get(path)
        assert (await client.get(f"/api/sessions/{session_id}")).json()["role"] == "viewer"
        assert (await client.delete(f"/api/sessions/{session_id}")).status_code == 403
        assert (await client.get("/api/me")).status_code == 200
    # A token is a token: the cookie beside it does not count.
    async with browser(house) as client:
        await client.get(path)
        answer = await client.get(f"/api/sessions/{session_id}", headers=cast.headers("stranger"))
        assert answer.status_code == 404


async def test_what_is_open_by_a_public_link_ends_when_it_is_revoked(cast: Cast) -> None:
    house = cast.house
    session_id = await cast.session(prompt="go")
    runner = Runner(house.room, session_id)
    await runner.start()
    known = (await house.sessions.get(session_id)).last_seq
    link_id, path = await made(cast, session_id, public=True)
    async with browser(house) as client, asyncio.timeout(60):
        await client.get(path)
        async with client.stream("GET", f"/api/sessions/{session_id}/events") as answer:
            stream = (item async for item in items(answer) if "data" in item)
            for _ in range(known):
                await anext(stream)
            async with house.client() as owner:
                ended = await owner.delete(
                    f"/api/sessions/{session_id}/links/{link_id}", headers=cast.headers("owner")
                )
                assert ended.status_code == 204
            await runner.say(chunk("a secret"))
            assert [item async for item in stream] == []
        assert (await client.get(f"/api/sessions/{session_id}")).status_code == 401


async def test_a_link_under_the_name_of_another_session_shows_nothing(cast: Cast) -> None:
    """The link is of one session, whoever else it belongs to."""
    owner: Person = cast.people["owner"]
    one, two = await cast.session(), await cast.session()
    _, secret = await cast.house.services.share_links.create(one, owner, public=True)
    async with browser(cast.house) as client:
        client.cookies.set(f"{PUBLIC}_{two}", secret)  # under the name of another
        assert (await client.get(f"/api/sessions/{two}")).status_code == 401
