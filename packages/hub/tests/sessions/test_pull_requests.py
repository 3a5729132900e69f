"""Pull requests of sessions, against a GitHub and a gateway that speak as the real ones."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bunkhouse.broker.listener import Listener
from bunkhouse.errors import (
    BunkhouseError,
    Conflict,
    Forbidden,
    GrantMissing,
    InvalidInput,
    NotFound,
    SandboxNotRunning,
    UpstreamFailed,
)
from bunkhouse.forges import GitHub, Grants
from bunkhouse.forges.github import webhooks
from bunkhouse.people.identity import Person
from bunkhouse.sessions.pull_requests import PullRequests, Wanted
from bunkhouse.sessions.views import SessionView
from bunkhouse.store import people, sessions
from bunkhouse.vault import Vault, kept_keys
from bunkhouse_protocol.events import AgentMessageChunk, Event, MessageRetracted
from bunkhouse_protocol.gateway import Published, PublishRequest
from tests.fakes.github import FakeGitHub, Hook, Hooks, Repository, running

from ..conftest import Room

ADA = Person(id="u_ada", name="Ada", role="member")
BOB = Person(id="u_bob", name="Bob", role="member")
SESSION = "abcdefghjk"
BRANCH = "bunkhouse/mend-the-roof-abcdefghjk"


@dataclass
class Sandbox:
    """Answers as a sandbox's gateway: what it is asked to push, the repository has then."""

    repository: Repository
    asked: list[PublishRequest] = field(default_factory=list[PublishRequest])
    refuses: dict[str, str] | None = None

    async def publish(self, request: Request) -> Response:
        if self.refuses is not None:
            return JSONResponse(self.refuses, 503)
        wanted = PublishRequest.model_validate_json(await request.body())
        self.asked.append(wanted)
        by = wanted.author.name, wanted.author.email
        commit = self.repository.commit(
            wanted.branch, {f"work{len(self.asked)}": "done"}, wanted.message, by
        )
        done = Published(commit=commit, commits=len(self.asked), committed=True)
        return JSONResponse(done.model_dump())


class OneSandbox:
    """Where it is reached; nobody, if it sleeps."""

    def __init__(self, path: Path) -> None:
        self.path: Path | None = path

    async def socket(self, session_id: str, way: str) -> Path:
        if self.path is None:
            raise SandboxNotRunning("It sleeps.")
        return self.path


@dataclass
class Place:
    room: Room
    fake: FakeGitHub
    repository: Repository
    sandbox: Sandbox
    reaching: OneSandbox
    grants: Grants
    service: PullRequests
    hooks: Hooks

    async def log(self) -> list[Event]:
        """What is told of the pull request."""
        events = await self.room.journal.read(SESSION)
        return [event for event in events if event.type.startswith("pull_request")]

    async def told(self) -> list[str]:
        """The same in a word each."""
        return [
            str(getattr(e, "change", getattr(e, "verdict", getattr(e, "conclusion", "said"))))
            for e in await self.log()
        ]

    async def view(self) -> SessionView:
        return await self.room.sessions.get(SESSION)

    async def hook(self, hook: Hook) -> int:
        told = webhooks.read(hook.event, hook.body)
        assert told is not None
        return await self.service.heard(self.grants.forge("github").host, told)


@pytest.fixture
async def place(room: Room, tmp_path: Path, short_path: Path) -> AsyncGenerator[Place]:
    async with running(tmp_path / "github") as fake:
        world = fake.world
        ada, bob = world.person("ada", "Ada Lovelace"), world.person("bob", "Bob")
        repository = world.repository(ada, "secret", bob="read")
        github = GitHub(fake.url)
        grants = Grants(room.database, Vault(kept_keys(tmp_path / "vault.key")), [github])
        now = datetime.now(UTC)
        async with room.database.write() as tx:
            for person in (ADA, BOB):
                assert person.role != "public"
                await people.add_user(tx, people.User(person.id, person.name, person.role, now))
            await sessions.add(
                tx,
                id=SESSION,
                title="Mend the roof",
                state="idle",
                repository=f"{fake.url}/ada/secret",
                repository_door="x",
                work_branch=BRANCH,
                model="demo/demo",
                permissions={},
                author_id=ADA.id,
                author=ADA.name,
                created_at=now,
                updated_at=now,
                pending={},
            )
        await grants.keep_token(ADA.id, github.host, world.token(ada, "repo"))
        await grants.keep_token(BOB.id, github.host, world.token(bob, "repo"))
        sandbox = Sandbox(repository)
        listener = Listener(
            Starlette(routes=[Route("/publish", sandbox.publish, methods=["POST"])])
        )
        await listener.open("s_one", SESSION, short_path)
        reaching = OneSandbox(short_path / "hub.sock")
        service = PullRequests(room.journal, reaching, grants, room.settings)  # pyright: ignore[reportArgumentType]
        hooks = Hooks(fake.url, repository)
        yield Place(room, fake, repository, sandbox, reaching, grants, service, hooks)
        await listener.close_all()
        await github.aclose()


