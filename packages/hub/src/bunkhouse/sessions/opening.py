"""What stands at a place of a log: how a reader can begin there, and not at the first event.

A log is read by folding it, and a fold that begins in the middle lacks what came before: how the
session stands, who asked what, which prompts wait. The *opening* of a place is that, as events: the
few of those before it that what follows builds on. A reader folds them first and then goes on as if
it had read everything; what is done with (texts, tool calls, turns that ended) is not among them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bunkhouse.store import Transaction, standing
from bunkhouse.store.log import Entry
from bunkhouse_protocol.events import EVENT, EgressRefused, Event

_WITHOUT_SANDBOX = ("queued", "starting", "hibernated", "ended", "failed")
"""States in which nothing of an earlier sandbox runs any more."""
_QUEUE = (
    "prompt_queued",
    "prompt_edited",
    "prompt_moved",
    "prompt_withdrawn",
    "prompt_steered",
    "turn_started",
    "turn_ended",
)
"""What happens to prompts that wait, and what takes them out of the queue."""
_LEAVES = ("prompt_withdrawn", "prompt_steered", "turn_started")
_BEGINNING = ("prompt_queued", "prompt_edited", "prompt_steered", "turn_started")
"""What there is to be known of the prompts of the turn that runs."""
_SAID = ("prompt_queued", "turn_started", "session_forked")
"""After these there is no way forward from a rewind."""
_LOOKED_AT = 500
"""How many of the newest events of a kind are looked at where all would be too many."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a reader folds before the first event that it has."""

    events: list[Event]
    """Of those before the place, in order. What was refused is one event for each target."""
    turns: int
    """Turns that ended before the place, and what they took together."""
    input_tokens: int
    output_tokens: int
    cost: float | None


async def opening_at(tx: Transaction, session_id: str, before: int) -> Opening:
    """What stands at place `before`."""
    looking = _Looking(tx, session_id, before)
    entries = [
        *await looking.whole(),
        *await looking.plan(),
        *await looking.sandbox(),
        *await looking.driving(),
        *await looking.rewound(),
        *await looking.prompts_and_asks(),
    ]
    found = {entry.seq: _event(entry) for entry in entries}
    found |= {event.seq: event for event in await looking.refused()}
    spent = await standing.spent(tx, session_id, before=before)
    return Opening([found[seq] for seq in sorted(found)], *spent)


