"""What hub and page must agree on: where a log is begun in the middle, what was before it counts.

`openings.json` holds logs, and for each of their places what the hub gives as its opening. A test
here holds the hub to it; one beside the page's fold (`web/src/log/opening.test.ts`) holds that
opening and rest come to the same as the whole. Write it anew with
`.venv/bin/python -m tests.contract.openings`.
"""

import asyncio
import json
import random
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from bunkhouse.bus.memory import MemoryBus
from bunkhouse.sessions import Journal
from bunkhouse.sessions.opening import Opening, opening_at
from bunkhouse.store import Database
from bunkhouse_protocol import events as e

FILE = Path(__file__).with_name("openings.json")
_SEEDS = range(3)
_LENGTH = 120
_START = datetime(2026, 1, 2, tzinfo=UTC)


class _Story:
    """A session's life at random, as a hub would write it down."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._ids = 0
        self._waiting: list[str] = []
        self._state: e.SessionState = "queued"
        self._place = 0
        self._begun: dict[str, int] = {}

    def events(self) -> Iterator[e.Event]:
        for event in self._tell():
            self._place += 1
            if isinstance(event, e.TurnStarted):
                self._begun[event.turn_id] = self._place
            yield event

    def _tell(self) -> Iterator[e.Event]:
        yield e.SessionCreated(
            repository="/repos/a", branch="main", model="demo/demo", title="t", author="Ada"
        )
        yield self._prompt()
        yield from self._set_up()
        while True:
            yield from self._random.choice(
                (self._turn, self._turn, self._aside, self._drive, self._rewind)
            )()
            if self._random.random() < 0.15:
                yield e.Notice(code="sandbox_lost", message="It is started again.")
                yield from self._set_up()

    def _id(self, prefix: str) -> str:
        self._ids += 1
        return f"{prefix}{self._ids}"

    def _move(self, state: e.SessionState) -> e.Event:
        moved = e.StateChanged(previous=self._state, state=state)
        self._state = state
        return moved

    def _prompt(self) -> e.Event:
        self._waiting.append(self._id("p"))
        return e.PromptQueued(prompt_id=self._waiting[-1], text="go", author="Ada")

    def _set_up(self) -> Iterator[e.Event]:
        yield self._move("queued")
        yield self._move("starting")
        for name in ("container", "clone"):
            yield e.Stage(name=name, status="started")
            yield e.Stage(name=name, status="done", ms=5)
        yield self._move("idle")

    def _turn(self) -> Iterator[e.Event]:
        if not self._waiting:
            yield self._prompt()
        turn = self._waiting.pop(0)
        yield self._move("working")
        yield e.TurnStarted(turn_id=turn, model="demo/demo")
        for _ in range(self._random.randint(1, 6)):
            deed = self._random.choice(
                (self._text, self._tool, self._ask, self._question, self._aside)
            )
            yield from deed()
        if self._random.random() < 0.5:
            yield e.WorkspaceChanged(
                additions=self._ids, deletions=1, files=[e.ChangedFile(path="a", status="added")]
            )
        yield e.TurnEnded(
            turn_id=turn,
            outcome=self._random.choice(("done", "failed", "stopped")),
            input_tokens=self._random.choice((None, 10)),
            output_tokens=7,
            cost=self._random.choice((None, 0.25)),
        )
        yield self._move("idle")

    def _text(self) -> Iterator[e.Event]:
        message = self._id("m")
        for n in range(self._random.randint(1, 4)):
            yield e.AgentMessageChunk(message_id=message, text=f"word-{n} ")

    def _tool(self) -> Iterator[e.Event]:
        call = self._id("c")
        yield e.ToolCall(tool_call_id=call, tool="bash", kind="execute", title="make")
        yield e.ToolOutputChunk(tool_call_id=call, text="a line\n")
        yield e.ToolOutputChunk(tool_call_id=call, text="another\n")
        yield e.ToolCallUpdate(tool_call_id=call, status="completed", output="a line\nanother\n")

    def _ask(self) -> Iterator[e.Event]:
        request = self._id("r")
        yield e.PermissionRequested(request_id=request, permission="bash", title="make")
        yield self._move("waiting")
        yield from self._aside()
        yield e.PermissionResolved(request_id=request, reply="once", by="Ada")
        yield self._move("working")

    def _question(self) -> Iterator[e.Event]:
        request = self._id("q")
        yield e.QuestionAsked(request_id=request, questions=[e.Question(question="Which?")])
        yield self._move("waiting")
        yield e.QuestionResolved(request_id=request, answers=[["this"]], by="Ada")
        yield self._move("working")

    def _aside(self) -> Iterator[e.Event]:
        """What happens beside turns, and within them."""
        pick = self._random.random
        if pick() < 0.3 and len(self._waiting) < 3:
            yield self._prompt()
        if pick() < 0.1 and self._waiting:
            yield e.PromptWithdrawn(prompt_id=self._waiting.pop())
        if pick() < 0.2 and self._waiting:
            prompt = self._random.choice(self._waiting)
            yield e.PromptEdited(prompt_id=prompt, text=self._id("go "), by="Ada")
        if pick() < 0.2 and self._waiting:
            prompt = self._waiting.pop(self._random.randrange(len(self._waiting)))
            place = self._random.randint(0, len(self._waiting))
            self._waiting.insert(place, prompt)
            yield e.PromptMoved(prompt_id=prompt, position=place, by="Ada")
        if pick() < 0.3:
            entry = e.PlanEntry(content=self._id("do "), status="pending")
            yield e.Plan(entries=[entry])
        if pick() < 0.3:
            host = self._random.choice(("a.example", "b.example"))
            yield e.EgressRefused(host=host, port=443, reason="no", count=2)
        if pick() < 0.3:
            ports = self._random.sample((3000, 5173, 8000), self._random.randint(0, 3))
            yield e.PortsChanged(ports=[e.Port(port=port) for port in ports])
        if pick() < 0.3:
            name: Literal["editor", "desktop"] = self._random.choice(("editor", "desktop"))
            for state in ("starting", "starting", self._random.choice(("ready", "failed"))):
                yield e.ServiceChanged(name=name, state=state)

    def _drive(self) -> Iterator[e.Event]:
        yield e.DriveRequested(by="Ada")
        yield e.DriveStarted(snapshot="4f2c91e")
        yield from self._aside()
        yield e.DriveEnded(by="Ada", files=[], commands=[])

    def _rewind(self) -> Iterator[e.Event]:
        """Back to before some turn, perhaps further back, perhaps forward; or not at all."""
        if not self._begun or self._waiting:
            return
        for _ in range(self._random.randint(1, 2)):
            turn = self._random.choice(list(self._begun))
            yield e.RewindRequested(prompt_id=turn, by="Ada")
            if self._random.random() < 0.2:
                yield e.RewindFailed()
                continue
            undone_from = self._begun[turn] - 1
            yield e.SessionRewound(prompt_id=turn, undone_from=undone_from, by="Ada")
            yield from self._aside()
        if self._random.random() < 0.3:
            yield e.RewindRequested(by="Ada")
            yield e.SessionRewound(by="Ada")


def story(seed: int) -> list[e.Event]:
    """The beginning of a session's life; it may end in the middle of anything."""
    events = _Story(seed).events()
    return [
        next(events).model_copy(update={"at": _START + timedelta(seconds=n)})
        for n in range(_LENGTH - seed)
    ]


