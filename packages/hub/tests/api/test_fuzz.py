"""What the API's own description allows, and what it does not, as everybody: no 500, no leak."""

# pyright: basic
# The types of the library are not whole.

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.core.result import Ok

from .cast import EVERYBODY, Who, gathered
from .house import House

EXAMPLES = 4
"""Of each operation and kind of input."""

_TITLE, _PROMPT = "Quokka", "Numbat"
_GONE = {"deleteSession", "removeParticipant", "leaveSession"}
"""After these the session is not as the others need it: they get ids of none."""
_UNAVAILABLE = {502, 503, 504}
"""There is no engine here, and no forge."""


@pytest.mark.parametrize("who", EVERYBODY)
async def test_whatever_is_sent(house: House, who: Who) -> None:
    cast = await gathered(house)
    session_id = await cast.session(prompt=_PROMPT)
    await house.sessions.rename(session_id, title=_TITLE)
    async with house.client() as client:
        description = (await client.get("/api/openapi.json")).json()
        base = str(client.base_url).rstrip("/")
    fuzzed = _Fuzz(base, description, cast.headers(who), session_id, who)
    await asyncio.to_thread(fuzzed.run)
    assert fuzzed.sent > len(description["paths"])
    assert fuzzed.wrong == []


class _Fuzz:
    """Asks everything of a hub as one person, and notes what is wrong."""

    def __init__(
        self, base: str, description: Any, headers: dict[str, str], session_id: str, who: Who
    ) -> None:
        self._base = base
        self._schema = schemathesis.openapi.from_dict(description)
        self._headers = headers
        self._session_id = session_id
        self._outside = who in ("nobody", "stranger")
        self.sent = 0
        self.wrong: list[str] = []

    def run(self) -> None:
        """Ask; blocks."""
        for operation in self._operations():
            known = "{session_id}" in operation.path and _id(operation) not in _GONE
            path = {"session_id": self._session_id} if known else None
            for mode in GenerationMode:
                strategy = operation.as_strategy(mode, path_parameters=path)
                each = settings(
                    max_examples=EXAMPLES,
                    derandomize=True,
                    deadline=None,
                    database=None,
                    phases=[Phase.generate],
                    suppress_health_check=[
                        HealthCheck.too_slow,
                        HealthCheck.filter_too_much,
                        HealthCheck.data_too_large,
                    ],
                )(given(strategy)(self._ask))
                try:
                    each()
                except Unsatisfiable:
                    continue  # it takes nothing that could be wrong

    def _operations(self) -> Iterator[APIOperation]:
        for result in self._schema.get_all_operations():
            assert isinstance(result, Ok), result.err()
            operation = result.ok()
            answers = operation.definition.raw["responses"]
            if not any("text/event-stream" in each.get("content", {}) for each in answers.values()):
                yield operation

    def _ask(self, case: Case) -> None:
        answer = case.call(base_url=self._base, headers=self._headers, timeout=30)
        self.sent += 1
        what = f"{case.method} {case.formatted_path} {case.query} {case.body!r:.300}"
        status = answer.status_code
        if status >= 500 and status not in _UNAVAILABLE:
            self.wrong.append(f"{status}: {what}")
        if status >= 400 and "problem+json" not in answer.headers.get("content-type", [""])[0]:
            self.wrong.append(f"{status} without a problem: {what}")
        if self._outside and any(word in answer.text for word in (_TITLE, _PROMPT)):
            self.wrong.append(f"leaked: {what}")


def _id(operation: APIOperation) -> str:
    return str(operation.definition.raw["operationId"])
