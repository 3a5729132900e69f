"""The tool calls of a turn: from OpenCode's tool parts to `tool_call` and its updates."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, cast

from bunkhouse_protocol.events import Event, ToolCall, ToolCallUpdate, ToolOutputChunk, ToolStatus
from bunkhouse_runner.agents.opencode import pictures, tools
from bunkhouse_runner.agents.opencode.outputs import Output, Outputs, Printed
from bunkhouse_runner.agents.opencode.tools import Json
from bunkhouse_runner.pictures import name_of

LIVE_CHARACTERS = 256 * 1024
"""More of a running command's output is not streamed; its end is in the final output."""
_WINDOW_MARK = "...\n\n"
"""OpenCode keeps the last 30,000 characters of a running command's output, after this mark."""
_OVERLAP = 400
_NO_OUTPUT = "(no output)"
_REMARKS = "\n\n<shell_metadata>"
"""What OpenCode tells the model, below a command's output, about how it ended."""
_STOPPED = "User aborted the command"


@dataclass(frozen=True, slots=True)
class Findings:
    """What was read from disk about a tool call that just completed."""

    before: str | None = None
    """A written file's content before; None where it is not known."""
    output: Printed | None = None
    """An output that OpenCode had shortened."""


@dataclass(slots=True)
class _Call:
    status: ToolStatus
    tool: str
    title: str = ""
    message_id: str = ""
    call_id: str = ""
    live: str = ""
    """The end of what was streamed of its output."""
    streamed: int = 0
    explained: bool = False
    """Its input was told."""
    diff: str | None = None


@dataclass(slots=True)
class Calls:
    """The tool calls of one turn, by part id (call ids repeat with some providers)."""

    workspace: PurePath
    keep: Callable[[bytes], str] = name_of
    outputs: Outputs = field(default_factory=Outputs)
    _calls: dict[str, _Call] = field(default_factory=dict[str, _Call])

    def part_of(self, message_id: str, call_id: str) -> str | None:
        """Return the `tool_call_id` under which people know OpenCode's call."""
        for part_id, call in self._calls.items():
            if (call.message_id, call.call_id) == (message_id, call_id):
                return part_id
        return None

    def is_open(self, part_id: str) -> bool:
        """Whether the end of a call has not been told yet."""
        call = self._calls.get(part_id)
        return call is None or call.status in ("pending", "in_progress")

    def update(self, part: Json, findings: Findings | None = None) -> list[Event]:
        """Take a tool part as it is now."""
        part_id, tool = str(part["id"]), str(part["tool"])
        state = cast("Json", part["state"])
        events: list[Event] = []
        call = self._calls.get(part_id)
        if call is None:
            call = _Call("pending", tool, "", str(part["messageID"]), str(part["callID"]))
            self._calls[part_id] = call
            events.append(
                ToolCall(tool_call_id=part_id, tool=tool, kind=tools.kind_of(tool), title="")
            )
        if call.status in ("completed", "failed"):
            return events
        if state["status"] in ("completed", "error"):
            events.append(self._finish(part_id, call, tool, state, findings or Findings()))
        elif state["status"] == "running":
            events += self._run(part_id, call, tool, state)
        return events

    def propose(self, part_id: str, diff: str) -> list[Event]:
        """Show the diff of an edit that waits for a person's permission."""
        call = self._calls.get(part_id)
        tidy = tools.tidy_diff(diff, self.workspace)
        if call is None or tidy is None:
            return []
        call.diff = tidy
        return [ToolCallUpdate(tool_call_id=part_id, diff=tidy)]

    def progress(self, part_id: str, line: str) -> list[Event]:
        """Add a line to what a running call (a subagent) has to say."""
        call = self._calls.get(part_id)
        if call is None or call.status != "in_progress":
            return []
        return [ToolOutputChunk(tool_call_id=part_id, text=f"{line}\n")]

    def abandon(self, reason: str) -> list[Event]:
        """End every call that is still open, for `reason`."""
        events: list[Event] = []
        for part_id, call in self._calls.items():
            if call.status in ("pending", "in_progress"):
                call.status = "failed"
                events.append(ToolCallUpdate(tool_call_id=part_id, status="failed", error=reason))
        return events

    def _run(self, part_id: str, call: _Call, tool: str, state: Json) -> list[Event]:
        events: list[Event] = []
        arguments = cast("Json", state.get("input") or {})
        if not call.explained:
            call.explained, call.status, call.tool = True, "in_progress", tool
            call.title = self._title(tool, arguments, state)
            events.append(
                ToolCallUpdate(
                    tool_call_id=part_id,
                    status="in_progress",
                    title=call.title,
                    input=tools.shortened(arguments),
                )
            )
        output = _metadata(state).get("output")
        if tool == "bash" and isinstance(output, str) and call.streamed < LIVE_CHARACTERS:
            more = _grown(call.live, output)
            call.streamed += len(more)
            if call.streamed >= LIVE_CHARACTERS:
                more += "\n… the rest is shown when the command ends …\n"
            if more:
                call.live = (call.live + more)[-_OVERLAP * 100 :]
                events.append(ToolOutputChunk(tool_call_id=part_id, text=more))
        return events

    def _finish(
        self, part_id: str, call: _Call, tool: str, state: Json, findings: Findings
    ) -> ToolCallUpdate:
        arguments = cast("Json", state.get("input") or {})
        metadata = _metadata(state)
        exit_code = metadata.get("exit") if tool == "bash" else None
        error = self._error(tool, state, metadata)
        call.status = "failed" if error or exit_code else "completed"
        printed, truncated = _printed(tool, state, metadata, findings)
        output = Output("") if printed is None else self.outputs.of(printed)
        title = self._title(tool, arguments, state)
        known, call.explained = call.explained, True
        return ToolCallUpdate(
            tool_call_id=part_id,
            status=call.status,
            title=None if known and title == call.title else title,
            input=None if known else tools.shortened(arguments),
            output=None if printed is None else output.text,
            output_truncated=truncated or output.left_out > 0,
            output_left_out=output.left_out,
            whole_output=output.whole,
            diff=self._diff(tool, arguments, metadata, findings) or None,
            pictures=pictures.of_attachments(state, self.keep) or None,
            exit_code=exit_code if isinstance(exit_code, int) else None,
            error=error,
            ms=_duration(state),
        )

    def _title(self, tool: str, arguments: Json, state: Json) -> str:
        return tools.title_of(tool, arguments, self.workspace, str(state.get("title") or ""))

    def _diff(self, tool: str, arguments: Json, metadata: Json, findings: Findings) -> str | None:
        if isinstance(metadata.get("diff"), str):
            return tools.tidy_diff(str(metadata["diff"]), self.workspace)
        if tool != "write" or "content" not in arguments:
            return None
        if metadata.get("exists") and findings.before is None:
            return None
        path = tools.relative(str(arguments.get("filePath", "")), self.workspace)
        before = findings.before if metadata.get("exists") else None
        return tools.written_diff(path, before, str(arguments["content"]))

    @staticmethod
    def _error(tool: str, state: Json, metadata: Json) -> str | None:
        if tool == "invalid":
            return str(state.get("output") or state.get("error") or "The call is not valid.")
        if tool == "bash" and state["status"] == "completed" and metadata.get("exit") is None:
            if _STOPPED in str(state.get("output")):
                return "Stopped."
            return "The command was ended: it ran into its time limit."
        if state["status"] != "error":
            return None
        if metadata.get("interrupted"):
            return (
                "Stopped."
                if state.get("input")
                else "The model's answer broke off before this call was complete."
            )
        return str(state.get("error") or "The tool failed.")


