"""What can be wrong with a repository, each in one sentence with what to do about it."""

from starlette.responses import PlainTextResponse

from bunkhouse.errors import (
    BunkhouseError,
    Forbidden,
    GrantRevoked,
    InvalidInput,
    NotFound,
    UpstreamFailed,
)


def not_found(shown: str) -> NotFound:
    """The host has no such repository, or shows it only to those who sign in."""
    return NotFound(
        f"There is no public repository at {shown}.",
        remedy="Check the address; a private repository needs the sign-in at its host of whoever "
        "starts the session, which Bunkhouse knows for GitHub alone.",
        code="repository_not_found",
    )


def not_shown(shown: str) -> NotFound:
    """The host has no such repository for the person whose grant was shown to it."""
    return NotFound(
        f"There is no repository at {shown} that your account there may see.",
        remedy="Check the address, and what your token may see.",
        code="repository_not_found",
    )


def signed_out(shown: str) -> GrantRevoked:
    """The host does not take the grant."""
    return GrantRevoked(
        f"The host of {shown} does not accept your sign-in any more: sign in there again, or give "
        "a new token, in Settings; then try again."
    )


def no_push(shown: str) -> Forbidden:
    """The person whose grant was shown may not push there."""
    return Forbidden(
        f"Your account may not push to {shown}. The changes are in the session's Changes tab.",
        remedy="Ask its owner for the right to, or give a token with more rights.",
        code="push_not_allowed",
    )


def no_branch() -> Forbidden:
    """The session may not push anywhere."""
    return Forbidden(
        "This session can't push: it has no branch of its own. One gets it where whoever starts it "
        "is signed in at the repository's host. "
        "The changes are in the session's Changes tab, as a patch too.",
        code="push_not_possible",
    )


def not_a_repository(shown: str) -> InvalidInput:
    """Something is there, but it does not speak git's smart HTTP."""
    return InvalidInput(
        f"{shown} is not a git repository.",
        remedy="Give the address under which `git clone` finds it.",
        code="not_a_repository",
    )


def unreachable(shown: str, why: str) -> UpstreamFailed:
    """Nobody answered. `why` ends the sentence."""
    return UpstreamFailed(
        f"{shown} can't be reached: {why}.",
        remedy="Check the address, and that the hub's machine can reach it.",
        code="repository_unreachable",
    )


def failed(shown: str, status: int) -> UpstreamFailed:
    """The host answered with an error of its own."""
    busy = "asks to wait" if status == 429 else "has an error of its own"
    return UpstreamFailed(
        f"The host of {shown} {busy} ({status}).",
        remedy="Try again in a while.",
        code="repository_unreachable",
    )


def folder_gone(shown: str) -> NotFound:
    """A folder that was a repository is not there any more, or not as it was."""
    return NotFound(
        f"The folder {shown} is not a git repository any more.",
        remedy="Put it back, or choose another repository.",
        code="repository_not_found",
    )


def answer(error: BunkhouseError) -> PlainTextResponse:
    """A refusal as git shows it: `remote: ` before each line of a plain text."""
    return PlainTextResponse(f"{error.message}\n", error.status, {"x-bunkhouse-code": error.reason})
