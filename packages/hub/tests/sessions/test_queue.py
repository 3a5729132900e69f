"""The queue of prompts: changed while they wait, sent now, and none lost or given twice."""

import asyncio
import random
from collections import Counter
from typing import Any, get_args

import pytest

from bunkhouse.errors import Conflict, InvalidInput, NotFound, TooLarge
from bunkhouse.people.identity import Person
from bunkhouse.sessions.views import PromptEdit
from bunkhouse.store import outbox
from bunkhouse_protocol.events import (
    Event,
    PermissionRequested,
    PromptEdited,
    PromptMoved,
    PromptQueued,
    PromptSteered,
    PromptWithdrawn,
    TurnEnded,
    TurnStarted,
    When,
)

from ..conftest import ADMIN, Room
from .runner import Runner, started, working

BOB = Person(id="u_bob", name="Bob", role="member")


@pytest.fixture
def steering(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runners give prompts into running turns."""
    let_steer(room, monkeypatch, steers=True)


def let_steer(room: Room, monkeypatch: pytest.MonkeyPatch, *, steers: bool) -> None:
    def answer(session_id: str) -> bool:
        return steers

    monkeypatch.setattr(room.links, "steers", answer)


async def log(room: Room, session_id: str) -> list[Event]:
    return list(await room.sessions.events(session_id, limit=10_000))


async def texts(room: Room, session_id: str) -> list[str]:
    return [prompt.text for prompt in (await room.sessions.get(session_id)).queue]


async def queued(room: Room, session_id: str, *words: str) -> list[str]:
    return [(await room.sessions.prompt(session_id, word, ADMIN)).id for word in words]


async def commands(room: Room, session_id: str) -> list[tuple[str, str]]:
    """What the runner is told, and about which turn or prompt."""
    async with room.database.read() as tx:
        found = await outbox.waiting(tx, session_id)
    return [(c["command"], c.get("prompt_id") or c["turn_id"]) for _, _, c in found]


async def test_what_waits_is_edited_and_keeps_its_author_and_place(room: Room) -> None:
    session_id, _, _ = await working(room)
    first, _ = await queued(room, session_id, "secnd", "third")
    view = await room.sessions.edit_prompt(session_id, first, {"text": " second "}, BOB)
    assert (view.text, view.author, view.model) == ("second", "Ada", None)
    view = await room.sessions.edit_prompt(session_id, first, {"model": "demo/demo"}, BOB)
    assert view.model == "demo/demo"
    assert await texts(room, session_id) == ["second", "third"]
    edits = [e for e in await log(room, session_id) if isinstance(e, PromptEdited)]
    assert [(e.text, e.model, e.by) for e in edits] == [
        ("second", None, "Bob"),
        ("second", "demo/demo", "Bob"),
    ]
    before = len(await log(room, session_id))
    for nothing in (PromptEdit(), PromptEdit(text="second"), PromptEdit(position=0)):
        await room.sessions.edit_prompt(session_id, first, nothing, BOB)
    assert len(await log(room, session_id)) == before


@pytest.mark.parametrize(
    ("edit", "error"),
    [
        ({"text": "  "}, InvalidInput),
        ({"text": "x" * 300_000}, TooLarge),
        ({"model": "nope/nope"}, InvalidInput),
        ({"attachments": ["u_none"]}, InvalidInput),
    ],
)
async def test_an_edit_that_can_not_be_changes_nothing(
    room: Room, edit: PromptEdit, error: type[Exception]
) -> None:
    session_id, _, _ = await working(room)
    (prompt,) = await queued(room, session_id, "second")
    before = await log(room, session_id)
    with pytest.raises(error):
        await room.sessions.edit_prompt(session_id, prompt, edit, ADMIN)
    assert await log(room, session_id) == before


async def test_people_arrange_the_order(room: Room) -> None:
    session_id, runner, turn = await working(room)
    a, b, c = await queued(room, session_id, "a", "b", "c")
    await room.sessions.edit_prompt(session_id, c, {"position": 0}, BOB)
    assert await texts(room, session_id) == ["c", "a", "b"]
    await room.sessions.edit_prompt(session_id, c, {"position": 1}, BOB)
    assert await texts(room, session_id) == ["a", "c", "b"]
    await room.sessions.edit_prompt(session_id, a, {"position": 99}, BOB)
    assert await texts(room, session_id) == ["c", "b", "a"]
    moves = [e for e in await log(room, session_id) if isinstance(e, PromptMoved)]
    assert [(e.prompt_id, e.position, e.by) for e in moves] == [
        (c, 0, "Bob"),
        (c, 1, "Bob"),
        (a, 2, "Bob"),
    ]
    for _ in range(3):
        await runner.say(TurnEnded(turn_id=turn, outcome="done"))
        turn = [e.turn_id for e in await log(room, session_id) if isinstance(e, TurnStarted)][-1]
    began = [e.turn_id for e in await log(room, session_id) if isinstance(e, TurnStarted)]
    assert began[1:] == [c, b, a]


async def test_a_prompt_that_the_agent_has_is_left_alone(room: Room) -> None:
    session_id, runner, turn = await working(room)
    (gone,) = await queued(room, session_id, "second")
    edits: list[PromptEdit] = [{"text": "x"}, {"position": 0}, {"when": "now"}]
    for edit in edits:
        with pytest.raises(Conflict) as told:
            await room.sessions.edit_prompt(session_id, turn, edit, ADMIN)
        assert (told.value.reason, bool(told.value.remedy)) == ("prompt_begun", True)
    await room.sessions.withdraw(session_id, gone, ADMIN)
    with pytest.raises(Conflict) as told:
        await room.sessions.edit_prompt(session_id, gone, {"text": "x"}, ADMIN)
    assert told.value.reason == "prompt_withdrawn"
    await runner.say(TurnEnded(turn_id=turn, outcome="done"))
    with pytest.raises(Conflict) as told:
        await room.sessions.edit_prompt(session_id, turn, {"text": "x"}, ADMIN)
    assert told.value.reason == "prompt_begun"
    with pytest.raises(NotFound):
        await room.sessions.edit_prompt(session_id, "p_none", {"text": "x"}, ADMIN)


async def test_now_makes_way_where_the_agent_can_not_be_steered(room: Room) -> None:
    session_id, runner, turn = await working(room)
    waiting, _ = await queued(room, session_id, "a", "b")
    now = await room.sessions.prompt(session_id, "now", ADMIN, when="now")
    assert await texts(room, session_id) == ["now", "a", "b"]
    assert await commands(room, session_id) == [("prompt", turn), ("stop", turn)]
    await runner.say(TurnEnded(turn_id=turn, outcome="stopped"))
    assert await texts(room, session_id) == ["a", "b"]
    assert (await commands(room, session_id))[-1] == ("prompt", now.id)
    await room.sessions.edit_prompt(session_id, waiting, {"when": "now"}, BOB)
    assert (await commands(room, session_id))[-1] == ("stop", now.id)


async def test_now_where_nothing_runs_is_the_next(room: Room) -> None:
    session_id, runner = await started(room, "first")
    await room.sessions.prompt(session_id, "now", ADMIN, when="now")
    assert await texts(room, session_id) == ["now", "first"]
    assert await commands(room, session_id) == []
    await runner.ready()
    assert await texts(room, session_id) == ["first"]


@pytest.mark.usefixtures("steering")
async def test_now_goes_into_the_running_turn_and_belongs_to_it(room: Room) -> None:
    session_id, runner, turn = await working(room)
    await queued(room, session_id, "later")
    one = (await room.sessions.prompt(session_id, "one", ADMIN, when="now")).id
    two = (await room.sessions.prompt(session_id, "two", ADMIN, when="now")).id
    assert await commands(room, session_id) == [("prompt", turn), ("steer", one), ("steer", two)]
    queue = (await room.sessions.get(session_id)).queue
    assert [(p.text, p.state) for p in queue] == [
        ("one", "steering"),
        ("two", "steering"),
        ("later", "queued"),
    ]
    with pytest.raises(Conflict):
        await room.sessions.withdraw(session_id, one, ADMIN)
    await room.sessions.edit_prompt(session_id, queue[2].id, {"position": 0}, ADMIN)
    assert await texts(room, session_id) == ["one", "two", "later"]

    await runner.say(
        PromptSteered(prompt_id=one, turn_id="p_another"),
        PromptSteered(prompt_id=queue[2].id, turn_id=turn),
        PromptSteered(prompt_id=one, turn_id=turn),
        PromptSteered(prompt_id=one, turn_id=turn),
    )
    told = [e.prompt_id for e in await log(room, session_id) if isinstance(e, PromptSteered)]
    assert told == [one]
    # The agent did not get to the second: it is the next turn's.
    await runner.say(TurnEnded(turn_id=turn, outcome="done"))
    assert await texts(room, session_id) == ["later"]
    assert (await commands(room, session_id))[-1] == ("prompt", two)
    with pytest.raises(Conflict):
        await room.sessions.edit_prompt(session_id, one, {"text": "x"}, ADMIN)


@pytest.mark.usefixtures("steering")
async def test_an_agent_that_waits_for_a_person_is_stopped_for_what_is_sent_now(room: Room) -> None:
    session_id, runner, turn = await working(room)
    await runner.say(PermissionRequested(request_id="r", permission="bash", title="rm -r build"))
    await room.sessions.prompt(session_id, "never mind", ADMIN, when="now")
    assert (await commands(room, session_id))[-1] == ("stop", turn)


@pytest.mark.usefixtures("steering")
async def test_a_lost_sandbox_loses_no_prompt_that_was_on_its_way(room: Room) -> None:
    session_id, _, turn = await working(room)
    await room.sessions.prompt(session_id, "now", ADMIN, when="now")
    async with room.journal.change(session_id) as change:
        from bunkhouse.sessions import turns

        await turns.lose(change, code="sandbox_lost", message="Gone.")
        change.move("queued", "hub")
        await outbox.clear(change.tx, session_id)
    queue = (await room.sessions.get(session_id)).queue
    assert [(prompt.text, prompt.state) for prompt in queue] == [("now", "queued")]
    assert turn not in {prompt.id for prompt in queue}


async def test_editing_and_beginning_at_once_leave_one_truth(room: Room) -> None:
    """Whichever is first: what the agent gets is what the log says, or the edit is refused."""
    for _ in range(10):
        session_id, runner, turn = await working(room)
        (prompt,) = await queued(room, session_id, "before")
        edited, _ = await asyncio.gather(
            room.sessions.edit_prompt(session_id, prompt, {"text": "after"}, ADMIN),
            runner.say(TurnEnded(turn_id=turn, outcome="done")),
            return_exceptions=True,
        )
        async with room.database.read() as tx:
            given = [c for _, _, c in await outbox.waiting(tx, session_id)][-1]
        assert given["turn_id"] == prompt
        assert given["text"] == ("before" if isinstance(edited, Conflict) else "after")


def fold(events: list[Event]) -> list[str]:
    """The queue, as whoever reads the log puts it together."""
    queue: list[str] = []
    for event in events:
        match event:
            case PromptQueued():
                place = len(queue) if event.position is None else event.position
                queue.insert(place, event.prompt_id)
            case PromptMoved():
                queue.remove(event.prompt_id)
                queue.insert(event.position, event.prompt_id)
            case PromptWithdrawn() | PromptSteered():
                queue.remove(event.prompt_id)
            case TurnStarted():
                queue.remove(event.turn_id)
            case _:
                pass
    return queue


class Crowd:
    """People and a runner who do things in any order that chance gives them."""

    def __init__(self, room: Room, session_id: str, runner: Runner, seed: int) -> None:
        self.room = room
        self.session_id = session_id
        self.runner = runner
        self.chance = random.Random(seed)
        self.said: list[str] = []
        self.withdrawn: set[str] = set()

    async def running(self) -> str | None:
        turn = None
        for event in await log(self.room, self.session_id):
            if isinstance(event, TurnStarted):
                turn = event.turn_id
            elif isinstance(event, TurnEnded):
                turn = None
        return turn

    async def do(self) -> None:
        sessions, chance = self.room.sessions, self.chance
        queue = (await sessions.get(self.session_id)).queue
        deed = chance.choice(["say", "say", "edit", "move", "now", "withdraw", "steered", "end"])
        if deed == "say":
            when = chance.choice(get_args(When))
            prompt = await sessions.prompt(self.session_id, "x", ADMIN, when=when)
            self.said.append(prompt.id)
        elif deed == "end":
            await self.end(chance.choice(["done", "stopped", "failed"]))
        elif deed == "steered":
            turn, on_its_way = await self.running(), [p for p in queue if p.state == "steering"]
            if turn and on_its_way:
                steered = PromptSteered(prompt_id=on_its_way[0].id, turn_id=turn)
                await self.runner.say(steered)
        elif queue:
            prompt = chance.choice(queue)
            edits: dict[str, PromptEdit] = {
                "edit": {"text": f"y{chance.random()}"},
                "move": {"position": chance.randrange(len(queue) + 1)},
                "now": {"when": "now"},
            }
            try:
                if deed == "withdraw":
                    await sessions.withdraw(self.session_id, prompt.id, ADMIN)
                    self.withdrawn.add(prompt.id)
                else:
                    await sessions.edit_prompt(self.session_id, prompt.id, edits[deed], ADMIN)
            except Conflict:
                assert prompt.state == "steering"

    async def end(self, outcome: Any) -> None:
        turn = await self.running()
        if turn is not None:
            await self.runner.say(TurnEnded(turn_id=turn, outcome=outcome))


@pytest.mark.parametrize("steers", [True, False])
@pytest.mark.parametrize("seed", range(3))
async def test_whatever_people_do_each_prompt_is_read_once_and_the_log_tells_all(
    room: Room, monkeypatch: pytest.MonkeyPatch, seed: int, steers: bool
) -> None:
    let_steer(room, monkeypatch, steers=steers)
    session_id, runner, first = await working(room)
    crowd = Crowd(room, session_id, runner, seed)
    for _ in range(50):
        await crowd.do()
        queue = [prompt.id for prompt in (await room.sessions.get(session_id)).queue]
        assert fold(await log(room, session_id)) == queue
    while await crowd.running() is not None:
        await crowd.end("done")
    events = await log(room, session_id)
    read = Counter(e.turn_id for e in events if isinstance(e, TurnStarted))
    read.update(e.prompt_id for e in events if isinstance(e, PromptSteered))
    assert read == dict.fromkeys({first, *crowd.said} - crowd.withdrawn, 1)
    if steers:
        assert any(isinstance(e, PromptSteered) for e in events)