def _metadata(state: Json) -> Json:
    return cast("Json", state.get("metadata") or {})


def _grown(live: str, output: str) -> str:
    """Return what is new in a running command's output, of which OpenCode keeps only the end."""
    if output.startswith(live):
        return output[len(live) :]
    if output in live:  # a look at the store that came after the event
        return ""
    text = output.removeprefix(_WINDOW_MARK)
    at = text.rfind(live[-_OVERLAP:])
    if at >= 0:
        return text[at + len(live[-_OVERLAP:]) :]
    return f"\n…\n{text}"


def _printed(
    tool: str, state: Json, metadata: Json, findings: Findings
) -> tuple[Printed | None, bool]:
    """Return a tool's output for people, and whether it is OpenCode's shortened form of it."""
    if findings.output is not None:
        return findings.output, False
    raw = state.get("output")
    if raw is None:
        raw = metadata.get("output")
    if not isinstance(raw, str):
        return None, False
    display = cast("Json", metadata.get("display") or {})
    if tool == "bash":
        raw = raw.partition(_REMARKS)[0]
        raw = "" if raw == _NO_OUTPUT else raw
    elif tool == "read" and isinstance(display.get("text"), str):
        raw = str(display["text"])
    elif tool == "task":
        raw = _task_result(raw)
    return Printed(raw.encode(errors="replace")), bool(metadata.get("truncated"))


def _task_result(raw: str) -> str:
    _, opened, rest = raw.partition("<task_result>")
    return rest.rpartition("</task_result>")[0].strip() if opened else raw


def _duration(state: Json) -> int | None:
    time = cast("dict[str, Any]", state.get("time") or {})
    if "start" in time and "end" in time:
        return int(time["end"]) - int(time["start"])
    return None
