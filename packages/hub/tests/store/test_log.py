"""Folding frames loses nothing: any reader, at any place, gets exactly what follows it."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bunkhouse.store import Database, Place, log

from ..stores import Stores
from .rows import START, add_session

LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
"""Of NUL the store keeps a sign alone (`encoding`)."""


def frame(seq: int, text: str) -> log.Entry:
    data = {"type": "agent_message_chunk", "message_id": "m", "text": text}
    return log.Entry(seq, seq, "agent_message_chunk", START + timedelta(milliseconds=seq), data)


@settings(max_examples=25, deadline=None)
@given(
    texts=st.lists(st.text(LETTERS, max_size=20), min_size=2, max_size=30),
    data=st.data(),
)
async def test_a_folded_run_reads_the_same_from_every_place(
    stores: Stores, texts: list[str], data: st.DataObject
) -> None:
    with stores.fresh() as place:
        await folds(await Database.open(place), texts, data)


async def folds(database: Database, texts: list[str], data: st.DataObject) -> None:
    try:
        frames = [frame(seq, text) for seq, text in enumerate(texts, start=1)]
        first = data.draw(st.integers(1, len(frames) - 1))
        last = data.draw(st.integers(first, len(frames)))
        async with database.write() as tx:
            await add_session(tx)
            await log.append(tx, "s", frames)
            await log.fold(tx, "s", first, last)
        async with database.read() as tx:
            for after in range(len(frames) + 1):
                flat = await log.read(tx, "s", after=after, limit=1000, folded=False)
                assert flat == frames[after:]
                folded = await log.read(tx, "s", after=after, limit=1000, folded=True)
                text = "".join(entry.data["text"] for entry in folded)
                assert text == "".join(texts[after:])
                place = after
                for entry in folded:
                    assert entry.first_seq == place + 1
                    place = entry.seq
                assert place == len(frames)
    finally:
        await database.close()


@settings(max_examples=25, deadline=None)
@given(
    texts=st.lists(st.text(LETTERS, max_size=9), min_size=2, max_size=20),
    limit=st.integers(1, 25),
    data=st.data(),
)
async def test_backwards_a_log_reads_the_same_from_every_place(
    stores: Stores, texts: list[str], limit: int, data: st.DataObject
) -> None:
    with stores.fresh() as place:
        await reads_backwards(await Database.open(place), texts, limit, data)


async def reads_backwards(
    database: Database, texts: list[str], limit: int, data: st.DataObject
) -> None:
    try:
        frames = [frame(seq, text) for seq, text in enumerate(texts, start=1)]
        first = data.draw(st.integers(1, len(frames) - 1))
        last = data.draw(st.integers(first, len(frames)))
        async with database.write() as tx:
            await add_session(tx)
            await log.append(tx, "s", frames)
            await log.fold(tx, "s", first, last)
        async with database.read() as tx:
            for before in range(1, len(frames) + 2):
                asked = {"before": before, "limit": limit}
                flat = await log.read_before(tx, "s", **asked, folded=False)
                assert flat == frames[max(0, before - 1 - limit) : before - 1]
                # They are frames of one text, folded or about to be: one entry, however many.
                folded = await log.read_before(tx, "s", **asked, folded=True)
                assert len(folded) == (before > 1)
                for entry in folded:
                    assert (entry.first_seq, entry.seq) == (1, before - 1)
                    assert entry.data["text"] == "".join(texts[: before - 1])
                    assert "frames" not in entry.wire()
    finally:
        await database.close()


async def test_backwards_a_text_that_still_streams_is_one_entry_of_a_page(
    store_place: Place,
) -> None:
    database = await Database.open(store_place)
    notices = [log.Entry(seq, seq, "notice", START, {"type": "notice"}) for seq in (1, 2, 3)]
    async with database.write() as tx:
        await add_session(tx)
        await log.append(tx, "s", [*notices, *(frame(seq, f"{seq} ") for seq in range(4, 500))])
    async with database.read() as tx:
        page = await log.read_before(tx, "s", before=2**31 - 1, limit=3, folded=True)
    assert [(entry.first_seq, entry.seq) for entry in page] == [(2, 2), (3, 3), (4, 499)]
    assert page[-1].data["text"] == "".join(f"{seq} " for seq in range(4, 500))
    await database.close()


async def test_a_page_ends_at_its_limit_inside_a_folded_run(store_place: Place) -> None:
    database = await Database.open(store_place)
    async with database.write() as tx:
        await add_session(tx)
        await log.append(tx, "s", [frame(seq, str(seq)) for seq in range(1, 11)])
        await log.fold(tx, "s", 1, 10)
    seen: list[int] = []
    async with database.read() as tx:
        while page := await log.read(tx, "s", after=seen[-1] if seen else 0, limit=3, folded=False):
            assert len(page) <= 3
            seen += [entry.seq for entry in page]
    assert seen == list(range(1, 11))
    await database.close()


async def test_the_wire_form_is_flat_and_says_what_it_covers(store_place: Place) -> None:
    database = await Database.open(store_place)
    async with database.write() as tx:
        await add_session(tx)
        await log.append(tx, "s", [frame(1, "a"), frame(2, "b")])
        await log.fold(tx, "s", 1, 2)
        (entry,) = await log.read(tx, "s", after=0, limit=10, folded=True)
    assert entry.wire() == {
        "seq": 2,
        "first_seq": 1,
        "at": START + timedelta(milliseconds=1),
        "type": "agent_message_chunk",
        "message_id": "m",
        "text": "ab",
    }
    await database.close()
