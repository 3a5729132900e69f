"""Who may call the hub's tools, with what, and what the log says of it."""

import asyncio

import httpx2
import pytest
from mcp.client.session import ClientSession
from mcp.client.streamable_http import streamable_http_client

from bunkhouse.broker.tools import serving
from bunkhouse.broker.tools.catalog import TOOLS
from bunkhouse.store import directory, participants
from bunkhouse_protocol.events import TurnEnded

from .conftest import ADA, BOB, Agent, House


async def test_an_mcp_client_sees_every_tool(house: House) -> None:
    _, agent = await house.session()
    url = f"{house.client.base_url}/sandbox/tools"
    headers = {"Authorization": f"Bearer {agent.token}"}
    async with (
        httpx2.AsyncClient(headers=headers, trust_env=False) as client,
        streamable_http_client(url, http_client=client) as (read, write, *_),
        ClientSession(read, write) as mcp,
    ):
        begun = await mcp.initialize()
        assert begun.server_info.name == "bunkhouse"
        listed = {tool.name: tool for tool in (await mcp.list_tools()).tools}
    assert list(listed) == [tool.name for tool in TOOLS]
    for tool in listed.values():
        assert tool.description and tool.input_schema["type"] == "object"
        assert tool.input_schema["additionalProperties"] is False
    asked = listed["ask_person"].input_schema
    assert asked["required"] == ["question"]
    assert asked["properties"]["choices"]["maxItems"] == 10


async def test_no_other_token_is_good(house: House) -> None:
    view, agent = await house.session()
    for token in ("bht_wrong", f"bht_{view.id}x"):
        answer = await Agent(house.client, token).post({"id": 1, "method": "tools/list"})
        assert answer.status_code == 401
    other, other_agent = await house.session()
    await other_agent.call("end_session")
    assert [call.tool for call in await house.calls(other.id)] == ["end_session"]
    assert await house.calls(view.id) == []
    assert (await agent.post({"id": 1, "method": "tools/list"})).status_code == 200
    half = {"name": "ask_person", "arguments": {"question": "\ud800"}}
    said = await agent.post({"id": 1, "method": "tools/call", "params": half})
    assert said.status_code == 400  # neither the store nor a stream could carry it
    assert (await house.client.get("/sandbox/tools")).status_code == 405


async def test_without_a_turn_there_is_nobody_to_act_for(house: House) -> None:
    view, agent = await house.session(prompt=None)
    answer = await agent.call("end_session")
    assert answer.failed and "(no_turn)" in answer.text
    (call,) = await house.calls(view.id)
    assert (call.by, call.turn_id, call.outcome, call.code) == (None, None, "refused", "no_turn")
    await house.room.sessions.prompt(view.id, "go", ADA)
    assert not (await agent.call("end_session")).failed
    assert (await house.calls(view.id))[-1].by == "Ada"


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("ask_person", {}, "`question`: Field required"),
        ("ask_person", {"question": "x", "choices": ["a"] * 11}, "`choices`: List should have"),
        ("ask_person", {"question": "x", "choices": ["  "]}, "`choices.0`"),
        ("start_session", {"prompt": "x", "repository": "/etc"}, "`repository`: Extra inputs"),
        ("post_screenshot", {}, "Give one of `path` and `png`"),
        ("post_screenshot", {"path": "a\0"}, "No path has a NUL"),
        ("read_session", {"session_id": "a\0"}, "`session_id`"),
        ("post_screenshot", {"path": "a", "png": "b"}, "Give one of `path` and `png`"),
        ("post_screenshot", {"png": "no base64!"}, "no base64"),
        ("post_screenshot", {"png": "AAAA"}, "no PNG"),
        ("read_session", {"session_id": "x", "wait_seconds": 901}, "`wait_seconds`"),
        ("open_pull_request", {"title": "x" * 257}, "`title`"),
    ],
)
async def test_wrong_arguments_are_told(
    house: House, tool: str, arguments: dict[str, object], words: str
) -> None:
    view, agent = await house.session()
    answer = await agent.call(tool, **arguments)
    assert answer.failed and words in answer.text
    (call,) = await house.calls(view.id)
    assert (call.tool, call.by, call.outcome) == (tool, "Ada", "refused")
    assert words in call.message


async def test_a_tool_that_there_is_not(house: House) -> None:
    view, agent = await house.session()
    assert "(no_such_tool)" in (await agent.call("rm")).text
    assert await house.calls(view.id) == []


async def test_it_acts_with_the_rights_of_whose_prompt_it_is_as_they_are_now(house: House) -> None:
    view, agent = await house.session(prompt=None)
    database = house.room.database
    async with database.write() as tx:
        await participants.put(tx, view.id, BOB.id, "driver", added_by=ADA.id, at=view.created_at)
    await house.room.sessions.prompt(view.id, "go", BOB)
    assert not (await agent.call("end_session")).failed
    async with database.write() as tx:
        await participants.put(tx, view.id, BOB.id, "viewer", added_by=ADA.id, at=view.created_at)
    refused = await agent.call("end_session")
    assert refused.failed and "(role_needed)" in refused.text
    async with database.write() as tx:
        await participants.remove(tx, view.id, BOB.id)
    assert "(not_found)" in (await agent.call("end_session")).text
    async with database.write() as tx:
        await directory.set_deactivated(tx, BOB.id, view.created_at)
    assert "(person_gone)" in (await agent.call("end_session")).text
    said = [(call.by, call.outcome, call.code) for call in await house.calls(view.id)]
    assert said == [
        ("Bob", "done", None),
        ("Bob", "refused", "role_needed"),
        ("Bob", "refused", "not_found"),
        ("Bob", "refused", "person_gone"),
    ]


async def test_only_so_many_at_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "AT_ONCE", 1)
    view, agent = await house.session()
    asking = asyncio.create_task(agent.call("ask_person", question="Which?"))
    asked = await house.until(view.id, "question_asked")
    answer = await agent.call("end_session")
    assert answer.failed and "(too_many_calls)" in answer.text
    assert asked.type == "question_asked"
    await house.room.sessions.reply_question(view.id, asked.request_id, [["This"]], ADA)
    assert (await asking).text == "Ada answered: This"
    assert not (await agent.call("end_session")).failed


async def test_a_session_ends_after_its_turn(house: House) -> None:
    view, agent = await house.session()
    assert "ends when this turn has ended" in (await agent.call("end_session")).text
    assert (await house.room.sessions.get(view.id)).state == "working"
    ended = TurnEnded(turn_id=await house.turn(view.id), outcome="done")
    await house.runners[view.id].say(ended)
    assert (await house.room.sessions.get(view.id)).state == "ended"


@pytest.mark.parametrize("why", ["failed", "stopped", "more"])
async def test_a_session_goes_on_where_that_is_not_the_end(house: House, why: str) -> None:
    view, agent = await house.session()
    await agent.call("end_session")
    turn = await house.turn(view.id)
    if why == "more":
        await house.room.sessions.prompt(view.id, "and this", ADA)
    outcome = "done" if why == "more" else why
    ended = TurnEnded.model_validate({"turn_id": turn, "outcome": outcome})
    await house.runners[view.id].say(ended)
    state = (await house.room.sessions.get(view.id)).state
    assert state == ("working" if why == "more" else "idle")
    if why == "more":
        await house.runners[view.id].say(
            TurnEnded(turn_id=await house.turn(view.id), outcome="done")
        )
        assert (await house.room.sessions.get(view.id)).state == "idle"
