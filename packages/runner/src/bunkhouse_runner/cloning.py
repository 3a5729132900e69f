"""Reading what `git clone` says: how far it is, and why it failed."""

import difflib
import re
import time
from collections.abc import Callable, Sequence

from bunkhouse_protocol.link import Repository
from bunkhouse_runner.errors import CloneFailed

Report = Callable[[str, float | None], None]
"""Takes what is being done, in words, and how much of it is done, from 0 to 1."""

CLONE_ATTEMPTS = 5
"""A clone that breaks off since the hub restarts is tried again; 7.5 s of pauses in all."""

REPORT_SECONDS = 0.25

_PROGRESS = re.compile(
    r"(?P<phase>[A-Z][a-z]+ [a-z]+): +(?P<percent>\d+)% \((?P<done>\d+)/(?P<all>\d+)\)"
)
_PHASES: dict[str, tuple[float, float]] = {
    "Counting objects": (0.0, 0.05),
    "Compressing objects": (0.05, 0.1),
    "Receiving objects": (0.1, 0.75),
    "Resolving deltas": (0.75, 0.9),
    "Updating files": (0.9, 1.0),
}
"""How much of the whole each phase is taken for."""


class Progress:
    """Turns git's progress lines into reports, some a second at most."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._next = 0.0
        self._phase = ""

    def hear(self, line: str) -> None:
        """Take a line of git's stderr."""
        match = _PROGRESS.search(line)
        if match is None or match["phase"] not in _PHASES:
            return
        now = time.monotonic()
        if match["phase"] == self._phase and now < self._next:
            return
        self._next, self._phase = now + REPORT_SECONDS, match["phase"]
        start, end = _PHASES[match["phase"]]
        done, whole = int(match["done"]), int(match["all"])
        self._report(
            f"{match['phase']}: {done:,} of {whole:,}",
            round(start + (end - start) * int(match["percent"]) / 100, 3),
        )


_PASSING = re.compile(
    r"early EOF|RPC failed|Failed to connect|Connection (reset|refused)|Empty reply"
    r"|unexpected disconnect|returned error: 50[234]|Recv failure|hung up unexpectedly"
    r"|transfer closed"
)


def passing(said: str) -> bool:
    """Whether a failure is of a kind that passes by itself, such as a hub that restarts."""
    return _PASSING.search(said) is not None and not _remote_words(said)


def no_such_branch(said: str) -> bool:
    """Whether the repository was there, but not the branch."""
    return re.search(r"Remote branch .* not found", said) is not None


_REASONS: tuple[tuple[str, str, str, str], ...] = (
    (
        r"No space left on device|Disk quota exceeded|unable to write",
        "disk_full",
        "the sandbox's disk is full",
        "Free space on the hub's machine, or choose a smaller repository, and try again.",
    ),
    (
        r"returned error: 40[13]|Authentication failed|could not read Username",
        "clone_failed",
        "the hub may not read it",
        "Check that the repository is public, or that the hub has access to it.",
    ),
    (
        r"not found|returned error: 404|does not appear to be a git repository",
        "clone_failed",
        "there is no such repository",
        "Check the address of the repository.",
    ),
    (
        r"already exists and is not an empty directory",
        "clone_failed",
        "there are other files in the workspace",
        "Start a new session.",
    ),
    (
        r"",
        "clone_failed",
        "its host can't be reached",
        "Check the address, and that the hub's machine can reach it; then try again.",
    ),
)


def explain(
    repository: Repository, door: str, said: str, branches: Sequence[str] | None = None
) -> CloneFailed:
    """Say why a clone failed. `branches` is given where the wanted one was not among them."""
    shown = said.replace(door, repository.url)
    detail = "\n".join(line for line in shown.splitlines() if not _PROGRESS.search(line))
    if branches is not None:
        wanted = repository.branch or ""
        close = difflib.get_close_matches(wanted, branches, n=3, cutoff=0.5)
        also = [name for name in ("main", "master") if name in branches and name not in close]
        names = [*close, *also][:3] or sorted(branches)[:3]
        return CloneFailed(
            "branch_not_found",
            f"The clone failed: no branch `{wanted}` in {repository.url}.",
            remedy=f"Did you mean {_any_of(names)}?" if names else None,
            suggestions=names,
        )
    words = _remote_words(shown)
    code, reason, remedy = next(rest for pattern, *rest in _REASONS if re.search(pattern, shown))
    # Where the hub says why by itself, it knows better.
    message = words or f"{repository.url}: {reason}."
    return CloneFailed(code, f"The clone failed: {message}", remedy=remedy, detail=detail)


def _remote_words(said: str) -> str:
    """What the door itself said of its refusal; git puts `remote: ` before it."""
    lines = [line.removeprefix("remote:").strip() for line in said.splitlines()
             if line.startswith("remote:")]  # fmt: skip
    words = " ".join(line for line in lines if line and not _PROGRESS.search(line))
    noise = re.search(r"Enumerating objects|Total \d+|\d+% ", words)
    return "" if noise else words


def _any_of(names: Sequence[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