class _Looking:
    def __init__(self, tx: Transaction, session_id: str, before: int) -> None:
        self._tx = tx
        self._session_id = session_id
        self._before = before

    async def _newest(self, *types: str) -> list[Entry]:
        found = await standing.newest(self._tx, self._session_id, types, before=self._before)
        return [] if found is None else [found]

    async def _last(self, kind: str, after: int = 0) -> list[Entry]:
        return await standing.last(
            self._tx,
            self._session_id,
            [kind],
            after=after,
            before=self._before,
            limit=_LOOKED_AT,
        )

    async def whole(self) -> list[Entry]:
        """Of what each event says whole, the newest."""
        kinds = (
            "session_created",
            "session_forked",
            "state_changed",
            "workspace_changed",
        )
        return [entry for kind in kinds for entry in await self._newest(kind)]

    async def plan(self) -> list[Entry]:
        """The newest plan, unless it was undone for good."""
        newest = await self._newest("plan")
        if not newest:
            return []
        place = newest[0].seq
        undone = False
        for entry in await standing.last(
            self._tx,
            self._session_id,
            ["session_rewound", *_SAID],
            after=place,
            before=self._before,
            limit=_LOOKED_AT,
        ):
            if entry.type == "session_rewound":
                first = entry.data["undone_from"]
                undone = first is not None and (undone or first <= place)
            elif undone:
                return []
        return newest

    async def sandbox(self) -> list[Entry]:
        """Services and ports of the sandbox that runs, from where each got to be as it is."""
        began = await standing.newest(
            self._tx,
            self._session_id,
            ["state_changed"],
            before=self._before,
            having=("state", _WITHOUT_SANDBOX),
        )
        after = 0 if began is None else began.seq
        services = await self._last("service_changed", after)
        found: list[Entry] = []
        for name in {entry.data["name"] for entry in services}:
            states = [entry for entry in services if entry.data["name"] == name]
            newest = states[-1].data["state"]
            same = _trailing(states, lambda entry, newest=newest: entry.data["state"] == newest)
            found += [same[0], same[-1]]
        ports = await self._last("ports_changed", after)
        for port in _ports(ports[-1]) if ports else ():
            found.append(_trailing(ports, lambda entry, port=port: port in _ports(entry))[0])
        return [*found, *ports[-1:]]

    async def driving(self) -> list[Entry]:
        """Who drives, or is about to."""
        newest = await self._newest("drive_requested", "drive_started", "drive_ended")
        if not newest or newest[0].type == "drive_ended":
            return []
        return [*newest, *await self._newest("drive_requested")]

    async def rewound(self) -> list[Entry]:
        """How far it is rewound, or about to be, since something was said last."""
        said = await self._newest(*_SAID)
        return await standing.last(
            self._tx,
            self._session_id,
            ["rewind_requested", "session_rewound", "rewind_failed"],
            after=said[0].seq if said else 0,
            before=self._before,
            limit=_LOOKED_AT,
        )

    async def prompts_and_asks(self) -> list[Entry]:
        """The turn that runs, with its prompt and its questions, and the prompts that wait."""
        places = await standing.places(
            self._tx,
            self._session_id,
            _QUEUE,
            ("prompt_id", "turn_id"),
            after=0,
            before=self._before,
        )
        ended = {place.value for place in places if place.type == "turn_ended"}
        turns = [place for place in places if place.type == "turn_started"]
        running = [place for place in turns if place.value not in ended]
        begun = max((place.seq for place in running), default=None)
        asked = {place.value for place in running}
        if begun is not None:
            asked |= {p.value for p in places if p.type == "prompt_steered" and p.seq > begun}
        seqs = [p.seq for p in places if p.value in asked and p.type in _BEGINNING]
        # Places in the queue are counted among those that waited: all of them, from when none did.
        emptied = _last_empty(places)
        seqs += [place.seq for place in places if place.seq > emptied]
        if begun is not None:
            asks = await standing.places(
                self._tx,
                self._session_id,
                (
                    "permission_requested",
                    "permission_resolved",
                    "question_asked",
                    "question_resolved",
                ),
                ("request_id",),
                after=begun,
                before=self._before,
            )
            answered = {p.value for p in asks if p.type.endswith("_resolved")}
            seqs += [p.seq for p in asks if p.value not in answered]
        return await standing.at(self._tx, self._session_id, set(seqs))

    async def refused(self) -> Iterable[Event]:
        """What was refused, each target once, with how often in all."""
        targets: dict[tuple[str, int, str], EgressRefused] = {}
        for entry in await self._last("egress_refused"):
            event = _event(entry)
            if isinstance(event, EgressRefused):
                target = (event.host, event.port, event.protocol)
                before = targets.pop(target, None)
                count = event.count + (before.count if before else 0)
                targets[target] = event.model_copy(update={"count": count})
        return targets.values()


def _last_empty(places: Iterable[standing.Place]) -> int:
    """Where the last prompt left the queue; 0 where one waits since the first."""
    waiting: set[str | None] = set()
    emptied = 0
    for place in places:
        if place.type == "prompt_queued":
            waiting.add(place.value)
        elif place.type in _LEAVES:
            waiting.discard(place.value)
        if not waiting:
            emptied = place.seq
    return emptied


def _trailing(entries: list[Entry], test: Callable[[Entry], bool]) -> list[Entry]:
    """Those at the end of which all are so; the last one is."""
    start = len(entries)
    while start > 0 and test(entries[start - 1]):
        start -= 1
    return entries[start:]


def _ports(entry: Entry) -> list[int]:
    return [port["port"] for port in entry.data["ports"]]


def _event(entry: Entry) -> Event:
    return EVENT.validate_python(entry.wire())
