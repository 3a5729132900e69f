"""Private repositories and pushes, through the git door to a GitHub over real HTTP."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bunkhouse.broker.git import Credentials, GitDoor, Visitor, recall
from bunkhouse.broker.git.quarantine import Identity
from bunkhouse.forges import GitHub, Grants
from bunkhouse.people import People, Person
from bunkhouse.store import Database, Place
from bunkhouse.vault import Vault, kept_keys
from tests.fakes.github import FakeGitHub, Repository, running
from tests.fakes.github import Person as Account

from ..serving import serve
from .conftest import TOKEN, Said, client, git

BRANCH = "bunkhouse/fix-abc"


@dataclass
class Bench:
    """A session of Ada's on a private repository of hers, as its sandbox sees it."""

    fake: FakeGitHub
    repository: Repository
    ada: Account
    secret: str
    person: Person
    grants: Grants
    github: GitHub
    pushes: Path
    work: Path
    people: set[Identity]
    base_commit: str | None = None
    branch: str | None = BRANCH
    push_bytes: int = 64 * 1024 * 1024

    @property
    def ours(self) -> Identity:
        return ("Ada Lovelace", self.ada.noreply)

    @contextlib.asynccontextmanager
    async def door(self, url: str | None = None) -> AsyncGenerator[str]:
        """The door to the session's repository, as a URL to clone."""
        ref = recall(url or f"{self.fake.url}/ada/secret")
        door = GitDoor(
            connect_seconds=5,
            idle_seconds=20,
            credentials=Credentials(self.grants),
            pushes=self.pushes,
            push_bytes=self.push_bytes,
        )

        async def people() -> frozenset[Identity]:
            return frozenset(self.people)

        async def serving(request: Request) -> Response:
            return await door.serve(
                request,
                path=request.path_params["path"],
                repository=ref.url,
                visitor=Visitor("s_1", self.person.id, self.branch, self.base_commit, people),
            )

        route = Route("/sandbox/git/{path:path}", serving, methods=["GET", "POST"])
        try:
            async with serve(Starlette(routes=[route])) as at:
                yield f"{at}/sandbox/git/{ref.door}"
        finally:
            await door.aclose()

    async def clone(self, url: str, *options: str) -> None:
        said = await client("clone", "-q", *options, url, str(self.work))
        assert said.code == 0, said.err
        git("checkout", "-q", "-b", BRANCH, cwd=self.work)

    def commit(
        self,
        text: str = "work",
        author: Identity | None = None,
        committer: Identity | None = None,
    ) -> str:
        """A commit in the sandbox; by whom, if not by Ada."""
        (self.work / "work.txt").write_text(text)
        git("add", ".", cwd=self.work)
        name, email = author or self.ours
        named = f"--author={name} <{email}>"
        git("commit", "-q", "-m", text[:20], named, cwd=self.work, by=committer or self.ours)
        return git("rev-parse", "HEAD", cwd=self.work).strip()

    async def push(self, *arguments: str) -> Said:
        return await client("push", "origin", *arguments, cwd=self.work)

    def pushed(self) -> bool:
        """Whether anything was ever sent on to the host to be written."""
        return any(
            each.method == "POST" and each.url.path.endswith("git-receive-pack")
            for each in self.fake.asked
        )


@pytest.fixture
async def bench(tmp_path: Path, store_place: Place) -> AsyncGenerator[Bench]:
    database = await Database.open(store_place)
    person = await People(database).first_admin()
    async with running(tmp_path / "github") as fake:
        ada = fake.world.person("ada", "Ada Lovelace")
        repository = fake.world.repository(ada, "secret")
        github = GitHub(fake.url)
        grants = Grants(database, Vault(kept_keys(tmp_path / "vault.key")), [github])
        secret = fake.world.token(ada, "repo")
        await grants.keep_token(person.id, github.host, secret)
        bench = Bench(
            fake=fake,
            repository=repository,
            ada=ada,
            secret=secret,
            person=person,
            grants=grants,
            github=github,
            pushes=tmp_path / "pushes",
            work=tmp_path / "work",
            people=set(),
        )
        bench.people.add(bench.ours)
        yield bench
        await github.aclose()
        if bench.pushes.exists():
            assert list(bench.pushes.iterdir()) == []
    await database.close()


