"""Queries over the event log, and the folding of frames.

A row holds one event, or a *folded run*: consecutive frames of one text, put together. A folded
row covers the places `first_seq` to `seq`, and its `frames` say how long each frame was and when
it came, so that it can be taken apart again exactly: a reader at any place gets what follows it,
whether the run was folded meanwhile or not.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, literal, select

from bunkhouse.store.connections import Transaction
from bunkhouse.store.tables import events
from bunkhouse_protocol.events import FRAMES

Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored event or folded run; `data` is the event without `seq`, `first_seq` and `at`."""

    seq: int
    first_seq: int
    type: str
    at: datetime
    data: Data

    def wire(self) -> Data:
        """As one flat object, the form in which events travel."""
        first = self.first_seq if self.first_seq < self.seq else None
        data = {key: value for key, value in self.data.items() if key != "frames"}
        return {"seq": self.seq, "first_seq": first, "at": self.at, "type": self.type, **data}


async def append(tx: Transaction, session_id: str, entries: list[Entry]) -> None:
    """Store events at the places that they carry."""
    await tx.execute(
        insert(events),
        [
            {
                "session_id": session_id,
                "seq": entry.seq,
                "first_seq": entry.first_seq,
                "type": entry.type,
                "at": entry.at,
                "data": entry.data,
            }
            for entry in entries
        ],
    )


async def read(
    tx: Transaction, session_id: str, *, after: int, limit: int, folded: bool
) -> list[Entry]:
    """What follows place `after`, at most `limit` entries.

    A folded run of which the reader has a part is cut there, so nothing is given twice.
    """
    query = (
        select(events)
        .where(events.c.session_id == session_id, events.c.seq > after)
        .order_by(events.c.seq)
        .limit(limit)
    )
    found: list[Entry] = []
    for row in await tx.execute(query):
        entry = Entry(row.seq, row.first_seq, row.type, row.at, row.data)
        if entry.first_seq == entry.seq:
            found.append(entry)
        elif folded:
            found.append(_cut(entry, after))
        else:
            found.extend(frame for frame in _unfolded(entry) if frame.seq > after)
    return found[:limit]


async def read_before(
    tx: Transaction, session_id: str, *, before: int, limit: int, folded: bool
) -> list[Entry]:
    """What stands right before place `before`, at most `limit` entries, in order.

    With `folded`, the frames at the end of a log whose run is not folded yet count as the one
    entry that they will become: however long a text has been streaming, it fills no page.
    """
    runs: list[list[Entry]] = []  # both from the newest to the oldest
    place = before
    cut = await _across(tx, session_id, before)
    if cut is not None:
        place = cut.first_seq
        runs += [[cut]] if folded else [[frame] for frame in _frames_from_the_end(cut)]
    while len(runs) <= limit:
        query = (
            select(events)
            .where(events.c.session_id == session_id, events.c.seq < place)
            .order_by(events.c.seq.desc())
            .limit(limit)
        )
        rows = (await tx.execute(query)).all()
        for row in rows:
            entry = Entry(row.seq, row.first_seq, row.type, row.at, row.data)
            place = entry.first_seq
            if not folded:
                runs += [[frame] for frame in _frames_from_the_end(entry)]
            elif runs and _of_one_run(entry, runs[-1][-1]):
                runs[-1].append(entry)
            else:
                runs.append([entry])
        if len(rows) < limit:
            break
    return [_joined(run[::-1]) for run in reversed(runs[:limit])]


async def copy(tx: Transaction, source: str, target: str, *, to: int) -> None:
    """Begin a log with another's events up to a place, at which no folded run is cut."""
    names = [column.name for column in events.columns if column.name != "session_id"]
    query = select(literal(target), *(events.c[name] for name in names)).where(
        events.c.session_id == source, events.c.seq <= to
    )
    await tx.execute(insert(events).from_select(["session_id", *names], query))


async def retracted(tx: Transaction, session_id: str) -> set[str]:
    """The ids of messages that were taken back, anywhere in the log."""
    query = select(events.c.data["message_id"].as_string()).where(
        events.c.session_id == session_id, events.c.type == "message_retracted"
    )
    return set((await tx.execute(query)).scalars())


async def fold(tx: Transaction, session_id: str, first: int, last: int) -> None:
    """Put the frames at places `first` to `last`, all of one text, into one row."""
    if first >= last:
        return
    here = (events.c.session_id == session_id, events.c.seq.between(first, last))
    rows = (await tx.execute(select(events).where(*here).order_by(events.c.seq))).all()
    start: datetime = rows[0].at
    frames = [
        [len(row.data["text"]), round((row.at - start).total_seconds() * 1000)] for row in rows
    ]
    data = {**rows[0].data, "text": "".join(row.data["text"] for row in rows), "frames": frames}
    await tx.execute(delete(events).where(*here))
    await append(tx, session_id, [Entry(last, first, rows[0].type, start, data)])


async def _across(tx: Transaction, session_id: str, before: int) -> Entry | None:
    """The head of a folded run that stands on both sides of place `before`."""
    query = (
        select(events)
        .where(events.c.session_id == session_id, events.c.seq >= before)
        .order_by(events.c.seq)
        .limit(1)
    )
    row = (await tx.execute(query)).first()
    if row is None or row.first_seq >= before:
        return None
    frames = row.data["frames"][: before - row.first_seq]
    text = row.data["text"][: sum(length for length, _ in frames)]
    data = {**row.data, "text": text, "frames": frames}
    return Entry(before - 1, row.first_seq, row.type, row.at, data)


def _frames_from_the_end(entry: Entry) -> list[Entry]:
    return [entry] if "frames" not in entry.data else list(_unfolded(entry))[::-1]


def _of_one_run(entry: Entry, following: Entry) -> bool:
    key = FRAMES.get(entry.type)
    return (
        key is not None
        and following.type == entry.type
        and following.first_seq == entry.seq + 1
        and following.data[key] == entry.data[key]
    )


def _joined(run: Sequence[Entry]) -> Entry:
    """Put the entries of one run together; the result can't be taken apart again."""
    first, last = run[0], run[-1]
    if first is last:
        return first
    text = "".join(entry.data["text"] for entry in run)
    return Entry(last.seq, first.first_seq, first.type, first.at, {**first.data, "text": text})


def _unfolded(entry: Entry) -> Iterator[Entry]:
    offset = 0
    for place, (length, ms) in enumerate(entry.data["frames"], start=entry.first_seq):
        data = {key: value for key, value in entry.data.items() if key != "frames"}
        data["text"] = entry.data["text"][offset : offset + length]
        offset += length
        yield Entry(place, place, entry.type, entry.at + timedelta(milliseconds=ms), data)


def _cut(entry: Entry, after: int) -> Entry:
    have = after - entry.first_seq + 1
    if have <= 0:
        return entry
    frames = entry.data["frames"]
    offset = sum(length for length, _ in frames[:have])
    data = {**entry.data, "text": entry.data["text"][offset:], "frames": frames[have:]}
    return Entry(entry.seq, after + 1, entry.type, entry.at, data)
