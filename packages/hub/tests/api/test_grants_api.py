"""Giving, listing and taking back what the hub may do at a forge, over real HTTP."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from bunkhouse.forges import GitHub, Grants
from bunkhouse.vault import Vault, kept_keys
from tests.fakes.github import FakeGitHub, running

from .house import House


@dataclass
class Bench:
    house: House
    fake: FakeGitHub
    client: httpx2.AsyncClient


@pytest.fixture
async def bench(house: House, tmp_path: Path) -> AsyncGenerator[Bench]:
    async with running(tmp_path / "github") as fake, house.program() as client:
        github = GitHub(fake.url)
        vault = Vault(kept_keys(tmp_path / "vault.key"))
        house.services.grants = Grants(house.room.database, vault, [github])
        yield Bench(house, fake, client)
        await github.aclose()


async def test_a_token_is_given_listed_and_taken_back(bench: Bench) -> None:
    secret = bench.fake.world.token(bench.fake.world.person("ada", "Ada"), "repo")
    answer = await bench.client.put("/api/me/grants/github", json={"token": f" {secret}\n"})
    assert answer.status_code == 200, answer.text
    grant = answer.json()
    assert (grant["login"], grant["name"], grant["scopes"]) == ("ada", "Ada", ["repo"])
    assert (grant["kind"], grant["revoked"], grant["expires_at"]) == ("token", False, None)
    listed = await bench.client.get("/api/me/grants")
    assert listed.json()["items"] == [grant]
    assert secret not in answer.text + listed.text
    for _ in range(2):
        assert (await bench.client.delete("/api/me/grants/github")).status_code == 204
    assert (await bench.client.get("/api/me/grants")).json()["items"] == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"token": "ghp_wrong"}, 409, "grant_revoked"),
        ({"token": ""}, 422, "invalid_input"),
        ({"token": " \n "}, 422, "invalid_input"),
        ({"token": "a\r\nX-Evil: 1"}, 422, "invalid_input"),
        ({"token": "grüße"}, 422, "invalid_input"),
        ({"token": "x" * 2000}, 422, "invalid_input"),
        ({}, 422, "invalid_input"),
    ],
)
async def test_what_is_no_token(bench: Bench, body: dict[str, str], status: int, code: str) -> None:
    answer = await bench.client.put("/api/me/grants/github", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    if len(body.get("token", "")) > 4:
        assert body["token"] not in answer.text
    assert (await bench.client.get("/api/me/grants")).json()["items"] == []


async def test_only_forges_that_there_are_and_only_who_is_signed_in(bench: Bench) -> None:
    answer = await bench.client.put("/api/me/grants/gitlab", json={"token": "x"})
    assert answer.status_code == 422
    async with bench.house.client() as nobody:
        for method, path in (("GET", "/api/me/grants"), ("PUT", "/api/me/grants/github")):
            assert (await nobody.request(method, path)).status_code == 401
    bench.house.services.grants = None
    assert (await bench.client.get("/api/me/grants")).status_code == 404