# ── reading ──────────────────────────────────────────────────────────────────────────────────


async def test_a_private_repository_is_cloned_with_the_grant(bench: Bench) -> None:
    async with bench.door() as url:
        await bench.clone(url)
        bench.repository.commit("main", {"new.txt": "new\n"})
        assert (await client("fetch", "-q", "origin", cwd=bench.work)).code == 0
    assert (bench.work / "README.md").read_text() == "# secret\n"
    asked = [each for each in bench.fake.asked if "/ada/secret" in each.url.path]
    assert {each.headers["authorization"] for each in asked} == {
        bench.github.authorization(bench.secret)
    }
    for each in asked:
        assert TOKEN not in repr(each.headers) + str(each.url)
    assert bench.secret not in (bench.work / ".git" / "config").read_text()


async def test_without_a_grant_a_private_repository_is_not_there(bench: Bench) -> None:
    await bench.grants.forget(bench.person.id, bench.github.host)
    async with bench.door() as url:
        said = await client("ls-remote", url)
    assert said.code != 0
    assert "remote: There is no public repository" in said.err


async def test_a_grant_that_sees_it_not(bench: Bench) -> None:
    eve = bench.fake.world.person("eve")
    secret = bench.fake.world.token(eve, "repo")
    await bench.grants.keep_token(bench.person.id, bench.github.host, secret)
    async with bench.door() as url:
        said = await client("ls-remote", url)
    assert "that your account there may see" in said.err


async def test_a_grant_that_was_revoked_says_so_and_is_asked_for_again(bench: Bench) -> None:
    bench.fake.world.revoke(bench.secret)
    async with bench.door() as url:
        said = await client("ls-remote", url)
        assert "does not accept your sign-in any more" in said.err
        assert bench.secret not in said.err
        [grant] = await bench.grants.of(bench.person.id)
        assert grant.revoked
        # What is public can be read again as nobody.
        bench.repository.private = False
        assert (await client("ls-remote", url)).code == 0


async def test_the_grant_goes_to_no_other_host(bench: Bench, tmp_path: Path) -> None:
    seen: list[Request] = []

    async def elsewhere(request: Request) -> Response:
        seen.append(request)
        return Response("", 404)

    route = Route("/{path:path}", elsewhere, methods=["GET", "POST"])
    async with serve(Starlette(routes=[route])) as other:

        async def moved(request: Request) -> Response:
            seen.append(request)
            return RedirectResponse(f"{other}{request.url.path}?{request.url.query}", 307)

        moving = Route("/{path:path}", moved, methods=["GET", "POST"])
        async with serve(Starlette(routes=[moving])) as forge:
            github = GitHub(forge)
            bench.grants = Grants(
                bench.grants._database,  # pyright: ignore[reportPrivateUsage]
                bench.grants._vault,  # pyright: ignore[reportPrivateUsage]
                [github],
            )
            account, _ = await bench.github.account(bench.secret)
            from bunkhouse.forges import Tokens

            tokens = Tokens(bench.secret)
            await bench.grants.keep(bench.person.id, github.host, account, tokens, "token")
            async with bench.door(f"{forge}/ada/secret") as url:
                for argument in ("ls-remote", "push"):
                    more = ["HEAD:refs/heads/x"] if argument == "push" else []
                    git("init", "-q", str(tmp_path / argument))
                    git("commit", "-q", "--allow-empty", "-m", "x", cwd=tmp_path / argument)
                    said = await client(argument, url, *more, cwd=tmp_path / argument)
                    assert said.code != 0
            await github.aclose()
    at_forge = [each for each in seen if each.headers["host"] in forge]
    at_other = [each for each in seen if each.headers["host"] in other]
    assert at_forge and all("authorization" in each.headers for each in at_forge)
    assert at_other and all("authorization" not in each.headers for each in at_other)


