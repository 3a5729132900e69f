"""Back, forward and copies over HTTP."""

from bunkhouse.sessions import NewSession
from bunkhouse_protocol.events import PromptQueued, SessionRewound, TurnEnded, TurnStarted

from ..sessions.runner import Runner
from .house import House


async def talked(house: House) -> tuple[str, int, Runner]:
    """A session with a turn that is done; returns its id and the place of its prompt."""
    view = await house.sessions.create(NewSession(prompt="first"), house.admin)
    runner = Runner(house.room, view.id)
    await runner.start()
    log = await house.sessions.events(view.id)
    turn = next(event.turn_id for event in log if isinstance(event, TurnStarted))
    await runner.say(TurnEnded(turn_id=turn, outcome="done"))
    place = next(event.seq for event in log if isinstance(event, PromptQueued))
    return view.id, place, runner


async def test_back_and_forward(house: House) -> None:
    session, place, runner = await talked(house)
    address = f"/api/sessions/{session}/rewind"
    async with house.program() as program:
        asked = await program.post(address, json={"seq": place})
        assert asked.status_code == 202
        rewind = asked.json()["rewind"]
        assert (rewind["state"], rewind["seq"], rewind["by"]) == (
            "requested",
            place,
            house.admin.name,
        )
        await runner.say(SessionRewound())
        shown = (await program.get(f"/api/sessions/{session}")).json()
        assert shown["rewind"]["state"] == "rewound"
        assert (await program.post(address, json={"seq": None})).status_code == 202
        await runner.say(SessionRewound())
        assert (await program.get(f"/api/sessions/{session}")).json()["rewind"] is None
        for body, status, code in (
            ({"seq": None}, 409, "not_rewound"),
            ({"seq": 1}, 422, "not_a_prompt"),
            ({"seq": 4711}, 404, "unknown_seq"),
            ({"seq": 0}, 422, "invalid_input"),
            ({}, 422, "invalid_input"),
        ):
            refused = await program.post(address, json=body)
            assert (refused.status_code, refused.json()["code"]) == (status, code)


async def test_a_copy_is_made_once(house: House) -> None:
    session, place, _ = await talked(house)
    async with house.program() as program:
        nothing = await program.post(f"/api/sessions/{session}/fork")
        assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_to_fork")
        async with house.room.journal.change(session) as change:
            change.row.snapshot_id = "k_kept"
        headers = {"Idempotency-Key": "once"}
        made = [
            await program.post(
                f"/api/sessions/{session}/fork", json={"seq": place}, headers=headers
            )
            for _ in range(2)
        ]
        assert [answer.status_code for answer in made] == [201, 201]
        first, again = (answer.json() for answer in made)
        assert first == again
        assert first["state"] == "queued"
        assert first["forked_from"] == {
            "session_id": session,
            "title": "first",
            "prompt_id": first["forked_from"]["prompt_id"],
            "seq": place,
        }
        whole = await program.post(f"/api/sessions/{session}/fork")
        assert whole.status_code == 201
        assert whole.json()["id"] != first["id"]
