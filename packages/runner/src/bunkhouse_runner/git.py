"""Running git as the agent's user, and the configuration by which it reaches the hub's git door."""

import asyncio
import contextlib
import re
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bunkhouse_protocol.link import CommitIdentity, Repository, SessionSpec
from bunkhouse_protocol.places import DOORS_PREFIX, HUB_PORT
from bunkhouse_runner import processes
from bunkhouse_runner.processes import Account

DOORS_URL = f"http://127.0.0.1:{HUB_PORT}{DOORS_PREFIX}"
CONFIG = Path(".config/bunkhouse/gitconfig")
"""Below the agent's home, readable for the agent alone: identity, the door and its token."""

ALWAYS = {
    "LC_ALL": "C.UTF-8",  # what git says is read by programs
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PAGER": "cat",
}
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\""})
STDERR_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Result:
    """What a run of git came to."""

    status: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """What it printed, without white space around it."""
        return self.out.decode(errors="replace").strip()


class Git:
    """Git in one folder, as one user."""

    def __init__(self, folder: Path, account: Account) -> None:
        self.folder = folder
        self.account = account

    async def run(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        limit: int | None = None,
        cwd: Path | None = None,
        heard: Callable[[str], None] | None = None,
    ) -> Result:
        """Run a git command; never raises for what git thinks of it.

        `limit` is in bytes: git is ended once it has printed more than that. `heard` gets what
        git says on stderr line by line, where a progress line ends with a carriage return.
        Cancelled, it ends git first. Raises OSError where git can't be run.
        """
        pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        process = await processes.start(
            ["git", *arguments],
            self.account,
            cwd=cwd or self.folder,
            env={**ALWAYS, **(env or {})},
            stdin=null if stdin is None else pipe,
            stdout=pipe,
            stderr=pipe,
        )
        printed, said = processes.piped(process)
        try:
            out, err, _ = await asyncio.gather(
                _read_up_to(printed, limit),
                _hear(said, heard),
                _feed(process, stdin),
            )
            if limit is not None and len(out) > limit:
                await processes.end(process, grace=0.5)
            status = await process.wait()
        except BaseException:
            await asyncio.shield(processes.end(process, grace=1.0))
            raise
        return Result(status, out, err)


async def _read_up_to(reader: asyncio.StreamReader, limit: int | None) -> bytes:
    if limit is None:
        return await reader.read()
    parts = bytearray()
    while len(parts) <= limit and (data := await reader.read(1 << 16)):
        parts += data
    return bytes(parts)


async def _feed(process: asyncio.subprocess.Process, data: bytes | None) -> None:
    if process.stdin is None or data is None:
        return
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(data)
        await process.stdin.drain()
    process.stdin.close()


async def _hear(reader: asyncio.StreamReader, heard: Callable[[str], None] | None) -> str:
    """Read stderr; what is kept of it is its lines without those of progress."""
    kept: list[str] = []
    async for line in _lines(reader):
        text, progress = line
        if heard is not None:
            heard(text)
        if not progress:
            kept.append(text)
    return "\n".join(kept)[-STDERR_BYTES:]


async def _lines(reader: asyncio.StreamReader) -> AsyncIterator[tuple[str, bool]]:
    """Yield lines, and whether each was one of progress, which the next one overwrites."""
    rest = b""
    while data := await reader.read(1 << 14):
        *whole, rest = re.split(rb"(?<=[\r\n])", rest + data)
        if len(rest) > STDERR_BYTES:
            whole, rest = [*whole, rest], b""
        for line in whole:
            yield line.decode(errors="replace").strip(), line.endswith(b"\r")
    if rest:
        yield rest.decode(errors="replace").strip(), False


def door_url(repository: Repository, doors_url: str = DOORS_URL) -> str:
    """Where a repository is behind the hub's git door."""
    return f"{doors_url}/git/{repository.door.strip('/')}"


def configure(
    account: Account,
    spec: SessionSpec,
    workspace: Path,
    *,
    token: str,
    doors_url: str = DOORS_URL,
    author: CommitIdentity | None = None,
    co_author: str | None = None,
) -> None:
    """Write the agent's git configuration; done at each start, and again when the session changes.

    `author`: who makes commits now, if not the session's author; `co_author`: who is named beside.

    `~/.gitconfig` itself is the agent's: it is given one line, which includes a file of ours. In
    the workspace (and there alone, since git matches by prefix) the repository's own URL means
    the door, so that a later `git fetch` goes through it. The token is in no repository's config.
    """
    origin = doors_url.removesuffix(DOORS_PREFIX)
    by = author or CommitIdentity(name=spec.author_name, email=spec.author_email)
    named = any(map(str.isalnum, by.name))  # git takes no name without a letter
    lines = [
        "# Written by Bunkhouse at each start.",
        "[user]",
        f'\tname = "{_quoted(by.name) if named else "Bunkhouse"}"',
        f'\temail = "{_quoted(by.email)}"',
        "[init]",
        "\tdefaultBranch = main",
        f'[http "{_quoted(origin)}/"]',
        f'\textraHeader = "Authorization: Bearer {_quoted(token)}"',
        '\tproxy = ""',
    ]
    if co_author is not None:
        lines += ["[bunkhouse]", f'\tcoAuthor = "{_quoted(co_author)}"']
    if spec.repository is not None and spec.repository.work_branch is not None:
        # A first `git push` of the branch needs no more than that.
        lines += ["[push]", "\tautoSetupRemote = true"]
    ours = account.home / CONFIG
    repository = spec.repository
    if repository is not None:
        inside = ours.with_name("gitconfig-workspace")
        door = door_url(repository, doors_url)
        _write(
            account,
            inside,
            f'[url "{_quoted(door)}"]\n\tinsteadOf = "{_quoted(repository.url)}"\n',
        )
        for gitdir in (f"{workspace}/.git", f"{workspace}/.git/worktrees/"):
            lines += [f'[includeIf "gitdir:{_quoted(gitdir)}"]', f"\tpath = {inside.name}"]
    _write(account, ours, "\n".join(lines) + "\n")
    include = f"[include]\n\tpath = ~/{CONFIG}\n"
    own = account.home / ".gitconfig"
    text = own.read_text(errors="surrogateescape") if own.exists() else ""
    if include not in text:
        # First, so that whatever the agent or the image sets wins over it.
        own.write_text(include + text, errors="surrogateescape")
        account.own(own)


def forget_token(account: Account) -> None:
    """Remove what is written at each start, before anything of the agent's runs.

    In a copy of another session's sandbox it holds that one's token.
    """
    shutil.rmtree(account.home / CONFIG.parent, ignore_errors=True)


def _quoted(text: str) -> str:
    return "".join(filter(str.isprintable, text)).translate(_ESCAPES)


def _write(account: Account, path: Path, text: str) -> None:
    missing = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        account.own(folder)
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(text)
    account.own(new)
    new.replace(path)
