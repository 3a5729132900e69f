"""Clones through the git door from folders of the hub's machine, with a real git client."""

import asyncio
import gzip
import os
import select
from pathlib import Path
from typing import Any

import httpx2
import pytest

from bunkhouse.broker.git import environment, local
from bunkhouse.broker.git.door import AT_ONCE

from .conftest import client, diverge, door_to, git, make


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file below a folder, with its time and content."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("version", ["0", "1", "2"])
async def test_a_clone_is_the_repository_and_changes_nothing(
    small: Path, tmp_path: Path, version: str
) -> None:
    before = tree(small)
    async with door_to(str(small)) as url:
        said = await client("-c", f"protocol.version={version}", "clone", url, str(tmp_path / "c"))
        assert said.code == 0, said.err
    assert git("rev-parse", "HEAD", cwd=tmp_path / "c") == git("rev-parse", "HEAD", cwd=small)
    assert git("log", "--format=%H", "origin/early", cwd=tmp_path / "c").count("\n") == 2
    assert git("tag", cwd=tmp_path / "c") == "first\n"
    git("fsck", cwd=tmp_path / "c")
    assert tree(small) == before


async def test_a_large_history_in_every_way(large: Path, tmp_path: Path) -> None:
    before = tree(large)
    head = git("rev-parse", "main", cwd=large)
    async with door_to(str(large)) as url:
        for name, options, commits in (
            ("whole", [], 4000),
            ("shallow", ["--depth", "20"], 20),
            ("branch", ["--single-branch", "--branch", "early"], 2000),
            ("since", ["--shallow-since", "@1700234000"], None),
            ("partial", ["--filter=blob:none"], 4000),
            ("v0", ["-c", "protocol.version=0", "--depth", "3"], 3),
        ):
            target = tmp_path / name
            said = await client("clone", "-q", *options, url, str(target))
            assert said.code == 0, said.err
            assert (target / "folder-1").exists()
            if name != "branch":
                assert git("rev-parse", "HEAD", cwd=target) == head
            if commits is not None:
                assert int(git("rev-list", "--count", "HEAD", cwd=target)) == commits
        # Deepening sends what the client has, compressed; a partial clone fetches what it lacks.
        said = await client("fetch", "-q", "--unshallow", cwd=tmp_path / "shallow")
        assert said.code == 0, said.err
        assert int(git("rev-list", "--count", "HEAD", cwd=tmp_path / "shallow")) == 4000
        said = await client("log", "-p", "-n", "5", "HEAD~2000", cwd=tmp_path / "partial")
        assert said.code == 0, said.err
        assert "content of commit 2000" in said.out
    assert tree(large) == before


async def test_new_commits_are_fetched(tmp_path: Path) -> None:
    origin = make(tmp_path / "origin", 300)
    async with door_to(str(origin)) as url:
        assert (await client("clone", "-q", url, str(tmp_path / "c"))).code == 0
        diverge(tmp_path / "c", 150)
        (origin / "new.txt").write_text("new\n")
        git("add", ".", cwd=origin)
        git("commit", "-qm", "New", cwd=origin)
        said = await client("fetch", "origin", cwd=tmp_path / "c")
        assert said.code == 0, said.err
    assert git("show", "origin/main:new.txt", cwd=tmp_path / "c") == "new\n"


async def test_worktrees_git_folders_and_empty_ones(small: Path, tmp_path: Path) -> None:
    origin = make(tmp_path / "origin", 4)
    git("worktree", "add", "-q", str(tmp_path / "tree"), "early", cwd=origin)
    git("init", "-q", str(tmp_path / "empty"))
    for folder, branch in ((tmp_path / "tree", "early"), (origin / ".git", "main")):
        async with door_to(str(folder)) as url:
            target = tmp_path / f"clone-{branch}"
            said = await client("clone", "-q", url, str(target))
            assert said.code == 0, said.err
            assert git("branch", "--show-current", cwd=target).strip() == branch
    async with door_to(str(tmp_path / "empty")) as url:
        said = await client("clone", url, str(tmp_path / "clone-empty"))
        assert said.code == 0, said.err
        assert "empty repository" in said.err


async def test_programs_that_the_repository_names_do_not_run(tmp_path: Path) -> None:
    origin = make(tmp_path / "origin", 30)
    ran = tmp_path / "ran"
    script = tmp_path / "evil"
    script.write_text(f'#!/bin/sh\ntouch {ran}\nexec "$@"\n')
    script.chmod(0o755)
    for key in (
        "uploadpack.packObjectsHook",
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.alternateRefsCommand",
        "credential.helper",
        "core.askPass",
        "filter.x.clean",
        "gpg.program",
    ):
        git("config", key, str(script), cwd=origin)
    git("config", "core.hooksPath", str(tmp_path), cwd=origin)
    for hook in ("post-checkout", "pre-auto-gc", "reference-transaction", "post-index-change"):
        (tmp_path / hook).symlink_to(script)
        (origin / ".git" / "hooks").mkdir(exist_ok=True)
        (origin / ".git" / "hooks" / hook).symlink_to(script)
    async with door_to(str(origin)) as url:
        said = await client("clone", "-q", "--depth", "3", url, str(tmp_path / "c"))
        assert said.code == 0, said.err
    assert not ran.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to give a folder to another user")
async def test_a_folder_of_another_user(tmp_path: Path) -> None:
    origin = make(tmp_path / "origin", 3)
    for path in (origin, *origin.rglob("*")):
        os.chown(path, 65534, 65534)
    async with door_to(str(origin)) as url:
        said = await client("clone", "-q", url, str(tmp_path / "c"))
        assert said.code == 0, said.err


