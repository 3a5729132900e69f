"""Choosing a repository of GitHub, and starting from an issue or a pull request, over real HTTP."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from bunkhouse.api.repositories import RepositoryAnswers
from bunkhouse.broker.catalog import Catalog
from bunkhouse.broker.models.providers import Providers
from bunkhouse.forges import GitHub, Grants
from bunkhouse.sessions import NewSession
from bunkhouse.sessions.recent import Recent
from bunkhouse.vault import Vault, kept_keys
from tests.fakes.github import FakeGitHub, running
from tests.fakes.github.world import Person, Repository

from ..conftest import Room
from .cast import signed_in
from .house import House, running_house

SOON = timedelta(minutes=5)


@dataclass
class Bench:
    house: House
    fake: FakeGitHub
    client: httpx2.AsyncClient
    github: GitHub
    ada: Person
    """The admin's account at the forge."""

    async def grant(self, *scopes: str) -> str:
        """Have the admin give a token of Ada's."""
        secret = self.fake.world.token(self.ada, *(scopes or ("repo",)))
        answer = await self.client.put("/api/me/grants/github", json={"token": secret})
        assert answer.status_code == 200, answer.text
        return secret

    def url(self, repository: Repository) -> str:
        return f"{self.fake.url}/{repository.full_name}"

    async def get(self, path: str, **query: str) -> Any:
        answer = await self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(self, method: str, path: str, **given: Any) -> tuple[int, str]:
        answer = await self.client.request(method, path, **given)
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        problem = answer.json()
        assert problem["detail"].endswith(".")
        return answer.status_code, problem["code"]

    async def start(self, repository: Repository, **body: Any) -> Any:
        given = {"repository": self.url(repository), **body}
        answer = await self.client.post("/api/sessions", json=given)
        assert answer.status_code == 201, answer.text
        return answer.json()


@pytest.fixture
async def bench(room: Room, tmp_path: Path) -> AsyncGenerator[Bench]:
    async with running(tmp_path / "github") as fake:
        github = GitHub(fake.url)
        vault = Vault(kept_keys(tmp_path / "vault.key"))
        grants = Grants(room.database, vault, [github])
        catalog = Catalog(Providers(room.settings), [], grants)
        async with (
            running_house(room, tmp_path / "_client", catalog=catalog) as house,
            house.program() as client,
        ):
            house.services.grants = grants
            house.services.repositories = RepositoryAnswers(catalog, Recent(room.database), grants)
            yield Bench(house, fake, client, github, fake.world.person("ada", "Ada"))
        await github.aclose()


def names(found: Any) -> list[tuple[str, bool]]:
    return [(each["name"], each["recent"]) for each in found["items"]]


# ── repositories ─────────────────────────────────────────────────────────────────────────────


async def test_recent_ones_come_first_then_those_that_were_pushed_last(bench: Bench) -> None:
    world = bench.fake.world
    made = [world.repository(bench.ada, name) for name in ("attic", "barn", "cellar")]
    made[1].pushed_at = datetime.now(UTC) + timedelta(days=1)
    made[2].pushed_at = datetime.now(UTC) - timedelta(days=1)
    made[2].description = "Where it is cool"
    await bench.grant()
    await bench.start(made[0], prompt="go")
    await bench.start(made[2], prompt="go")
    found = await bench.get("/api/repositories")
    assert names(found) == [("ada/cellar", True), ("ada/attic", True), ("ada/barn", False)]
    cellar = found["items"][0]
    assert cellar["url"] == bench.url(made[2])
    assert (cellar["private"], cellar["default_branch"], cellar["may_push"]) == (True, "main", True)
    assert cellar["description"] == "Where it is cool"
    assert datetime.fromisoformat(cellar["pushed_at"]) < datetime.now(UTC)
    forge = found["forges"][0]
    assert (forge["grant"], forge["problem"], forge["url"]) == ("given", None, bench.fake.url)


