"""Which turns of a session count: a fold over its log, in which nothing is ever taken back.

A `session_rewound` lets the turns from a prompt on count no more. Until something is said they can
come to count again; then they never will.
"""

from dataclasses import dataclass, field

from bunkhouse.errors import Conflict, InvalidInput, NotFound
from bunkhouse.store import Transaction, standing

_KINDS = (
    "prompt_queued",
    "prompt_withdrawn",
    "prompt_steered",
    "turn_started",
    "turn_ended",
    "session_rewound",
    "session_forked",
)
_END = 2**31 - 1


@dataclass(slots=True)
class History:
    """What a log says of its turns; a turn has the id of its prompt."""

    live: list[str] = field(default_factory=list[str])
    """Those that count, in order."""
    ahead: list[str] = field(default_factory=list[str])
    """Those after them that are undone, and can come to count again."""
    asked: dict[str, int] = field(default_factory=dict[str, int])
    """Where each prompt was queued."""
    started: dict[str, int] = field(default_factory=dict[str, int])
    """Where each turn began."""
    ended: list[int] = field(default_factory=list[int])
    steered: set[str] = field(default_factory=set[str])
    """Prompts that were read within the turn of another."""
    left: dict[str, int] = field(default_factory=dict[str, int])
    """Where each prompt left the queue."""

    def prompt_at(self, seq: int, last_seq: int) -> str:
        """The prompt at a place, whose turn can be undone.

        Raises:
            NotFound: the log has no such place.
            InvalidInput: something else stands there.
            Conflict: it is no turn, or one that does not count.
        """
        if not 0 < seq <= last_seq:
            raise NotFound(
                f"The log has no place {seq}; its last is {last_seq}.", code="unknown_seq"
            )
        prompt_id = next((name for name, place in self.asked.items() if place == seq), None)
        if prompt_id is None:
            raise InvalidInput(
                f"There is no prompt at place {seq} of the log.",
                remedy="Give the `seq` of a `prompt_queued` event.",
                code="not_a_prompt",
            )
        if prompt_id in self.steered:
            raise Conflict(
                "The agent read this prompt within the turn of another.",
                remedy="Give the `seq` of the prompt that began that turn.",
                code="prompt_steered",
            )
        if prompt_id not in self.started:
            raise Conflict(
                "The agent has not begun with this prompt.",
                remedy="Take it back, where it still waits.",
                code="prompt_not_begun",
            )
        return prompt_id

    def undone_with(self, prompt_id: str) -> list[str]:
        """The turns that do not count where one does not: it, and all that follow it.

        Raises:
            Conflict: it does not count as it is, for good.
        """
        turns = [*self.live, *self.ahead]
        if prompt_id not in turns:
            raise Conflict(
                "This prompt was undone, and something else was said since then.",
                remedy="Give one that counts.",
                code="prompt_undone",
            )
        return turns[turns.index(prompt_id) :]

    def first_undone(self, prompt_id: str) -> int:
        """The place of the first event that does not count without this turn.

        That is its prompt's, unless another turn ran on after that was queued. Then it is where the
        session began to work, right before the turn.
        """
        asked, started = self.asked[prompt_id], self.started[prompt_id]
        between = any(asked < place < started for place in self.ended)
        return started - 1 if between else asked

    def waiting_at(self, place: int) -> list[str]:
        """The prompts that waited at a place, in the order in which they were queued."""
        return [
            name for name, asked in self.asked.items() if asked <= place < self.left.get(name, _END)
        ]


async def read(tx: Transaction, session_id: str, *, before: int = _END) -> History:
    """Fold the log up to a place."""
    places = await standing.places(
        tx, session_id, _KINDS, ("prompt_id", "turn_id"), after=0, before=before
    )
    history = History()
    for place in places:
        _apply(history, place)
    return history


def _apply(history: History, place: standing.Place) -> None:
    name = place.value or ""
    match place.type:
        case "prompt_queued":
            history.asked[name] = place.seq
            history.ahead = []
        case "prompt_withdrawn":
            history.left[name] = place.seq
        case "prompt_steered":
            history.left[name] = place.seq
            history.steered.add(name)
        case "turn_started":
            history.started[name] = history.left[name] = place.seq
            history.live.append(name)
            history.ahead = []
        case "turn_ended":
            history.ended.append(place.seq)
        case "session_rewound":
            turns = [*history.live, *history.ahead]
            first = turns.index(name) if name in turns else len(turns)
            history.live, history.ahead = turns[:first], turns[first:]
        case _:
            history.ahead = []  # a copy has no way forward
