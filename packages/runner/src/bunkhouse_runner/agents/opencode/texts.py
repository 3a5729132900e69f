"""What of the model's words is on show, so that a retry leaves neither a gap nor a repeat.

When the connection to a model breaks in the middle of a step, OpenCode asks for the whole step
again, within the same message: the partial parts stay as they were (it even stores them empty) and
new parts begin from the first word. Here each new part is laid over what the broken attempt had
shown: as long as it says the same, nothing is emitted; where it goes further, the rest goes on
under the old `message_id`; where it differs, the old text is retracted.
"""

from dataclasses import dataclass, field
from typing import Literal

from bunkhouse_protocol.events import (
    AgentMessageChunk,
    AgentThoughtChunk,
    Event,
    MessageRetracted,
)

TextKind = Literal["text", "reasoning"]


@dataclass(slots=True)
class _Shown:
    """A text that people see."""

    key: str
    kind: TextKind
    text: str = ""
    revocable: bool = True
    """Whether it is taken back when what should repeat it differs."""


@dataclass(slots=True)
class _Part:
    """A text part of OpenCode's, as far as it has come."""

    id: str
    kind: TextKind
    text: str = ""
    shown: _Shown | None = None
    candidate: _Shown | None = None
    """What this part seems to repeat; nothing is emitted until that is decided."""
    closed: bool = False
    gapped: bool = False
    """Pieces were missed: wait for the whole text."""


@dataclass(slots=True)
class Texts:
    """The texts of one turn. Methods return the events that bring people up to date."""

    _parts: dict[str, _Part] = field(default_factory=dict[str, _Part])
    _step: list[_Shown] = field(default_factory=list[_Shown])
    _repeatable: list[_Shown] = field(default_factory=list[_Shown])

    def delta(self, part_id: str, piece: str) -> list[Event]:
        """Take a piece that streamed in."""
        part = self._parts.get(part_id)
        if part is None or part.closed or part.gapped:
            return []
        part.text += piece
        return self._advance(part)

    def whole(self, part_id: str, kind: TextKind, text: str, ended: bool) -> list[Event]:
        """Take a part as OpenCode has stored it; `ended` when no more pieces follow."""
        part = self._parts.setdefault(part_id, _Part(part_id, kind))
        if part.closed:
            return []
        events: list[Event] = []
        if text.startswith(part.text):
            part.text = text
            events = self._advance(part)
        elif ended and not part.text.startswith(text):
            events = self._replace(part, text)
        if ended:
            events += self._close(part)
        return events

    def attempt_broke(self) -> None:
        """The step is asked for again: what it showed so far may be repeated."""
        pending = [part.candidate for part in self._parts.values() if part.candidate is not None]
        for part in self._parts.values():
            part.closed, part.candidate = True, None
        # What an earlier step left half said stays open to repetition as well.
        earlier = [shown for shown in [*pending, *self._repeatable] if shown not in self._step]
        self._repeatable = [*earlier, *self._step]

    def step_finished(self, complete: bool) -> list[Event]:
        """Forget what could be repeated; retract what the successful attempt did not say.

        After a step that broke off silently (not `complete`) the model sees its own half answer:
        it may begin anew or go on from there, so the last text may be repeated but stays anyway.
        """
        events: list[Event] = [
            self._retract(shown) for shown in self._repeatable if shown.revocable
        ]
        last = next((shown for shown in reversed(self._step) if shown.kind == "text"), None)
        self._step = []
        self._repeatable = []
        if not complete and last is not None:
            last.revocable = False
            self._repeatable = [last]
        return events

    def retract_open(self) -> list[Event]:
        """Retract what was never ended, now that all is known: a retry of it went unseen."""
        events: list[Event] = []
        for part in self._parts.values():
            if not part.closed and part.shown is not None:
                events.append(self._retract(part.shown))
            part.closed = True
        return events

    def gap(self) -> None:
        """Events were missed: the pieces of open parts can't be put together any more."""
        for part in self._parts.values():
            part.gapped = not part.closed

    def _advance(self, part: _Part) -> list[Event]:
        events: list[Event] = []
        if not part.text:
            return events
        if part.shown is None and part.candidate is None:
            part.candidate = self._next_repeatable(part.kind)
            if part.candidate is None:
                part.shown = self._new(part.id, part.kind)
        if part.candidate is not None:
            if part.candidate.text.startswith(part.text):
                return events
            events += self._settle(part, part.candidate)
        return events + _show_rest(part)

    def _settle(self, part: _Part, candidate: _Shown) -> list[Event]:
        """Decide whether a part repeats what it seemed to repeat."""
        part.candidate = None
        if part.text.startswith(candidate.text):
            part.shown = candidate
            if candidate not in self._step:
                self._step.append(candidate)
            return []
        part.shown = self._new(part.id, part.kind)
        return [self._retract(candidate)] if candidate.revocable else []

    def _close(self, part: _Part) -> list[Event]:
        part.closed = True
        if part.candidate is None:
            return []
        return self._settle(part, part.candidate) + _show_rest(part)

    def _replace(self, part: _Part, text: str) -> list[Event]:
        """Show another text than the one that streamed (a plugin may rewrite it at its end)."""
        events: list[Event] = []
        if part.shown is not None:
            events.append(self._retract(part.shown))
        part.text = text
        part.candidate = None
        part.shown = self._new(f"{part.id}.1", part.kind)
        part.shown.text = text
        return [*events, _chunk(part.shown, text)] if text else events

    def _next_repeatable(self, kind: TextKind) -> _Shown | None:
        for index, shown in enumerate(self._repeatable):
            if shown.kind == kind:
                return self._repeatable.pop(index)
        return None

    def _new(self, key: str, kind: TextKind) -> _Shown:
        shown = _Shown(key, kind)
        self._step.append(shown)
        return shown

    def _retract(self, shown: _Shown) -> MessageRetracted:
        if shown in self._step:
            self._step.remove(shown)
        return MessageRetracted(message_id=shown.key)


def _show_rest(part: _Part) -> list[Event]:
    """Emit what is not shown yet of a part whose place is decided."""
    shown = part.shown
    if shown is None or shown.text == part.text:
        return []
    more = part.text[len(shown.text) :]
    shown.text = part.text
    return [_chunk(shown, more)]


def _chunk(shown: _Shown, text: str) -> Event:
    if shown.kind == "text":
        return AgentMessageChunk(message_id=shown.key, text=text)
    return AgentThoughtChunk(message_id=shown.key, text=text)