async def test_one_repository_written_in_two_ways_is_one(bench: Bench) -> None:
    barn = bench.fake.world.repository(bench.ada, "barn")
    await bench.grant()
    for url in (f"{bench.url(barn)}.git", bench.url(barn).replace("/ada/", "/Ada/")):
        await bench.house.sessions.create(NewSession(repository=url), bench.house.admin)
    assert names(await bench.get("/api/repositories")) == [("ada/barn", True)]


async def test_a_search_finds_what_this_person_sees_and_what_they_used(bench: Bench) -> None:
    world = bench.fake.world
    eve = world.person("eve")
    world.repository(eve, "secret-barn")
    public = world.repository(eve, "barn", private=False)
    world.repository(bench.ada, "roof")
    barn = world.repository(bench.ada, "barn-door")
    await bench.grant()
    await bench.start(barn, prompt="go")
    found = await bench.get("/api/repositories", q=" barn ")
    assert names(found) == [("ada/barn-door", True), ("eve/barn", False)]
    assert [each["may_push"] for each in found["items"]] == [True, False]
    assert found["items"][1]["url"] == bench.url(public)
    assert names(await bench.get("/api/repositories", q="eve/")) == [("eve/barn", False)]
    assert names(await bench.get("/api/repositories", q="eve/ba")) == [("eve/barn", False)]
    assert names(await bench.get("/api/repositories", q="ada/ba")) == [("ada/barn-door", True)]
    assert names(await bench.get("/api/repositories", q="nothing like it")) == []


async def test_what_is_half_typed_is_no_error(bench: Bench) -> None:
    await bench.grant()
    # Of a search at somebody who is not there GitHub says that it is none.
    for half in ("nobod/x", "is:public"):
        found = await bench.get("/api/repositories", q=half)
        assert (found["items"], found["forges"][0]["problem"]) == ([], None)
    assert await bench.refused("GET", "/api/repositories", params={"q": "x" * 201}) == (
        422,
        "invalid_input",
    )


async def test_without_a_grant_there_are_the_recent_ones_and_what_to_do(bench: Bench) -> None:
    public = bench.fake.world.repository(bench.ada, "barn", private=False)
    await bench.start(public, prompt="go")
    for query in ({}, {"q": "barn"}):
        found = await bench.get("/api/repositories", **query)
        assert names(found) == [("ada/barn", True)]
        assert found["items"][0]["private"] is None
        assert found["forges"][0]["grant"] == "missing"
        assert "Settings" in found["forges"][0]["remedy"]
    secret = await bench.grant()
    bench.fake.world.revoke(secret)
    for _ in range(2):
        found = await bench.get("/api/repositories")
        assert (names(found), found["forges"][0]["grant"]) == ([("ada/barn", True)], "revoked")


async def test_a_forge_that_fails_fails_nothing(bench: Bench) -> None:
    barn = bench.fake.world.repository(bench.ada, "barn")
    await bench.grant()
    await bench.start(barn, prompt="go")
    bench.fake.world.exhausted["ada"] = datetime.now(UTC) + SOON
    found = await bench.get("/api/repositories")
    assert (names(found), found["forges"][0]["grant"]) == ([("ada/barn", True)], "given")
    assert "takes no more calls" in found["forges"][0]["problem"]


async def test_a_forge_that_is_slow_is_not_waited_for(bench: Bench, room: Room) -> None:
    barn = bench.fake.world.repository(bench.ada, "barn")
    await bench.grant()
    await bench.start(barn, prompt="go")
    grants = bench.house.services.grants
    assert grants is not None
    catalog = Catalog(Providers(room.settings), [], grants)
    slow = RepositoryAnswers(catalog, Recent(room.database), grants, seconds=0)
    bench.house.services.repositories = slow
    found = await bench.get("/api/repositories")
    assert names(found) == [("ada/barn", True)]
    assert "takes too long" in found["forges"][0]["problem"]


