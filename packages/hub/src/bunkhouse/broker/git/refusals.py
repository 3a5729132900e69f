"""What can be wrong with a repository, each in one sentence with what to do about it."""

from starlette.responses import PlainTextResponse

from bunkhouse.errors import BunkhouseError, InvalidInput, NotFound, UpstreamFailed


def not_found(shown: str) -> NotFound:
    """The host has no such repository, or shows it only to those who sign in."""
    return NotFound(
        f"There is no public repository at {shown}.",
        remedy="Check the address; a private repository needs a sign-in at its host, which "
        "Bunkhouse does not have.",
        code="repository_not_found",
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
