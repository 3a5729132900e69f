"""Prompts, uploads and repeated requests over HTTP."""

import asyncio
from typing import Any

import httpx2

from bunkhouse.sessions import NewSession
from bunkhouse_protocol.events import TurnEnded, TurnStarted

from ..sessions.runner import Runner
from .house import House

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100


async def working(house: House) -> str:
    session = await house.sessions.create(NewSession(prompt="first"), house.admin)
    await Runner(house.room, session.id).start()
    return f"/api/sessions/{session.id}"


async def upload(program: httpx2.AsyncClient, name: str, data: bytes) -> dict[str, Any]:
    answer = await program.post("/api/uploads", params={"name": name}, content=data)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_waiting_prompt_is_changed_over_http(house: House) -> None:
    address = await working(house)
    async with house.program() as program:
        made = [
            (await program.post(f"{address}/prompts", json={"text": text})).json()["id"]
            for text in ("a", "b")
        ]
        patch = {"text": "B", "position": 0, "attachments": None}
        changed = await program.patch(f"{address}/prompts/{made[1]}", json=patch)
        assert (changed.status_code, changed.json()["text"]) == (200, "B")
        assert [p["text"] for p in (await program.get(address)).json()["queue"]] == ["B", "a"]
        now = await program.patch(f"{address}/prompts/{made[0]}", json={"when": "now"})
        assert now.status_code == 200
        assert [p["text"] for p in (await program.get(address)).json()["queue"]] == ["a", "B"]
        for patch, status in (({"position": -1}, 422), ({"when": "queue"}, 422), ({"x": 1}, 422)):
            refused = await program.patch(f"{address}/prompts/{made[0]}", json=patch)
            assert refused.status_code == status
        gone = await program.patch(f"{address}/prompts/p_none", json={"text": "x"})
        assert gone.status_code == 404
        turn = next(
            event.turn_id
            for event in await house.sessions.events(address.rsplit("/", 1)[1])
            if isinstance(event, TurnStarted)
        )
        begun = await program.patch(f"{address}/prompts/{turn}", json={"text": "x"})
        assert (begun.status_code, begun.json()["code"]) == (409, "prompt_begun")
        assert begun.json()["remedy"]
        empty = await program.post(f"{address}/prompts", json={"text": "  "})
        assert (empty.status_code, empty.json()["code"]) == (422, "invalid_input")


async def test_what_failed_is_said_again_over_http(house: House) -> None:
    session = await house.sessions.create(NewSession(prompt="first"), house.admin)
    runner = Runner(house.room, session.id)
    await runner.start()
    address = f"/api/sessions/{session.id}"
    (turn,) = [
        event.turn_id
        for event in await house.sessions.events(session.id)
        if isinstance(event, TurnStarted)
    ]
    async with house.program() as program:
        early = await program.post(f"{address}/prompts/{turn}/retry")
        assert (early.status_code, early.json()["code"]) == (409, "prompt_not_failed")
        await runner.say(TurnEnded(turn_id=turn, outcome="failed", message="It died."))
        again = await program.post(f"{address}/prompts/{turn}/retry")
        assert again.status_code == 202
        prompt: dict[str, Any] = again.json()
        assert (prompt["text"], prompt["retry_of"]) == ("first", turn)
        repeated = await program.post(f"{address}/prompts/{turn}/retry")
        assert repeated.json()["id"] == prompt["id"]
        assert (await program.post(f"{address}/prompts/p_none/retry")).status_code == 404


async def test_files_go_up_and_come_back_with_the_prompt(house: House) -> None:
    address = await working(house)
    async with house.program() as program:
        shot = await upload(program, "../shot.png", PNG)
        assert shot == {"id": shot["id"], "name": "shot.png", "mime": "image/png", "size": 108}
        back = await program.get(f"/api/uploads/{shot['id']}")
        assert (back.content, back.headers["content-type"]) == (PNG, "image/png")
        notes = await upload(program, "page.html", b"<script>alert(1)</script>")
        body = {"text": "look", "attachments": [shot["id"], notes["id"]]}
        prompt = (await program.post(f"{address}/prompts", json=body)).json()
        assert [each["name"] for each in prompt["attachments"]] == ["shot.png", "page.html"]
        text = await program.get(f"{address}/blobs/{prompt['attachments'][1]['blob']}")
        assert text.headers["content-type"].startswith("text/plain")
        assert "sandbox" in text.headers["content-security-policy"]
        assert (await program.get(f"/api/uploads/{shot['id']}")).status_code == 404
        refused = await program.post("/api/uploads?name=x.pdf", content=b"%PDF\0")
        assert (refused.status_code, refused.json()["code"]) == (422, "attachment_type")
        large = b"\x89PNG\r\n\x1a\n" + b"x" * house.services.settings.attachment_bytes
        refused = await program.post("/api/uploads?name=x.png", content=large)
        assert (refused.status_code, refused.json()["code"]) == (413, "attachment_too_large")
        again = await upload(program, "a.txt", b"a")
        assert (await program.delete(f"/api/uploads/{again['id']}")).status_code == 204
        assert (await program.get(f"/api/uploads/{again['id']}")).status_code == 404
    async with house.client() as stranger:
        assert (await stranger.post("/api/uploads", content=PNG)).status_code == 401


async def test_nobody_else_can_use_or_see_an_upload(house: House) -> None:
    async with house.program() as program:
        mine = await upload(program, "a.png", PNG)
    link = await house.people.sign_in_link("member")
    other = (await house.people.use_link(link)).person
    _, token = await house.people.create_token(other, "tests")
    async with house.client() as client:
        client.headers["Authorization"] = f"Bearer {token}"
        assert (await client.get(f"/api/uploads/{mine['id']}")).status_code == 404
        body = {"prompt": "x", "attachments": [mine["id"]]}
        refused = await client.post("/api/sessions", json=body)
        assert (refused.status_code, refused.json()["code"]) == (422, "upload_not_found")


async def test_a_repeated_post_is_harmless(house: House) -> None:
    async with house.program() as program:
        key = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}
        body = {"prompt": "go", "title": "t"}
        first, *others = await asyncio.gather(
            *(program.post("/api/sessions", json=body, headers=key) for _ in range(5))
        )
        assert first.status_code == 201
        assert all(other.content == first.content for other in others)
        # The same in other words: what counts is what is asked.
        bare = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
        again = {"title": "t", "prompt": "go", "model": None}
        told = await program.post("/api/sessions", json=again, headers=bare)
        assert told.content == first.content
        other = await program.post("/api/sessions", json={"prompt": "stop"}, headers=key)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        assert len((await program.get("/api/sessions")).json()["items"]) == 1

        address = f"/api/sessions/{first.json()['id']}/prompts"
        reused = await program.post(address, json={"text": "x"}, headers=key)
        assert reused.json()["code"] == "idempotency_key_reused"
        said = [
            await program.post(address, json={"text": "x"}, headers={"Idempotency-Key": "p"})
            for _ in range(2)
        ]
        assert said[0].content == said[1].content
        for bad in ("", "a b", "x" * 256):
            refused = await program.post(
                address, json={"text": "x"}, headers={"Idempotency-Key": bad}
            )
            assert refused.status_code == 422
