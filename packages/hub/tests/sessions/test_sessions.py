"""Sessions as people use them, on a real store; a small honest runner stands for the sandbox."""

import pytest

from bunkhouse.errors import Conflict, InvalidInput, NotFound, TooLarge
from bunkhouse.sessions import NewSession, runner_word
from bunkhouse.store import outbox
from bunkhouse_protocol.events import (
    AgentMessageChunk,
    PermissionRequested,
    PermissionResolved,
    Problem,
    StateChanged,
    ToolCall,
    ToolCallUpdate,
    TurnEnded,
)
from bunkhouse_protocol.link import EventFrame

from ..conftest import ADMIN, Room
from .runner import started, working


async def states(room: Room, session_id: str) -> list[str]:
    log = await room.sessions.events(session_id)
    return [event.state for event in log if isinstance(event, StateChanged)]


async def test_a_session_takes_its_title_from_the_prompt_and_waits_in_the_queue(room: Room) -> None:
    view = await room.sessions.create(NewSession(prompt="Mend the roof\nsoon"), ADMIN)
    assert (view.title, view.state, view.model) == ("Mend the roof", "queued", "demo/demo")
    assert [prompt.text for prompt in view.queue] == ["Mend the roof\nsoon"]
    assert [event.seq for event in await room.sessions.events(view.id)] == [1, 2]


async def test_a_turn_from_ready_to_done_and_the_next_begins_by_itself(room: Room) -> None:
    session_id, runner, first = await working(room)
    await room.sessions.prompt(session_id, "second", ADMIN)
    assert [p.text for p in (await room.sessions.get(session_id)).queue] == ["second"]
    await runner.say(
        AgentMessageChunk(message_id="m", text="Hel"),
        AgentMessageChunk(message_id="m", text="lo"),
        TurnEnded(turn_id=first, outcome="done"),
    )
    view = await room.sessions.get(session_id)
    assert (view.state, view.queue) == ("working", [])
    assert await states(room, session_id) == ["starting", "idle", "working", "idle", "working"]
    log = await room.sessions.events(session_id)
    assert [event.seq for event in log] == list(range(1, len(log) + 1))
    folded = await room.sessions.events(session_id, folded=True)
    assert [e.text for e in folded if isinstance(e, AgentMessageChunk)] == ["Hello"]


async def test_events_that_come_twice_are_stored_once_and_a_gap_is_refused(room: Room) -> None:
    session_id, runner, _ = await working(room)
    chunk = AgentMessageChunk(message_id="m", text="once")
    await runner.say(chunk)
    async with room.journal.change(session_id) as change:
        await runner_word.take(change, EventFrame(n=1, event=chunk))
    texts = [e for e in await room.sessions.events(session_id) if isinstance(e, AgentMessageChunk)]
    assert len(texts) == 1
    with pytest.raises(InvalidInput):
        async with room.journal.change(session_id) as change:
            await runner_word.take(change, EventFrame(n=9, event=chunk))


async def test_a_runner_can_not_speak_as_the_hub(room: Room) -> None:
    session_id, runner, _ = await working(room)
    before = (await room.sessions.get(session_id)).last_seq
    await runner.say(StateChanged(previous="working", state="ended"))
    await runner.say(TurnEnded(turn_id="p_another", outcome="done"))
    view = await room.sessions.get(session_id)
    assert (view.state, view.last_seq) == ("working", before)


async def test_a_permission_makes_the_session_wait_until_it_is_answered(room: Room) -> None:
    session_id, runner, _ = await working(room)
    await runner.say(PermissionRequested(request_id="r", permission="bash", title="rm -r build"))
    assert (await room.sessions.get(session_id)).state == "waiting"
    await room.sessions.reply_permission(session_id, "r", "once", None, ADMIN)
    await runner.say(PermissionResolved(request_id="r", reply="once", by="Ada"))
    assert (await room.sessions.get(session_id)).state == "working"
    with pytest.raises(Conflict):
        await room.sessions.reply_permission(session_id, "r", "once", None, ADMIN)


async def test_a_failed_set_up_says_why_and_a_prompt_tries_again(room: Room) -> None:
    session_id, runner = await started(room, "go")
    await runner.say(Problem(code="branch_not_found", message="There is no branch `mian`."))
    await runner.ready(ok=False)
    view = await room.sessions.get(session_id)
    assert (view.state, view.state_reason) == ("failed", "There is no branch `mian`.")
    assert (await room.sessions.retry(session_id, branch="main", by=ADMIN)).state == "queued"
    assert (await room.sessions.get(session_id)).branch == "main"


