"""The questions that the hub asks at a sandbox's gateway. All raise what `asking.ask` does."""

from pathlib import Path
from urllib.parse import quote

from bunkhouse.sessions.sandbox_gateway.asking import Question, ask, tell
from bunkhouse_protocol.events import ServiceName
from bunkhouse_protocol.gateway import (
    Changes,
    EditorSettings,
    Handover,
    HandoverRequest,
    Published,
    PublishRequest,
    Services,
    ServiceStart,
    ServiceStatus,
    Terminal,
    Terminals,
)

_MEBIBYTE = 1024 * 1024
_GIT_SECONDS = 60.0
_PUSH_SECONDS = 300.0
_START_SECONDS = 180.0
_STOP_SECONDS = 60.0
_ESCAPED = 6
"""JSON may spell a byte in six characters."""

_NO_TERMINAL = "There is no such terminal."


async def changes(socket: Path, *, limit: int) -> Changes:
    """How the workspace differs from where it began; of the diff at most `limit` bytes."""
    question = Question(
        "GET",
        f"/changes?limit={limit}",
        "The sandbox did not tell its changes.",
        code="changes_unreadable",
        seconds=_GIT_SECONDS,
        limit=_ESCAPED * limit + 16 * _MEBIBYTE,
    )
    return await ask(socket, question, Changes)


async def handover(socket: Path, request: HandoverRequest) -> Handover:
    """What a person did since they began to drive."""
    question = Question(
        "POST",
        "/handover",
        "The sandbox did not tell what was done.",
        code="handover_unreadable",
        body=request,
        seconds=_GIT_SECONDS,
        limit=_ESCAPED * request.limit + 16 * _MEBIBYTE,
        missing="The sandbox does not know how the workspace was before.",
    )
    return await ask(socket, question, Handover)


async def publish(socket: Path, request: PublishRequest) -> Published:
    """Commit what is not committed, and push the session's branch."""
    question = Question(
        "POST",
        "/publish",
        "The sandbox did not push its work.",
        code="not_published",
        body=request,
        seconds=_PUSH_SECONDS,
        conflicts=frozenset({"nothing_to_publish", "not_committed", "push_refused"}),
    )
    return await ask(socket, question, Published)


async def set_up(socket: Path) -> None:
    """Run the repository's set-up commands again; answers when they have begun."""
    question = Question(
        "POST",
        "/setup",
        "The sandbox did not run its set-up.",
        code="not_set_up",
        missing="This session's sandbox is of before there were set-up commands.",
        conflicts=frozenset({"busy", "nothing_to_set_up"}),
    )
    await tell(socket, question)


# ── services ─────────────────────────────────────────────────────────────────────────────────


async def services(socket: Path) -> Services:
    """What runs beside the agent, what it costs, and what listens."""
    return await ask(
        socket,
        Question("GET", "/services", "The sandbox did not tell what runs in it."),
        Services,
    )


async def start_service(socket: Path, name: ServiceName, start: ServiceStart) -> ServiceStatus:
    """Start a service; answers once it is ready."""
    question = Question(
        "POST",
        f"/services/{name}",
        f"The {name} could not be started.",
        code="service_failed",
        body=start,
        seconds=_START_SECONDS,
    )
    return await ask(socket, question, ServiceStatus)


async def stop_service(socket: Path, name: ServiceName) -> None:
    """Stop a service; answers once it has stopped."""
    question = Question(
        "DELETE",
        f"/services/{name}",
        f"The {name} could not be stopped.",
        code="service_failed",
        seconds=_STOP_SECONDS,
    )
    await tell(socket, question)


async def editor_settings(socket: Path) -> EditorSettings:
    """What the running editor's settings are, beside the defaults."""
    question = Question("GET", "/settings/editor", "The sandbox did not tell the settings.")
    return await ask(socket, question, EditorSettings)


# ── terminals ────────────────────────────────────────────────────────────────────────────────


async def terminals(socket: Path) -> Terminals:
    """The sandbox's terminals."""
    return await ask(
        socket, Question("GET", "/terminals", "The sandbox did not tell its terminals."), Terminals
    )


async def open_terminal(socket: Path) -> Terminal:
    """One more."""
    question = Question("POST", "/terminals", "The terminal could not be opened.")
    return await ask(socket, question, Terminal)


async def end_terminal(socket: Path, terminal_id: str) -> None:
    """End one, with what runs in it."""
    question = Question(
        "DELETE",
        f"/terminals/{quote(terminal_id, safe='')}",
        "The terminal could not be ended.",
        missing=_NO_TERMINAL,
    )
    await tell(socket, question)
