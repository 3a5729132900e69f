"""Somebody who works with one session, whatever happens: prompts, waits, presses Retry."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

import httpx2

from ..hubs import Client, Event, HubProcess
from .script import KINDS, Kind, prompt_of

PATIENCE = 240.0
"""Seconds within which a session must have come to a right state again."""
_PAUSE = 0.1
"""Before a hub that did not answer is asked again."""


class Stuck(AssertionError):
    """A session did not come back."""


@dataclass
class Turn:
    """What was asked of the agent: one prompt, and its repetitions."""

    name: str
    kind: Kind
    prompts: list[str] = field(default_factory=list[str])
    """Ids, the first and then one for each Retry."""


class Actor:
    """Works in a thread of its own until `finish`; `log` is what it followed live."""

    def __init__(self, hub: HubProcess, number: int, repository: str, random: Random) -> None:
        self.number = number
        self.client = Client(hub)
        self.log: list[Event] = []
        self.arrived: list[float] = []
        """When each event came, by the clock of `time`."""
        self.turns: list[Turn] = []
        self.trouble: BaseException | None = None
        self._random = random
        self._more = threading.Condition()
        self._over = threading.Event()
        self._keys = 0
        body = {"model": "openai/chaos", "repository": repository}
        self.session: str = self._post("/api/sessions", body)["id"]
        self._following = threading.Thread(target=self._follow, daemon=True)
        self._following.start()
        self._working = threading.Thread(target=self._work, daemon=True)

    # ── from outside ─────────────────────────────────────────────────────────────────────────

    def calm(self) -> None:
        """One turn of each kind, undisturbed: what all others are held against."""
        for kind in KINDS:
            self.turn(kind)
            assert len(self.turns[-1].prompts) == 1, "a turn failed although nothing was damaged"

    def start(self) -> None:
        self._working.start()

    def finish(self) -> None:
        """Let it end what it does; then a last prompt must go well at once."""
        self._over.set()
        self._working.join(PATIENCE * 2)
        if self.trouble is not None:
            raise self.trouble
        if self._working.is_alive():
            raise Stuck(f"session {self.session} did not come to an end: {self.tail()}")
        self.turn("work")
        if len(self.turns[-1].prompts) != 1:
            raise Stuck(f"session {self.session}: the last prompt failed: {self.tail()}")

    def heard_after(self, moment: float, seconds: float) -> float | None:
        """Seconds from a moment until the agent was heard anew; None: not within `seconds`."""
        signs = ("agent_message_chunk", "tool_call", "tool_output_chunk")

        def sign() -> float | None:
            for event, came in zip(reversed(self.log), reversed(self.arrived), strict=True):
                if came < moment:
                    break
                if event["type"] in signs and _time(event) > moment:
                    found[0] = came
            return found[0] or None

        found = [0.0]
        deadline = time.monotonic() + seconds
        with self._more:
            while (came := sign()) is None:
                if self.trouble is not None or not self._more.wait(deadline - time.monotonic()):
                    return None
        return came - moment

    def tail(self) -> str:
        """The end of the log, for people."""
        return "\n".join(str({k: v for k, v in e.items() if v})[:200] for e in self.log[-12:])

    # ── its work ─────────────────────────────────────────────────────────────────────────────

    def _work(self) -> None:
        try:
            while not self._over.is_set():
                kinds = self._random.choices(KINDS, k=self._random.choice((1, 1, 2)))
                begun = [self._say(kind) for kind in kinds]
                for turn in begun:
                    self._until_done(turn)
        except BaseException as trouble:
            self.trouble = trouble
            with self._more:
                self._more.notify_all()

    def turn(self, kind: Kind) -> None:
        self._until_done(self._say(kind))

    def _say(self, kind: Kind) -> Turn:
        turn = Turn(f"{self.number}-{len(self.turns) + 1:03}", kind)
        self.turns.append(turn)
        path = f"/api/sessions/{self.session}/prompts"
        turn.prompts.append(self._post(path, {"text": prompt_of(turn.name, kind)})["id"])
        return turn

    def _until_done(self, turn: Turn) -> None:
        """Wait for its end, and have it tried again as often as it fails."""
        deadline = time.monotonic() + PATIENCE
        while True:
            end = self._end_of(turn.prompts[-1], deadline)
            if end["outcome"] == "done":
                return
            path = f"/api/sessions/{self.session}/prompts/{turn.prompts[-1]}/retry"
            turn.prompts.append(self._post(path, None)["id"])

    def _end_of(self, prompt: str, deadline: float) -> Event:
        set_up_again = 0
        while True:
            with self._more:
                for event in reversed(self.log):
                    if event["type"] == "turn_ended" and event["turn_id"] == prompt:
                        return event
                state = next((e for e in reversed(self.log) if e["type"] == "state_changed"), None)
                if state is None or state["state"] != "failed" or state["seq"] == set_up_again:
                    if time.monotonic() > deadline:
                        raise Stuck(f"session {self.session} does not go on:\n{self.tail()}")
                    self._more.wait(1.0)
                    continue
            set_up_again = state["seq"]  # somebody presses "Try again"
            self._post(f"/api/sessions/{self.session}/retry", {}, refused=409)

    def _post(self, path: str, body: Any, *, refused: int = 0) -> Any:
        """Until it is answered, each time with the same key."""
        self._keys += 1
        key = f"{self.number}-{self._keys}"
        return self._until_answered(
            lambda: self.client.http.post(path, json=body, headers={"Idempotency-Key": key}),
            refused,
        )

    def _until_answered(self, ask: Callable[[], httpx2.Response], refused: int) -> Any:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                answer = ask()
                if answer.is_success or answer.status_code == refused:
                    return answer.json() if answer.content else None
                if answer.status_code < 500:
                    raise AssertionError(f"{answer.request.url}: {answer.text}")
            except httpx2.HTTPError:
                pass
            if time.monotonic() > deadline:
                raise Stuck("the hub does not answer")
            time.sleep(_PAUSE)  # the hub is away, or its disk is full

    def _follow(self) -> None:
        while True:  # as a daemon: until the program ends
            after = self.log[-1]["seq"] if self.log else 0
            try:
                for event in self.client.stream(self.session, after):
                    with self._more:
                        self.log.append(event)
                        self.arrived.append(time.time())
                        self._more.notify_all()
            except (httpx2.HTTPError, AssertionError):
                time.sleep(_PAUSE)  # the hub is away


def _time(event: Event) -> float:
    return datetime.fromisoformat(event["at"]).timestamp()