# ── what passes ──────────────────────────────────────────────────────────────────────────────


async def test_the_sessions_own_branch_is_pushed(bench: Bench) -> None:
    async with bench.door() as url:
        await bench.clone(url)
        commit = bench.commit()
        said = await bench.push(BRANCH)
        assert said.code == 0, said.err
        assert bench.repository.head(BRANCH) == commit
        again = bench.commit("more")
        assert (await bench.push(f"HEAD:{BRANCH}")).code == 0
        assert bench.repository.head(BRANCH) == again
    sent = {each.headers.get("authorization") for each in bench.fake.asked}
    assert not any(TOKEN in (each or "") for each in sent)


async def test_it_can_be_forced_and_deleted(bench: Bench) -> None:
    async with bench.door() as url:
        await bench.clone(url)
        bench.commit()
        assert (await bench.push(BRANCH)).code == 0
        git("reset", "-q", "--hard", "origin/main", cwd=bench.work)
        other = bench.commit("other")
        assert "rejected" in (await bench.push(BRANCH)).err
        assert (await bench.push("--force", BRANCH)).code == 0
        assert bench.repository.head(BRANCH) == other
        said = await bench.push("--delete", BRANCH)
        assert said.code == 0, said.err
        assert bench.repository.head(BRANCH) is None


async def test_something_large_passes_as_it_is(bench: Bench) -> None:
    async with bench.door() as url:
        await bench.clone(url)
        noise = git("rev-parse", "HEAD", cwd=bench.work).strip()
        lines = (f"{number * 7919 % 1_000_003} {noise}" for number in range(150_000))
        commit = bench.commit("\n".join(lines))
        said = await client(
            "-c", "http.postBuffer=65536", "-c", "core.compression=0",
            "push", "origin", BRANCH, cwd=bench.work,
        )  # fmt: skip
        assert said.code == 0, said.err
    assert bench.repository.head(BRANCH) == commit
    bench.repository.git("fsck", "--strict")


async def test_commits_that_the_host_has_may_be_anybodys(bench: Bench) -> None:
    """The client does not know where `main` is by now, and so it sends all of its history."""
    async with bench.door() as url:
        for number in range(3):
            bench.repository.commit("main", {"a.txt": str(number)}, by=("Bob", "bob@example.org"))
        await bench.clone(url)
        bench.repository.commit("main", {"b.txt": "moved on"}, by=("Bob", "bob@example.org"))
        commit = bench.commit()
        said = await bench.push(BRANCH)
        assert said.code == 0, said.err
    assert bench.repository.head(BRANCH) == commit


async def test_what_came_before_the_work_need_not_be_sent(bench: Bench) -> None:
    async with bench.door() as url:
        await bench.clone(url)
        bench.base_commit = bench.repository.head("main")
        bench.repository.commit("main", {"b.txt": "moved on"})
        bench.commit()
        said = await client("push", "--progress", "origin", BRANCH, cwd=bench.work)
        assert said.code == 0, said.err
        assert "Total 3" in said.err


async def test_a_merge_of_the_hosts_branch_passes(bench: Bench) -> None:
    async with bench.door() as url:
        await bench.clone(url)
        bench.commit()
        bench.repository.commit("main", {"b.txt": "b"}, by=("Bob", "bob@example.org"))
        assert (await client("fetch", "-q", "origin", cwd=bench.work)).code == 0
        git("merge", "-q", "--no-edit", "origin/main", cwd=bench.work, by=bench.ours)
        said = await bench.push(BRANCH)
        assert said.code == 0, said.err


