"""What a person may give as a repository, and what is meant by it.

- a URL: `https://host/owner/name`, also as `git@host:owner/name` or `ssh://git@host/owner/name`,
  which become https, and `owner/name`, which is on GitHub;
- a folder of the hub's machine that is a git repository: bare, with a `.git`, or a worktree. It is
  for admins, and for others where the installation allows its parent (`repository_roots`).
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from bunkhouse.broker.git import environment, refusals
from bunkhouse.errors import Forbidden, InvalidInput, UpstreamFailed

_GIT_SECONDS = 10.0

_SHORTHAND = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]{0,38})/([A-Za-z0-9._-]{1,100})")
_SCP = re.compile(r"(?:[A-Za-z0-9._-]+@)?([A-Za-z0-9.-]+\.[A-Za-z0-9-]+|localhost):(?!//)/*(.+)")
_HOST_AND_PATH = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::\d+)?(?:/[^/\s]+){2,}/?")
_UNSAFE = re.compile(r"[^A-Za-z0-9._/-]+")


@dataclass(frozen=True)
class RepositoryRef:
    """A repository, understood."""

    kind: Literal["url", "folder"]
    url: str
    """The https (or http) URL; for a folder its absolute path, symbolic links resolved."""
    name: str
    """Short, for people: `owner/name`, or the folder's name."""
    door: str
    """Its path behind the git door (`/sandbox/git/{door}`); for a folder it does not tell where
    on the hub's machine that is."""


async def parse(text: str, *, person_is_admin: bool, roots: Sequence[Path]) -> RepositoryRef:
    """Understand what a person gave. Asks nobody on the network.

    Raises:
        InvalidInput: it is no repository; the sentence says why.
        Forbidden: a folder that this person may not use.
    """
    given = text.strip()
    if not given or any(not character.isprintable() for character in given):
        raise _not_understood(given)
    if given.startswith("file://"):
        given = unquote(urlsplit(given).path)
    if given.startswith(("/", "~")):
        return await _folder(given, person_is_admin=person_is_admin, roots=roots)
    return _url(given)


def recall(url: str) -> RepositoryRef:
    """The repository of a `RepositoryRef.url` that was understood, and allowed, before."""
    if url.startswith("/"):
        path = Path(url)
        name = path.parent.name if path.name == ".git" else path.name.removesuffix(".git")
        return RepositoryRef("folder", url, name or "repository", f"folder/{_safe(name)}")
    parts = urlsplit(url)
    path = parts.path.strip("/")
    owner_and_name = path.removesuffix(".git").split("/")[-2:]
    door = _safe(f"{parts.netloc.replace(':', '-')}/{path}")
    return RepositoryRef("url", url, unquote("/".join(owner_and_name)), door)


def _safe(text: str) -> str:
    segments = [_UNSAFE.sub("-", part).strip(".-") for part in text.split("/")]
    return "/".join(part for part in segments if part) or "repository"


# ── URLs ─────────────────────────────────────────────────────────────────────────────────────


def _url(given: str) -> RepositoryRef:
    if match := _SHORTHAND.fullmatch(given):
        given = f"https://github.com/{match[1]}/{match[2]}"
    elif "://" not in given and (match := _SCP.fullmatch(given)):
        given = f"https://{match[1]}/{match[2]}"
    elif "://" not in given and _HOST_AND_PATH.fullmatch(given):
        given = f"https://{given}"
    try:
        parts = urlsplit(given)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _not_understood(given) from error
    scheme = parts.scheme.lower()
    if scheme == "ssh":
        scheme, port = "https", None
    if scheme not in ("http", "https") or not host or not re.fullmatch(r"[A-Za-z0-9.:_-]+", host):
        raise _not_understood(given)
    if parts.password is not None or (parts.username and scheme == parts.scheme.lower()):
        raise InvalidInput(
            "The address has a user name or a password in it, which everybody in the session "
            "would see.",
            remedy="Give it without; only public repositories can be used for now.",
            code="credentials_in_url",
        )
    path = parts.path.strip("/")
    if host.lower() == "github.com":
        path = "/".join(path.split("/")[:2])  # the rest is a page within the repository
    if not path or ".." in path.split("/") or re.search(r"\s", path):
        raise _not_understood(given)
    shown_host = f"[{host}]" if ":" in host else host.lower()
    return recall(f"{scheme}://{shown_host}{f':{port}' if port else ''}/{path}")


