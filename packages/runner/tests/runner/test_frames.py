import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from bunkhouse_protocol.events import AgentMessageChunk, AgentThoughtChunk, Event, Notice
from bunkhouse_runner.frames import FRAME_CHARACTERS, Frames

pieces = st.builds(AgentMessageChunk, message_id=st.sampled_from("ab"), text=st.text())
thoughts = st.builds(AgentThoughtChunk, message_id=st.sampled_from("ab"), text=st.text())
others = st.builds(Notice, code=st.just("x"), message=st.text())


def joined(events: list[Event]) -> list[tuple[str, str, str]]:
    """Put neighbouring pieces of the same text together, as a reader does."""
    found: list[tuple[str, str, str]] = []
    for event in events:
        if isinstance(event, AgentMessageChunk | AgentThoughtChunk):
            key = (event.type, event.message_id)
            if found and found[-1][:2] == key:
                found[-1] = (*key, found[-1][2] + event.text)
            elif event.text:
                found.append((*key, event.text))
        elif isinstance(event, Notice):
            found.append(("notice", "", event.message))
    return found


@settings(deadline=None)
@given(st.lists(pieces | thoughts | others))
def test_order_and_texts_stay_as_they_were(events: list[Event]) -> None:
    async def run() -> list[Event]:
        out: list[Event] = []
        frames = Frames(out.append)
        for event in events:
            frames.put(event)
        frames.flush()
        return out

    assert joined(asyncio.run(run())) == joined(events)


async def test_the_first_piece_goes_at_once_and_the_next_ones_together() -> None:
    out: asyncio.Queue[Event] = asyncio.Queue()
    frames = Frames(out.put_nowait, window=0.02)
    for text in ("He", "l", "lo"):
        frames.put(AgentMessageChunk(message_id="m", text=text))
    first = out.get_nowait()
    assert isinstance(first, AgentMessageChunk)
    assert first.text == "He"
    assert out.empty()
    second = await asyncio.wait_for(out.get(), 60)
    assert isinstance(second, AgentMessageChunk)
    assert second.text == "llo"


async def test_long_pieces_are_cut() -> None:
    out: list[Event] = []
    text = "x" * (2 * FRAME_CHARACTERS + 1)
    Frames(out.append).put(AgentMessageChunk(message_id="m", text=text))
    assert [len(e.text) for e in out if isinstance(e, AgentMessageChunk)] == [
        FRAME_CHARACTERS,
        FRAME_CHARACTERS,
        1,
    ]