async def test_a_shallow_clone_and_an_empty_repository_push_too(bench: Bench) -> None:
    async with bench.door() as url:
        bench.repository.commit("main", {"b.txt": "b"}, by=("Bob", "bob@example.org"))
        await bench.clone(url, "--depth", "1", "--no-single-branch")
        commit = bench.commit()
        said = await bench.push(BRANCH)
        assert said.code == 0, said.err
        assert bench.repository.head(BRANCH) == commit
    bench.repository.git("update-ref", "-d", "refs/heads/main")
    bench.repository.git("update-ref", "-d", f"refs/heads/{BRANCH}")
    bench.work = bench.work.with_name("empty")
    async with bench.door() as url:
        await bench.clone(url)
        commit = bench.commit()
        said = await bench.push(BRANCH)
        assert said.code == 0, said.err
        assert bench.repository.head(BRANCH) == commit


async def test_another_person_of_the_session_may_have_made_it(bench: Bench) -> None:
    bob: Identity = ("Bob", "7+bob@users.noreply.127.0.0.1")
    async with bench.door() as url:
        await bench.clone(url)
        bench.commit(author=bob, committer=bob)
        assert "not of this session" in (await bench.push(BRANCH)).err
        bench.people.add(bob)
        assert (await bench.push(BRANCH)).code == 0


# ── what does not ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("arguments", "ref", "why"),
    [
        (["HEAD:main"], "main", "not this session's branch"),
        (["--force", "HEAD:main"], "main", "not this session's branch"),
        (["HEAD:bunkhouse/other-xyz"], "bunkhouse/other-xyz", "not this session's branch"),
        ([f"HEAD:{BRANCH}2"], f"{BRANCH}2", "not this session's branch"),
        (["HEAD:refs/heads/BUNKHOUSE/FIX-ABC"], "BUNKHOUSE/FIX-ABC", "not this session's branch"),
        (["--delete", "main"], "main", "not this session's branch"),
        (["HEAD:refs/tags/v1"], "v1", "a session pushes branches, no tags"),
        (["HEAD:refs/pull/1/head"], "refs/pull/1/head", "a session pushes branches, no tags"),
        ([BRANCH, "HEAD:main"], "main", "not this session's branch"),
    ],
)
async def test_no_other_reference(bench: Bench, arguments: list[str], ref: str, why: str) -> None:
    async with bench.door() as url:
        await bench.clone(url)
        bench.commit()
        before = bench.repository.git("for-each-ref")
        said = await bench.push(*arguments)
        assert said.code != 0
        assert f" {ref} ({why}" in said.err
        assert f"remote: This session may push to {BRANCH} and to nothing else." in said.err
        assert bench.repository.git("for-each-ref") == before
        assert not bench.pushed()


FORGED: list[tuple[Identity | None, Identity | None]] = [
    (("Linus", "linus@example.org"), None),
    (None, ("Linus", "linus@example.org")),
    (("Linus", "1001+ada@users.noreply.127.0.0.1"), None),
    (("Ada Lovelace", "ada@example.org"), None),
    (("ada lovelace", "1001+ada@users.noreply.127.0.0.1"), None),
]


@pytest.mark.parametrize(("author", "committer"), FORGED)
async def test_no_other_name(
    bench: Bench, author: Identity | None, committer: Identity | None
) -> None:
    async with bench.door() as url:
        await bench.clone(url)
        bench.commit("fine")
        forged = bench.commit("forged", author=author, committer=committer)
        bench.commit("fine again")
        said = await bench.push(BRANCH)
        assert said.code != 0
        assert "[remote rejected]" in said.err
        assert f"remote: {forged[:10]} says that " in said.err
        assert "--reset-author" in said.err
        assert bench.repository.head(BRANCH) is None
        assert not bench.pushed()
        # And what the message says is what helps.
        amend = "git commit -q --amend --no-edit --reset-author"
        git("rebase", "-q", "--exec", amend, "origin/main", cwd=bench.work, by=bench.ours)
        said = await bench.push(BRANCH)
        assert said.code == 0, said.err


