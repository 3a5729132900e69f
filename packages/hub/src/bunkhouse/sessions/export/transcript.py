"""An export as Markdown: what was said and done, to be read where Markdown is shown."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import singledispatchmethod
from typing import Any

from bunkhouse.sessions.export import forge, markup
from bunkhouse.sessions.export.tools import ToolCalls
from bunkhouse.store.sessions import SessionRow
from bunkhouse_protocol.events import (
    AgentMessageChunk,
    AgentThoughtChunk,
    Attachment,
    ChildStarted,
    CommentPosted,
    DriveEnded,
    DriveRequested,
    Event,
    HubToolCalled,
    Notice,
    PermissionRequested,
    PermissionResolved,
    Plan,
    Problem,
    PromptEdited,
    PromptQueued,
    PromptSteered,
    PromptWithdrawn,
    PullRequestChanged,
    PullRequestChecked,
    PullRequestCommented,
    PullRequestReviewed,
    Question,
    QuestionAsked,
    QuestionResolved,
    StateChanged,
    ToolCall,
    ToolCallUpdate,
    ToolOutputChunk,
    TurnEnded,
    TurnStarted,
    WorkspaceChanged,
)

_PLAN = {"pending": "[ ]", "in_progress": "[ ] ▸", "completed": "[x]", "cancelled": "[x] ✕"}
_REPLIES = {"once": "allowed once", "always": "allowed from now on", "reject": "refused"}
_STATES = {"ended": "has ended", "hibernated": "went to sleep"}
_OUTCOMES = {"done": "Done", "stopped": "Stopped", "paused": "Paused, for a person to drive"}


class Transcript:
    """Writes one export. It keeps what is still open: a text, tool calls, waiting prompts."""

    def __init__(self, row: SessionRow, *, blobs: str, at: datetime, retracted: set[str]) -> None:
        """`retracted`: messages that were taken back later, and are left out."""
        self._row = row
        self._blobs = blobs
        self._at = at
        self._retracted = retracted
        self._calls = ToolCalls(blobs)
        self._prompts: dict[str, PromptQueued | PromptEdited] = {}
        self._authors: dict[str, str] = {}
        self._text: tuple[Callable[[str], str], str, list[str]] | None = None
        self._plan: Plan | None = None
        self._asked: dict[str, list[Question]] = {}

    def begin(self) -> str:
        """The title, and what the session is."""
        row = self._row
        facts = {
            "Session": markup.code(row.id),
            "Repository": markup.code(row.repository or ""),
            "Branch": markup.code(row.branch or ""),
            "Model": markup.code(row.model),
            "Started": f"{_moment(row.created_at)} by {markup.inline(row.author)}",
            "Exported": f"{_moment(self._at)}, {row.last_seq:,} events",
        }
        lines = [f"- {name}: {said}" for name, said in facts.items() if said]
        return _blocks([f"# {markup.inline(row.title)}", "\n".join(lines)])

    def write(self, events: Sequence[Event]) -> str:
        """What is to be read of these events."""
        return _blocks([block for event in events for block in self._event(event)])

    def end(self) -> str:
        """What is still open at the end of the log."""
        blocks = [*self._flush(), *self._calls.abandon()]
        waiting = [
            f"- {markup.inline(self._authors[prompt_id])}: {markup.inline(prompt.text)}"
            for prompt_id, prompt in self._prompts.items()
        ]
        if waiting:
            blocks += ["## Waiting", "\n".join(waiting)]
        return _blocks(blocks)

    def _event(self, event: Event) -> list[str]:
        match event:
            case AgentMessageChunk():
                return self._piece(markup.prose, event)
            case AgentThoughtChunk():
                return self._piece(_thought, event)
            case ToolOutputChunk():
                self._calls.printed(event)
                return []
            case _:
                return [*self._flush(), *self._whole(event)]

    def _piece(
        self, render: Callable[[str], str], event: AgentMessageChunk | AgentThoughtChunk
    ) -> list[str]:
        if event.message_id in self._retracted:
            return []
        if self._text is not None and self._text[1] == event.message_id:
            self._text[2].append(event.text)
            return []
        before = self._flush()
        self._text = (render, event.message_id, [event.text])
        return before

    def _flush(self) -> list[str]:
        if self._text is None:
            return []
        (render, _, pieces), self._text = self._text, None
        text = "".join(pieces)
        return [render(text)] if text.strip() else []

    @singledispatchmethod
    def _whole(self, event: Event) -> list[str]:
        """What is to be read of an event that no other goes on with; of most there is nothing."""
        return []

    @_whole.register
    def _(self, event: TurnStarted) -> list[str]:
        return self._said(event.turn_id, event.at, "")

    @_whole.register
    def _(self, event: PromptSteered) -> list[str]:
        return self._said(event.prompt_id, event.at, ", into the running turn")

    @_whole.register
    def _(self, event: ToolCall | ToolCallUpdate) -> list[str]:
        return self._calls.take(event)

    @_whole.register
    def _(self, event: Plan) -> list[str]:
        self._plan = event
        return []

    @_whole.register
    def _(self, event: WorkspaceChanged) -> list[str]:
        return _changed(event)

    @_whole.register
    def _(self, event: CommentPosted) -> list[str]:
        said = markup.quoted(event.text)
        return [f"*{markup.inline(event.author)} commented, {_moment(event.at)}:*\n\n{said}"]

    @_whole.register
    def _(self, event: Problem) -> list[str]:
        return [_caution(event.message, event.remedy, event.detail)]

    @_whole.register
    def _(self, event: Notice) -> list[str]:
        return [f"*{markup.inline(event.message)}*"]

    @_whole.register(PullRequestChanged)
    @_whole.register(PullRequestReviewed)
    @_whole.register(PullRequestCommented)
    @_whole.register(PullRequestChecked)
    def _(self, event: forge.ForgeEvent) -> list[str]:
        return forge.told(event)

    @_whole.register
    def _(self, event: HubToolCalled) -> list[str]:
        if event.picture is None:
            return []  # the agent's own word on the call says the rest
        picture, said = event.picture, markup.inline(event.caption) or "Screenshot"
        size = f"{picture.mime}, {picture.size:,} bytes"
        return [f"[{said}]({self._blobs}{picture.blob}) ({size})"]

    @_whole.register
    def _(self, event: ChildStarted) -> list[str]:
        started = (
            f"Session {markup.code(event.session_id)} was started by {markup.inline(event.by)}"
        )
        return [f"*{started}: {markup.inline(event.title)}*"]

    @_whole.register
    def _(self, event: StateChanged) -> list[str]:
        said = _STATES.get(event.state)
        if said is None:
            return []
        why = f": {markup.inline(event.reason)}" if event.reason else ""
        return [f"*The session {said}{why}.*"]

    @_whole.register
    def _(self, event: PromptWithdrawn) -> list[str]:
        taken = self._prompts.pop(event.prompt_id, None)
        return [] if taken is None else [f"*Taken back: {markup.inline(taken.text)}*"]

    @_whole.register
    def _(self, event: PromptQueued | PromptEdited) -> list[str]:
        self._prompts[event.prompt_id] = event
        if isinstance(event, PromptQueued):
            hub = event.kind == "hand_back"
            self._authors[event.prompt_id] = "Bunkhouse" if hub else event.author
        return []

    def _said(self, prompt_id: str, at: datetime, where: str) -> list[str]:
        prompt = self._prompts.pop(prompt_id, None)
        if prompt is None:
            return []
        author = self._authors.pop(prompt_id, "")
        blocks = [f"## {markup.inline(author)}{where} · {_moment(at)}"]
        if prompt.text.strip():
            blocks.append(markup.quoted(prompt.text.strip("\n")))
        if prompt.attachments:
            blocks.append("\n".join(self._file(each) for each in prompt.attachments))
        return blocks

    def _file(self, file: Attachment) -> str:
        name = markup.inline(file.name)
        return f"- [{name}]({self._blobs}{file.blob}) ({file.mime}, {file.size:,} bytes)"

    @_whole.register
    def _(self, event: TurnEnded) -> list[str]:
        blocks = self._calls.abandon()
        if self._plan is not None:
            entries = [
                f"- {_PLAN[e.status]} {markup.inline(e.content)}" for e in self._plan.entries
            ]
            blocks.append("\n".join(["**Plan**", "", *entries]))
            self._plan = None
        if event.outcome == "failed":
            return [*blocks, _caution(event.message or "The turn failed.", None, None)]
        took = "" if event.ms is None else f" in {event.ms / 1000:,.1f} s"
        tokens = [
            f"{count:,} tokens {way}"
            for count, way in ((event.input_tokens, "in"), (event.output_tokens, "out"))
            if count
        ]
        cost = [] if event.cost is None else [f"${event.cost:.4f}"]
        return [*blocks, f"*{' · '.join([f'{_OUTCOMES[event.outcome]}{took}', *tokens, *cost])}*"]

    @_whole.register
    def _(self, event: PermissionRequested) -> list[str]:
        what = markup.code(event.title or event.permission)
        return [f"**Asks for leave** ({markup.inline(event.permission)}): {what}"]

    @_whole.register
    def _(self, event: PermissionResolved) -> list[str]:
        said = _REPLIES.get(event.reply)
        return [] if said is None else [f"*{said.capitalize()}{_by(event.by)}*"]

    @_whole.register
    def _(self, event: QuestionAsked) -> list[str]:
        self._asked[event.request_id] = event.questions
        asked = [f"- {markup.inline(question.question)}" for question in event.questions]
        return ["\n".join(["**Asks**", "", *asked])]

    @_whole.register
    def _(self, event: QuestionResolved) -> list[str]:
        questions = self._asked.pop(event.request_id, [])
        if event.answers is None:
            return [f"*Dismissed{_by(event.by)}*"]
        answers = [
            f"- {markup.inline(question.question)} {markup.inline(', '.join(labels))}"
            for question, labels in zip(questions, event.answers, strict=False)
        ]
        return ["\n".join([f"**Answered{_by(event.by)}**", "", *answers])]

    @_whole.register
    def _(self, event: DriveRequested) -> list[str]:
        return [f"*{markup.inline(event.by)} drives.*"]

    @_whole.register
    def _(self, event: DriveEnded) -> list[str]:
        return _handed_back(event)


def _thought(text: str) -> str:
    return markup.folded("Thought", markup.quoted(text.strip("\n")))


def _changed(event: WorkspaceChanged) -> list[str]:
    if not event.files:
        return []
    lines = [f"**Files changed** (+{event.additions} -{event.deletions})", ""]
    for file in event.files:
        before = f"{markup.code(file.old_path)} → " if file.old_path else ""
        size = "binary" if file.binary else f"+{file.additions} -{file.deletions}"
        lines.append(f"- {before}{markup.code(file.path)} {file.status}, {size}")
    return ["\n".join(lines)]


def _handed_back(event: DriveEnded) -> list[str]:
    said = f"*{markup.inline(event.by)} handed back.*"
    if event.note:
        said += f"\n\n{markup.quoted(event.note)}"
    if event.commands:
        ran = "\n".join(f"$ {each.command}" for each in event.commands)
        said += f"\n\n{markup.fenced(ran, 'console')}"
    return [said]


def _caution(message: str, remedy: str | None, detail: str | None) -> str:
    lines = ["[!CAUTION]", f"**{markup.inline(message)}**"]
    if remedy:
        lines += ["", markup.inline(remedy)]
    if detail:
        lines += ["", markup.fenced(detail)]
    return "\n".join(f"> {line}".rstrip() for part in lines for line in part.split("\n"))


def _by(person: str | None) -> str:
    return f" by {markup.inline(person)}" if person else ""


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _blocks(blocks: Sequence[Any]) -> str:
    return "".join(f"{block}\n\n" for block in blocks)
