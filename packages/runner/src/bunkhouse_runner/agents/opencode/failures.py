"""What went wrong with a model, as one sentence for people and a code for machines."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from bunkhouse_runner.agents.opencode.tools import Json, one_line

_DETAIL_CHARACTERS = 300

CONNECTION = re.compile(
    r"cannot connect|unable to connect|connection (?:reset|refused|closed|error|lost)"
    r"|socket (?:connection was closed|hang up)|terminated|fetch failed|network[ -_]?error"
    r"|econnre(?:set|fused)|etimedout|sse read timed out|decompression failed|headers timed out",
    re.IGNORECASE,
)
"""What OpenCode says when the way to the model broke, not the model itself."""

NOT_FOUND = re.compile(
    r"\b404\b|not found|no such model|does ?n[o']t exist|unknown model", re.IGNORECASE
)
"""OpenCode retries this with OpenAI's dialect; no retry will help."""

_LIMITED = re.compile(r"\b429\b|rate|too many|quota|slow down|exhausted", re.IGNORECASE)

_UNAUTHORIZED = ("model_unauthorized", "The model provider refused the key")
_LIMITS = ("model_rate_limited", "The model provider refused because of its limits")
_TOO_LONG = ("context_overflow", "The conversation is too long for the model")
_STATUSES = {
    401: _UNAUTHORIZED,
    402: _LIMITS,
    403: _UNAUTHORIZED,
    404: ("model_not_found", "The model provider does not know this model"),
    413: _TOO_LONG,
    429: _LIMITS,
}
_NAMED = {
    "APIError": ("model_failed", "The model failed"),
    "ContentFilterError": ("model_refused", "The model provider blocked the answer"),
    "ContextOverflowError": _TOO_LONG,
    "MessageOutputLengthError": ("output_limit", "The model reached the limit of its answer"),
    "ProviderAuthError": _UNAUTHORIZED,
}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a turn failed."""

    code: str
    message: str

    @property
    def reconnectable(self) -> bool:
        """Whether the same may go well once the way to the model is there again."""
        return self.code == "model_unreachable"


AGENT_DIED = Failure(
    "agent_died",
    "The agent's process ended in the middle of the turn. It was started again with the session"
    " as it was: send the prompt once more, or ask it to go on.",
)
REQUEST_LOST = Failure(
    "agent_failed", "A request of the agent to people was lost. Ask it to go on, and it asks again."
)
INDIGESTIBLE = frozenset({"model_refused", "context_overflow"})
"""Codes of failures that come again with each turn while the conversation holds their cause."""
STOPPED_BY_AGENT = Failure("agent_stopped", "The agent ended the turn by itself without a reason.")


def of_error(error: Json) -> Failure:
    """Read an error of OpenCode's: `{"name": …, "data": {"message": …, "statusCode"?: …}}`."""
    name = str(error.get("name", ""))
    data = cast("dict[str, Any]", error.get("data") or {})
    said = _said(str(data.get("message") or name))
    if name == "MessageAbortedError":
        return STOPPED_BY_AGENT
    if name == "APIError" and isinstance(data.get("statusCode"), int):
        return _of_status(int(data["statusCode"]), said)
    if name in _NAMED and not CONNECTION.search(said):
        code, sentence = _NAMED[name]
        return Failure(code, f"{sentence}: {said}")
    if CONNECTION.search(said):
        return unreachable(said)
    if "model not found" in said.lower():
        return Failure("model_not_found", said)
    return Failure("agent_failed", f"The agent failed: {said}")


def of_retries(attempts: int, said: str) -> Failure:
    """Say why we no longer wait: OpenCode tried `attempts` times and last heard `said`."""
    said = _said(said)
    times = "once" if attempts == 1 else f"{attempts} times"
    if CONNECTION.search(said):
        return unreachable(said)
    if NOT_FOUND.search(said):
        return Failure("model_not_found", f"The model provider does not know this model: {said}")
    if _LIMITED.search(said):
        return Failure(
            "model_rate_limited",
            f"The model provider refused {times} because of its limits: {said}",
        )
    return Failure("model_failed", f"The model failed {times}: {said}")


def long_pause(until: datetime, said: str) -> Failure:
    """Say that the provider wants to be left alone for too long to wait."""
    moment = f"{until:%Y-%m-%d %H:%M} UTC"
    return Failure(
        "model_rate_limited",
        f"The model provider wants no further request before {moment}: {_said(said)}",
    )


def broke_off(times: int) -> Failure:
    """Say that answers end without their end mark."""
    return Failure(
        "model_broke_off",
        f"The model's answer broke off {times} times in a row, without saying that it is complete.",
    )


def blind(model: str, names: list[str]) -> Failure:
    """Say that a model reads no pictures."""
    return Failure(
        "attachment_unsupported",
        f"The model `{model}` reads no pictures, so it was not given {', '.join(names)}. Choose "
        "another model, or send the prompt without.",
    )


def unreadable(names: list[str]) -> Failure:
    """Say that the agent can't take what was attached."""
    return Failure(
        "attachment_unreadable",
        f"The agent can't read {', '.join(names)}: the picture is broken, or too large. Send the "
        "prompt again without it, or with another.",
    )


def unreachable(said: str) -> Failure:
    """Say that there was no way to the model."""
    return Failure("model_unreachable", f"The connection to the model failed: {said}")


def _of_status(status: int, said: str) -> Failure:
    code, sentence = _STATUSES.get(status) or (
        ("model_failed", "The model provider failed")
        if status >= 500
        else ("model_refused", "The model provider refused the request")
    )
    return Failure(code, f"{sentence} ({status}): {said}")


def _said(text: str) -> str:
    # Bun's fetch ends its messages with advice for programmers.
    text = text.split(". For more information, pass `verbose", 1)[0]
    line = one_line(text, _DETAIL_CHARACTERS)
    return line if line.endswith((".", "…", "!", "?")) else f"{line}."
