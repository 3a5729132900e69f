"""Looking into a pack before it goes anywhere: a bare repository for one push, thrown away after.

Nothing of it is ever checked out, no hook runs, and git has limits of memory, size and time. What
is wanted are the commits, and who they say made them.
"""

import asyncio
import os
import re
import resource
import shutil
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bunkhouse.broker.git import environment
from bunkhouse.errors import InvalidInput, TooLarge, UpstreamFailed

MOST_OBJECTS = 1_000_000
"""Objects that one push may have."""
COMMIT_BYTES = 1024 * 1024
"""Longest commit, its message and signature included."""

_MEMORY_BYTES = 3 * 1024**3
_HOST = "refs/remotes/host"
_PEOPLE = re.compile(
    rb"tree [0-9a-f]{40}\n(?:parent [0-9a-f]{40}\n)*"
    rb"author (?P<author>[^\n\0]*)\ncommitter (?P<committer>[^\n\0]*)\n"
)
_PERSON = re.compile(r"(?P<name>[^<>\n]*) <(?P<email>[^<>\n]*)> -?\d+ [+-]\d{4}")

Identity = tuple[str, str]
"""A name and an address."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit, and who it says made it. None: it says so in no way that git writes."""

    name: str
    author: Identity | None
    committer: Identity | None

    @property
    def people(self) -> set[Identity | None]:
        """Both."""
        return {self.author, self.committer}


class Quarantine:
    """The repository of one push. `size` is in bytes, `seconds` for each run of git."""

    def __init__(self, folder: Path, *, size: int, seconds: float) -> None:
        self._folder = folder
        self._size = size
        self._seconds = seconds
        self.pack = folder / "objects" / "pack" / "pack-push.pack"
        """The pack as it came in."""

    async def take(self, pack: AsyncIterator[bytes]) -> None:
        """Write the pack down and index it.

        Raises:
            TooLarge: it is over the limit.
            InvalidInput: it is no pack that stands alone.
        """
        size = 0
        with self.pack.open("wb") as file:
            async for chunk in pack:
                size += len(chunk)
                if size > self._size:
                    raise TooLarge(
                        f"The push is over the limit of {self._size} bytes.",
                        remedy="Push less at once, or have BUNKHOUSE_PUSH_BYTES raised.",
                        code="push_too_large",
                    )
                await asyncio.to_thread(file.write, chunk)
        with self.pack.open("rb") as file:
            head = file.read(12)
        if len(head) < 12 or head[:4] != b"PACK":
            raise _unreadable("it has no pack")
        if int.from_bytes(head[8:12]) > MOST_OBJECTS:
            raise TooLarge(
                f"The push has more than {MOST_OBJECTS} objects.",
                remedy="Push less at once.",
                code="push_too_large",
            )
        result = await self._git("index-pack", str(self.pack))
        if result.code != 0:
            raise _unreadable(_last_line(result.err))

    async def commits(self) -> list[Commit]:
        """All commits in the pack.

        Raises:
            InvalidInput: one can't be read.
        """
        names = self._folder / "commits"
        with names.open("wb") as file:
            kinds = "--batch-check=%(objecttype) %(objectname) %(objectsize)"
            async for line in self._lines("cat-file", "--batch-all-objects", "--unordered", kinds):
                kind, name, size = line.split()
                if kind != b"commit":
                    continue
                if int(size) > COMMIT_BYTES:
                    raise _unreadable(f"commit {name.decode()} is longer than {COMMIT_BYTES} bytes")
                file.write(name + b"\n")
        return [commit async for commit in self._read(names)]

    async def know_host(self, url: str, config: Sequence[tuple[str, str]]) -> None:
        """Fetch which commits the host's branches have: commits alone, no files.

        Raises:
            UpstreamFailed: the host can't be asked.
        """
        settings = [
            ("remote.host.url", url),
            ("remote.host.promisor", "true"),
            ("remote.host.partialclonefilter", "tree:0"),
            ("http.followRedirects", "false"),
            *config,
        ]
        wanted = f"+refs/heads/*:{_HOST}/*"
        options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--filter=tree:0")
        result = await self._git("fetch", *options, "host", wanted, config=settings)
        if result.code != 0:
            why = f"it takes longer than {self._seconds:g} s" if result.late else "it can't be read"
            raise UpstreamFailed(
                f"What the host has of this history could not be found out: {why}.",
                remedy="Fetch and rebase onto the host's branch, then push again.",
                code="repository_unreachable",
            )

    async def new(self, tips: Sequence[str]) -> set[str]:
        """Which commits below these the host does not have, once it is known.

        Raises:
            InvalidInput: they don't hang together with what the host has.
        """
        wanted = self._folder / "tips"
        wanted.write_text("".join(f"{tip}\n" for tip in tips))
        found: set[str] = set()
        listed = ("rev-list", "--stdin", "--not", f"--glob={_HOST}/*")
        async for line in self._lines(*listed, stdin=wanted):
            found.add(line.decode())
        return found

    # ── git ──────────────────────────────────────────────────────────────────────────────────

    async def _read(self, names: Path) -> AsyncIterator[Commit]:
        with names.open("rb") as file:
            process = await self._start("cat-file", "--batch", stdin=file.fileno())
            stdout = environment.piped(process.stdout)
            try:
                async with asyncio.timeout(self._seconds):
                    while head := await stdout.readline():
                        name, _, size = head.split()
                        data = await stdout.readexactly(int(size) + 1)
                        yield _commit(name.decode(), data)
            except (TimeoutError, ValueError, asyncio.IncompleteReadError) as error:
                raise _unreadable("a commit can't be read") from error
            finally:
                await environment.end(process)

    async def _lines(self, *arguments: str, stdin: Path | None = None) -> AsyncIterator[bytes]:
        source = Path(os.devnull) if stdin is None else stdin
        with source.open("rb") as file:
            process = await self._start(*arguments, stdin=file.fileno())
            stdout = environment.piped(process.stdout)
            try:
                async with asyncio.timeout(self._seconds):
                    while line := await stdout.readline():
                        yield line.rstrip(b"\n")
                    if await process.wait() != 0:
                        raise _unreadable("its commits don't hang together with what the host has")
            except TimeoutError as error:
                raise _unreadable(f"it takes longer than {self._seconds:g} s to look at") from error
            finally:
                await environment.end(process)

    async def _git(
        self, *arguments: str, config: Sequence[tuple[str, str]] = ()
    ) -> environment.Result:
        return await environment.run(
            f"--git-dir={self._folder}",
            *arguments,
            env=_environment(config),
            seconds=self._seconds,
            limit=self._limit,
        )

    async def _start(self, *arguments: str, stdin: int) -> asyncio.subprocess.Process:
        process = await environment.start(
            f"--git-dir={self._folder}",
            *arguments,
            env=_environment(),
            stdin=stdin,
            stderr=asyncio.subprocess.DEVNULL,
        )
        self._limit(process.pid)
        return process

    def _limit(self, pid: int) -> None:
        """What a pack unpacks to is for its maker to choose: git may not take all that there is."""
        for what, most in (
            (resource.RLIMIT_AS, _MEMORY_BYTES),
            (resource.RLIMIT_FSIZE, max(self._size, 64 * 1024 * 1024)),
        ):
            with suppress(ProcessLookupError):  # it has ended already
                resource.prlimit(pid, what, (most, most))


