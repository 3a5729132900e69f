"""What events from a runner do to their session.

A runner speaks for a sandbox, and a sandbox is hostile: only kinds of events that a runner may
send are taken, and what they claim about turns is held against what the hub knows.
"""

from bunkhouse.sessions import asking, driving, rewinding, surroundings, turns
from bunkhouse.sessions.journal import Change
from bunkhouse.sessions.lifecycle import TURN_STATES
from bunkhouse_protocol.events import (
    AgentMessageChunk,
    DriveStarted,
    Event,
    PermissionRequested,
    PermissionResolved,
    PortsChanged,
    Problem,
    PromptSteered,
    QuestionAsked,
    QuestionResolved,
    RewindFailed,
    ServiceChanged,
    SessionRewound,
    ToolCall,
    ToolCallUpdate,
    TurnEnded,
    WorkspaceChanged,
)

ALLOWED = frozenset(
    {
        "stage",
        "error",
        "notice",
        "turn_ended",
        "agent_message_chunk",
        "agent_thought_chunk",
        "message_retracted",
        "tool_call",
        "tool_call_update",
        "tool_output_chunk",
        "plan",
        "model_retry",
        "permission_requested",
        "permission_resolved",
        "question_asked",
        "question_resolved",
        "workspace_changed",
        "egress_refused",
        "service_changed",
        "ports_changed",
        "drive_started",
        "prompt_steered",
        "session_rewound",
        "rewind_failed",
    }
)
"""Event types that a runner may send; others are the hub's own."""

_ACTIVITY_LENGTH = 240


async def apply(change: Change, event: Event) -> None:
    """Record an event from a runner and let it take effect."""
    if event.type not in ALLOWED:
        return
    match event:
        case TurnEnded():
            await turns.end(change, event, by="runner")
        case DriveStarted():
            driving.started(change, event)
        case PromptSteered():
            await turns.steered(change, event)
        case SessionRewound():
            await rewinding.done(change)
        case RewindFailed():
            await rewinding.failed(change)
        case PermissionRequested() | QuestionAsked():
            _ask(change, event)
        case PermissionResolved() | QuestionResolved():
            _answer(change, event)
        case _:
            _keep(change, event)
            change.record(event)


def _ask(change: Change, event: PermissionRequested | QuestionAsked) -> None:
    row = change.row
    if row.pending.get(event.request_id) == asking.ASKED:
        return
    change.record(event)
    kind = "question" if isinstance(event, QuestionAsked) else "permission"
    row.pending = {**row.pending, event.request_id: kind}
    row.activity = f"Asks: {_asked(event)}"[:_ACTIVITY_LENGTH]
    if row.state == "working":
        change.move("waiting", "runner", "the agent asks for something")


def _answer(change: Change, event: PermissionResolved | QuestionResolved) -> None:
    row = change.row
    if row.pending.get(event.request_id) == asking.ASKED:
        return  # the hub's own, of which no sandbox has word
    change.record(event)
    row.pending = {name: k for name, k in row.pending.items() if name != event.request_id}
    if row.state == "waiting" and not row.pending:
        change.move("working", "runner")


def _keep(change: Change, event: Event) -> None:
    """Keep in the session's row what lists and headers show of an event."""
    row = change.row
    match event:
        case AgentMessageChunk():
            same = row.run_type == event.type and row.run_key == event.message_id
            text = (row.activity or "") + event.text if same else event.text
            row.activity = text[-_ACTIVITY_LENGTH:]
        case ToolCall() if row.state in TURN_STATES and not row.pending:
            row.activity = (event.title or event.tool)[:_ACTIVITY_LENGTH]
        case ToolCallUpdate(title=str(title)) if row.state in TURN_STATES and not row.pending:
            row.activity = title[:_ACTIVITY_LENGTH]  # agents name a call before they know of what
        case WorkspaceChanged():
            row.additions, row.deletions = event.additions, event.deletions
            row.changed_files = len(event.files)
        case ServiceChanged():
            surroundings.service_changed(row, event)
        case PortsChanged():
            surroundings.ports_changed(row, event)
        case Problem():
            row.activity = event.message[:_ACTIVITY_LENGTH]
        case _:
            pass


def _asked(event: PermissionRequested | QuestionAsked) -> str:
    if isinstance(event, PermissionRequested):
        return event.title
    return event.questions[0].question if event.questions else "something"
