"""One turn, from its prompt to its end."""

import time
from typing import Literal

from pydantic import ValidationError

from bunkhouse.cli.answers import Answerer
from bunkhouse.cli.hub import Hub, HubRefused
from bunkhouse.cli.stream import Log
from bunkhouse.cli.terminal import stderr, stdout
from bunkhouse.cli.transcript import Transcript
from bunkhouse_protocol.events import (
    EVENT,
    Event,
    PermissionRequested,
    PromptQueued,
    PromptWithdrawn,
    QuestionAsked,
    StateChanged,
    TurnEnded,
)

Outcome = Literal["done", "failed", "stopped"]

_STOP_SECONDS = 20.0
"""How long a stop may take until we believe that it does not come."""


class Turn:
    """Follows the first turn of a session, in words or as JSON lines."""

    def __init__(self, hub: Hub, session_id: str, *, as_json: bool, interactive: bool) -> None:
        self._hub = hub
        self._session_id = session_id
        self._log = Log(hub, session_id)
        self._as_json = as_json
        self._transcript = Transcript(stdout(), blobs=f"{hub.url}/api/sessions/{session_id}/blobs/")
        self._answerer = Answerer(
            hub, session_id, stderr() if as_json else stdout(), interactive=interactive
        )
        self._prompt_id: str | None = None
        self._deadline: float | None = None

    def watch(self) -> Outcome:
        """Write what happens until the turn ends, and say how it did."""
        for item in self._log.follow():
            if item.data:
                if self._as_json:
                    print(item.data, flush=True)
                try:
                    event = EVENT.validate_json(item.data)
                except ValidationError:  # a hub newer than this command
                    continue
                outcome = self._take(event)
                if outcome is not None:
                    self._transcript.end()
                    return outcome
            if self._deadline is not None and time.monotonic() > self._deadline:
                break
        return "stopped"

    def stop(self) -> Outcome:
        """Stop the turn and watch it end; it may have been done before the word arrived."""
        self._transcript.end()
        self._deadline = time.monotonic() + _STOP_SECONDS
        try:
            self._hub.ask("POST", f"/api/sessions/{self._session_id}/stop")
            return self.watch()
        except HubRefused as error:
            self._transcript.problem(error.message, error.remedy)
        return "stopped"

    def _take(self, event: Event) -> Outcome | None:
        if not self._as_json:
            self._transcript.write(event)
        match event:
            case PromptQueued() if self._prompt_id is None:
                self._prompt_id = event.prompt_id
            case PermissionRequested():
                self._transcript.end()
                self._answerer.permission(event)
            case QuestionAsked():
                self._transcript.end()
                self._answerer.questions(event)
            case PromptWithdrawn() if event.prompt_id == self._prompt_id:
                return "stopped"
            case TurnEnded() if event.turn_id == self._prompt_id:
                # Whoever drives hands back in the page; here the turn is over.
                return "stopped" if event.outcome == "paused" else event.outcome
            case StateChanged(state="failed" | "ended"):
                return "failed"
            case _:
                pass
        return None
