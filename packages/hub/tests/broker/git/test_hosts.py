"""Clones through the git door from other hosts, over real HTTP."""

import asyncio
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from bunkhouse.broker.git import branches, recall
from bunkhouse.broker.git.remote import Credential
from bunkhouse.errors import BunkhouseError

from ..serving import free_port
from .conftest import TOKEN, client, diverge, door_to, git, host_of, make


async def test_a_clone_passes_through(large: Path, tmp_path: Path) -> None:
    async with host_of(large.parent) as (host, asked), door_to(f"{host}/project.git") as url:
        for name, options, commits in (
            ("whole", [], 4000),
            ("shallow", ["--depth", "10"], 10),
            ("partial", ["--filter=blob:none", "--no-checkout"], 4000),
            ("v0", ["-c", "protocol.version=0"], 4000),
        ):
            said = await client("clone", "-q", *options, url, str(tmp_path / name))
            assert said.code == 0, said.err
            assert int(git("rev-list", "--count", "HEAD", cwd=tmp_path / name)) == commits
        git("fsck", cwd=tmp_path / "whole")
        said = await client("fetch", "-q", "--unshallow", cwd=tmp_path / "shallow")
        assert said.code == 0, said.err
        assert any(request.headers.get("git-protocol") == "version=2" for request in asked)
        for request in asked:
            assert TOKEN not in repr(request.headers) + str(request.url)
            assert "authorization" not in request.headers
            assert request.headers["user-agent"].startswith("git/")


async def test_a_compressed_negotiation_passes_as_it_is(tmp_path: Path) -> None:
    make(tmp_path / "project", 300)
    async with host_of(tmp_path) as (host, asked), door_to(f"{host}/project/.git") as url:
        assert (await client("clone", "-q", url, str(tmp_path / "c"))).code == 0
        diverge(tmp_path / "c", 150)
        git("commit", "-q", "--allow-empty", "-m", "New", cwd=tmp_path / "project")
        said = await client("fetch", "origin", cwd=tmp_path / "c")
        assert said.code == 0, said.err
        assert any(request.headers.get("content-encoding") == "gzip" for request in asked)


async def test_redirections_are_followed_here(small: Path, tmp_path: Path) -> None:
    async with host_of(small.parent) as (host, asked):

        async def moved(request: Request) -> Response | None:
            where = f"{host}/project/.git{request.url.path.removeprefix('/old')}"
            return RedirectResponse(f"{where}?{request.url.query}", 301)

        async with host_of(small.parent, before=moved) as (old, _):
            async with door_to(f"{old}/old") as url:
                said = await client("clone", "-q", url, str(tmp_path / "c"))
                assert said.code == 0, said.err
            # A door that has just started does not know yet where the host redirects to.
            saw: list[Request] = []
            async with door_to(f"{old}/old", saw) as url:
                git("remote", "set-url", "origin", url, cwd=tmp_path / "c")
                assert (await client("fetch", "-q", "origin", cwd=tmp_path / "c")).code == 0
    assert "location" not in {name for request in asked for name in request.headers}


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://a.test/x", "http://u:p@a.test/x", "/in/a/circle"]
)
async def test_redirections_elsewhere_are_not(small: Path, target: str) -> None:
    async def moved(request: Request) -> Response | None:
        return RedirectResponse(target, 302)

    async with host_of(small.parent, before=moved) as (host, _), door_to(f"{host}/x") as url:
        said = await client("ls-remote", url)
    assert said.code != 0
    assert "remote: http://127.0.0.1" in said.err
    assert "root:" not in said.err


ANSWERS = [
    (200, "is not a git repository", "not_a_repository"),
    (401, "no public repository", "repository_not_found"),
    (403, "no public repository", "repository_not_found"),
    (404, "no public repository", "repository_not_found"),
    (429, "asks to wait (429)", "repository_unreachable"),
    (503, "error of its own (503)", "repository_unreachable"),
]


@pytest.mark.parametrize(("status", "words", "code"), ANSWERS)
async def test_what_is_wrong_with_a_host_is_said(
    small: Path, status: int, words: str, code: str
) -> None:
    async def always(request: Request) -> Response | None:
        headers = {"www-authenticate": "Basic"} if status == 401 else {}
        return HTMLResponse("<html>secret page of another service</html>", status, headers)

    async with host_of(small.parent, before=always) as (host, _):
        async with door_to(f"{host}/owner/name") as url:
            said = await client("ls-remote", url)
            assert said.code != 0
            assert words in said.err
            assert said.err.startswith("remote: ")
            assert "secret page" not in said.err
        with pytest.raises(BunkhouseError) as caught:
            await branches(recall(f"{host}/owner/name"))
        assert words in caught.value.message
        assert caught.value.reason == code
        assert caught.value.remedy


async def test_a_host_that_is_not_there() -> None:
    for host, words in (
        (f"http://127.0.0.1:{free_port()}", "nothing accepts the connection"),
        ("http://no-such-host.invalid", "name can't be resolved"),
    ):
        async with door_to(f"{host}/owner/name") as url:
            said = await client("ls-remote", url)
            assert f"remote: {host}/owner/name can't be reached: " in said.err
            assert words in said.err
        with pytest.raises(BunkhouseError, match=words) as caught:
            await branches(recall(f"{host}/owner/name"))
        assert caught.value.reason == "repository_unreachable"


async def test_branches_of_a_host(small: Path) -> None:
    async with host_of(small.parent) as (host, asked):
        assert await branches(recall(f"{host}/project/.git")) == ("main", ["early", "main"])
        assert "authorization" not in asked[0].headers


async def test_branches_are_asked_for_with_a_credential_at_its_own_host_alone(small: Path) -> None:
    async def rejected() -> None:
        raise AssertionError("nobody has rejected it")

    credential = Credential("Basic c2VjcmV0", rejected)
    async with host_of(small.parent) as (host, asked):
        ref = recall(f"{host}/project/.git")
        assert await branches(ref, credential) == ("main", ["early", "main"])
        assert {request.headers.get("authorization") for request in asked} == {"Basic c2VjcmV0"}
        asked.clear()

        async def moved(request: Request) -> Response | None:
            where = f"{host}/project/.git{request.url.path.removeprefix('/old')}"
            return RedirectResponse(f"{where}?{request.url.query}", 301)

        async with host_of(small.parent, before=moved) as (old, first):
            found = await branches(recall(f"{old}/old"), credential)
        assert found == ("main", ["early", "main"])
        assert {request.headers.get("authorization") for request in first} == {"Basic c2VjcmV0"}
        assert asked
        assert not any("authorization" in request.headers for request in asked)


async def test_a_host_that_does_not_answer_in_time(small: Path) -> None:
    async def never(request: Request) -> Response | None:
        await asyncio.Event().wait()
        return None

    async with host_of(small.parent, before=never) as (host, _):
        with pytest.raises(BunkhouseError, match=r"no answer within 0\.3 s"):
            await branches(recall(f"{host}/owner/name"), seconds=0.3)
