"""From OpenCode's events to ours: a pure state machine, one for each agent.

It is idempotent: the same part may be fed any number of times, as an event and as what a look at
OpenCode's store says, in any order, and each thing is told once. That is what makes a lost event
stream harmless, and the order in which the two channels arrive.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Literal, cast

from bunkhouse_protocol.events import (
    Event,
    ModelRetry,
    Notice,
    PermissionResolved,
    Plan,
    PlanEntry,
    PromptSteered,
    QuestionResolved,
)
from bunkhouse_runner.agents.opencode import requests, tools
from bunkhouse_runner.agents.opencode.calls import Calls, Findings
from bunkhouse_runner.agents.opencode.outputs import Outputs
from bunkhouse_runner.agents.opencode.texts import Texts
from bunkhouse_runner.agents.opencode.tools import Json
from bunkhouse_runner.pictures import name_of

_STATUSES: dict[str, Literal["pending", "in_progress", "completed", "cancelled"]] = {
    "pending": "pending",
    "in_progress": "in_progress",
    "completed": "completed",
    "cancelled": "cancelled",
}
_PRIORITIES: dict[str, Literal["high", "medium", "low"]] = {
    "high": "high",
    "medium": "medium",
    "low": "low",
}


@dataclass(slots=True)
class Tokens:
    """What a turn cost, summed over its steps (and those of its subagents)."""

    input: int = 0
    output: int = 0
    cost: float = 0.0


@dataclass(slots=True)
class Retry:
    """OpenCode waits before it asks the model again."""

    attempt: int
    message: str
    next_at: datetime


@dataclass(slots=True)
class Translator:
    """Feed it OpenCode's events, and emit what it returns."""

    workspace: PurePath
    session_id: str = ""
    """OpenCode's id of the session that people see."""
    retry: Retry | None = None
    """Set while OpenCode waits before another attempt."""
    breaks: int = 0
    """How many answers in a row ended without saying that they are complete."""
    finish: str | None = None
    """Why the last step ended: `stop`, `tool-calls`, `length`, `unknown`, …"""
    error: Json | None = None
    """The last error that OpenCode reported in this turn."""
    snapshot: str | None = None
    """OpenCode's snapshot of the workspace before the current step."""
    waiting: dict[str, str] = field(default_factory=dict[str, str])
    """Requests that wait for a person, each `permission` or `question`."""
    since: int = 0
    """Messages created up to this time (ms) are of earlier turns."""
    newest: int = 0
    """When the newest message known was created (ms)."""
    keep: Callable[[bytes], str] = name_of
    """See `AgentContext.keep`."""
    outputs: Outputs = field(default_factory=Outputs)
    read_by: Callable[[str], list[str]] = lambda _: []
    """See `Steering.read_by`."""
    turn_id: str = ""
    """Ours of the turn that runs."""
    _texts: Texts = field(default_factory=Texts)
    _calls: Calls = field(init=False)
    _children: dict[str, str] = field(default_factory=dict[str, str])
    """Subagents' sessions, and the tool call that each belongs to ("" while unknown)."""
    _mine: dict[str, bool] = field(default_factory=dict[str, bool])
    """The turn's messages of the agent; false for those that are not to be shown."""
    _steps: dict[str, Tokens] = field(default_factory=dict[str, Tokens])
    _plan: list[PlanEntry] = field(default_factory=list[PlanEntry])
    _told: set[str] = field(default_factory=set[str])

    def __post_init__(self) -> None:
        self._calls = Calls(self.workspace, self.keep, self.outputs)

    # ── turns ────────────────────────────────────────────────────────────────────────────────

    def begin_turn(self, turn_id: str) -> None:
        """Forget the last turn."""
        self.turn_id = turn_id
        self.since = self.newest
        self.retry, self.error, self.finish, self.breaks = None, None, None, 0
        self._texts = Texts()
        self._calls = Calls(self.workspace, self.keep, self.outputs)
        self._children.clear()
        self._mine.clear()
        self._steps.clear()
        self._told.clear()

    def take_up(self) -> None:
        """The turn goes on with another prompt after its step failed: its words may be repeated."""
        self._texts.attempt_broke()
        self.retry, self.error, self.breaks = None, None, 0

    def end_turn(self, reason: str, complete: bool) -> list[Event]:
        """End what is still open; `reason` is told with the tool calls that never ended.

        `complete`: the turn was fed as OpenCode's store has it at its end.
        """
        events = self._texts.retract_open() if complete else []
        self._texts = Texts()
        self.retry = None
        self.waiting.clear()
        return events + self._calls.abandon(reason)

    @property
    def tokens(self) -> Tokens:
        """The sums of the turn so far."""
        return Tokens(
            sum(step.input for step in self._steps.values()),
            sum(step.output for step in self._steps.values()),
            sum(step.cost for step in self._steps.values()),
        )

    # ── OpenCode's events ────────────────────────────────────────────────────────────────────

    def gap(self) -> None:
        """Events may have been missed."""
        self._texts.gap()

    def wants_findings(self, event: Json) -> bool:
        """Whether a look at the disk would say more about this event."""
        part = cast("Json", cast("Json", event.get("properties") or {}).get("part") or {})
        state = cast("Json", part.get("state") or {})
        if part.get("type") != "tool" or state.get("status") != "completed":
            return False
        metadata = cast("Json", state.get("metadata") or {})
        overwrote = part.get("tool") == "write" and bool(metadata.get("exists"))
        shortened = bool(metadata.get("outputPath"))
        return (overwrote or shortened) and self._calls.is_open(str(part["id"]))

    def feed(self, event: Json, findings: Findings | None = None) -> list[Event]:
        """Translate one event: `{"type": …, "properties": {…}}`."""
        properties = cast("Json", event.get("properties") or {})
        session = str(properties.get("sessionID") or "")
        if not session or (session != self.session_id and session not in self._children):
            if event.get("type") == "session.created":
                self._adopt(cast("Json", properties.get("info") or {}))
            return []
        kind = str(event.get("type"))
        if kind == "session.status":
            return self._status(cast("Json", properties["status"]), session)
        if kind.startswith(("permission.", "question.")):
            return self._asking(kind, properties)
        if session != self.session_id:
            return self._of_subagent(kind, session, properties)
        return self._of_main(kind, properties, findings)

    def _of_main(self, kind: str, properties: Json, findings: Findings | None) -> list[Event]:
        events: list[Event] = []
        match kind:
            case "message.updated":
                events = self.message(cast("Json", properties["info"]))
            case "message.part.updated":
                events = self._part(cast("Json", properties["part"]), findings)
            case "message.part.delta":
                wanted = self._mine.get(str(properties["messageID"]))
                if wanted and properties.get("field") == "text":
                    part_id, piece = str(properties["partID"]), str(properties["delta"])
                    events = self._texts.delta(part_id, piece)
            case "session.error":
                self.error = self.error or cast("Json", properties.get("error") or {})
            case "session.compacted":
                said = "The conversation was summed up, to fit what the model can read."
                events = [Notice(code="conversation_compacted", message=said)]
            case "todo.updated":
                events = self._todos(cast("list[Json]", properties["todos"]))
            case _:
                pass
        return events

    def message(self, info: Json) -> list[Event]:
        """Take a message's frame: who said it, when, and what it answers."""
        created = int(cast("Json", info["time"])["created"])
        self.newest = max(self.newest, created)
        if created <= self.since or info.get("sessionID") != self.session_id:
            return []
        if info["role"] != "assistant":
            return []
        # The summary of a compaction is said to the model, not to people.
        self._mine[str(info["id"])] = not info.get("summary")
        read = self.read_by(str(info.get("parentID") or ""))
        return [PromptSteered(prompt_id=prompt, turn_id=self.turn_id) for prompt in read]

    def _part(self, part: Json, findings: Findings | None) -> list[Event]:
        if not self._mine.get(str(part["messageID"])):
            if part["type"] == "step-finish" and str(part["messageID"]) in self._mine:
                self._count(part)
            return []
        part_id = str(part["id"])
        match part["type"]:
            case "text" | "reasoning" as kind:
                ended = "end" in cast("Json", part.get("time") or {})
                return self._texts.whole(part_id, kind, str(part["text"]), ended)
            case "tool":
                child = cast("Json", part["state"].get("metadata") or {}).get("sessionId")
                if child:
                    self._children[str(child)] = part_id
                return self._calls.update(part, findings)
            case "step-start":
                self.snapshot = part.get("snapshot") or self.snapshot
                return []
            case "step-finish":
                return self._step_finished(part)
            case _:
                return []

    def _step_finished(self, part: Json) -> list[Event]:
        if str(part["id"]) in self._steps:
            return []
        self._count(part)
        self.finish = str(part["reason"])
        broken = self.finish == "unknown"
        self.breaks = self.breaks + 1 if broken else 0
        events = self._texts.step_finished(complete=not broken)
        if broken:
            # OpenCode goes on by itself: it shows the model its half answer.
            said = "The answer broke off before it was complete; the model is asked to go on."
            events.append(ModelRetry(attempt=self.breaks, message=said))
        return events

    def _count(self, part: Json) -> None:
        tokens = cast("Json", part.get("tokens") or {})
        cache = cast("Json", tokens.get("cache") or {})
        read, written = int(cache.get("read") or 0), int(cache.get("write") or 0)
        self._steps[str(part["id"])] = Tokens(
            int(tokens.get("input") or 0) + read + written,
            int(tokens.get("output") or 0) + int(tokens.get("reasoning") or 0),
            float(part.get("cost") or 0),
        )

    def _status(self, status: Json, session: str) -> list[Event]:
        main = session == self.session_id
        if status["type"] != "retry":
            if main:
                self.retry = None
            return []
        retry = Retry(
            int(status["attempt"]),
            str(status["message"]),
            datetime.fromtimestamp(int(status["next"]) / 1000, UTC),
        )
        self.retry = retry
        if main:
            self._texts.attempt_broke()
        return [
            ModelRetry(
                attempt=retry.attempt, message=tools.one_line(retry.message), next_at=retry.next_at
            )
        ]

    def _todos(self, todos: list[Json]) -> list[Event]:
        entries = [
            PlanEntry(
                content=str(todo.get("content", "")),
                status=_STATUSES.get(str(todo.get("status")), "pending"),
                priority=_PRIORITIES.get(str(todo.get("priority")), "medium"),
            )
            for todo in todos
        ]
        if entries == self._plan:
            return []
        self._plan = entries
        return [Plan(entries=entries)]

    # ── subagents ────────────────────────────────────────────────────────────────────────────

    def _adopt(self, info: Json) -> None:
        parent = info.get("parentID")
        if parent == self.session_id or parent in self._children:
            self._children.setdefault(str(info["id"]), self._children.get(str(parent), ""))

    def _of_subagent(self, kind: str, session: str, properties: Json) -> list[Event]:
        if kind != "message.part.updated":
            return []
        part = cast("Json", properties["part"])
        if part["type"] == "step-finish":
            self._count(part)
        state = cast("Json", part.get("state") or {})
        told = f"call {part['id']}"
        if part["type"] != "tool" or state.get("status") != "running" or told in self._told:
            return []
        self._told.add(told)
        tool = str(part["tool"])
        title = tools.title_of(tool, cast("Json", state.get("input") or {}), self.workspace)
        return self._calls.progress(self._children[session], f"{tool} {title}".strip())

    # ── what needs a person ──────────────────────────────────────────────────────────────────

    def _asking(self, kind: str, properties: Json) -> list[Event]:
        request = str(properties.get("requestID") or properties.get("id") or "")
        if kind.endswith(".asked"):
            if request in self._told:
                return []
            self._told.add(request)
            self.waiting[request] = kind.partition(".")[0]
        elif self.waiting.pop(request, None) is None:
            return []
        events: list[Event] = []
        match kind:
            case "permission.asked":
                call = self._tool_call(properties)
                diff = cast("Json", properties.get("metadata") or {}).get("diff")
                if call and isinstance(diff, str):
                    events += self._calls.propose(call, diff)
                events.append(requests.permission(properties, call, self.workspace))
            case "permission.replied":
                reply = cast("Literal['once', 'always', 'reject']", properties["reply"])
                events.append(PermissionResolved(request_id=request, reply=reply))
            case "question.asked":
                events.append(requests.question(properties, self._tool_call(properties)))
            case "question.replied":
                answers = cast("list[list[str]]", properties["answers"])
                events.append(QuestionResolved(request_id=request, answers=answers))
            case "question.rejected":
                events.append(QuestionResolved(request_id=request, answers=None))
            case _:
                pass
        return events

    def _tool_call(self, properties: Json) -> str | None:
        if properties.get("sessionID") != self.session_id:
            return self._children.get(str(properties.get("sessionID"))) or None
        tool = cast("Json", properties.get("tool") or {})
        return self._calls.part_of(str(tool.get("messageID")), str(tool.get("callID")))