async def openings(events: list[e.Event]) -> tuple[list[e.Event], dict[int, Opening]]:
    """Give a log as the hub folds it, and the opening of each place at which an event begins."""
    with tempfile.TemporaryDirectory() as folder:
        database = await Database.open(Path(folder) / "b.db")
        journal = Journal(database, MemoryBus())
        columns: dict[str, Any] = {
            "title": "t", "state": "queued", "model": "demo/demo", "permissions": {},
            "author_id": "u", "author": "Ada", "created_at": _START, "updated_at": _START,
            "pending": {},
        }  # fmt: skip
        async with journal.begin("s", columns) as change:
            for event in events:
                change.record(event)
        log = await journal.read("s", folded=True, limit=10_000)
        places = [event.first_seq or event.seq for event in log]
        async with database.read() as tx:
            found = {place: await opening_at(tx, "s", place) for place in places if place > 1}
        await database.close()
    return log, found


async def contract() -> list[dict[str, Any]]:
    """What the file holds."""
    written: list[dict[str, Any]] = []
    for seed in _SEEDS:
        log, found = await openings(story(seed))
        by_seq = {event.seq: event for event in log}
        written.append(
            {
                "events": [event.model_dump(mode="json") for event in log],
                "openings": {
                    str(place): {
                        "events": [
                            # Only of what was refused is there more than what is in the log.
                            event.seq
                            if event == by_seq.get(event.seq)
                            else event.model_dump(mode="json")
                            for event in opening.events
                        ],
                        "usage": {
                            "turns": opening.turns,
                            "input_tokens": opening.input_tokens,
                            "output_tokens": opening.output_tokens,
                            "cost": opening.cost,
                        },
                    }
                    for place, opening in found.items()
                },
            }
        )
    return written


def printed(logs: list[dict[str, Any]]) -> str:
    """One event and one opening a line, for those who look at what changed."""
    lines: list[str] = []
    for log in logs:
        events = ",\n".join(json.dumps(event) for event in log["events"])
        openings_ = ",\n".join(f'"{p}": {json.dumps(o)}' for p, o in log["openings"].items())
        lines.append(f'{{"events": [\n{events}\n], "openings": {{\n{openings_}\n}}}}')
    return "[\n" + ",\n".join(lines) + "\n]\n"


if __name__ == "__main__":
    FILE.write_text(printed(asyncio.run(contract())))
