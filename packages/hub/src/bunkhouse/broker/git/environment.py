"""Running git on the hub's machine for somebody else.

A repository's own configuration can name programs to run, and the operator's can hold credentials:
neither is for a session. Git is given an environment made from nothing, no configuration but what
stands here, and no way to ask anybody anything.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

_Stream = TypeVar("_Stream", asyncio.StreamReader, asyncio.StreamWriter)

_PASSED = (
    "PATH",
    "TMPDIR",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
)
"""What git needs of the hub's environment: programs, and the way to the network."""

_CONFIGURATION = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.sshCommand", "false"),
    ("core.alternateRefsCommand", "true"),
    ("credential.helper", ""),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("uploadpack.allowFilter", "true"),
    ("uploadpack.allowAnySHA1InWant", "true"),
)
"""Wins over the repository's own. `uploadpack.packObjectsHook` is heeded by git only from outside
of a repository, where there is nothing."""

ENDING_SECONDS = 5.0
"""How long git may take to end when asked to."""


@dataclass(frozen=True)
class Result:
    """What a run of git came to."""

    code: int
    """Its exit code, negative for a signal; -1 where it took too long."""
    out: str
    err: str
    late: bool = False
    """Whether it was ended since it took too long."""


def environment(
    *,
    safe: Iterable[str] = (),
    protocol: str | None = None,
    config: Iterable[tuple[str, str]] = (),
) -> dict[str, str]:
    """The environment for git.

    `safe`: folders that git may work in though they belong to another user; `*` for any.
    `protocol`: what the client said in `Git-Protocol`. `config`: more of it, name and value; here
    it is seen by nobody else, as it would be among arguments.
    """
    env = {name: os.environ[name] for name in _PASSED if name in os.environ}
    if "GIT_SSL_CAINFO" not in env and "SSL_CERT_FILE" in env:
        env["GIT_SSL_CAINFO"] = env["SSL_CERT_FILE"]
    env |= {
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "false",
        "GIT_ALLOW_PROTOCOL": "http:https",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
    }
    entries = [*_CONFIGURATION, *(("safe.directory", folder) for folder in safe), *config]
    env["GIT_CONFIG_COUNT"] = str(len(entries))
    for place, (name, value) in enumerate(entries):
        env[f"GIT_CONFIG_KEY_{place}"] = name
        env[f"GIT_CONFIG_VALUE_{place}"] = value
    if protocol is not None:
        env["GIT_PROTOCOL"] = protocol
    return env


async def run(
    *arguments: str,
    env: dict[str, str],
    seconds: float,
    limit: Callable[[int], None] | None = None,
) -> Result:
    """Run git to its end, or for `seconds`. Raises OSError where there is no git.

    `limit` is called with the id of its process as soon as there is one.
    """
    process = await start(*arguments, env=env, stdin=asyncio.subprocess.DEVNULL)
    try:
        if limit is not None:
            limit(process.pid)
        out, err = await asyncio.wait_for(process.communicate(), seconds)
    except TimeoutError:
        return Result(-1, "", "", late=True)
    finally:
        await end(process)
    return Result(
        process.returncode if process.returncode is not None else -1,
        out.decode("utf-8", "replace"),
        err.decode("utf-8", "replace"),
    )


async def start(
    *arguments: str,
    env: dict[str, str],
    stdin: int = asyncio.subprocess.PIPE,
    stderr: int = asyncio.subprocess.PIPE,
) -> asyncio.subprocess.Process:
    """Start git in a process group of its own. Raises OSError where there is no git."""
    return await asyncio.create_subprocess_exec(
        "git",
        *arguments,
        stdin=stdin,
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
        env=env,
        cwd="/",
        start_new_session=True,
    )


def piped(stream: _Stream | None) -> _Stream:
    """A stream of a process that was started with a pipe there."""
    if stream is None:
        raise ValueError("The process was started without a pipe for this stream.")
    return stream


async def end(process: asyncio.subprocess.Process) -> None:
    """End git and what it started; asked first, so that it takes its temporary files away."""
    if process.returncode is not None:
        return
    _signal(process, signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), ENDING_SECONDS)
    except TimeoutError:
        _signal(process, signal.SIGKILL)
        await process.wait()


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
