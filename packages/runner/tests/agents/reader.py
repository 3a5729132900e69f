"""What a reader of the log sees: events put together."""

from dataclasses import dataclass, field
from typing import TypeVar

from bunkhouse_protocol.events import (
    AgentMessageChunk,
    AgentThoughtChunk,
    Event,
    EventBase,
    MessageRetracted,
    ToolCall,
    ToolCallUpdate,
    ToolOutputChunk,
)

AnyEvent = TypeVar("AnyEvent", bound=EventBase)


@dataclass
class Reader:
    """Reads `events`."""

    events: list[Event] = field(default_factory=list[Event])

    def all(self, kind: type[AnyEvent]) -> list[AnyEvent]:
        return [event for event in self.events if isinstance(event, kind)]

    def said(self) -> list[str]:
        """Return the texts of the turn as a reader of the log puts them together."""
        return self._folded(AgentMessageChunk)

    def thought(self) -> list[str]:
        return self._folded(AgentThoughtChunk)

    def calls(self) -> list[ToolCallUpdate]:
        """Return each tool call with all that became known of it."""
        calls: dict[str, ToolCallUpdate] = {}
        for event in self.events:
            if isinstance(event, ToolCall):
                assert event.tool_call_id not in calls, "a tool call was told twice"
                calls[event.tool_call_id] = ToolCallUpdate(
                    tool_call_id=event.tool_call_id, status=event.status, title=event.title
                )
            elif isinstance(event, ToolCallUpdate):
                told = dict(event).items()
                known = {k: v for k, v in told if v is not None and v is not False}
                calls[event.tool_call_id] = calls[event.tool_call_id].model_copy(update=known)
        return list(calls.values())

    def live_output(self, tool_call_id: str) -> str:
        chunks = self.all(ToolOutputChunk)
        return "".join(chunk.text for chunk in chunks if chunk.tool_call_id == tool_call_id)

    def _folded(self, kind: type[AgentMessageChunk] | type[AgentThoughtChunk]) -> list[str]:
        texts: dict[str, str] = {}
        for event in self.events:
            if isinstance(event, kind):
                texts[event.message_id] = texts.get(event.message_id, "") + event.text
            elif isinstance(event, MessageRetracted):
                texts.pop(event.message_id, None)
        return list(texts.values())