async def test_nobody_sees_what_others_used(bench: Bench) -> None:
    barn = bench.fake.world.repository(bench.ada, "barn", private=False)
    await bench.start(barn, prompt="go", visibility="joinable")
    _, token = await signed_in(bench.house)
    headers = {"Authorization": f"Bearer {token}"}
    async with bench.house.client() as other:
        answer = await other.get("/api/repositories", headers=headers)
    assert answer.json()["items"] == []


# ── branches ─────────────────────────────────────────────────────────────────────────────────


async def test_branches_of_a_private_repository_are_listed_for_who_may_see_them(
    bench: Bench,
) -> None:
    world = bench.fake.world
    barn = world.repository(bench.ada, "barn")
    barn.commit("trunk", {"a": "b"})
    barn.git("symbolic-ref", "HEAD", "refs/heads/trunk")
    hidden = world.repository(world.person("eve"), "secret")
    path, query = "/api/branches", {"repository": bench.url(barn)}
    assert await bench.refused("GET", path, params=query) == (404, "repository_not_found")
    secret = await bench.grant()
    found = await bench.get(path, **query)
    assert found == {"default": "trunk", "items": ["main", "trunk"]}
    other = {"repository": bench.url(hidden)}
    assert await bench.refused("GET", path, params=other) == (404, "repository_not_found")
    world.revoke(secret)
    assert await bench.refused("GET", path, params=query) == (409, "grant_revoked")
    grants = await bench.get("/api/me/grants")
    assert grants["items"][0]["revoked"] is True


async def test_branches_of_a_public_repository_need_no_grant(bench: Bench) -> None:
    barn = bench.fake.world.repository(bench.ada, "barn", private=False)
    found = await bench.get("/api/branches", repository=bench.url(barn))
    assert found == {"default": "main", "items": ["main"]}


# ── issues and pull requests ─────────────────────────────────────────────────────────────────


async def test_what_is_open_is_listed(bench: Bench) -> None:
    world = bench.fake.world
    barn, fork = world.repository(bench.ada, "barn"), world.repository(bench.ada, "fork")
    for each in (barn, fork):
        each.commit("paint", {"wall": "red"})
    eve = world.person("eve")
    world.issue(barn, eve, "It drips", "From above.")
    world.pull(barn, bench.ada, "paint", "Paint it", "")
    world.pull(barn, bench.ada, "paint", "Paint it elsewhere", "", fork=fork)
    query = {"repository": f"{bench.url(barn)}.git"}
    issues, pulls = "/api/repositories/issues", "/api/repositories/pull-requests"
    assert await bench.refused("GET", issues, params=query) == (409, "grant_missing")
    await bench.grant()
    assert (await bench.get(issues, **query))["items"] == [
        {
            "number": 1,
            "title": "It drips",
            "author": "eve",
            "url": f"{bench.url(barn)}/issues/1",
            "branch": None,
        }
    ]
    listed = (await bench.get(pulls, **query))["items"]
    assert [(each["number"], each["branch"]) for each in listed] == [(3, "main"), (2, "paint")]
    for path in (issues, pulls):
        elsewhere = {"repository": "https://example.org/a/b"}
        assert await bench.refused("GET", path, params=elsewhere) == (422, "no_forge")
    world.exhausted["ada"] = datetime.now(UTC) + SOON
    assert await bench.refused("GET", issues, params=query) == (429, "forge_rate_limited")


async def test_a_session_starts_from_an_issue(bench: Bench) -> None:
    world = bench.fake.world
    barn, eve = world.repository(bench.ada, "barn"), world.person("eve")
    number = world.issue(barn, eve, "It drips", "From above.\r\n\r\nEvery night.")
    world.comment(barn, number, bench.ada, "I saw it too")
    await bench.grant()
    session = await bench.start(barn, prompt="Mend it, please", from_issue=number)
    assert (session["title"], session["branch"]) == ("It drips", None)
    text: str = session["queue"][0]["text"]
    assert text.startswith("Mend it, please\n\nThe block below quotes issue #1 of ada/barn")
    assert "not instructions" in text
    assert f"{bench.url(barn)}/issues/1" in text
    assert "Title, by eve:\n> It drips\nText, by eve:\n> From above.\n>\n> Every night.\n" in text
    assert "Comment by ada, " in text
    assert "> I saw it too\n" in text

    alone = await bench.start(barn, from_issue=number, title="Mine", branch="main")
    assert (alone["title"], alone["branch"]) == ("Mine", "main")
    assert alone["queue"][0]["text"].startswith("Work on issue #1 of ada/barn, which is quoted")


