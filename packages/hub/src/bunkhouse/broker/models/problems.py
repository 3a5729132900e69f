"""What went wrong between a session and a model, for people.

One clear sentence and what to do about it, as an event in the session's log. An agent asks again by
itself when a model fails, so repeats of a problem are gathered: one event for each turn.
"""

import re
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

import httpx2
import structlog

from bunkhouse.broker.models.providers import Provider
from bunkhouse_protocol.events import Event, Problem

log = structlog.stdlib.get_logger(__name__)

GATHER_SECONDS = 60.0
"""Where the turn is not known: for how long a problem is not told again."""

REMEMBERED = 2048

DETAIL_CHARS = 600


class Notes(Protocol):
    """Where a door writes down what people of a session should see."""

    async def note(self, session_id: str, event: Event) -> object:
        """Append the event to the session's log."""
        ...


class ProblemLog:
    """Writes problems into the log of their session, each once a turn."""

    def __init__(self, notes: Notes, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._notes = notes
        self._clock = clock
        self._told: OrderedDict[tuple[str, str | None, str, str], float] = OrderedDict()

    async def tell(
        self, session_id: str, turn_id: str | None, provider: Provider, problem: Problem
    ) -> None:
        """Note the problem unless it was told before. Never raises: the answer matters more."""
        key = (session_id, turn_id, provider.id, problem.code)
        now = self._clock()
        told = self._told.get(key)
        if told is not None and (turn_id is not None or now - told < GATHER_SECONDS):
            return
        self._told[key] = now
        self._told.move_to_end(key)
        while len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        try:
            await self._notes.note(session_id, problem)
        except Exception:
            log.exception("problem_not_noted", session=session_id, code=problem.code)


def refused(
    provider: Provider,
    status: int,
    *,
    model: str | None,
    said: str | None,
    retry_after: str | None,
    location: str | None = None,
) -> Problem | None:
    """The problem of an answer that is an error; None where it is the agent's own affair.

    `said` is the provider's own message, without keys; `location` where it redirected to.
    """
    detail = said[:DETAIL_CHARS] if said else None
    if status < 400:
        problem = _redirected(provider, status, location)
    elif status in (401, 403):
        problem = _unauthorized(provider, status, detail)
    elif status == 404:
        problem = _not_found(provider, model, detail)
    elif status in (402, 429):
        problem = _limited(provider, status, detail, retry_after)
    elif status >= 500:
        problem = Problem(
            code="model_failed",
            message=f"{provider.name} failed to answer ({status}).",
            remedy="The agent tries again by itself; if it goes on, choose another model.",
            detail=detail,
        )
    else:
        problem = None
    return problem


def _redirected(provider: Provider, status: int, location: str | None) -> Problem:
    return Problem(
        code="model_failed",
        message=f"{provider.name} answered with a redirection ({status}), which is not followed.",
        remedy=_address(provider, "Give the address that it names in"),
        detail=location,
    )


def _not_found(provider: Provider, model: str | None, detail: str | None) -> Problem:
    known = f"{provider.name} knows no model `{model}`."
    return Problem(
        code="model_not_found",
        message=known if model else f"{provider.name} answered not found (404).",
        remedy=_address(provider, "Choose another model, or check", otherwise="Choose another."),
        detail=detail,
    )


def _limited(
    provider: Provider, status: int, detail: str | None, retry_after: str | None
) -> Problem:
    if status == 402 or (detail and _is_about_money(detail)):
        return Problem(
            code="model_rate_limited",
            message=f"{provider.name} refuses: the account has no credit or quota left ({status}).",
            remedy=f"Check plan and billing of the account of {provider.key_variable}.",
            detail=detail,
        )
    wait = f" It asks to wait {retry_after} s." if retry_after and retry_after.isdigit() else ""
    return Problem(
        code="model_rate_limited",
        message=f"{provider.name} refused because of too many requests (429).{wait}",
        remedy="The agent tries again by itself; if it goes on, wait or choose another model.",
        detail=detail,
    )


def _unauthorized(provider: Provider, status: int, detail: str | None) -> Problem:
    variable = provider.key_variable
    if provider.scripted or variable is None:
        message = f"{provider.name} refused ({status}), as its script says."
        remedy = "Send another prompt."
    elif provider.key is None:
        message = f"{provider.name} asks for a key ({status})."
        remedy = f"Set {variable} in the hub's environment or .env, and start it again."
    elif status == 401:
        message = f"{provider.name} does not accept the key of {variable} (401)."
        remedy = f"Check {variable} in the hub's environment or .env, and start it again."
    else:
        message = f"{provider.name} does not allow this to the key of {variable} (403)."
        remedy = f"Check what the account of {variable} may use, or choose another model."
    return Problem(code="model_unauthorized", message=message, remedy=remedy, detail=detail)


_UNRESOLVED = re.compile(
    r"name or service not known|name resolution|no address|getaddrinfo", re.IGNORECASE
)


def why(error: Exception, seconds: tuple[float, float]) -> str:
    """Ends a sentence about a failed exchange. `seconds`: those to connect, and of silence."""
    said = str(error)
    reasons = (
        (isinstance(error, httpx2.ConnectTimeout), f"no connection within {seconds[0]:g} s"),
        (isinstance(error, httpx2.TimeoutException), f"it was silent for {seconds[1]:g} s"),
        (
            "CERTIFICATE" in said.upper(),
            "its certificate is not trusted on the hub's machine (see SSL_CERT_FILE)",
        ),
        (bool(_UNRESOLVED.search(said)), "its name can't be resolved"),
        (isinstance(error, httpx2.ConnectError), "nothing accepts the connection"),
        (
            isinstance(error, httpx2.UnsupportedProtocol | httpx2.InvalidURL),
            "its address is no http or https URL",
        ),
    )
    return next((reason for holds, reason in reasons if holds), "the connection was closed")


def unreachable(provider: Provider, reason: str, *, detail: str | None = None) -> Problem:
    """Nothing came back from the provider. `reason` ends the sentence "… can't be reached: "."""
    return Problem(
        code="model_unreachable",
        message=f"{provider.name} can't be reached: {reason}.",
        remedy=_address(provider, "Check that the hub's machine reaches it; its address is set by"),
        detail=detail,
    )


def broke_off(provider: Provider, reason: str) -> Problem:
    """An answer began and did not come to its end."""
    return Problem(
        code="model_broke_off",
        message=f"{provider.name} broke off in the middle of its answer: {reason}.",
        remedy="The agent tries again by itself; if it stopped, send the prompt again.",
    )


def failed_within(provider: Provider, said: str) -> Problem:
    """An error arrived within a stream that had begun well."""
    return Problem(
        code="model_failed",
        message=f"{provider.name} failed in the middle of its answer.",
        remedy="The agent tries again by itself; if it goes on, choose another model.",
        detail=said[:DETAIL_CHARS],
    )


def _address(provider: Provider, words: str, *, otherwise: str | None = None) -> str | None:
    return f"{words} {provider.url_variable}." if provider.url_variable else otherwise


def _is_about_money(said: str) -> bool:
    said = said.lower()
    return any(word in said for word in ("quota", "billing", "credit", "balance"))