async def test_a_commit_that_git_would_not_write_is_nobodys(bench: Bench) -> None:
    async with bench.door() as url:
        await bench.clone(url)
        tree = git("rev-parse", "HEAD^{tree}", cwd=bench.work).strip()
        parent = git("rev-parse", "HEAD", cwd=bench.work).strip()
        name, email = bench.ours
        by = f"{name} <{email}> 1790000000 +0000"
        forged = f"author Linus <l@x.org> 1790000000 +0000\ncommitter {by}\n"
        for head in (
            f"author {by}\n{forged}",  # two authors: which one counts is the reader's choice
            f"author {by} \ncommitter {by}\n",
            f"author {name} <{email}>> 1790000000 +0000\ncommitter {by}\n",
        ):
            text = f"tree {tree}\nparent {parent}\n{head}\nx\n".encode()
            commit = git(
                "hash-object", "-t", "commit", "-w", "--stdin", "--literally",
                cwd=bench.work, stdin=text,
            ).strip()  # fmt: skip
            said = await bench.push(f"{commit}:refs/heads/{BRANCH}")
            assert "not of this session" in said.err, said.err
    assert not bench.pushed()


async def test_a_push_that_is_too_large(bench: Bench) -> None:
    bench.push_bytes = 10_000
    async with bench.door() as url:
        await bench.clone(url)
        bench.commit("\n".join(str(number * 7919 % 1_000_003) for number in range(20_000)))
        said = await bench.push(BRANCH)
    assert said.code != 0
    assert "remote: The push is over the limit of 10000 bytes." in said.err
    assert "BUNKHOUSE_PUSH_BYTES" in said.err
    assert not bench.pushed()


@pytest.mark.parametrize(
    "pack",
    [b"", b"PACK", b"PACK\0\0\0\2\0\0\0\1", b"PACK\0\0\0\2\xff\xff\xff\xff" + b"x" * 30, b"x" * 99],
)
async def test_what_is_no_pack(bench: Bench, pack: bytes) -> None:
    from bunkhouse.broker.git.packets import Command, Push, write_push

    command = Command("0" * 40, "a" * 40, f"refs/heads/{BRANCH}")
    push = Push((command,), ("report-status", "side-band-64k"))
    async with bench.door() as url:
        process = await asyncio.create_subprocess_exec(
            "curl", "-sS", "--noproxy", "*", "--data-binary", "@-",
            "-H", "content-type: application/x-git-receive-pack-request",
            f"{url}/git-receive-pack",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, _ = await process.communicate(write_push(push, push.capabilities) + pack)
    assert f"ng refs/heads/{BRANCH} push".encode() in out
    assert not bench.pushed()


async def test_who_may_only_read_there_is_told_so(bench: Bench) -> None:
    bench.repository.rights["ada"] = "read"
    async with bench.door() as url:
        await bench.clone(url)
        bench.commit()
        said = await bench.push(BRANCH)
    assert said.code != 0
    assert "remote: Your account may not push to" in said.err


async def test_a_session_without_a_branch_of_its_own_does_not_push(bench: Bench) -> None:
    bench.branch = None
    async with bench.door() as url:
        await bench.clone(url)
        bench.commit()
        said = await bench.push(BRANCH)
    assert said.code != 0
    assert "remote: This session can't push: it has no branch of its own." in said.err


async def test_what_the_host_refuses_is_passed_on(bench: Bench) -> None:
    hook = bench.repository.folder / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'branches of this name are protected'\nexit 1\n")
    hook.chmod(0o755)
    async with bench.door() as url:
        await bench.clone(url)
        bench.commit()
        said = await bench.push(BRANCH)
    assert said.code != 0
    assert "remote: branches of this name are protected" in said.err
    assert "hook declined" in said.err
