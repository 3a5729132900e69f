"""Tool calls in an exported transcript: each a line that opens to show what it printed."""

from bunkhouse.sessions.export import markup
from bunkhouse.words import DID
from bunkhouse_protocol.events import ToolCall, ToolCallUpdate, ToolOutputChunk

_NEVER = "It never ended."
_LIVE_CHARACTERS = 16 * 1024
"""Of what a tool printed that never ended, its last words."""


class ToolCalls:
    """Puts together what is said of tool calls until they end."""

    def __init__(self, blobs: str) -> None:
        self._blobs = blobs
        self._calls: dict[str, ToolCall] = {}
        self._live: dict[str, str] = {}
        self._diffs: dict[str, str] = {}

    def printed(self, chunk: ToolOutputChunk) -> None:
        """Keep what a running tool prints, in case that its end never comes."""
        if chunk.tool_call_id in self._calls:
            text = self._live.get(chunk.tool_call_id, "") + chunk.text
            self._live[chunk.tool_call_id] = text[-_LIVE_CHARACTERS:]

    def take(self, event: ToolCall | ToolCallUpdate) -> list[str]:
        """Return the call once it has ended."""
        if isinstance(event, ToolCall):
            self._calls[event.tool_call_id] = event
            return []
        call = self._calls.get(event.tool_call_id)
        if call is None:
            return []
        told = {"title": event.title, "input": event.input}
        call = call.model_copy(update={k: v for k, v in told.items() if v is not None})
        self._calls[event.tool_call_id] = call
        if event.diff is not None:
            self._diffs[event.tool_call_id] = event.diff
        if event.status not in ("completed", "failed"):
            return []
        return [self._block(call, event)]

    def abandon(self) -> list[str]:
        """Return those that never ended."""
        return [
            self._block(call, ToolCallUpdate(tool_call_id=call.tool_call_id, error=_NEVER))
            for call in list(self._calls.values())
        ]

    def _block(self, call: ToolCall, end: ToolCallUpdate) -> str:
        key = call.tool_call_id
        self._calls.pop(key, None)
        live, diff = self._live.pop(key, None), self._diffs.pop(key, None)
        output = end.output if end.output is not None else live
        mark = "✓" if end.status == "completed" else "✗"
        verb = DID.get(call.kind, "").capitalize() or markup.inline(call.tool)
        title = f" {markup.html_code(call.title)}" if call.title.strip() else ""
        exit_code = f" · exit {end.exit_code}" if end.exit_code else ""
        took = "" if end.ms is None else f" · {end.ms / 1000:,.1f} s"
        body = self._body(call, end, output, diff)
        return markup.folded(f"{mark} {verb}{title}{exit_code}{took}", "\n\n".join(body))

    def _body(
        self, call: ToolCall, end: ToolCallUpdate, output: str | None, diff: str | None
    ) -> list[str]:
        body: list[str] = []
        command = call.input.get("command")
        if call.kind == "execute" and isinstance(command, str):
            body.append(markup.fenced(command, "sh"))
        if diff:
            body.append(markup.fenced(diff, "diff"))
        elif output:
            body.append(markup.fenced(output))
        if end.whole_output is not None:
            whole = end.whole_output
            lost = f"; {whole.lost:,} bytes in its middle were too much to keep" * bool(whole.lost)
            body.append(f"[Whole output]({self._blobs}{whole.blob}) ({whole.size:,} bytes{lost})")
        body += [
            f"[Picture]({self._blobs}{picture.blob}) ({picture.mime}, {picture.size:,} bytes)"
            for picture in end.pictures or ()
        ]
        if end.error:
            body.append(markup.quoted(end.error))
        return body or ["It printed nothing."]