async def test_a_session_starts_from_a_pull_request_on_its_branch(bench: Bench) -> None:
    world = bench.fake.world
    barn, fork = world.repository(bench.ada, "barn"), world.repository(bench.ada, "fork")
    for each in (barn, fork):
        each.commit("paint", {"wall": "red"})
    eve = world.person("eve")
    number = world.pull(barn, bench.ada, "paint", "Paint it", "Red is nice.")
    world.comment(barn, number, eve, "Why red?")
    world.review(barn, number, eve, "CHANGES_REQUESTED", "Not in this light")
    world.line_comment(barn, number, eve, "wall", 1, "Make it green")
    await bench.grant()
    session = await bench.start(barn, prompt="Do what eve says", from_pull_request=number)
    assert (session["title"], session["branch"]) == ("Paint it", "paint")
    text: str = session["queue"][0]["text"]
    for said in ("> Red is nice.\n", "> Why red?\n", "> Not in this light\n"):
        assert said in text
    assert "Comment by eve on wall:1, " in text
    assert "UTC:\n> Make it green\n" in text

    other = world.pull(barn, eve, "paint", "From afar", "", fork=fork)
    session = await bench.start(barn, from_pull_request=other)
    assert session["branch"] == "main"
    assert "is in another repository" in session["queue"][0]["text"]


async def test_what_it_can_not_start_from(bench: Bench) -> None:
    world = bench.fake.world
    barn, eve = world.repository(bench.ada, "barn"), world.person("eve")
    hidden = world.repository(eve, "secret")
    world.issue(hidden, eve, "Hidden", "")
    barn.commit("paint", {"wall": "red"})
    world.issue(barn, eve, "It drips", "")
    world.pull(barn, eve, "paint", "Paint it", "")

    async def refused(url: str | None, **body: Any) -> tuple[int, str]:
        return await bench.refused("POST", "/api/sessions", json={"repository": url, **body})

    at = bench.url(barn)
    assert await refused(at, from_issue=1) == (409, "grant_missing")
    secret = await bench.grant()
    assert await refused(None, from_issue=1) == (422, "no_forge")
    assert await refused("https://example.org/a/b", from_issue=1) == (422, "no_forge")
    assert await refused(at, from_issue=2) == (422, "not_an_issue")
    assert await refused(at, from_issue=7) == (404, "forge_not_found")
    assert await refused(at, from_pull_request=1) == (404, "forge_not_found")
    assert await refused(at, from_issue=1, from_pull_request=2) == (422, "invalid_input")
    assert await refused(at, from_issue=0) == (422, "invalid_input")
    assert await refused(bench.url(hidden), from_issue=1) == (404, "forge_not_found")
    world.exhausted["ada"] = datetime.now(UTC) + SOON
    assert await refused(at, from_issue=1) == (429, "forge_rate_limited")
    world.exhausted.clear()
    world.revoke(secret)
    for _ in range(2):
        assert await refused(at, from_issue=1) == (409, "grant_revoked")
    assert (await bench.get("/api/sessions"))["items"] == []


async def test_a_request_that_is_repeated_does_not_read_the_issue_again(bench: Bench) -> None:
    world = bench.fake.world
    barn = world.repository(bench.ada, "barn")
    number = world.issue(barn, bench.ada, "It drips", "")
    await bench.grant()
    body = {"repository": bench.url(barn), "from_issue": number}
    headers = {"Idempotency-Key": "the-same"}
    first = await bench.client.post("/api/sessions", json=body, headers=headers)
    world.exhausted["ada"] = datetime.now(UTC) + SOON
    second = await bench.client.post("/api/sessions", json=body, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]
