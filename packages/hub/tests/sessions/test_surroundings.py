"""What a session knows of services and ports, also when its sandbox goes."""

from bunkhouse.sessions import NewSession, surroundings
from bunkhouse_protocol.events import Port, PortsChanged, ServiceChanged

from ..conftest import ADMIN, Room
from .runner import Runner


async def test_ports_are_shown_and_bounded(room: Room) -> None:
    view = await room.sessions.create(NewSession(), ADMIN)
    runner = Runner(room, view.id)
    await runner.say(PortsChanged(ports=[Port(port=5173, process="node")]))
    assert (await room.sessions.get(view.id)).ports == [Port(port=5173, process="node")]
    many = [Port(port=port, process="x" * 500) for port in range(1, 3000)]
    await runner.say(PortsChanged(ports=many))
    shown = (await room.sessions.get(view.id)).ports
    assert (len(shown), shown[0].process) == (100, "x" * 64)
    await runner.say(PortsChanged(ports=[]))
    assert (await room.sessions.get(view.id)).ports == []


async def test_a_sandbox_that_goes_takes_everything_along_and_says_so(room: Room) -> None:
    view = await room.sessions.create(NewSession(), ADMIN)
    runner = Runner(room, view.id)
    await runner.say(
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
