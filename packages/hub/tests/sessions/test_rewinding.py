"""Back to before a prompt and forward: who may when, what the log says, and no dead end."""

from collections.abc import Awaitable

import pytest

from bunkhouse.errors import BunkhouseError, Conflict, SandboxNotRunning
from bunkhouse.people import Person
from bunkhouse.sessions import NewSession, history
from bunkhouse.sessions.drivers import Drivers
from bunkhouse.sessions.reaching import Reaching
from bunkhouse.sessions.rewinders import Rewinders
from bunkhouse.sessions.sleepers import Sleepers
from bunkhouse.store import outbox
from bunkhouse_protocol.events import (
    Event,
    Problem,
    PromptQueued,
    RewindFailed,
    SessionRewound,
    TurnEnded,
    TurnStarted,
)
from bunkhouse_protocol.link import RewindCommand

from ..conftest import ADMIN, Room
from .runner import Runner

BOB = Person(id="u_bob", name="Bob", role="member")


class House(Runner):
    """A session whose turns end at once, and what its runner is told."""

    def __init__(self, room: Room, session_id: str) -> None:
        super().__init__(room, session_id)
        self.rewinders = Rewinders(room.journal, room.links)

    async def turn(self, text: str) -> int:
        """Say something that is done at once; returns the place of the prompt."""
        prompt = await self.room.sessions.prompt(self.session_id, text, ADMIN)
        await self.say(TurnEnded(turn_id=prompt.id, outcome="done"))
        return next(
            event.seq
            for event in await self.events()
            if isinstance(event, PromptQueued) and event.prompt_id == prompt.id
        )

    async def events(self) -> list[Event]:
        return list(await self.room.sessions.events(self.session_id))

    async def name(self, seq: int) -> str:
        found = next(event for event in await self.events() if event.seq == seq)
        assert isinstance(found, PromptQueued)
        return found.prompt_id

    async def orders(self) -> list[RewindCommand]:
        async with self.room.database.read() as tx:
            waiting = await outbox.waiting(tx, self.session_id)
        return [
            RewindCommand.model_validate(command)
            for _, _, command in waiting
            if command["command"] == "rewind"
        ]

    async def told(self) -> RewindCommand:
        """What the runner is told of going back, and has received."""
        await self.ready()  # where it is not connected it is told when it is there
        order = (await self.orders())[-1]
        async with self.room.database.write() as tx:
            await outbox.clear(tx, self.session_id)
        return order

    async def rewind(self, seq: int | None) -> RewindCommand:
        await self.rewinders.rewind(self.session_id, seq, BOB)
        order = await self.told()
        first = order.undone[0] if order.undone else None
        await self.say(SessionRewound(prompt_id=first))
        return order

    async def counting(self) -> list[str]:
        async with self.room.database.read() as tx:
            return (await history.read(tx, self.session_id)).live

    async def standing(self) -> str | None:
        view = await self.room.sessions.get(self.session_id)
        return None if view.rewind is None else view.rewind.state


@pytest.fixture
async def house(room: Room) -> House:
    view = await room.sessions.create(NewSession(), ADMIN)
    house = House(room, view.id)
    await house.start()
    return house


async def refused(deed: Awaitable[object]) -> str:
    with pytest.raises(BunkhouseError) as error:
        await deed
    return error.value.reason


async def test_back_forward_and_for_good(house: House) -> None:
    one, two, three = [await house.turn(text) for text in ("one", "two", "three")]
    names = [await house.name(seq) for seq in (one, two, three)]

    await house.rewinders.rewind(house.session_id, two, BOB)
    assert await house.standing() == "requested"
    order = await house.told()
    assert order.undone == names[1:]
    waiting = await house.room.sessions.prompt(house.session_id, "not yet", ADMIN)
    assert waiting.state == "queued"
    await house.room.sessions.withdraw(house.session_id, waiting.id, ADMIN)
    await house.say(SessionRewound(prompt_id=names[1]))
    view = await house.room.sessions.get(house.session_id)
    assert view.rewind is not None
    assert (view.rewind.state, view.rewind.seq, view.rewind.by) == ("rewound", two, "Bob")
    said = (await house.events())[-1]
    assert isinstance(said, SessionRewound)
    assert (said.prompt_id, said.undone_from, said.by) == (names[1], two, "Bob")
    assert await house.counting() == names[:1]

    assert (await house.rewind(one)).undone == names
    assert await house.counting() == []
    assert (await house.rewind(None)).undone == []
    assert (await house.standing(), await house.counting()) == (None, names)

    await house.rewind(two)
    four = await house.turn("four")
    assert await house.standing() is None
    assert await refused(house.rewinders.rewind(house.session_id, None, BOB)) == "not_rewound"
    assert await refused(house.rewinders.rewind(house.session_id, three, BOB)) == "prompt_undone"
    assert await house.counting() == [names[0], await house.name(four)]
    assert (await house.rewind(one)).undone == [names[0], await house.name(four)]


