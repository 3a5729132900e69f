"""Webhooks over real HTTP: who may send them, and what comes of it."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr

from bunkhouse.forges import GitHub, Grants
from bunkhouse.sessions import NewSession
from bunkhouse.sessions.pull_requests import PullRequests
from bunkhouse.sessions.reaching import Reaching
from bunkhouse.vault import Vault, kept_keys
from tests.fakes.github import SECRET, FakeGitHub, Hook, Hooks, running

from ..conftest import ADMIN
from .house import House


@dataclass
class Bench:
    house: House
    fake: FakeGitHub
    client: httpx2.AsyncClient
    session: str
    hooks: Hooks

    async def send(self, hook: Hook, **headers: str) -> httpx2.Response:
        return await self.client.post(
            "/api/webhooks/github", content=hook.body, headers=hook.headers() | headers
        )


@pytest.fixture
async def bench(house: House, tmp_path: Path) -> AsyncGenerator[Bench]:
    """A session whose pull request is number 1 of Ada's repository."""
    room = house.room
    async with running(tmp_path / "github") as fake, house.client() as client:
        github = GitHub(fake.url)
        grants = Grants(room.database, Vault(kept_keys(tmp_path / "vault.key")), [github])
        house.services.grants = grants
        reaching = Reaching(room.journal, room.links, room.settings)
        house.services.pull_requests = PullRequests(room.journal, reaching, grants, room.settings)
        room.settings.github_webhook_secret = SecretStr(SECRET)
        ada = fake.world.person("ada")
        repository = fake.world.repository(ada, "secret")
        repository.commit("work", {"a": "b"})
        number = fake.world.pull(repository, ada, "work", "Mend the roof")
        session = (await room.sessions.create(NewSession(), ADMIN)).id
        async with room.journal.change(session) as change:
            change.row.work_branch = "work"
            change.row.pull_request_key = f"{github.host}/ada/secret#{number}"
            change.row.pull_request = {
                "host": github.host,
                "repository": "ada/secret",
                "number": number,
                "url": f"{fake.url}/ada/secret/pull/{number}",
                "title": "Mend the roof",
                "body": "",
                "state": "open",
                "draft": False,
                "base": "main",
                "commit": repository.head("work") or "",
                "checks": {},
                "seen": [],
            }
        yield Bench(house, fake, client, session, Hooks(fake.url, repository))
        await github.aclose()


async def test_a_review_comes_into_the_log_once(bench: Bench) -> None:
    (repository,) = bench.fake.world.repositories.values()
    bob = bench.fake.world.person("bob")
    review = bench.fake.world.review(repository, 1, bob, "APPROVED", "Good.")
    hook = bench.hooks.review(1, review, bob)
    for _ in range(2):
        assert (await bench.send(hook)).status_code == 204
    log = await bench.house.room.journal.read(bench.session)
    (told,) = [event for event in log if event.type == "pull_request_reviewed"]
    assert (told.by, told.verdict, told.text) == ("bob", "approved", "Good.")


async def test_who_is_not_github(bench: Bench) -> None:
    hook = bench.hooks.pull_request("closed", 1, bench.fake.world.people["ada"])
    answer = await bench.send(hook, **{"X-Hub-Signature-256": "sha256=00"})
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")
    bare = {"Content-Type": "application/json", "X-GitHub-Event": "pull_request"}
    answer = await bench.client.post("/api/webhooks/github", content=hook.body, headers=bare)
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")
    log = await bench.house.room.journal.read(bench.session)
    assert not [event for event in log if event.type.startswith("pull_request")]


async def test_what_is_too_large_or_none(bench: Bench) -> None:
    bench.house.room.settings.webhook_bytes = 1000
    answer = await bench.send(Hook("star", b"x" * 1001))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    answer = await bench.send(Hook("pull_request", b"{}"))
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_webhook")
    assert (await bench.send(Hook("ping", b"{}"))).status_code == 204
    bench.house.room.settings.github_webhook_secret = None
    answer = await bench.send(Hook("ping", b"{}"))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
