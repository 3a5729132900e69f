"""What a session may push: to its own branch, commits of its own people, and nothing else.

A push is taken into quarantine on the hub. Only if every reference and every new commit is allowed,
the hub sends the very same pack on to the host, with the grant of the person who started the
session. Otherwise the client is told why, reference by reference, and the host is never asked.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bunkhouse.broker.git.packets import Command, Push, References
from bunkhouse.broker.git.quarantine import Commit, Identity

CAPABILITIES = ("report-status", "side-band-64k", "delete-refs", "ofs-delta", "quiet")
"""What is offered to clients, where the host offers it: what changes no more than how things are
told."""

_SHOWN = 5
"""Commits that a refusal names."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whose sandbox knocks, as far as git is concerned."""

    session_id: str
    author_id: str
    """Who started the session: with their grant the hub goes to the host."""
    branch: str | None = None
    """The session's own; None: it may not push."""
    base_commit: str | None = None
    """Where the sandbox says that its work began."""
    people: Callable[[], Awaitable[frozenset[Identity]]] | None = None
    """Names and addresses that commits of the session may have."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing of a push is done."""

    reasons: dict[str, str]
    """For each reference."""
    said: tuple[str, ...]
    """Lines for the person or agent at the client."""


def offered(references: References, base_commit: str | None) -> References:
    """What a client is told that the host has, and what it may use.

    Packs are to stand alone, since the hub has nothing that they could refer to. `base_commit` is
    named as one that the host has, so that the client need not send what came before it, also
    where no branch of the host ends there any more.
    """
    theirs = {each.partition("=")[0]: each for each in references.capabilities}
    kept = tuple(theirs[name] for name in (*CAPABILITIES, "object-format") if name in theirs)
    known = ((base_commit, ".have"),) if base_commit else ()
    return References((*known, *references.refs), (*kept, "no-thin", "agent=bunkhouse"))


def wanted_of(push: Push) -> list[str]:
    """Which capabilities of a client's are passed on to the host."""
    names = (*CAPABILITIES, "object-format")
    return [each for each in push.capabilities if each.partition("=")[0] in names]


def check_commands(push: Push, branch: str) -> Refusal | None:
    """Whether all references are the session's own."""
    own = f"refs/heads/{branch}"
    bad = {command.ref: _why_not(command) for command in push.commands if command.ref != own}
    if not bad:
        return None
    reasons = {
        command.ref: bad.get(command.ref, "not pushed, since another was refused")
        for command in push.commands
    }
    said = [f"{_short(ref)}: {why}." for ref, why in bad.items()]
    said += [
        f"This session may push to {branch} and to nothing else. For what is checked out:",
        f"    git push origin HEAD:{branch}",
    ]
    return Refusal(reasons, tuple(said))


def strangers(commits: Sequence[Commit], people: frozenset[Identity]) -> list[Commit]:
    """Commits of which somebody else is said to be the author or committer."""
    return [commit for commit in commits if not commit.people <= people]


def refuse_strangers(push: Push, found: Sequence[Commit], people: frozenset[Identity]) -> Refusal:
    """The refusal of commits that say that somebody else made them."""
    said = [
        f"{commit.name[:10]} says that {_shown(commit.people - people)} made it."
        for commit in found[:_SHOWN]
    ]
    if len(found) > _SHOWN:
        said.append(f"So do {len(found) - _SHOWN} more.")
    allowed = ", ".join(sorted(map(_name, people)))
    said += [
        f"New commits must be by the people of this session: {allowed}",
        "git has the right name: for the last commit, `git commit --amend --reset-author`;",
        "for more, `git rebase --exec 'git commit --amend --no-edit --reset-author' UPSTREAM`.",
    ]
    return refuse_all(push, "a commit has a name that is not of this session", said)


def refuse_all(push: Push, why: str, said: Sequence[str]) -> Refusal:
    """The refusal of all references for one reason."""
    return Refusal({command.ref: why for command in push.commands}, tuple(said))


def _why_not(command: Command) -> str:
    if not command.ref.startswith("refs/heads/"):
        return "a session pushes branches, no tags and nothing else"
    return "not this session's branch"


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/").removeprefix("refs/")


def _shown(people: set[Identity | None]) -> str:
    return " and ".join(sorted("nobody" if each is None else _name(each) for each in people))


def _name(identity: Identity) -> str:
    name, email = identity
    return f"{name} <{email}>".encode("utf-8", "replace").decode()