async def test_what_can_not_be_gone_back_to(house: House) -> None:
    one = await house.turn("one")
    last = (await house.events())[-1].seq
    rewind = house.rewinders.rewind
    assert await refused(rewind(house.session_id, last + 1, BOB)) == "unknown_seq"
    assert await refused(rewind(house.session_id, 1, BOB)) == "not_a_prompt"
    assert await refused(rewind(house.session_id, None, BOB)) == "not_rewound"
    assert await refused(rewind("none", one, BOB)) == "not_found"
    await house.room.sessions.prompt(house.session_id, "works", ADMIN)
    queued = await house.room.sessions.prompt(house.session_id, "waits", ADMIN)
    place = next(
        event.seq
        for event in await house.events()
        if isinstance(event, PromptQueued) and event.prompt_id == queued.id
    )
    assert await refused(rewind(house.session_id, one, BOB)) == "busy"
    await house.room.sessions.withdraw(house.session_id, queued.id, ADMIN)
    turn = [event for event in await house.events() if isinstance(event, TurnStarted)][-1]
    await house.say(TurnEnded(turn_id=turn.turn_id, outcome="stopped"))
    assert await refused(rewind(house.session_id, place, BOB)) == "prompt_not_begun"
    drivers = Drivers(
        house.room.journal, Reaching(house.room.journal, house.room.links, house.room.settings)
    )
    await drivers.drive(house.session_id, ADMIN)
    assert await refused(rewind(house.session_id, one, BOB)) == "driven"
    await drivers.give_up(house.session_id, ADMIN)
    await rewind(house.session_id, one, BOB)
    assert await refused(rewind(house.session_id, one, BOB)) == "rewinding"
    sleepers = Sleepers(house.room.journal)
    assert await refused(sleepers.hibernate(house.session_id, BOB)) == "rewinding"
    await sleepers.end(house.session_id, BOB)
    assert await refused(rewind(house.session_id, one, BOB)) == "session_ended"


async def test_a_session_that_is_not_set_up(room: Room) -> None:
    view = await room.sessions.create(NewSession(prompt="x"), ADMIN)
    with pytest.raises(SandboxNotRunning) as error:
        await Rewinders(room.journal, room.links).rewind(view.id, 2, ADMIN)
    assert error.value.remedy


async def test_one_that_sleeps_wakes_up_for_it(house: House) -> None:
    one = await house.turn("one")
    await Sleepers(house.room.journal).hibernate(house.session_id, ADMIN)
    async with house.room.journal.change(house.session_id) as change:
        change.move("hibernated", "hub")
    await house.rewinders.rewind(house.session_id, one, BOB)
    assert (await house.room.sessions.get(house.session_id)).state == "restoring"
    assert await house.orders() == []
    order = await house.told()
    assert order.undone == [await house.name(one)]
    await house.say(SessionRewound())
    assert await house.standing() == "rewound"


async def test_what_is_lost_on_the_way_is_asked_for_again(house: House) -> None:
    one = await house.turn("one")
    await house.rewinders.rewind(house.session_id, one, BOB)
    first = await house.told()
    second = await house.told()  # the runner came anew: it knows the order by its id
    assert first == second
    await house.ready()
    await house.ready()
    assert len(await house.orders()) == 1
    await house.say(SessionRewound(), SessionRewound(), RewindFailed())
    assert [event.type for event in await house.events()].count("session_rewound") == 1
    assert await house.standing() == "rewound"


async def test_a_failure_leaves_it_as_it_was_and_lets_prompts_through(house: House) -> None:
    one, two = [await house.turn(text) for text in ("one", "two")]
    await house.rewind(two)
    await house.rewinders.rewind(house.session_id, one, BOB)
    await house.told()
    problem = Problem(code="no_checkpoint", message="It does not know.")
    await house.say(problem, RewindFailed())
    assert await house.standing() == "rewound"
    assert await house.counting() == [await house.name(one)]
    await house.rewinders.rewind(house.session_id, one, BOB)
    await house.told()
    prompt = await house.room.sessions.prompt(house.session_id, "three", ADMIN)
    await house.say(problem, RewindFailed())
    assert (await house.room.sessions.get(house.session_id)).state == "working"
    await house.say(TurnEnded(turn_id=prompt.id, outcome="done"))
    assert await house.counting() == [await house.name(one), prompt.id]


async def test_an_old_runner_is_not_sent_what_it_does_not_know(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await house.turn("one")
    await house.rewinders.rewind(house.session_id, one, BOB)
    await house.ready(rewinds=False)
    assert await house.orders() == []
    assert [event.type for event in await house.events()][-2:] == ["error", "rewind_failed"]
    assert await house.standing() is None
    answers = [False, True]

    def rewinds(_session_id: str) -> bool:
        return answers.pop(0)

    monkeypatch.setattr(house.room.links, "rewinds", rewinds)
    assert await refused(house.rewinders.rewind(house.session_id, one, BOB)) == "sandbox_too_old"
    await house.rewinders.rewind(house.session_id, one, BOB)
    assert len(await house.orders()) == 1


async def test_word_that_nobody_waits_for_changes_nothing(house: House) -> None:
    await house.turn("one")
    before = await house.events()
    await house.say(SessionRewound(prompt_id="p_x", undone_from=1), RewindFailed())
    assert await house.events() == before


async def test_a_prompt_that_waited_for_another_turn_undoes_no_more_than_its_own(
    house: House,
) -> None:
    first = await house.room.sessions.prompt(house.session_id, "first", ADMIN)
    second = await house.room.sessions.prompt(house.session_id, "second", ADMIN)
    await house.say(TurnEnded(turn_id=first.id, outcome="done"))
    await house.say(TurnEnded(turn_id=second.id, outcome="done"))
    log = await house.events()
    queued = next(e for e in log if isinstance(e, PromptQueued) and e.prompt_id == second.id)
    begun = next(e for e in log if isinstance(e, TurnStarted) and e.turn_id == second.id)
    await house.rewind(queued.seq)
    said = (await house.events())[-1]
    assert isinstance(said, SessionRewound)
    assert said.undone_from == begun.seq - 1
    assert await house.counting() == [first.id]


async def test_steered_prompts_belong_to_their_turn(room: Room) -> None:
    past = history.History(asked={"p": 3, "q": 5}, started={"p": 4}, live=["p"], steered={"q"})
    with pytest.raises(Conflict) as error:
        past.prompt_at(5, 9)
    assert error.value.reason == "prompt_steered"