async def test_other_repositories_and_pushes_are_refused(small: Path, tmp_path: Path) -> None:
    async with door_to(str(small)) as url:
        assert (await client("clone", "-q", url, str(tmp_path / "c"))).code == 0
        said = await client("push", "origin", "main:other", cwd=tmp_path / "c")
        assert said.code != 0
        assert "remote: This session can't push: it has no branch of its own." in said.err
        said = await client("ls-remote", f"{url.rpartition('/')[0]}/another")
        assert "remote: Through this door a session reaches its own repository alone" in said.err
        said = await client("ls-remote", f"{url}/../../../etc")
        assert said.code != 0
        async with httpx2.AsyncClient(trust_env=False) as http:
            for method, path, status in (
                ("GET", "/info/refs", 422),
                ("GET", "/HEAD", 404),
                ("GET", "/objects/info/packs", 404),
                ("POST", "/git-receive-pack", 403),
                ("GET", "/git-upload-pack", 404),
                ("POST", "/info/refs?service=git-upload-pack", 404),
                ("GET", "/.git/config", 404),
            ):
                got = await http.request(method, url + path)
                assert got.status_code == status, path
                assert got.headers["content-type"].startswith("text/plain")
    async with door_to(None) as url:
        assert "no repository" in (await client("ls-remote", url)).err


async def test_a_folder_that_is_gone_or_became_a_link(small: Path, tmp_path: Path) -> None:
    async with door_to(str(tmp_path / "gone")) as url:
        said = await client("ls-remote", url)
        assert f"The folder {tmp_path / 'gone'} is not a git repository any more" in said.err
        (tmp_path / "gone").symlink_to(small)
        assert (await client("ls-remote", url)).code != 0


async def test_a_broken_repository_is_said_to_be_so(tmp_path: Path) -> None:
    origin = make(tmp_path / "origin", 3)
    async with door_to(str(origin)) as url:
        (origin / ".git" / "packed-refs").write_text("nonsense\n")
        for path in (origin / ".git" / "objects" / "pack").iterdir():
            path.unlink()
        said = await client("clone", url, str(tmp_path / "c"))
    assert said.code != 0
    assert str(tmp_path) not in said.err.replace(str(tmp_path / "c"), "")


async def test_many_requests_at_once_wait_for_their_turn(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running: set[int] = set()
    most = 0
    start = environment.start

    async def watched(*arguments: str, **options: Any) -> asyncio.subprocess.Process:
        nonlocal most
        process = await start(*arguments, **options)
        running.add(process.pid)
        most = max(most, len(running))
        process_ended = process.wait

        async def wait() -> int:
            code = await process_ended()
            running.discard(process.pid)
            return code

        monkeypatch.setattr(process, "wait", wait)
        return process

    async with door_to(str(small)) as url, httpx2.AsyncClient(trust_env=False) as http:
        monkeypatch.setattr(environment, "start", watched)
        where = f"{url}/info/refs?service=git-upload-pack"
        answers = await asyncio.gather(*(http.get(where) for _ in range(3 * AT_ONCE)))
    assert [answer.status_code for answer in answers] == [200] * (3 * AT_ONCE)
    assert 1 < most <= AT_ONCE


async def test_requests_that_make_no_sense(small: Path) -> None:
    async with door_to(str(small)) as url, httpx2.AsyncClient(trust_env=False) as http:
        where = f"{url}/git-upload-pack"
        for content, headers in (
            (b"", {}),
            (b"nonsense", {}),
            (b"nonsense", {"content-encoding": "gzip"}),
            (gzip.compress(b"0" * 5_000_000), {"content-encoding": "gzip"}),
            (b"0011command=no\n0000", {"git-protocol": "version=2:$(x)\n".strip()}),
        ):
            got = await http.post(where, content=content, headers=headers)
            assert got.status_code in (200, 413, 500)


async def test_a_request_that_unpacks_to_too_much_is_refused(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "UNPACKED_BYTES", 100_000)
    tip = git("rev-parse", "HEAD", cwd=small).strip()
    async with door_to(str(small)) as url, httpx2.AsyncClient(trust_env=False) as http:
        got = await http.post(
            f"{url}/git-upload-pack",
            content=gzip.compress(f"0032want {tip}\n".encode() * 200_000),
            headers={"content-encoding": "gzip"},
        )
        assert got.status_code in (413, 500)


async def test_git_ends_when_the_client_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # More than fits into all the buffers on the way.
    origin = make(tmp_path / "origin", 3)
    (origin / "noise").write_bytes(os.urandom(32 * 1024 * 1024))
    git("add", ".", cwd=origin)
    git("commit", "-qm", "Noise", cwd=origin)
    want = f"want {git('rev-parse', 'main', cwd=origin).strip()} side-band-64k\n"
    body = f"{len(want) + 4:04x}{want}00000009done\n".encode()
    started: list[asyncio.subprocess.Process] = []
    start = environment.start

    async def watched(*arguments: str, **options: Any) -> asyncio.subprocess.Process:
        started.append(await start(*arguments, **options))
        return started[-1]

    monkeypatch.setattr(environment, "start", watched)
    async with door_to(str(origin)) as url, httpx2.AsyncClient(trust_env=False) as http:
        async with http.stream("POST", f"{url}/git-upload-pack", content=body) as got:
            async for _ in got.aiter_raw():
                if children_of(started[-1].pid):  # it begins to pack after its first words
                    break
            handles = [os.pidfd_open(child) for child in children_of(started[-1].pid)]
        assert handles
        assert await asyncio.wait_for(started[-1].wait(), 60) < 0
        for handle in handles:
            ended, _, _ = await asyncio.to_thread(select.select, [handle], [], [], 10)
            assert ended
            os.close(handle)


def children_of(pid: int) -> list[int]:
    """Processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
