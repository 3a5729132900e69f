"""Sessions over HTTP: each route calls what it says, with whoever asked."""

from pathlib import Path
from typing import Any

import pytest

from bunkhouse.sessions import NewSession
from bunkhouse_protocol.events import PermissionRequested, Question, QuestionAsked

from ..sessions.runner import Runner
from .house import House


async def test_a_session_from_start_to_end(house: House) -> None:
    async with house.program() as program:
        made = await program.post(
            "/api/sessions",
            json={
                "repository": "/repos/x",
                "branch": "main",
                "model": "demo/demo",
                "prompt": "Mend the roof\nplease",
                "permissions": {"bash": "ask"},
            },
        )
        assert made.status_code == 201
        session: dict[str, Any] = made.json()
        assert (session["state"], session["title"]) == ("queued", "Mend the roof")
        assert (session["repository"], session["branch"]) == ("/repos/x", "main")
        assert session["author"] == "Admin"
        assert [prompt["text"] for prompt in session["queue"]] == ["Mend the roof\nplease"]
        address = f"/api/sessions/{session['id']}"

        changed = await program.patch(address, json={"title": "Roof"})
        assert changed.json()["title"] == "Roof"
        assert (await program.get(address)).json() == changed.json()

        prompt = await program.post(f"{address}/prompts", json={"text": "and the door"})
        assert prompt.status_code == 202
        assert (prompt.json()["state"], prompt.json()["author"]) == ("queued", "Admin")
        withdrawn = await program.delete(f"{address}/prompts/{prompt.json()['id']}")
        assert withdrawn.status_code == 204
        again = await program.delete(f"{address}/prompts/{prompt.json()['id']}")
        assert again.status_code == 409

        stopped = await program.post(f"{address}/stop")
        assert stopped.status_code == 202
        assert stopped.json()["queue"] == []

        assert (await program.delete(address)).status_code == 204
        assert (await program.get(address)).status_code == 404


async def test_the_list_comes_in_pages_newest_activity_first(house: House) -> None:
    made = [(await house.sessions.create(NewSession(), house.admin)).id for _ in range(5)]
    await house.sessions.rename(made[0], title="older")
    seen: list[str] = []
    async with house.program() as program:
        page = (await program.get("/api/sessions?limit=2")).json()
        while True:
            seen += [session["id"] for session in page["items"]]
            if page["next"] is None:
                break
            page = (
                await program.get("/api/sessions", params={"limit": 2, "cursor": page["next"]})
            ).json()
    assert sorted(seen) == sorted(made)
    assert seen[0] == made[-1]


async def test_a_failed_session_is_tried_again_with_another_branch(house: House) -> None:
    view = await house.sessions.create(NewSession(branch="mian"), house.admin)
    async with house.program() as program:
        early = await program.post(f"/api/sessions/{view.id}/retry", json={})
        assert early.status_code == 409
        await Runner(house.room, view.id).start(ok=False)
        retried = await program.post(f"/api/sessions/{view.id}/retry", json={"branch": "main"})
    assert retried.status_code == 202
    assert (retried.json()["state"], retried.json()["branch"]) == ("queued", "main")


async def test_the_agent_is_answered(house: House) -> None:
    view = await house.sessions.create(NewSession(prompt="go"), house.admin)
    runner = Runner(house.room, view.id)
    await runner.start()
    await runner.say(
        PermissionRequested(request_id="perm", permission="bash", title="rm -r build"),
        QuestionAsked(request_id="ques", questions=[Question(question="Which?")]),
    )
    async with house.program() as program:
        address = f"/api/sessions/{view.id}"
        assert (await program.get(address)).json()["state"] == "waiting"
        answer = await program.post(f"{address}/permissions/perm", json={"reply": "always"})
        assert answer.status_code == 202
        answer = await program.post(f"{address}/questions/ques", json={"answers": [["a", "b"]]})
        assert answer.status_code == 202
        unknown = await program.post(f"{address}/permissions/other", json={"reply": "once"})
        assert unknown.status_code == 409
        wrong = await program.post(f"{address}/permissions/perm", json={"reply": "perhaps"})
        assert wrong.status_code == 422


