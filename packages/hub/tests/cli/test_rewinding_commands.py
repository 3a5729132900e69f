"""`rewind`, `fork`."""

from bunkhouse_protocol.events import SessionRewound

from ..api.house import House
from ..api.test_rewinding_api import talked
from .program import Program


async def test_the_commands(house: House, program: Program) -> None:
    session, place, runner = await talked(house)
    wrong = await program("rewind", session)
    assert (wrong.code, "Say either --seq N or --forward." in wrong.err) == (1, True)
    assert (await program("rewind", session[:8], "--seq", str(place))).code == 0
    await runner.say(SessionRewound())
    view = await house.sessions.get(session)
    assert view.rewind is not None
    assert view.rewind.state == "rewound"
    assert (await program("rewind", session, "--forward")).code == 0
    await runner.say(SessionRewound())
    assert (await house.sessions.get(session)).rewind is None
    refused = await program("rewind", session, "--seq", "1")
    assert (refused.code, "There is no prompt at place 1" in refused.err) == (1, True)

    async with house.room.journal.change(session) as change:
        change.row.snapshot_id = "k_kept"
    done = await program("fork", session, "--seq", str(place))
    made, address = done.out.split()
    assert (done.code, address.endswith(f"/sessions/{made}")) == (0, True)
    assert (await house.sessions.get(made)).forked_from is not None