@asynccontextmanager
async def quarantine(parent: Path, *, size: int, seconds: float) -> AsyncGenerator[Quarantine]:
    """A new one below `parent`, until the block ends."""
    await asyncio.to_thread(parent.mkdir, mode=0o700, parents=True, exist_ok=True)
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=parent))
    try:
        made = await environment.run(
            "init",
            "--quiet",
            "--bare",
            "--template=",
            str(folder),
            env=_environment(),
            seconds=seconds,
        )
        if made.code != 0:
            raise UpstreamFailed("Git could not make a repository on the hub.", code="no_git")
        await asyncio.to_thread((folder / "objects" / "pack").mkdir, parents=True, exist_ok=True)
        yield Quarantine(folder, size=size, seconds=seconds)
    finally:
        # At once, since whoever pushed may have left, and nothing can be awaited then.
        shutil.rmtree(folder, ignore_errors=True)


def _environment(config: Sequence[tuple[str, str]] = ()) -> dict[str, str]:
    lean = (
        ("pack.threads", "1"),
        ("core.packedGitWindowSize", "32m"),
        ("core.packedGitLimit", "256m"),
        ("core.bigFileThreshold", "32m"),
        ("transfer.unpackLimit", "1"),
    )
    return environment.environment(config=(*lean, *config))


def _commit(name: str, data: bytes) -> Commit:
    match = _PEOPLE.match(data)
    if match is None:
        return Commit(name, None, None)
    return Commit(name, _person(match["author"]), _person(match["committer"]))


def _person(line: bytes) -> Identity | None:
    match = _PERSON.fullmatch(line.decode("utf-8", "surrogateescape"))
    return None if match is None else (match["name"], match["email"])


def _unreadable(why: str) -> InvalidInput:
    return InvalidInput(f"The hub can't read this push: {why}.", code="push_not_readable")


def _last_line(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1].removeprefix("fatal: ")[:200] if lines else "git does not say why"
