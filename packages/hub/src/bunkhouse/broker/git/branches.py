"""Which branches a repository has, for the picker and for suggestions."""

import re
from pathlib import Path

from bunkhouse.broker.git import environment, refusals
from bunkhouse.broker.git.remote import Credential, RemoteGit, shown_to
from bunkhouse.broker.git.repositories import RepositoryRef, locate
from bunkhouse.errors import BunkhouseError

LIST_SECONDS = 20.0
"""How long a host may take to list its branches."""

_HEADS = "refs/heads/"

_REASONS: tuple[tuple[str, str], ...] = (
    (r"could not resolve host", "its name can't be resolved"),
    (r"connection refused|failed to connect|couldn't connect", "nothing accepts the connection"),
    (r"timed out|timeout", "it takes too long to answer"),
    (r"certificate|SSL|TLS", "its certificate is not trusted on the hub's machine"),
)


async def branches(
    ref: RepositoryRef, credential: Credential | None = None, *, seconds: float = LIST_SECONDS
) -> tuple[str | None, list[str]]:
    """The default branch (None where there is none yet) and all branches, by name.

    Raises:
        NotFound: there is no such repository, or not for whom the credential is.
        GrantRevoked: the host does not take the credential.
        InvalidInput: what is there is no repository.
        UpstreamFailed: its host can't be reached, or fails.
    """
    if ref.kind == "folder":
        return await _of_folder(ref, seconds)
    url, config = ref.url, list[tuple[str, str]]()
    if credential is not None:
        url, config = await _signed_in(ref, credential, seconds)
    result = await environment.run(
        "ls-remote",
        "--symref",
        "--",
        url,
        "HEAD",
        f"{_HEADS}*",
        env=environment.environment(config=config),
        seconds=seconds,
    )
    if result.late:
        raise refusals.unreachable(ref.url, f"no answer within {seconds:g} s")
    if result.code != 0:
        raise _explained(ref, result.err)
    default: str | None = None
    names: list[str] = []
    for line in result.out.splitlines():
        what, _, name = line.partition("\t")
        if name == "HEAD" and what.startswith(f"ref: {_HEADS}"):
            default = what.removeprefix(f"ref: {_HEADS}")
        elif name.startswith(_HEADS):
            names.append(name.removeprefix(_HEADS))
    if not result.out and credential is None:
        await _check(ref, seconds)
    return default, sorted(names)


async def _signed_in(
    ref: RepositoryRef, credential: Credential, seconds: float
) -> tuple[str, list[tuple[str, str]]]:
    """Where git is to ask, and with what: the credential goes to its own host and to no other.

    Git would send it along to where it is redirected to, so it is sent to where that leads.
    """
    remote = RemoteGit(connect_seconds=seconds, idle_seconds=seconds)
    try:
        url = await remote.base(ref, credential)
    finally:
        await remote.aclose()
    shown = [f"{name}: {value}" for name, value in shown_to(ref, url, credential)]
    config = [("http.followRedirects", "false"), *(("http.extraHeader", each) for each in shown)]
    return url, config


async def _check(ref: RepositoryRef, seconds: float) -> None:
    """Tell an empty repository from a web page, in which git also finds no branch."""
    remote = RemoteGit(connect_seconds=seconds, idle_seconds=seconds)
    try:
        await remote.check(ref)
    finally:
        await remote.aclose()


async def _of_folder(ref: RepositoryRef, seconds: float) -> tuple[str | None, list[str]]:
    located = await locate(Path(ref.url))
    if located is None:
        raise refusals.folder_gone(ref.url)
    git_dir = f"--git-dir={located.git_dir}"
    env = environment.environment(safe=map(str, located.places))
    listed = await environment.run(
        git_dir, "for-each-ref", "--format=%(refname)", _HEADS, env=env, seconds=seconds
    )
    head = await environment.run(git_dir, "symbolic-ref", "-q", "HEAD", env=env, seconds=seconds)
    if listed.late or listed.code != 0:
        raise refusals.folder_gone(ref.url)
    names = sorted(line.removeprefix(_HEADS) for line in listed.out.splitlines())
    default = head.out.strip().removeprefix(_HEADS)
    return default if default in names else None, names


def _explained(ref: RepositoryRef, said: str) -> BunkhouseError:
    if match := re.search(r"returned error: (\d{3})", said):
        status = int(match[1])
        if status not in (401, 403, 404, 410):
            return refusals.failed(ref.url, status)
        return refusals.not_found(ref.url)
    if re.search(r"not found|Authentication failed|could not read (Username|Password)", said):
        return refusals.not_found(ref.url)
    for pattern, why in _REASONS:
        if re.search(pattern, said, re.IGNORECASE):
            return refusals.unreachable(ref.url, why)
    if re.search(r"not valid: is this a git repository|unexpectedly said|redirect", said):
        return refusals.not_a_repository(ref.url)
    return refusals.unreachable(ref.url, "its host does not answer as a git host does")
