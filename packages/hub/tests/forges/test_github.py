"""The calls, against a GitHub that holds both sides to GitHub's own description."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from bunkhouse.errors import (
    BunkhouseError,
    Forbidden,
    GrantRevoked,
    InvalidInput,
    NotFound,
    TooMany,
    UpstreamFailed,
)
from bunkhouse.forges import Application, GitHub
from bunkhouse.forges.github import api_of
from tests.fakes.github import FakeGitHub

from ..broker.serving import free_port, serve


async def test_whose_token_it_is(fake: FakeGitHub, github: GitHub) -> None:
    ada, bob = fake.world.person("ada", "Ada Lovelace"), fake.world.person("bob")
    account, scopes = await github.account(fake.world.token(ada, "repo", "workflow"))
    assert (account.id, account.login, account.name) == (str(ada.id), "ada", "Ada Lovelace")
    assert scopes == ("repo", "workflow")
    account, scopes = await github.account(fake.world.token(bob))
    assert (account.name, scopes) == ("bob", ())


async def test_repositories_that_a_person_can_reach(fake: FakeGitHub, github: GitHub) -> None:
    world = fake.world
    ada, bob = world.person("ada"), world.person("bob")
    old = world.repository(ada, "old", private=False)
    old.pushed_at = datetime(2020, 1, 1, tzinfo=UTC)
    new = world.repository(ada, "new")
    new.description = "A secret one"
    shared = world.repository(bob, "shared", ada="write")
    shared.pushed_at = datetime(2022, 1, 1, tzinfo=UTC)
    world.repository(bob, "hidden")
    token = world.token(ada, "repo")
    found = await github.repositories(token)
    assert [each.name for each in found] == ["ada/new", "bob/shared", "ada/old"]
    assert (found[0].private, found[0].description, found[0].may_push) == (
        True,
        new.description,
        True,
    )
    assert found[0].url == f"{fake.url}/ada/new"
    assert github.repository_of(found[0].url) == "ada/new"
    assert [each.name for each in await github.repositories(token, limit=2)] == [
        "ada/new",
        "bob/shared",
    ]
    # A classic token without the scope sees what is public.
    assert [each.name for each in await github.repositories(world.token(ada, "gist"))] == [
        "ada/old"
    ]
    assert [each.name for each in await github.search(token, "SHARED")] == ["bob/shared"]
    assert await github.search(token, "hidden") == []
    assert (await github.repository(token, "ada/old")).may_push
    assert not (await github.repository(world.token(bob), "ada/old")).may_push


async def test_branches_over_more_than_a_page(fake: FakeGitHub, github: GitHub) -> None:
    ada = fake.world.person("ada")
    repository = fake.world.repository(ada, "large")
    main = repository.head("main")
    repository.git("update-ref", "--stdin", stdin=b"".join(
        f"create refs/heads/b{n:03} {main}\n".encode() for n in range(150)
    ))  # fmt: skip
    token = fake.world.token(ada)
    found = await github.branches(token, "ada/large")
    assert len(found) == 151
    assert found[-1].name == "main"
    assert found[-1].commit == main
    assert len(await github.branches(token, "ada/large", limit=120)) == 120


async def test_an_issue_and_what_is_said_on_it(fake: FakeGitHub, github: GitHub) -> None:
    world = fake.world
    ada, bob = world.person("ada"), world.person("bob")
    repository = world.repository(ada, "r", bob="read")
    number = world.issue(repository, bob, "It is broken", "See\nhere")
    world.comment(repository, number, ada, "Where?")
    token = world.token(ada)
    issue = await github.issue(token, "ada/r", number)
    assert (issue.title, issue.body, issue.author) == ("It is broken", "See\nhere", "bob")
    assert not issue.is_pull_request
    assert issue.url == f"{fake.url}/ada/r/issues/{number}"
    [comment] = await github.comments(token, "ada/r", number)
    assert (comment.author, comment.body) == ("ada", "Where?")
    assert [each.number for each in await github.issues(token, "ada/r")] == [number]


async def test_a_pull_request_from_opening_to_reviews(fake: FakeGitHub, github: GitHub) -> None:
    world = fake.world
    ada, bob = world.person("ada"), world.person("bob")
    repository = world.repository(ada, "r", bob="write")
    commit = repository.commit("fix", {"a.txt": "a\n"})
    token = world.token(ada)
    opened = await github.open_pull_request(
        token, "ada/r", head="fix", base="main", title="Fix", body="Why", draft=True
    )
    assert (opened.title, opened.body, opened.draft, opened.state) == ("Fix", "Why", True, "open")
    assert (opened.head, opened.head_commit, opened.base) == ("fix", commit, "main")
    assert not opened.merged
    assert await github.issues(token, "ada/r") == []
    [listed] = await github.pull_requests(token, "ada/r", head="fix")
    assert listed == opened
    assert await github.pull_requests(token, "ada/r", head="other") == []
    changed = await github.change_pull_request(token, "ada/r", opened.number, title="Mended")
    assert (changed.title, changed.body) == ("Mended", "Why")
    assert (await github.pull_request(token, "ada/r", opened.number)).title == "Mended"
    world.review(repository, opened.number, bob, "CHANGES_REQUESTED", "No")
    world.line_comment(repository, opened.number, bob, "a.txt", 1, "This")
    [review] = await github.reviews(token, "ada/r", opened.number)
    assert (review.author, review.state, review.body) == ("bob", "changes_requested", "No")
    [comment] = await github.review_comments(token, "ada/r", opened.number)
    assert (comment.path, comment.line, comment.body) == ("a.txt", 1, "This")
    world.check(repository, "fix", "tests", "failure")
    world.check(repository, "fix", "lint")
    checks = {each.name: each for each in await github.checks(token, "ada/r", commit)}
    assert (checks["tests"].status, checks["tests"].conclusion) == ("completed", "failure")
    assert (checks["lint"].status, checks["lint"].conclusion) == ("in_progress", None)
    closed = await github.change_pull_request(token, "ada/r", opened.number, state="closed")
    assert closed.state == "closed"


async def test_what_github_refuses_is_said_in_its_words(fake: FakeGitHub, github: GitHub) -> None:
    ada = fake.world.person("ada")
    repository = fake.world.repository(ada, "r")
    token = fake.world.token(ada)

    async def opening(head: str) -> None:
        await github.open_pull_request(
            token, "ada/r", head=head, base="main", title="T", body="", draft=False
        )

    with pytest.raises(InvalidInput, match="head: invalid"):
        await opening("nothing")
    repository.git("branch", "same", "main")
    with pytest.raises(InvalidInput, match="No commits between main and same"):
        await opening("same")
    repository.commit("fix", {"a": "a"})
    await opening("fix")
    with pytest.raises(InvalidInput, match="already exists for ada:fix") as caught:
        await opening("fix")
    assert caught.value.reason == "forge_refused"


async def test_a_stranger_sees_nothing_of_a_private_repository(
    fake: FakeGitHub, github: GitHub
) -> None:
    ada, eve = fake.world.person("ada"), fake.world.person("eve")
    fake.world.repository(ada, "r")
    with pytest.raises(NotFound) as caught:
        await github.repository(fake.world.token(eve), "ada/r")
    assert caught.value.reason == "forge_not_found"


async def test_a_token_that_is_not_good(fake: FakeGitHub, github: GitHub) -> None:
    token = fake.world.token(fake.world.person("ada"))
    fake.world.revoke(token)
    with pytest.raises(GrantRevoked) as caught:
        await github.account(token)
    assert token not in str(caught.value)
    assert "Sign in again" in str(caught.value)


async def test_a_rate_limit_says_for_how_long(fake: FakeGitHub, github: GitHub) -> None:
    ada = fake.world.person("ada")
    fake.world.exhausted["ada"] = datetime.now(UTC) + timedelta(minutes=10)
    with pytest.raises(TooMany, match=r"in (59\d|600) s") as caught:
        await github.account(fake.world.token(ada))
    assert caught.value.reason == "forge_rate_limited"


async def test_new_tokens_for_old_ones_once(fake: FakeGitHub, github: GitHub) -> None:
    ada = fake.world.person("ada")
    pair = fake.world.app_tokens(ada)
    app = Application(fake.world.client_id, fake.world.client_secret)
    assert pair.refresh is not None
    fresh = await github.refreshed(app, pair.refresh)
    assert (await github.account(fresh.access_token))[0].login == "ada"
    assert fresh.expires_at is not None
    assert fresh.expires_at - datetime.now(UTC) > timedelta(hours=7)
    with pytest.raises(GrantRevoked):
        await github.refreshed(app, pair.refresh)
    with pytest.raises(UpstreamFailed, match="incorrect_client_credentials"):
        await github.refreshed(Application(app.client_id, "wrong"), fresh.refresh_token or "")


async def test_a_call_without_a_user_agent_is_refused_there(fake: FakeGitHub) -> None:
    async with httpx2.AsyncClient(trust_env=False) as client:
        request = client.build_request("GET", f"{fake.url}/api/v3/user")
        del request.headers["user-agent"]
        assert (await client.send(request)).status_code == 403


def always(response: Response) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return response

    return answer


def limited(status: int, headers: dict[str, str]) -> Response:
    return JSONResponse({"message": "slow down"}, status, headers)


ANSWERS: list[tuple[Response, type[BunkhouseError], str]] = [
    (PlainTextResponse("<html>", 200), UpstreamFailed, "something that GitHub does not"),
    (JSONResponse({"id": "many"}), UpstreamFailed, "something that GitHub does not"),
    (JSONResponse([]), UpstreamFailed, "something that GitHub does not"),
    (JSONResponse({"message": "SSO needed"}, 403), Forbidden, "SSO needed"),
    (PlainTextResponse("nothing", 403), Forbidden, "no reason was given"),
    (limited(403, {"retry-after": "7"}), TooMany, "in 7 s"),
    (limited(429, {}), TooMany, "in 60 s"),
    (PlainTextResponse("", 502), UpstreamFailed, r"error of its own \(502\)"),
    (RedirectResponse("http://elsewhere.invalid/user", 302), UpstreamFailed, "GitHub does not"),
    (RedirectResponse("/api/v3/user", 302), UpstreamFailed, "GitHub does not"),
]


@pytest.mark.parametrize(("response", "kind", "words"), ANSWERS)
async def test_whatever_answers_is_a_typed_error(
    response: Response, kind: type[BunkhouseError], words: str
) -> None:
    async with serve(Starlette(routes=[Route("/{path:path}", always(response))])) as url:
        github = GitHub(url)
        with pytest.raises(kind, match=words):
            await github.account("ghp_x")
        await github.aclose()


async def test_a_renamed_repository_is_followed_on_its_host() -> None:
    paths: list[str] = []

    async def answer(request: Request) -> Response:
        paths.append(request.url.path)
        if request.url.path == "/api/v3/repos/ada/old":
            return RedirectResponse("/api/v3/repositories/7", 301)
        assert request.headers["authorization"] == "Bearer ghp_x"
        found: dict[str, Any] = {"full_name": "ada/new", "html_url": "u", "private": False}
        return Response(json.dumps({**found, "default_branch": "main"}))

    async with serve(Starlette(routes=[Route("/{path:path}", answer)])) as url:
        github = GitHub(url)
        assert (await github.repository("ghp_x", "ada/old")).name == "ada/new"
        await github.aclose()
    assert paths == ["/api/v3/repos/ada/old", "/api/v3/repositories/7"]


async def test_nobody_there() -> None:
    github = GitHub(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(UpstreamFailed, match="can't be reached") as caught:
        await github.account("ghp_x")
    assert caught.value.reason == "forge_unreachable"
    await github.aclose()


@pytest.mark.parametrize("name", ["", "a", "a/b/c", "../user", "a/..", "a/.", "a b/c", "a/b?x=1"])
async def test_only_names_of_repositories_are_asked_for(github: GitHub, name: str) -> None:
    with pytest.raises(NotFound):
        await github.repository("ghp_x", name)


@pytest.mark.parametrize(
    ("address", "host", "api"),
    [
        ("https://github.com", "github.com", "https://api.github.com"),
        ("https://GitHub.com/", "github.com", "https://api.github.com"),
        ("https://ghe.example.org:443", "ghe.example.org", None),
        ("https://ghe.example.org:8443", "ghe.example.org:8443", None),
    ],
)
def test_addresses(address: str, host: str, api: str | None) -> None:
    github = GitHub(address)
    assert github.host == host
    assert github.url == f"https://{host}"
    assert github.repository_of(f"https://{host}/ada/r.git") == "ada/r"
    assert github.repository_of(f"http://{host}/ada/r") is None
    assert github.repository_of(f"https://{host}.evil.example/ada/r") is None
    assert github.repository_of(f"https://{host}/ada") is None
    assert github.repository_of(f"https://{host}/ada/r/tree") is None
    assert github.repository_of("/home/ada/r") is None


@pytest.mark.parametrize(
    "address",
    [
        "",
        "github.com",
        "ftp://x.org",
        "https://x.org/github",
        "https://x.org#a",
        "https://ada:secret@x.org",
        "https://x.org; script-src *",
        "https://x.org:port",
        "https://[",
    ],
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(InvalidInput):
        GitHub(address)


@pytest.mark.parametrize(
    ("url", "api"),
    [
        ("https://github.com", "https://api.github.com"),
        ("https://acme.ghe.com", "https://api.acme.ghe.com"),
        ("https://github.example.org", "https://github.example.org/api/v3"),
        ("https://github.example.org:8443/", "https://github.example.org:8443/api/v3"),
    ],
)
def test_where_the_api_of_a_github_is(url: str, api: str) -> None:
    assert api_of(url) == api