async def test_changes_need_a_sandbox(house: House) -> None:
    view = await house.sessions.create(NewSession(), house.admin)
    async with house.program() as program:
        for path in ("changes", "changes.patch"):
            answer = await program.get(f"/api/sessions/{view.id}/{path}")
            assert (answer.status_code, answer.json()["code"]) == (409, "sandbox_not_running")


async def test_the_installation(house: House) -> None:
    async with house.program() as program:
        assert (await program.get("/api/system")).json()["engine"]["ok"] is True
        assert (await program.get("/api/models")).json()["default"] == "demo/demo"
        branches = await program.get("/api/branches", params={"repository": "/repos/x"})
        assert branches.json() == {"default": "main", "items": ["main"]}


@pytest.mark.parametrize("name", ["Event", "SessionOut", "ProblemDetails", "SessionDeleted"])
async def test_the_description_names_what_clients_need(house: House, name: str) -> None:
    async with house.client() as client:
        description = (await client.get("/api/openapi.json")).json()
    schemas = description["components"]["schemas"]
    assert name in schemas
    assert schemas["EventPage"]["properties"]["items"]["items"] == {
        "$ref": "#/components/schemas/Event"
    }
    assert description["paths"]["/api/sessions"]["post"]["operationId"] == "createSession"
    assert set(schemas["ToolCall"]["required"]) == set(schemas["ToolCall"]["properties"])


async def test_the_clients_files(house: House, client_folder: Path) -> None:
    async with house.client() as client:
        answer = await client.get("/")
        assert answer.status_code == 503
        assert "not built" in answer.text

        (client_folder / "assets").mkdir(parents=True)
        (client_folder / "assets" / "app-1234.js").write_text("1")
        (client_folder / "icon.svg").write_text("<svg/>")
        (client_folder / "index.html").write_text("<script>dark()</script><p>page</p>")
        (client_folder.parent / "outside.txt").write_text("secret")
        for path in ("/", "/sessions/s_1", "/index.html"):
            answer = await client.get(path)
            assert answer.status_code == 200
            assert "<p>page</p>" in answer.text
            assert answer.headers["cache-control"] == "no-cache"
            policy = answer.headers["content-security-policy"]
            assert "frame-ancestors 'none'" in policy
            assert "'sha256-" in policy
            assert "'unsafe-inline'" not in policy.split("style-src")[0]
        asset = await client.get("/assets/app-1234.js")
        assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert (await client.get("/icon.svg")).headers["cache-control"] == "no-cache"
        for path in ("/assets/gone.js", "/..%2foutside.txt", "/%2e%2e/outside.txt"):
            answer = await client.get(path)
            assert (answer.status_code, "secret" in answer.text) == (404, False)
        assert (await client.head("/")).status_code == 200


async def test_every_answer_tells_browsers_what_they_may_not(house: House) -> None:
    async with house.client() as client:
        for path in ("/", "/api/health", "/api/nothing", "/api/me", "/login/x"):
            headers = (await client.get(path)).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"
            assert headers["referrer-policy"] == "no-referrer"
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert headers["cache-control"] == "no-store"


async def test_when_a_session_sleeps_can_be_set_and_unset(house: House) -> None:
    view = await house.sessions.create(NewSession(), house.admin)
    async with house.program() as client:
        path = f"/api/sessions/{view.id}"
        for seconds in (0, 600, None):
            answer = await client.patch(path, json={"hibernate_after": seconds})
            assert (answer.status_code, answer.json()["hibernate_after"]) == (200, seconds)
        await client.patch(path, json={"hibernate_after": 60})
        # What is left out is left alone.
        answer = await client.patch(path, json={"title": "Roof"})
        assert answer.json()["hibernate_after"] == 60
        assert (await client.patch(path, json={"hibernate_after": -1})).status_code == 422
        refused = await client.post(f"{path}/hibernate")
        assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
        ended = await client.post(f"{path}/end")
        assert (ended.status_code, ended.json()["state"], ended.json()["kept"]) == (
            202, "ended", None,
        )  # fmt: skip
        gone = await client.post(f"{path}/wake")
        assert (gone.status_code, gone.json()["code"]) == (409, "snapshot_missing")
        assert gone.json()["remedy"]
