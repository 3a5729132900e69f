"""What happens in a session, one type for each kind of event.

A session's log is a sequence of these. An event is *made* without a place (`seq` 0) and gets the
next `seq` of its session when the hub stores it. On the wire it is one flat JSON object:
`{"seq": 7, "at": "…", "type": "stage", …payload}`.

Names follow the Agent Client Protocol where it has one (`agent_message_chunk`, `tool_call`,
`plan`).

*Frames* (`FRAMES`) are pieces of a text that streams: consecutive ones of the same text may be
*folded* into one event of the same type whose text is theirs put together; it then stands at the
`seq` of the last and says in `first_seq` where the first was. A reader that puts texts together
gets the same result from both forms.
"""

from typing import Annotated

from pydantic import Field, TypeAdapter

from bunkhouse_protocol.events.agent import (
    AgentMessageChunk,
    AgentThoughtChunk,
    MessageRetracted,
    ModelRetry,
    Picture,
    Plan,
    PlanEntry,
    ToolCall,
    ToolCallUpdate,
    ToolKind,
    ToolOutputChunk,
    ToolStatus,
    WholeOutput,
)
from bunkhouse_protocol.events.asking import (
    PermissionRequested,
    PermissionResolved,
    Question,
    QuestionAsked,
    QuestionOption,
    QuestionResolved,
)
from bunkhouse_protocol.events.base import EventBase
from bunkhouse_protocol.events.comments import CommentPosted
from bunkhouse_protocol.events.configuring import (
    RepositoryConfigured,
    SettingSource,
    SettingVariable,
)
from bunkhouse_protocol.events.driving import DriveCommand, DriveEnded, DriveRequested, DriveStarted
from bunkhouse_protocol.events.forge import (
    PullRequestChanged,
    PullRequestChecked,
    PullRequestCommented,
    PullRequestReviewed,
    PullRequestState,
    Verdict,
)
from bunkhouse_protocol.events.prompts import (
    Attachment,
    PromptEdited,
    PromptMoved,
    PromptQueued,
    PromptSteered,
    PromptWithdrawn,
    TurnEnded,
    TurnStarted,
    When,
)
from bunkhouse_protocol.events.rewinding import (
    RewindFailed,
    RewindRequested,
    SessionForked,
    SessionRewound,
)
from bunkhouse_protocol.events.sandbox import (
    ChangedFile,
    EgressRefused,
    Port,
    PortsChanged,
    ServiceChanged,
    ServiceName,
    ServiceState,
    WorkspaceChanged,
)
from bunkhouse_protocol.events.session import (
    Notice,
    Problem,
    SessionCreated,
    SessionState,
    Stage,
    StageName,
    StateChanged,
)
from bunkhouse_protocol.events.tools import ChildStarted, HubToolCalled

__all__ = [
    "EVENT",
    "FRAMES",
    "AgentMessageChunk",
    "AgentThoughtChunk",
    "Attachment",
    "ChangedFile",
    "ChildStarted",
    "CommentPosted",
    "DriveCommand",
    "DriveEnded",
    "DriveRequested",
    "DriveStarted",
    "EgressRefused",
    "Event",
    "EventBase",
    "HubToolCalled",
    "MessageRetracted",
    "ModelRetry",
    "Notice",
    "PermissionRequested",
    "PermissionResolved",
    "Picture",
    "Plan",
    "PlanEntry",
    "Port",
    "PortsChanged",
    "Problem",
    "PromptEdited",
    "PromptMoved",
    "PromptQueued",
    "PromptSteered",
    "PromptWithdrawn",
    "PullRequestChanged",
    "PullRequestChecked",
    "PullRequestCommented",
    "PullRequestReviewed",
    "PullRequestState",
    "Question",
    "QuestionAsked",
    "QuestionOption",
    "QuestionResolved",
    "RepositoryConfigured",
    "RewindFailed",
    "RewindRequested",
    "ServiceChanged",
    "ServiceName",
    "ServiceState",
    "SessionCreated",
    "SessionForked",
    "SessionRewound",
    "SessionState",
    "SettingSource",
    "SettingVariable",
    "Stage",
    "StageName",
    "StateChanged",
    "ToolCall",
    "ToolCallUpdate",
    "ToolKind",
    "ToolOutputChunk",
    "ToolStatus",
    "TurnEnded",
    "TurnStarted",
    "Verdict",
    "When",
    "WholeOutput",
    "WorkspaceChanged",
]

Event = Annotated[
    SessionCreated
    | StateChanged
    | Stage
    | Problem
    | Notice
    | PromptQueued
    | PromptEdited
    | PromptMoved
    | PromptSteered
    | PromptWithdrawn
    | TurnStarted
    | TurnEnded
    | AgentMessageChunk
    | AgentThoughtChunk
    | MessageRetracted
    | ToolCall
    | ToolCallUpdate
    | ToolOutputChunk
    | Plan
    | ModelRetry
    | PermissionRequested
    | PermissionResolved
    | QuestionAsked
    | QuestionResolved
    | WorkspaceChanged
    | EgressRefused
    | ServiceChanged
    | PortsChanged
    | DriveRequested
    | DriveStarted
    | DriveEnded
    | RewindRequested
    | SessionRewound
    | RewindFailed
    | SessionForked
    | PullRequestChanged
    | PullRequestReviewed
    | PullRequestCommented
    | PullRequestChecked
    | CommentPosted
    | RepositoryConfigured
    | HubToolCalled
    | ChildStarted,
    Field(discriminator="type"),
]

EVENT: TypeAdapter[Event] = TypeAdapter(Event)
"""Parses and prints any event."""

FRAMES: dict[str, str] = {
    "agent_message_chunk": "message_id",
    "agent_thought_chunk": "message_id",
    "tool_output_chunk": "tool_call_id",
}
"""Event types that are pieces of a streaming text, and the field that says of which."""