async def test_it_is_opened_with_the_agents_last_words(place: Place) -> None:
    await place.room.journal.note(
        SESSION,
        AgentMessageChunk(message_id="m1", text="I look."),
        AgentMessageChunk(message_id="m2", text="The roof "),
        AgentMessageChunk(message_id="m2", text="is whole."),
        AgentMessageChunk(message_id="m3", text="Or is"),
        MessageRetracted(message_id="m3"),
    )
    assert await place.service.open(SESSION, Wanted(draft=True), ADA)
    pull, issue = place.repository.pulls[1], place.repository.issues[1]
    assert (issue["title"], issue["body"]) == ("Mend the roof", "The roof is whole.")
    assert (pull["head"], pull["base"], pull["draft"]) == (BRANCH, "main", True)
    shown = (await place.view()).pull_request
    assert shown is not None
    assert (shown.number, shown.state, shown.draft, shown.base) == (1, "open", True, "main")
    assert shown.commit == place.repository.head(BRANCH)
    (asked,) = place.sandbox.asked
    assert (asked.branch, asked.message, asked.author.name) == (
        BRANCH,
        "Mend the roof",
        "Ada Lovelace",
    )
    assert asked.co_author == "Bunkhouse <agent@users.noreply.bunkhouse.invalid>"
    assert await place.told() == ["opened"]


async def test_opened_again_it_is_brought_up_to_the_work(place: Place) -> None:
    assert await place.service.open(SESSION, Wanted("Roof", "Text"), ADA)
    first = place.repository.head(BRANCH)
    assert not await place.service.open(SESSION, Wanted(), ADA)
    assert list(place.repository.pulls) == [1]
    assert place.repository.issues[1]["title"] == "Roof"
    shown = (await place.view()).pull_request
    assert shown is not None and shown.commit == place.repository.head(BRANCH) != first
    assert not await place.service.open(SESSION, Wanted("Roof, mended", "More"), ADA)
    assert place.repository.issues[1]["body"] == "More"
    assert await place.told() == ["opened", "pushed", "pushed"]
    # GitHub tells what we did ourselves, too: nothing is new in it.
    ada = place.fake.world.people["ada"]
    for action in ("opened", "synchronize", "edited"):
        assert await place.hook(place.hooks.pull_request(action, 1, ada)) == 1
    assert await place.told() == ["opened", "pushed", "pushed"]


async def test_one_that_a_hub_opened_and_could_not_write_down_is_found(place: Place) -> None:
    place.repository.commit(BRANCH, {"a": "b"})
    ada = place.fake.world.people["ada"]
    place.fake.world.pull(place.repository, ada, BRANCH, "Mine", "Text")
    assert not await place.service.open(SESSION, Wanted(), ADA)
    assert list(place.repository.pulls) == [1]
    assert await place.told() == ["opened"]


async def test_reviews_comments_and_checks_come_once(place: Place) -> None:
    await place.service.open(SESSION, Wanted(), ADA)
    world, bob = place.fake.world, place.fake.world.people["bob"]
    at = place.repository, 1, bob
    review = world.review(*at, "CHANGES_REQUESTED", "Use nails.")
    line = world.line_comment(*at, "work1", 1, "Here.")
    empty = world.review(*at, "COMMENTED", "")
    world.comment(*at, "Thanks")
    run = world.check(place.repository, BRANCH, "ci", "failure")
    (comment,) = place.repository.issues[1]["comments"]
    for hook in (
        place.hooks.review(1, review, bob),
        place.hooks.review(1, empty, bob),
        place.hooks.line_comment(1, line, bob),
        place.hooks.comment(1, comment, bob),
        place.hooks.check_run(1, run, bob),
    ):
        assert await place.hook(hook) == 1
        assert await place.hook(hook) == 1
    expected = ["opened", "changes_requested", "said", "said", "failure"]
    assert await place.told() == expected
    await place.service.refresh(SESSION, ADA)
    assert await place.told() == expected
    shown = (await place.view()).pull_request
    assert shown is not None and (shown.passed, shown.failed, shown.running) == (0, 1, 0)


