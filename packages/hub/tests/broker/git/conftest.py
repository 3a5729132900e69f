"""Repositories, doors to them, and a host that serves them as others do."""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bunkhouse.broker.git import GitDoor, Visitor, recall
from tests.fakes import git_backend

from ..serving import serve

TOKEN = "bht_the_sandbox_token_0123456789"

_CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@b.c",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@b.c",
    "LC_ALL": "C",
    "no_proxy": "*",
}

_FILTERS = {
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "uploadpack.allowFilter",
    "GIT_CONFIG_VALUE_0": "true",
}


def git(
    *arguments: str,
    cwd: Path | None = None,
    stdin: bytes | None = None,
    by: tuple[str, str] | None = None,
) -> str:
    """Run git and give what it prints; fails the test where git fails.

    `by`: the name and address of whoever commits, if not A.
    """
    env = dict(_CLEAN)
    for role in ("AUTHOR", "COMMITTER") if by else ():
        env[f"GIT_{role}_NAME"], env[f"GIT_{role}_EMAIL"] = by or ("", "")
    done = subprocess.run(
        ["git", *arguments], cwd=cwd, input=stdin, env=env, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@dataclass
class Said:
    code: int
    out: str
    err: str


async def client(*arguments: str, cwd: Path | None = None) -> Said:
    """Run git as a sandbox does, with its token."""
    process = await asyncio.create_subprocess_exec(
        "git",
        "-c",
        f"http.extraHeader=Authorization: Bearer {TOKEN}",
        *arguments,
        cwd=cwd,
        env=_CLEAN,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return Said(process.returncode, out.decode(), err.decode())


def history(commits: int) -> bytes:
    """Input of `git fast-import`: a history of that many commits, with a tag and two branches."""
    parts: list[str] = []
    for n in range(1, commits + 1):
        text = f"content of commit {n}\n" * 5
        message = f"Commit {n}"
        parts.append(
            f"commit refs/heads/main\nmark :{n}\n"
            f"committer A <a@b.c> {1_700_000_000 + n * 60} +0000\n"
            f"data {len(message)}\n{message}\n"
            f"M 100644 inline folder-{n % 37}/file-{n % 211}.txt\ndata {len(text)}\n{text}\n"
        )
    parts.append(f"reset refs/heads/early\nfrom :{max(1, commits // 2)}\n\n")
    parts.append("reset refs/tags/first\nfrom :1\n\n")
    return "".join(parts).encode()


def diverge(folder: Path, commits: int) -> None:
    """Give a clone commits of its own, which make it negotiate with a body that git compresses."""
    parts = ["reset refs/heads/own\nfrom refs/remotes/origin/main^0\n\n"]
    for n in range(commits):
        message = f"Own {n}"
        parts.append(
            f"commit refs/heads/own\ncommitter A <a@b.c> {1_790_000_000 + n} +0000\n"
            f"data {len(message)}\n{message}\n\n"
        )
    git("fast-import", "--quiet", cwd=folder, stdin="".join(parts).encode())


def make(path: Path, commits: int, *, bare: bool = False) -> Path:
    """A repository with a history."""
    git("init", "-q", "-b", "main", *(["--bare"] if bare else []), str(path))
    git("fast-import", "--quiet", cwd=path, stdin=history(commits))
    if not bare:
        git("reset", "-q", "--hard", cwd=path)
    return path


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("small") / "project", 5)


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("large") / "project.git", 4000, bare=True)


@contextlib.asynccontextmanager
async def door_to(repository: str | None, saw: list[Request] | None = None) -> AsyncGenerator[str]:
    """A git door on loopback for a session on this repository; yields the URL to clone."""
    door = GitDoor(connect_seconds=5, idle_seconds=20)

    async def serving(request: Request) -> Response:
        if saw is not None:
            saw.append(request)
        return await door.serve(
            request,
            path=request.path_params["path"],
            repository=repository,
            visitor=Visitor("s_1", "u_1"),
        )

    route = Route("/sandbox/git/{path:path}", serving, methods=["GET", "POST"])
    try:
        async with serve(Starlette(routes=[route])) as url:
            yield f"{url}/sandbox/git/{recall(repository).door if repository else 'none'}"
    finally:
        await door.aclose()


@contextlib.asynccontextmanager
async def host_of(
    folder: Path, *, before: Callable[[Request], Awaitable[Response | None]] | None = None
) -> AsyncGenerator[tuple[str, list[Request]]]:
    """A host on loopback that serves a folder's repositories with `git http-backend`."""
    asked: list[Request] = []

    async def backend(request: Request) -> Response:
        await request.body()  # whoever looks at what was asked may read it
        asked.append(request)
        if before is not None and (answer := await before(request)):
            return answer
        return await git_backend.answer(request, folder, request.url.path, _FILTERS)

    routes = [Route("/{path:path}", backend, methods=["GET", "POST"])]
    async with serve(Starlette(routes=routes)) as url:
        yield url, asked
