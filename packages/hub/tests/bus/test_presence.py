"""Presence: who is there, as long as they are, and nobody twice."""

import asyncio
from collections.abc import AsyncGenerator

from bunkhouse.bus.memory import MemoryBus
from bunkhouse.bus.presence import LOOK_SECONDS, MOST, TYPING_SECONDS, MemoryPresence, Present, Who

ADA, BEN = Who("1", "Ada"), Who("2", "Ben")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def told(bus: MemoryBus, presence: MemoryPresence) -> list[list[Present]]:
    """What is published of session `s` from now on."""
    heard: list[list[Present]] = []
    publish = bus.publish

    def hearing(session_id: str, topic: str = "log") -> None:
        assert (session_id, topic) == ("s", "presence")
        heard.append(presence.of("s"))
        publish(session_id, "presence")

    bus.publish = hearing
    return heard


def test_two_tabs_are_one_and_the_last_one_to_close_leaves() -> None:
    bus = MemoryBus()
    presence = MemoryPresence(bus, Clock())
    heard = told(bus, presence)
    with presence.look("s", ADA):
        with presence.look("s", ADA), presence.look("s", BEN):
            assert [each.name for each in presence.of("s")] == ["Ada", "Ben"]
        assert presence.of("s") == [Present("1", "Ada", typing=False)]
        assert presence.sessions() == ["s"]
    assert presence.of("s") == []
    assert presence.sessions() == []
    # What looks the same is not told again.
    assert [[each.name for each in people] for people in heard] == [
        ["Ada"], ["Ada", "Ben"], ["Ada"], [],
    ]  # fmt: skip


def test_a_connection_that_died_without_a_word_is_forgotten() -> None:
    clock = Clock()
    presence = MemoryPresence(MemoryBus(), clock)
    with presence.look("s", ADA) as look:
        clock.now = LOOK_SECONDS - 1
        look.refresh()
        clock.now += LOOK_SECONDS - 1
        presence.sweep()
        assert presence.of("s")
        clock.now += 2
        assert presence.of("s") == []
        presence.sweep()
        assert presence.sessions() == []
        look.refresh()  # it was only slow
        assert presence.of("s")


def test_typing_ends_by_itself_or_when_it_is_said() -> None:
    clock, bus = Clock(), MemoryBus()
    presence = MemoryPresence(bus, clock)
    with presence.look("s", ADA):
        heard = told(bus, presence)
        presence.type("s", ADA, typing=True)
        presence.type("s", ADA, typing=True)
        clock.now = TYPING_SECONDS + 0.1
        presence.sweep()
        presence.type("s", ADA, typing=True)
        presence.type("s", ADA, typing=False)
        assert [people[0].typing for people in heard] == [True, False, True, False]


def test_whoever_leaves_does_not_type_any_more() -> None:
    presence = MemoryPresence(MemoryBus(), Clock())
    with presence.look("s", ADA):
        presence.type("s", ADA, typing=True)
    assert presence.of("s") == []


def test_a_crowd_has_an_end() -> None:
    presence = MemoryPresence(MemoryBus(), Clock())
    for n in range(3 * MOST):
        presence.type("s", Who(str(n), "x"), typing=True)
    assert len(presence.of("s")) == MOST


async def test_followers_hear_of_it() -> None:
    presence = MemoryPresence(MemoryBus(), Clock())
    following = presence.follow()
    with presence.look("early", ADA):
        pass  # before anybody listened
    upcoming = anext(following)
    task = asyncio.ensure_future(upcoming)
    await asyncio.sleep(0)
    presence.type("s", ADA, typing=True)
    assert await task == "s"
    assert isinstance(following, AsyncGenerator)
    await following.aclose()