def _not_understood(given: str) -> InvalidInput:
    return InvalidInput(
        f"`{given[:200]}` is neither the address of a repository nor an absolute folder."
        if given
        else "No repository was given.",
        remedy="Give `https://host/owner/name`, `owner/name` on GitHub, or `/path/to/folder`.",
        code="not_a_repository",
    )


# ── folders ──────────────────────────────────────────────────────────────────────────────────


async def _folder(given: str, *, person_is_admin: bool, roots: Sequence[Path]) -> RepositoryRef:
    try:
        path, *allowed = await asyncio.to_thread(_resolved, Path(given), *roots)
    except (OSError, RuntimeError) as error:
        raise _not_understood(given) from error
    if not person_is_admin and not _below(path, allowed):
        raise _forbidden(given)
    if not await asyncio.to_thread(path.is_dir):
        raise InvalidInput(
            f"There is no folder {given} on the hub's machine.",
            remedy="Check the path; it is one of the machine that the hub runs on.",
            code="not_a_repository",
        )
    found = await locate(path)
    if found is None:
        raise InvalidInput(
            f"The folder {given} is not a git repository.",
            remedy="Run `git init` and make a first commit there, or choose another folder.",
            code="not_a_repository",
        )
    # What a `.git` file or a worktree points to is served too, so it has to be allowed as well.
    if not person_is_admin and not all(_below(place, allowed) for place in found.places):
        raise _forbidden(given)
    if found.top != path:
        raise InvalidInput(
            f"The folder {given} is a part of the repository {found.top}.",
            remedy=f"Give {found.top}.",
            code="not_a_repository",
        )
    return recall(str(path))


def _below(path: Path, roots: Sequence[Path]) -> bool:
    return any(path.is_relative_to(root) for root in roots)


def _forbidden(given: str) -> Forbidden:
    return Forbidden(
        f"You may not use the folder {given}.",
        remedy="Folders of the hub's machine are for admins; an admin can allow more with "
        "BUNKHOUSE_REPOSITORY_ROOTS.",
        code="folder_not_allowed",
    )


def _resolved(*paths: Path) -> list[Path]:
    return [path.expanduser().resolve() for path in paths]


@dataclass(frozen=True)
class Located:
    """Where a repository's parts are, with symbolic links resolved."""

    asked: Path
    """The folder that was asked about."""
    top: Path
    """Its work tree's top folder; for a bare one, and within a `.git`, the git folder."""
    git_dir: Path
    common_dir: Path
    """The same as `git_dir` except in a worktree."""

    @property
    def places(self) -> tuple[Path, ...]:
        """What is read when it is served."""
        return self.top, self.git_dir, self.common_dir


async def locate(path: Path) -> Located | None:
    """Find the repository that a folder is, or is a part of; None where it is none.

    Raises:
        UpstreamFailed: git is not there, or does not answer.
    """
    parts = await _asked(path, "--git-dir", "--git-common-dir", "--is-inside-work-tree")
    if parts is None:
        return None
    git_dir, common_dir, inside = parts
    shown = await _asked(path, "--show-toplevel") if inside == "true" else None
    top = shown[0] if shown else git_dir
    places = await asyncio.to_thread(_resolved, path, *map(Path, (top, git_dir, common_dir)))
    return Located(*places)


async def _asked(path: Path, *questions: str) -> list[str] | None:
    env = environment.environment(safe=["*"])
    arguments = ("-C", str(path), "rev-parse", "--path-format=absolute", *questions)
    try:
        result = await environment.run(*arguments, env=env, seconds=_GIT_SECONDS)
    except OSError as error:
        raise UpstreamFailed(
            "Git is not installed on the hub's machine.", remedy="Install git.", code="no_git"
        ) from error
    if result.late:
        raise refusals.unreachable(str(path), "the disk does not answer")
    lines = result.out.splitlines()
    return lines if result.code == 0 and len(lines) == len(questions) else None
