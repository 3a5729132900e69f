"""`bunkhouse run --issue` and `--pull-request`, against a hub that knows a GitHub."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bunkhouse.broker.catalog import Catalog
from bunkhouse.broker.models.providers import Providers
from bunkhouse.forges import GitHub, Grants
from bunkhouse.vault import Vault, kept_keys
from tests.fakes.github import FakeGitHub, running
from tests.fakes.github.world import git

from ..api.house import House, running_house
from ..conftest import Room
from .program import Program


@dataclass
class Bench:
    house: House
    fake: FakeGitHub
    program: Program


@pytest.fixture
async def bench(room: Room, tmp_path: Path) -> AsyncGenerator[Bench]:
    async with running(tmp_path / "github") as fake:
        github = GitHub(fake.url)
        grants = Grants(room.database, Vault(kept_keys(tmp_path / "vault.key")), [github])
        catalog = Catalog(Providers(room.settings), [], grants)
        async with running_house(room, tmp_path / "_client", catalog=catalog) as house:
            token = fake.world.token(fake.world.person("ada"), "repo")
            await grants.keep_token(house.admin.id, github.host, token)
            given = {"BUNKHOUSE_URL": house.url, "BUNKHOUSE_TOKEN": house.token}
            yield Bench(house, fake, Program(given, tmp_path))
        await github.aclose()


async def test_a_task_starts_from_what_is_at_the_forge(bench: Bench, tmp_path: Path) -> None:
    world = bench.fake.world
    ada = world.people["ada"]
    barn = world.repository(ada, "barn")
    barn.commit("paint", {"wall": "red"})
    url = f"{bench.fake.url}/ada/barn"
    world.issue(barn, ada, "It drips", "From above")
    world.pull(barn, ada, "paint", "Paint it", "")

    begun = await bench.program("run", "--repo", url, "--issue", "1", "--detach", "Mend it")
    assert begun.code == 0, begun.err
    view = await bench.house.sessions.get(begun.out.strip())
    assert (view.title, view.branch) == ("It drips", None)
    assert view.queue[0].text.startswith("Mend it\n\n")
    assert "> From above" in view.queue[0].text

    # In a clone the number is of what it was cloned from.
    clone = tmp_path / "clone"
    clone.mkdir()
    git("init", "-q", cwd=clone)
    alone = ("run", "--repo", str(clone), "--pull-request", "2", "--detach")
    refused = await bench.program(*alone)
    assert refused.code == 1
    assert "--repo OWNER/NAME" in refused.err
    await asyncio.to_thread(git, "remote", "add", "origin", f"{url}.git", cwd=clone)
    begun = await bench.program(*alone)
    assert begun.code == 0, begun.err
    view = await bench.house.sessions.get(begun.out.strip())
    assert (view.repository, view.title, view.branch) == (f"{url}.git", "Paint it", "paint")


async def test_a_task_within_another_session(bench: Bench) -> None:
    world = bench.fake.world
    world.repository(world.people["ada"], "barn")
    url = f"{bench.fake.url}/ada/barn"
    begun = await bench.program("run", "--repo", url, "--detach", "Build it")
    parent = begun.out.strip()
    begun = await bench.program("run", "--parent", parent, "--detach", "Paint it")
    assert begun.code == 0, begun.err
    child = await bench.house.sessions.get(begun.out.strip())
    assert (child.parent, child.repository, child.title) == (parent, url, "Paint it")
    nowhere = await bench.program("run", "--parent", "nothing", "--detach", "x")
    assert nowhere.code == 1 and "There is no session nothing." in nowhere.err


async def test_there_must_be_something_to_do(bench: Bench) -> None:
    refused = await bench.program("run")
    assert refused.code == 2
    assert "Give a prompt" in refused.err
    both = await bench.program("run", "--repo", "a/b", "--issue", "1", "--pull-request", "2")
    assert both.code == 2
    assert "not from both" in both.err
