"""What a session knows of services and ports, also when its sandbox goes."""

from bunkhouse.sessions import runner_word, surroundings
from bunkhouse_protocol.events import Event, Port, PortsChanged, ServiceChanged
from bunkhouse_protocol.link import EventFrame

from ..conftest import ADMIN, Room
from .test_sessions import NewSession


async def say(room: Room, session_id: str, *events: Event) -> None:
    async with room.journal.change(session_id) as change:
        await runner_word.greet(change, f"spool {change.row.last_seq}")
        for n, event in enumerate(events, 1):
            await runner_word.take(change, EventFrame(n=n, event=event))


async def test_ports_are_shown_and_bounded(room: Room) -> None:
    view = await room.sessions.create(NewSession(), ADMIN)
    await say(room, view.id, PortsChanged(ports=[Port(port=5173, process="node")]))
    assert (await room.sessions.get(view.id)).ports == [Port(port=5173, process="node")]
    many = [Port(port=port, process="x" * 500) for port in range(1, 3000)]
    await say(room, view.id, PortsChanged(ports=many))
    shown = (await room.sessions.get(view.id)).ports
    assert (len(shown), shown[0].process) == (100, "x" * 64)
    await say(room, view.id, PortsChanged(ports=[]))
    assert (await room.sessions.get(view.id)).ports == []


async def test_a_sandbox_that_goes_takes_everything_along_and_says_so(room: Room) -> None:
    view = await room.sessions.create(NewSession(), ADMIN)
    await say(
        room,
        view.id,
        ServiceChanged(name="editor", state="ready"),
        ServiceChanged(name="desktop", state="ready"),
        ServiceChanged(name="desktop", state="stopped"),
        PortsChanged(ports=[Port(port=5173)]),
    )
    before = (await room.sessions.get(view.id)).last_seq
    for _ in range(2):  # the second time nothing is left to tell
        async with room.journal.change(view.id) as change:
            surroundings.gone(change)
    said = await room.sessions.events(view.id, before)
    assert [(event.type, getattr(event, "name", None)) for event in said] == [
        ("service_changed", "editor"),
        ("ports_changed", None),
    ]
    assert (await room.sessions.get(view.id)).ports == []