async def test_what_no_webhook_brought_is_asked_for(place: Place) -> None:
    await place.service.open(SESSION, Wanted(), ADA)
    world, bob = place.fake.world, place.fake.world.people["bob"]
    world.review(place.repository, 1, bob, "APPROVED", "Good.")
    world.check(place.repository, BRANCH, "ci", "success")
    world.check(place.repository, BRANCH, "docs")
    await place.service.refresh(SESSION, BOB)
    assert await place.told() == ["opened", "approved", "success"]
    place.repository.pulls[1]["merged_at"] = world.clock()
    place.repository.issues[1]["state"] = "closed"
    await place.service.refresh(SESSION, BOB)
    assert (await place.told())[-1] == "merged"
    shown = (await place.view()).pull_request
    assert shown is not None and (shown.state, shown.passed, shown.running) == ("merged", 1, 1)


async def test_checks_of_another_commit_do_not_count(place: Place) -> None:
    await place.service.open(SESSION, Wanted(), ADA)
    ada = place.fake.world.people["ada"]
    run = place.fake.world.check(place.repository, BRANCH, "ci", "success")
    await place.hook(place.hooks.check_run(1, run, ada))
    await place.service.open(SESSION, Wanted(), ADA)
    shown = (await place.view()).pull_request
    assert shown is not None and shown.passed == 0
    await place.hook(place.hooks.check_run(1, run, ada))
    shown = (await place.view()).pull_request
    assert shown is not None and shown.passed == 0


async def test_what_is_about_no_session_here(place: Place) -> None:
    place.repository.commit("other", {"a": "b"})
    ada = place.fake.world.people["ada"]
    place.fake.world.pull(place.repository, ada, "other", "Another")
    assert await place.hook(place.hooks.pull_request("closed", 1, ada)) == 0


async def change(place: Place, **columns: object) -> None:
    async with place.room.journal.change(SESSION) as changing:
        for name, value in columns.items():
            setattr(changing.row, name, value)


async def test_what_can_not_be(place: Place) -> None:
    async def refused(kind: type[BunkhouseError], code: str, by: Person = ADA) -> None:
        with pytest.raises(kind) as caught:
            await place.service.open(SESSION, Wanted(), by)
        assert caught.value.reason == code
        assert place.repository.pulls == {}
        assert await place.told() == []

    with pytest.raises(NotFound):
        await place.service.open("none", Wanted(), ADA)
    with pytest.raises(NotFound, match="no pull request"):
        await place.service.refresh(SESSION, ADA)
    await refused(GrantMissing, "grant_missing", Person("u_eve", "Eve", "member"))
    assert place.sandbox.asked == []
    place.sandbox.refuses = {
        "code": "push_refused",
        "message": "It could not be pushed.",
        "remedy": "Look.",
        "detail": "main is protected",
    }
    with pytest.raises(Conflict, match="main is protected") as caught:
        await place.service.open(SESSION, Wanted(), ADA)
    assert caught.value.reason == "push_refused"
    place.sandbox.refuses = {"code": "odd", "message": "It broke."}
    await refused(UpstreamFailed, "not_published")
    place.sandbox.refuses = None
    place.reaching.path = None
    await refused(SandboxNotRunning, "sandbox_not_running")
    await change(place, state="working")
    await refused(Conflict, "agent_at_work")
    await change(place, state="idle", work_branch=None)
    await refused(InvalidInput, "no_branch")
    await change(place, work_branch=BRANCH, repository="https://elsewhere.example/ada/secret")
    await refused(InvalidInput, "no_branch")


async def test_who_may_only_read_there_changes_nothing(place: Place) -> None:
    await place.service.open(SESSION, Wanted(), ADA)
    with pytest.raises(Forbidden):
        await place.service.open(SESSION, Wanted("Mine now"), BOB)
    assert place.repository.issues[1]["title"] == "Mend the roof"
