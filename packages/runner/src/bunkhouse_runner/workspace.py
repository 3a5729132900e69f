"""The session's files: made from a repository through the hub's git door, once.

What is remembered (`Memory`) is where the work began, so that a runner that comes back finds the
workspace as it was, and can say what changed since.
"""

import asyncio
import contextlib
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from bunkhouse_protocol.gateway import Changes, Published, PublishRequest
from bunkhouse_protocol.link import CommitIdentity, Repository, SessionSpec
from bunkhouse_runner import branches, changes, git, publishing
from bunkhouse_runner.agents.base import Memory
from bunkhouse_runner.cloning import (
    CLONE_ATTEMPTS,
    Progress,
    Report,
    explain,
    no_such_branch,
    passing,
)
from bunkhouse_runner.errors import CloneFailed, WorkspaceUnreadable
from bunkhouse_runner.git import Git, Result
from bunkhouse_runner.processes import Account

FIRST_COMMIT = "Begin"
FIRST_PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where the work began."""

    base: str | None
    """The commit; None where there was none yet."""
    branch: str | None
    """The branch that was cloned; None where the head is detached (a tag)."""
    url: str | None
    """The repository, as the person gave it."""
    wanted: str | None
    """The branch that was asked for."""


class Workspace:
    """One folder with one repository."""

    def __init__(
        self,
        path: Path,
        account: Account,
        memory: Memory,
        *,
        token: str,
        doors_url: str = git.DOORS_URL,
    ) -> None:
        self.path = path
        self._account = account
        self._memory = memory
        self._token = token
        self._doors_url = doors_url
        self._git = Git(path, account)
        self._reading = asyncio.Lock()
        self._spec: SessionSpec | None = None
        stored = memory.get("beginning")
        self.beginning = Beginning(**json.loads(stored)) if stored else None

    @property
    def ready(self) -> bool:
        """Whether the workspace is made, and still there."""
        return self.beginning is not None and (self.path / ".git").exists()

    def serves(self, spec: SessionSpec) -> bool:
        """Whether the workspace that is there is the one that `spec` asks for."""
        repository = spec.repository
        url, branch = (repository.url, repository.branch) if repository else (None, None)
        made = self.beginning
        return made is not None and (made.url, made.wanted) == (url, branch)

    def forget(self) -> None:
        """Have `prepare` make the workspace anew: what is in it is lost."""
        self.beginning = None
        self._memory.set("making", "1")
        self._memory.set("beginning", None)

    async def prepare(self, spec: SessionSpec, report: Report) -> Beginning:
        """Make the workspace, or keep the one that is there.

        May be cancelled, and called again, at any time.

        Raises:
            CloneFailed: with what to do about it.
        """
        try:
            self._spec = spec
            self.sign()
            if self.beginning is not None and self.ready:
                await self._own_branch(spec.repository)
                return self.beginning
            self.path.mkdir(parents=True, exist_ok=True)
            self._account.own(self.path)
            if self._memory.get("making"):
                # What an attempt left that was cut off. Nobody has worked here yet.
                await asyncio.to_thread(_empty, self.path)
            adopt = (self.path / ".git").exists()
            self._memory.set("making", None if adopt else "1")
            if not adopt:
                await self._make(spec, report)
            return await self._remember(spec.repository)
        except OSError as error:
            raise CloneFailed(
                "clone_failed", f"The workspace can't be made: {error.strerror or error}."
            ) from error

    def sign(self, author: CommitIdentity | None = None, *, turn: bool = False) -> None:
        """Say in whose name commits are made from now on; None: in that of the session's author.

        In a `turn` the agent is named beside. Nothing happens before `prepare`. Raises OSError.
        """
        if self._spec is None:
            return
        git.configure(
            self._account,
            self._spec,
            self.path,
            token=self._token,
            doors_url=self._doors_url,
            author=author,
            co_author=self._spec.co_author if turn else None,
        )

    async def changes(self, limit: int = changes.DIFF_BYTES) -> Changes:
        """Say what differs from the beginning: committed or not, tracked or not.

        `limit` is the longest diff, in bytes.

        Raises:
            WorkspaceUnreadable: there is no repository, or not the one that we began with.
        """
        if self.beginning is None:
            raise _not_ready()
        async with self._reading:
            return await changes.read(self._git, self.beginning.base, limit)

    async def publish(self, request: PublishRequest) -> Published:
        """Bring all work to the session's branch at the host.

        Raises:
            WorkspaceUnreadable: there is no repository yet.
            NotPublished: git, a hook or the host refuses.
        """
        if self.beginning is None:
            raise _not_ready()
        async with self._reading:
            return await publishing.publish(self._git, self.beginning.base, request)

    async def _make(self, spec: SessionSpec, report: Report) -> None:
        if spec.repository is None:
            await self._must("init", "--quiet")
            await self._must("commit", "--quiet", "--allow-empty", "-m", FIRST_COMMIT)
            return
        await self._clone(spec.repository, report)
        await self._must("remote", "set-url", "origin", spec.repository.url)
        if spec.co_author is not None:
            await branches.name_co_authors(self._git)

    async def _clone(self, repository: Repository, report: Report) -> None:
        url = git.door_url(repository, self._doors_url)
        result = await self._clone_from(url, repository.branch, report)
        if result.status == 0:
            return
        if not (repository.branch and no_such_branch(result.err)):
            raise explain(repository, url, result.err)
        listed = await self._git.run("ls-remote", "--heads", "--", url, cwd=Path("/"))
        names = [line.partition("\trefs/heads/")[2] for line in listed.text.splitlines()]
        if names or listed.status != 0:
            raise explain(repository, url, result.err, branches=names)
        # A repository without a commit has no branch yet: the one asked for begins here.
        await self._must("init", "--quiet", "--initial-branch", repository.branch)
        await self._must("remote", "add", "origin", url)

    async def _clone_from(self, url: str, branch: str | None, report: Report) -> Result:
        wanted = ["--branch", branch] if branch else []
        attempt = 1
        while True:
            result = await self._git.run(
                "clone", "--progress", *wanted, "--", url, str(self.path),
                # Not from within the folder that git may have to remove.
                cwd=self._account.home if self._account.home.is_dir() else Path("/"),
                heard=Progress(report).hear,
            )  # fmt: skip
            if result.status == 0 or attempt == CLONE_ATTEMPTS or not passing(result.err):
                return result
            report("The connection broke off; trying again.", None)
            await asyncio.sleep(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
            attempt += 1

    async def _remember(self, repository: Repository | None) -> Beginning:
        head = await self._git.run("rev-parse", "--quiet", "--verify", "HEAD^{commit}")
        branch = await self._git.run("symbolic-ref", "--quiet", "--short", "HEAD")
        if repository is not None and repository.work_branch is not None:
            self._memory.set("work_branch", repository.work_branch)
            await branches.begin(self._git, repository.work_branch)
        beginning = Beginning(
            base=head.text if head.status == 0 else None,
            branch=branch.text if branch.status == 0 else None,
            url=repository.url if repository else None,
            wanted=repository.branch if repository else None,
        )
        self._memory.set("beginning", json.dumps(asdict(beginning)))
        self._memory.set("making", None)
        self.beginning = beginning
        return beginning

    async def _own_branch(self, repository: Repository | None) -> None:
        """In a copy of another session's files, go on with a branch of this one's own."""
        wanted = repository.work_branch if repository else None
        had = self._memory.get("work_branch")
        if wanted is not None and had is not None and wanted != had:
            await branches.go_on(self._git, had, wanted)
            self._memory.set("work_branch", wanted)

    async def _must(self, *arguments: str) -> Result:
        result = await self._git.run(*arguments)
        if result.status != 0:
            raise CloneFailed(
                "clone_failed",
                f"The workspace can't be made: git {arguments[0]} failed.",
                detail=result.err,
            )
        return result


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            with contextlib.suppress(FileNotFoundError):
                entry.unlink()


def _not_ready() -> WorkspaceUnreadable:
    return WorkspaceUnreadable(
        "workspace_not_ready", "The workspace is not there yet.", remedy="Try again soon."
    )