async def test_a_lost_turn_ends_as_failed_when_the_runner_knows_nothing_of_it(room: Room) -> None:
    session_id, runner, turn = await working(room)
    await runner.ready(turn=turn)
    assert (await room.sessions.get(session_id)).state == "working"
    await runner.ready(turn=None)  # its command still waits in the outbox
    assert (await room.sessions.get(session_id)).state == "working"
    async with room.journal.change(session_id) as change:
        await outbox.clear(change.tx, session_id)
    await runner.ready(turn=None)
    ended = [e for e in await room.sessions.events(session_id) if isinstance(e, TurnEnded)]
    assert [(e.outcome, e.code) for e in ended] == [("failed", "turn_lost")]
    assert (await room.sessions.get(session_id)).state == "idle"


async def test_stop_before_the_start_takes_the_prompt_back(room: Room) -> None:
    session_id, runner = await started(room, "never mind")
    await room.sessions.stop(session_id, ADMIN)
    await runner.ready()
    view = await room.sessions.get(session_id)
    assert (view.state, view.queue) == ("idle", [])


async def test_stop_ends_the_set_up_too_wherever_one_may_run(room: Room) -> None:
    session_id, runner = await started(room, "never mind")

    async def told() -> list[object]:
        async with room.database.read() as tx:
            return [command for _, _, command in await outbox.waiting(tx, session_id)]

    stop = {"command": "stop", "turn_id": None}
    await room.sessions.stop(session_id, ADMIN)
    assert await told() == [stop]
    await runner.ready()
    await room.sessions.stop(session_id, ADMIN)  # it may be run once more at any time
    assert await told() == [stop, stop]


async def test_a_queued_prompt_can_be_withdrawn_but_not_a_running_one(room: Room) -> None:
    session_id, _, turn = await working(room)
    second = await room.sessions.prompt(session_id, "second", ADMIN)
    await room.sessions.withdraw(session_id, second.id, ADMIN)
    assert (await room.sessions.get(session_id)).queue == []
    with pytest.raises(Conflict):
        await room.sessions.withdraw(session_id, turn, ADMIN)
    with pytest.raises(NotFound):
        await room.sessions.withdraw(session_id, "p_none", ADMIN)


async def test_a_deleted_session_is_gone_and_its_followers_are_let_go(room: Room) -> None:
    session_id, _, _ = await working(room)
    follower = room.sessions.follow(session_id)
    assert await anext(follower)
    await room.sessions.delete(session_id, ADMIN)
    with pytest.raises(NotFound):
        await room.sessions.get(session_id)
    with pytest.raises(StopAsyncIteration):
        while True:
            await anext(follower)


async def test_limits_and_bad_input_change_nothing(room: Room) -> None:
    with pytest.raises(TooLarge):
        await room.sessions.create(NewSession(prompt="x" * 300_000), ADMIN)
    with pytest.raises(InvalidInput):
        await room.sessions.create(NewSession(model="nope/nope"), ADMIN)
    with pytest.raises(InvalidInput):
        await room.sessions.create(NewSession(repository="not-there"), ADMIN)
    with pytest.raises(InvalidInput):
        await room.sessions.list("garbage")
    assert await room.sessions.list() == ([], None)


async def test_the_list_pages_by_newest_activity(room: Room) -> None:
    ids = [(await room.sessions.create(NewSession(title=str(n)), ADMIN)).id for n in range(5)]
    first, cursor = await room.sessions.list(limit=3)
    rest, end = await room.sessions.list(cursor, limit=3)
    assert [view.id for view in (*first, *rest)] == ids[::-1]
    assert end is None


async def test_the_live_line_is_the_newest_line_without_markup(room: Room) -> None:
    session_id, runner, _ = await working(room)
    for piece in ("## What ", "I did\n\n- **wrote** a", " note\n"):
        await runner.say(AgentMessageChunk(message_id="m", text=piece))
    assert (await room.sessions.get(session_id)).activity == "wrote a note"
    await runner.say(AgentMessageChunk(message_id="m", text="word " * 100))
    line = (await room.sessions.get(session_id)).activity or ""
    assert line.startswith("…word word")
    await runner.say(ToolCall(tool_call_id="t", tool="bash", kind="execute", title=""))
    assert (await room.sessions.get(session_id)).activity == "bash"
    await runner.say(ToolCallUpdate(tool_call_id="t", status="in_progress", title="make test"))
    await runner.say(ToolCallUpdate(tool_call_id="t", status="completed"))
    assert (await room.sessions.get(session_id)).activity == "make test"
    await runner.say(PermissionRequested(request_id="r", permission="bash", title="rm -r build"))
    assert (await room.sessions.get(session_id)).activity == "Asks: rm -r build"
