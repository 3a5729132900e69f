"""Browsers over HTTP: cookies are replaced by the way, and what an ended one has open ends."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx2
import pytest

from bunkhouse.store import browsers

from .house import House
from .test_live import until_ready
from .test_streams import items

COOKIE = "bunkhouse_session"


@asynccontextmanager
async def browser(house: House) -> AsyncGenerator[httpx2.AsyncClient]:
    """A browser of the admin's that has just signed in, as our own page."""
    link = await house.people.sign_in_link()
    async with house.client() as client:
        client.headers["Sec-Fetch-Site"] = "same-origin"
        assert (await client.get(f"/login/{link}")).status_code == 303
        yield client


async def aged(house: House, client: httpx2.AsyncClient) -> None:
    """Make this browser's secret as old as one is that is due to be replaced."""
    found = await house.people.browsers.recognise(client.cookies[COOKIE])
    assert found is not None
    async with house.room.database.write() as tx:
        session = await browsers.locked(tx, found.id)
        assert session is not None
        for name in ("created_at", "rotated_at"):
            at = getattr(session, name)
            object.__setattr__(session, name, at and at - timedelta(minutes=16))
        await browsers.put(tx, session)


async def test_a_cookie_is_replaced_by_the_way(house: House) -> None:
    async with browser(house) as client:
        first = client.cookies[COOKIE]
        assert "set-cookie" not in (await client.get("/api/me")).headers
        await aged(house, client)
        answer = await client.get("/api/nothing-here")
        assert "set-cookie" not in answer.headers  # nobody was asked who it is
        answer = await client.get("/api/me")
        (cookie,) = answer.headers.get_list("set-cookie")
        assert cookie.startswith(f"{COOKIE}={first.partition('.')[0]}.")
        assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
        assert client.cookies[COOKIE] != first
        assert "set-cookie" not in (await client.get("/api/me")).headers
        assert (await client.get("/api/me")).status_code == 200


async def test_what_signs_out_is_not_signed_in_again_by_the_way(house: House) -> None:
    async with browser(house) as client:
        await aged(house, client)
        answer = await client.post("/api/sign-out")
        (cookie,) = answer.headers.get_list("set-cookie")
        assert "Max-Age=0" in cookie
        assert (await client.get("/api/me")).status_code == 401


async def test_another_site_gets_no_cookie(house: House) -> None:
    async with browser(house) as client:
        await aged(house, client)
        answer = await client.get("/api/me", headers={"Sec-Fetch-Site": "cross-site"})
        assert (answer.status_code, answer.headers.get_list("set-cookie")) == (403, [])


async def test_a_copy_is_told_what_happened(house: House) -> None:
    async with browser(house) as client:
        copy = client.cookies[COOKIE]
        for _ in range(2):
            await aged(house, client)
            assert (await client.get("/api/me")).status_code == 200
        assert (await client.get("/api/me")).status_code == 200
        async with house.client() as thief:
            answer = await thief.get("/api/me", headers={"Cookie": f"{COOKIE}={copy}"})
            assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_copied")
        answer = await client.get("/api/me")
        assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_copied")
        # One may still sign in, and is told there too.
        link = await house.people.sign_in_link()
        assert (await client.get(f"/login/{link}")).status_code == 303
        found = (await client.get("/api/me/browsers")).json()["items"]
        assert sorted(each["ended_at"] is None for each in found) == [False, True]


async def test_one_sees_where_one_is_and_ends_it(house: House) -> None:
    async with browser(house) as here, browser(house) as there:
        agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
        await there.get("/api/me", headers={"User-Agent": agent})
        found = (await here.get("/api/me/browsers")).json()["items"]
        other = next(each for each in found if not each["here"])
        assert len(found) == 2
        assert (other["device"], other["address"]) == ("Firefox on Linux", "127.0.0.1")
        assert (await here.delete(f"/api/me/browsers/{other['id']}")).status_code == 204
        assert (await there.get("/api/me")).status_code == 401
        assert (await here.delete(f"/api/me/browsers/{other['id']}")).status_code == 404


@pytest.mark.parametrize("how", ["one", "others", "admin"])
async def test_what_is_open_ends_at_once(house: House, how: str) -> None:
    async with browser(house) as here, browser(house) as there, asyncio.timeout(60):
        async with there.stream("GET", "/api/events") as answer:
            stream = (item async for item in items(answer) if "data" in item)
            await until_ready(stream)
            if how == "one":
                found = (await here.get("/api/me/browsers")).json()["items"]
                (other,) = [each["id"] for each in found if not each["here"]]
                ended = await here.delete(f"/api/me/browsers/{other}")
            elif how == "others":
                ended = await here.delete("/api/me/browsers")
            else:
                async with house.program() as program:
                    ended = await program.delete(f"/api/people/{house.admin.id}/browsers")
            assert ended.status_code == 204
            assert [item async for item in stream] == []
        assert (await there.get("/api/me")).status_code == 401
        assert (await here.get("/api/me")).status_code == (401 if how == "admin" else 200)
