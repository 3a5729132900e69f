"""What an agent does, written to a terminal as it happens.

The agent's words go to stdout as they come. Everything else is a line of its own: a tool call when
it is done, with its time; an error with its remedy. Everything is cleaned, since all of it comes
from a sandbox.
"""

from rich.console import Console
from rich.text import Text

from bunkhouse.cli.terminal import one_line, seconds, size
from bunkhouse.words import DID, clean
from bunkhouse_protocol.events import (
    AgentMessageChunk,
    ChildStarted,
    CommentPosted,
    EgressRefused,
    Event,
    HubToolCalled,
    ModelRetry,
    Notice,
    PermissionResolved,
    Problem,
    PromptEdited,
    PromptQueued,
    PromptSteered,
    PromptWithdrawn,
    PullRequestChanged,
    PullRequestChecked,
    PullRequestCommented,
    PullRequestReviewed,
    RewindFailed,
    SessionForked,
    SessionRewound,
    Stage,
    StateChanged,
    ToolCall,
    ToolCallUpdate,
    TurnEnded,
    WholeOutput,
    WorkspaceChanged,
)

_ENDS = {"done": "✓ done", "stopped": "■ stopped", "paused": "‖ paused: a person drives"}


class Transcript:
    """Writes events; those that say nothing to a reader of a terminal are left out."""

    def __init__(self, console: Console, *, blobs: str = "") -> None:
        """`blobs`: the address of the session's blobs, to which their names are added."""
        self._console = console
        self._blobs = blobs
        self._calls: dict[str, ToolCall] = {}
        self._message: str | None = None
        self._prompts: dict[str, str] = {}
        """What was said so far, by whoever it was; the first is the reader's own."""

    def write(self, event: Event) -> None:
        """Write one event."""
        match event:
            case AgentMessageChunk():
                self._say(event)
            case ToolCall():
                self._calls[event.tool_call_id] = event
            case ToolCallUpdate():
                self._tool(event)
            case Stage(status="done" | "failed"):
                mark, style = ("✓", "dim") if event.status == "done" else ("✗", "red")
                took = "" if event.ms is None else f" · {seconds(event.ms / 1000)}"
                detail = f": {one_line(event.detail)}" if event.detail else ""
                self._line(f"{mark} {event.name}{detail}{took}", style)
            case StateChanged(state="queued" | "failed", reason=str(reason)):
                self._line(f"○ {event.state}: {one_line(reason, 200)}", "dim")
            case Problem():
                self.problem(event.message, event.remedy, event.detail, event.suggestions)
            case WorkspaceChanged():
                self._changed(event)
            case TurnEnded():
                self._ended(event)
            case PromptQueued() | PromptEdited() | PromptSteered() | PromptWithdrawn():
                self._prompt(event)
            case _:
                self._aside(event)

    def problem(
        self,
        message: str,
        remedy: str | None = None,
        detail: str | None = None,
        suggestions: list[str] | None = None,
    ) -> None:
        """Write what went wrong, and what to do."""
        self._line(f"✗ {one_line(message, 300)}", "bold red")
        if suggestions:
            self._line(f"  Did you mean {', '.join(map(one_line, suggestions))}?")
        if remedy:
            self._line(f"  {one_line(remedy, 300)}")
        for line in clean(detail or "").strip().splitlines()[-8:]:
            self._line(f"    {line}", "dim")

    def end(self) -> None:
        """End a line that is still open."""
        if self._message is not None:
            self._console.file.write("\n")
            self._console.file.flush()
            self._message = None

    def _aside(self, event: Event) -> None:
        """Write what is worth a dim line beside the work."""
        match event:
            case Notice():
                self._line(f"· {one_line(event.message, 200)}", "dim")
            case ModelRetry():
                message = one_line(event.message, 200)
                self._line(f"! the model: {message} (attempt {event.attempt})", "yellow")
            case EgressRefused():
                where = f"{one_line(event.host)}:{event.port}"
                self._line(f"! refused: {where}, {one_line(event.reason)}", "yellow")
            case SessionRewound():
                self._line(self._rewound(event), "dim")
            case RewindFailed():
                self._line("↶ it could not be gone back to; all is as it was", "dim")
            case (
                PullRequestChanged()
                | PullRequestReviewed()
                | PullRequestCommented()
                | PullRequestChecked()
            ):
                self._line(f"⎇ {_forge(event)}", "dim")
            case CommentPosted():
                self._line(
                    f"» {one_line(event.author)} comments: {one_line(event.text, 200)}", "dim"
                )
            case ChildStarted() | HubToolCalled():
                self._by_the_hub(event)
            case SessionForked():
                self._line(f"⑂ a copy of {one_line(event.title)} ({event.session_id})", "dim")
            case PermissionResolved(reply="once" | "always" | "reject"):
                by = f" by {one_line(event.by)}" if event.by else ""
                verb = "refused" if event.reply == "reject" else f"allowed ({event.reply})"
                self._line(f"◇ {verb}{by}", "dim")
            case _:
                pass

    def _by_the_hub(self, event: ChildStarted | HubToolCalled) -> None:
        """Write what a tool of the hub did that its own line does not say."""
        if isinstance(event, ChildStarted):
            self._line(f"⑂ child session {one_line(event.title)} ({event.session_id})", "dim")
        elif event.picture is not None:
            said = one_line(event.caption) or "screenshot"
            self._line(f"▣ {said}: {self._blobs}{one_line(event.picture.blob)}", "dim")

    def _prompt(self, event: PromptQueued | PromptEdited | PromptSteered | PromptWithdrawn) -> None:
        """Write what others say meanwhile, and what becomes of it."""
        match event:
            case PromptQueued():
                if self._prompts:
                    when = "now" if event.when == "now" else "next"
                    self._line(f"» {one_line(event.author)}, {when}: {_said(event)}", "dim")
                self._prompts[event.prompt_id] = _said(event)
            case PromptEdited():
                self._prompts[event.prompt_id] = _said(event)
                self._line(f"» {one_line(event.by)} changed it: {_said(event)}", "dim")
            case PromptSteered():
                self._line(f"» the agent read: {self._prompts.get(event.prompt_id, '')}", "dim")
            case PromptWithdrawn():
                self._line(f"» taken back: {self._prompts.get(event.prompt_id, '')}", "dim")

    def _rewound(self, event: SessionRewound) -> str:
        """Say what does not count any more: on a terminal it stands above, and stays there."""
        by = one_line(event.by)
        if event.prompt_id is None:
            return f"↷ {by} went forward again: all of the above counts"
        said = self._prompts.get(event.prompt_id)
        before = f"before: {said}" if said else "to before an earlier prompt"
        return f"↶ {by} went back, {before}. What was said and done since does not count"

    def _say(self, event: AgentMessageChunk) -> None:
        if self._message != event.message_id:
            self.end()
            self._message = event.message_id
        self._console.file.write(clean(event.text))
        self._console.file.flush()

    def _tool(self, event: ToolCallUpdate) -> None:
        call = self._calls.get(event.tool_call_id)
        if call is None or event.status not in ("completed", "failed"):
            if call is not None and event.title:
                self._calls[event.tool_call_id] = call.model_copy(update={"title": event.title})
            return
        del self._calls[event.tool_call_id]
        verb = DID.get(call.kind, call.tool)
        took = "" if event.ms is None else f" · {seconds(event.ms / 1000)}"
        exit_code = f" · exit {event.exit_code}" if event.exit_code else ""
        added = _diff_size(event.diff)
        line = f"{verb} {one_line(event.title or call.title)}{added}{exit_code}{took}"
        if event.status == "failed":
            self._line(f"  ✗ {line}: {one_line(event.error or 'failed')}", "red")
        else:
            self._line(f"  ✓ {line}", "dim")
        if event.whole_output is not None:
            self._long(event.whole_output)

    def _long(self, whole: WholeOutput) -> None:
        """Write where an output is that is too long for the log."""
        lost = f", {size(whole.lost)} in its middle were too much to keep" if whole.lost else ""
        where = f"{self._blobs}{whole.blob}"
        self._line(f"    … long output ({size(whole.size)}): {where}{lost}", "dim")

    def _changed(self, event: WorkspaceChanged) -> None:
        count = len(event.files)
        files = f"{count} file{'s' if count != 1 else ''} changed"
        self._line(f"± {files}, +{event.additions} -{event.deletions}", "dim")

    def _ended(self, event: TurnEnded) -> None:
        took = "" if event.ms is None else f" · {seconds(event.ms / 1000)}"
        if event.outcome == "failed":
            self.problem(event.message or "The turn failed.")
        else:
            self._line(f"{_ENDS[event.outcome]}{took}", "dim")

    def _line(self, text: str, style: str = "") -> None:
        self.end()
        self._console.print(Text(text, style=style))


def _forge(
    event: PullRequestChanged | PullRequestReviewed | PullRequestCommented | PullRequestChecked,
) -> str:
    """Say what became of the pull request."""
    match event:
        case PullRequestChanged():
            by = one_line(event.by or "somebody")
            return f"pull request #{event.number} {event.change} by {by}: {event.url}"
        case PullRequestReviewed() | PullRequestCommented():
            return f"{one_line(event.by)}: {one_line(event.text, 200)}"
        case PullRequestChecked():
            return f"check {one_line(event.name)}: {one_line(event.conclusion)}"


def _said(event: PromptQueued | PromptEdited) -> str:
    names = ", ".join(one_line(each.name) for each in event.attachments)
    return " ".join(
        part for part in (one_line(event.text, 120), f"[{names}]" * bool(names)) if part
    )


def _diff_size(diff: str | None) -> str:
    if not diff:
        return ""
    lines = diff.splitlines()
    more = sum(line.startswith("+") and not line.startswith("+++") for line in lines)
    less = sum(line.startswith("-") and not line.startswith("---") for line in lines)
    return f" +{more} -{less}"
