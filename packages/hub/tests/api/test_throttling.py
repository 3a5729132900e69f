"""Wrong secrets over HTTP: each way in counts them, by the address that they come from."""

import httpx2
import pytest

from bunkhouse.people.throttle import Throttle

from .house import House

WRONG = {
    "link": ("GET", "/login/wrong", 401),
    "invitation": ("GET", "/invite/wrong", 404),
    "joining": ("POST", "/invite/wrong", 404),
    "provider of an invitation": ("GET", "/invite/wrong/github", 404),
    "share link": ("GET", "/share/wrong", 404),
    "answer": ("GET", "/sign-in/github/callback?code=c&state=s", 404),
}
"""Ways in, and what is answered to a wrong secret."""


async def tried(client: httpx2.AsyncClient, how: str, **headers: str) -> httpx2.Response:
    method, path, _ = WRONG[how]
    return await client.request(method, path, headers={"Origin": str(client.base_url), **headers})


@pytest.fixture(autouse=True)
def _few(house: House) -> None:
    house.services.throttle = Throttle(tries=2)


@pytest.mark.parametrize("how", WRONG)
async def test_too_many_are_told_when_to_come_again(house: House, how: str) -> None:
    async with house.client() as client:
        client.headers["Origin"] = house.url
        for _ in range(2):
            assert (await tried(client, how)).status_code == WRONG[how][2]
        answer = await tried(client, how)
        assert answer.status_code == 429
        assert 590 < int(answer.headers["Retry-After"]) <= 600
        assert "too many attempts" in answer.text
        # All ways in are counted together.
        for other in WRONG:
            assert (await tried(client, other)).status_code == 429
        # Whoever is in stays in, and what is not a way in is not counted.
        assert (await client.get("/api/me")).status_code == 401
    async with house.program() as program:
        assert (await program.get("/api/me")).status_code == 200


async def test_a_good_link_waits_too_and_is_not_spent_by_it(house: House) -> None:
    link = await house.people.sign_in_link()
    async with house.client() as client:
        for _ in range(2):
            await tried(client, "link")
        assert (await client.get(f"/login/{link}")).status_code == 429
        house.services.throttle = Throttle()
        assert (await client.get(f"/login/{link}")).status_code == 303


async def test_behind_a_proxy_it_is_the_address_that_the_proxy_says(house: House) -> None:
    """The tests' own address is one that the server trusts, as a proxy's on this machine is."""
    async with house.client() as client:
        for _ in range(2):
            await tried(client, "link", **{"X-Forwarded-For": "192.0.2.1"})
        forged = {"X-Forwarded-For": "198.51.100.9, 192.0.2.1"}  # what the client said comes first
        assert (await tried(client, "link", **forged)).status_code == 429
        other = {"X-Forwarded-For": "192.0.2.2"}
        assert (await tried(client, "link", **other)).status_code == 401


async def test_a_browser_is_not_sent_to_a_provider_without_end(house: House) -> None:
    house.services.throttle = Throttle(begins=1)
    async with house.client() as client:
        assert (await client.get("/sign-in/github")).status_code == 404
        answer = await client.get("/sign-in/github")
        assert answer.status_code == 429
        assert answer.headers["Retry-After"]
