"""All routes and all messages as everybody, compared with the one table."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import websockets

from bunkhouse.api.bridge import CLOSE_FORBIDDEN
from bunkhouse.people import ACTIONS, Action, Scope, Visibility
from bunkhouse.people.identity import SCOPES
from bunkhouse.people.permissions import (
    ROLES,
    SESSION_ROLES,
    InInstallation,
)
from bunkhouse.people.tokens import TokenRules
from bunkhouse.sessions import NewSession

from ..sandbox import SECONDS, FakeSandbox, fake_sandbox
from ..sessions.runner import Runner
from .cast import EVERYBODY, PEOPLE, Cast, Who, gathered
from .house import House
from .permissions_page import ROUTES, SCRIPT
from .test_live import the_log, until_ready
from .test_streams import chunk, items

BODIES: dict[str, Any] = {
    "createToken": {"name": "t"},
    "changePerson": {"role": "member"},
    "createPrompt": {"text": "hello"},
    "replyPermission": {"reply": "once"},
    "replyQuestion": {"answers": None},
    "createView": {"app": "5173"},
    "rewindSession": {"seq": 1},
    "putParticipant": {"role": "viewer"},
    "sayTyping": {"typing": True},
    "createShareLink": {},
    "createComment": {"text": "hello"},
}
"""By operation, a body that can be taken; where there is none, an empty one is sent."""

LAST = {"deleteSession", "removeParticipant"}
"""After these a session is not as it was."""


HTTP = [route for route in ROUTES if route.method != "WS" and route.action]
SOCKETS = [route for route in ROUTES if route.method == "WS"]


@pytest.fixture
async def cast(house: House) -> Cast:
    return await gathered(house)


@pytest.fixture
async def sandbox(short_path: Path) -> AsyncGenerator[FakeSandbox]:
    folder = short_path / "sandbox"
    folder.mkdir()
    async with fake_sandbox(folder) as sandbox:
        yield sandbox


async def in_sandbox(cast: Cast, sandbox: FakeSandbox, **given: Any) -> str:
    """A session that has this sandbox."""
    session_id = await cast.session(**given)
    cast.house.sessions.gateways[session_id] = sandbox.gateway
    cast.house.sessions.streams[session_id] = sandbox.streams
    return session_id


def expected(cast: Cast, who: Who, action: Action) -> int | None:
    """The status of the refusal that the table says; None: they may."""
    rule = ACTIONS[action]
    if who == "nobody":
        return 401
    if who == "public":
        if isinstance(rule, InInstallation):
            return 401
        return None if rule.public else 403
    if isinstance(rule, InInstallation):
        return None if ROLES.index(cast.people[who].role) <= ROLES.index(rule.role) else 403
    role = cast.role(who)
    if role is None:
        return 404
    return None if SESSION_ROLES.index(role) <= SESSION_ROLES.index(rule.role) else 403


# ── the walk ─────────────────────────────────────────────────────────────────────────────────


async def ask(
    client: httpx2.AsyncClient, method: str, path: str, body: Any, headers: dict[str, str]
) -> tuple[int, dict[str, Any]]:
    """The status, and the problem where there is one; of a stream its beginning."""
    content = None if method == "GET" else json.dumps(body)
    sent = {"Content-Type": "application/json", **headers}
    async with client.stream(method, path, headers=sent, content=content) as answer:
        if answer.headers.get("content-type", "").startswith("application/problem+json"):
            await answer.aread()
            return answer.status_code, answer.json()
        return answer.status_code, {}


def judged(status: int, problem: dict[str, Any], session_id: str) -> int | None:
    """The status if it is a refusal of who asks; None where it is about what was asked."""
    if problem.get("code") == "browser_needed":
        return None  # they may, only not with a token, as which all come here
    if status in (401, 403):
        return status
    hidden = status == 404 and problem["detail"] == f"There is no session {session_id}."
    return 404 if hidden else None


async def test_all_routes_as_everybody(cast: Cast, sandbox: FakeSandbox) -> None:
    wrong: list[object] = []
    async with cast.house.client() as client:
        for who in EVERYBODY:
            session_id = await in_sandbox(cast, sandbox)
            for route in HTTP:
                if route.operation in LAST:
                    session_id = await in_sandbox(cast, sandbox)
                themselves = cast.people.get(who, cast.people["viewer"]).id
                path = (
                    route.path.replace("{session_id}", session_id)
                    .replace("{user_id}", themselves)
                    .replace("{name}", "editor")
                )
                path = path.replace("{", "none_").replace("}", "")
                body = BODIES.get(route.operation, {})
                status, problem = await ask(client, route.method, path, body, cast.headers(who))
                found = judged(status, problem, session_id)
                if found != expected(cast, who, route.action) or status == 500:
                    wrong.append((who, route.name, status, problem))
                if found == 403:
                    assert problem["role"] == ACTIONS[route.action].role
                if route.operation in LAST:
                    session_id = await in_sandbox(cast, sandbox)
    assert wrong == []


@pytest.mark.parametrize("about", SCRIPT.ASKED_FURTHER)
async def test_what_is_asked_besides(cast: Cast, about: str) -> None:
    for who in EVERYBODY:
        session_id = await cast.session()
        commenter = cast.people["commenter"].id
        async with cast.house.client() as client:
            address = f"/api/sessions/{session_id}"
            if about == "changeSession visibility":
                asked = ("PATCH", address, {"visibility": "visible"})
            elif about == "removeParticipant others":
                asked = ("DELETE", f"{address}/people/{commenter}", None)
            elif about == "createSession parent":
                asked = ("POST", "/api/sessions", {"parent": session_id})
            else:
                raise AssertionError(f"nobody tries {about}")
            status, problem = await ask(client, *asked, cast.headers(who))
        least = expected(cast, who, SCRIPT.ASKED_FURTHER[about])
        if who == "commenter" and asked[0] == "DELETE":
            least = None  # it is they themselves
        if who == "public" and about == "createSession parent":
            least = 401  # the route itself is for those who are signed in
        assert judged(status, problem, session_id) == least, (who, problem)
        standing = await cast.house.services.rights.standing(session_id)
        assert standing is not None
        changed = standing.visibility == "visible" or commenter not in standing.roles
        changed = changed or bool(await cast.house.services.families.children(session_id))
        assert changed == (least is None)


async def test_what_one_may_not_see_is_answered_as_what_is_not_there(cast: Cast) -> None:
    session_id = await cast.session()
    headers = cast.headers("stranger")
    async with cast.house.client() as client:
        for route in HTTP:
            if "{session_id}" not in route.path:
                continue
            body = BODIES.get(route.operation, {"nonsense": 1})
            told: list[str] = []
            for name in (session_id, "x" * len(session_id)):
                path = route.path.replace("{session_id}", name)
                path = path.replace("{", "none_").replace("}", "")
                status, problem = await ask(client, route.method, path, body, headers)
                told.append(f"{status} {json.dumps(problem)}".replace(name, "SESSION"))
            assert told[0] == told[1], route.name


@pytest.mark.parametrize("visibility", ["private", "visible", "joinable"])
async def test_lists_have_what_one_may_see(cast: Cast, visibility: Visibility) -> None:
    session_id = await cast.session(visibility)
    floor = {"private": None, "visible": "viewer", "joinable": "driver"}[visibility]
    for who in PEOPLE:
        async with cast.house.client() as client:
            listed = await client.get("/api/sessions", headers=cast.headers(who))
        roles = {each["id"]: each["role"] for each in listed.json()["items"]}
        own = cast.role(who)
        both = [role for role in SESSION_ROLES if role in (own, floor)]
        assert roles == ({session_id: both[0]} if both else {})


@pytest.mark.parametrize("scope", SCOPES)
async def test_all_routes_with_a_token_of_one_scope(
    cast: Cast, sandbox: FakeSandbox, scope: Scope
) -> None:
    """Of an admin, who may all of it."""
    wrong: list[object] = []
    _, secret = await cast.house.people.create_token(
        cast.people["admin"], scope, scopes=[scope], rules=TokenRules()
    )
    headers = {"Authorization": f"Bearer {secret}"}
    session_id = await in_sandbox(cast, sandbox)
    async with cast.house.client() as client:
        for route in HTTP:
            path = route.path.replace("{session_id}", session_id)
            path = path.replace("{name}", "editor").replace("{", "none_").replace("}", "")
            body = BODIES.get(route.operation, {})
            if route.operation == "createToken":
                body = {"scopes": [scope]}
            status, problem = await ask(client, route.method, path, body, headers)
            refused = problem.get("code") == "scope_needed"
            needed = ACTIONS[route.action].scope
            if refused != (needed != scope) or status == 500:
                wrong.append((route.name, status, problem))
            if refused:
                assert (status, problem["scope"]) == (403, needed)
            if route.operation in LAST and not refused:
                session_id = await in_sandbox(cast, sandbox)
    assert wrong == []


# ── WebSockets ───────────────────────────────────────────────────────────────────────────────

SAID: dict[str, list[str | bytes]] = {
    "execute": [json.dumps({"argv": ["cat"]}), b"in", json.dumps({"eof": True})],
    "attach_terminal": [b"typed", json.dumps({"rows": 5, "cols": 6})],
    "watch_desktop": [b"\x04key"],
}
"""Each kind of message that a WebSocket takes."""


def socket(cast: Cast, who: Who, path: str, session_id: str) -> websockets.connect:
    address = path.replace("{session_id}", session_id).replace("{terminal_id}", "t0")
    return websockets.connect(
        cast.house.url.replace("http", "ws") + address,
        additional_headers=cast.headers(who),
        proxy=None,
        open_timeout=SECONDS,
    )


@pytest.mark.parametrize("route", SOCKETS, ids=lambda route: route.operation)
async def test_all_websockets_as_everybody(cast: Cast, sandbox: FakeSandbox, route: Any) -> None:
    sandbox.terminals.append("t0")
    for who in EVERYBODY:
        session_id = await in_sandbox(cast, sandbox)
        refused = expected(cast, who, route.action)
        sandbox.heard.clear()
        if refused is not None:
            with pytest.raises(websockets.InvalidStatus) as told:
                async with socket(cast, who, route.path, session_id):
                    pass
            assert told.value.response.status_code == refused, who
            assert sandbox.heard == []
            continue
        async with asyncio.timeout(SECONDS), socket(cast, who, route.path, session_id) as ws:
            for message in SAID[route.operation]:
                await ws.send(message)
            await sandbox.heard_all(SAID[route.operation])


@pytest.mark.parametrize("route", SOCKETS, ids=lambda route: route.operation)
async def test_no_websocket_with_a_token_of_another_scope(
    cast: Cast, sandbox: FakeSandbox, route: Any
) -> None:
    sandbox.terminals.append("t0")
    session_id = await in_sandbox(cast, sandbox)
    admin = cast.people["admin"]
    scopes: list[Scope] = [each for each in SCOPES if each != ACTIONS[route.action].scope]
    _, cast.tokens["admin"] = await cast.house.people.create_token(admin, "t", scopes=scopes)
    with pytest.raises(websockets.InvalidStatus) as told:
        async with socket(cast, "admin", route.path, session_id):
            pass
    assert told.value.response.status_code == 403
    assert sandbox.heard == []


# ── what is open when it changes ─────────────────────────────────────────────────────────────

CHANGES: dict[str, Who] = {
    "removed": "driver",
    "downgraded": "driver",
    "hidden": "stranger",
    "deactivated": "driver",
    "revoked": "driver",
    "demoted": "admin",
}
"""What may end somebody's right to use a session, and whose."""


class Open:
    """Somebody who may use a session, for a reason that ends."""

    def __init__(self, cast: Cast, change: str) -> None:
        self.cast, self.change = cast, change
        self.who: Who = CHANGES[change]
        self.visibility: Visibility = "joinable" if change == "hidden" else "private"

    async def begin(self) -> None:
        """Somebody else is an admin too, so that this one can be demoted."""
        if self.change == "demoted":
            other = self.cast.people["stranger"]
            await self.cast.house.services.directory.set_role(
                other.id, "admin", self.cast.people["admin"]
            )

    async def end(self, session_id: str) -> None:
        """Take the reason away, over the API where there is a route for it."""
        people, services = self.cast.people, self.cast.house.services
        person = people[self.who]
        async with self.cast.house.client() as client:
            owner, admin = self.cast.headers("owner"), self.cast.headers("admin")
            address = f"/api/sessions/{session_id}"
            match self.change:
                case "removed":
                    answer = await client.delete(f"{address}/people/{person.id}", headers=owner)
                case "downgraded":
                    answer = await client.put(
                        f"{address}/people/{person.id}", headers=owner, json={"role": "viewer"}
                    )
                case "hidden":
                    answer = await client.patch(
                        address, headers=owner, json={"visibility": "private"}
                    )
                case "deactivated":
                    answer = await client.delete(f"/api/people/{person.id}", headers=admin)
                case "demoted":
                    answer = await client.patch(
                        f"/api/people/{person.id}", headers=admin, json={"role": "member"}
                    )
                case _:
                    (token,) = await services.people.tokens(person)
                    answer = await client.delete(
                        f"/api/tokens/{token.id}", headers=self.cast.headers(self.who)
                    )
        assert answer.is_success, answer.text


@pytest.fixture(params=CHANGES)
async def opened(cast: Cast, request: pytest.FixtureRequest) -> Open:
    opened = Open(cast, request.param)
    await opened.begin()
    return opened


@pytest.mark.parametrize("route", SOCKETS, ids=lambda route: route.operation)
async def test_an_open_websocket_ends_at_once(
    opened: Open, sandbox: FakeSandbox, route: Any
) -> None:
    sandbox.terminals.append("t0")
    session_id = await in_sandbox(opened.cast, sandbox, visibility=opened.visibility)
    first, *_ = SAID[route.operation]
    ws = socket(opened.cast, opened.who, route.path, session_id)
    async with asyncio.timeout(SECONDS), ws as connection:
        await connection.send(first)
        await sandbox.heard_all([first])
        await opened.end(session_id)
        # What is sent from now on reaches nobody, though the connection may still be there.
        with contextlib.suppress(websockets.ConnectionClosed):
            await connection.send(b"too late")
        await connection.wait_closed()
    assert connection.close_code == CLOSE_FORBIDDEN
    assert not any(b"too late" in said for said in sandbox.heard if isinstance(said, bytes))


async def test_an_open_stream_of_a_log_ends_at_once(opened: Open) -> None:
    cast = opened.cast
    session_id = await cast.session(opened.visibility, prompt="go")
    runner = Runner(cast.house.room, session_id)
    await runner.start()
    known = (await cast.house.sessions.get(session_id)).last_seq
    path = f"/api/sessions/{session_id}/events"
    async with (
        asyncio.timeout(SECONDS),
        cast.house.client() as client,
        client.stream("GET", path, headers=cast.headers(opened.who)) as answer,
    ):
        stream = (item async for item in items(answer) if "data" in item)
        for _ in range(known):
            await anext(stream)
        await opened.end(session_id)
        await runner.say(chunk("a secret"))
        if opened.change == "downgraded":
            assert "a secret" in (await anext(stream))["data"]  # a viewer reads on
        else:
            assert [item async for item in stream] == []


async def test_an_open_page_forgets_the_session_at_once(opened: Open) -> None:
    cast = opened.cast
    session_id = await cast.session(opened.visibility, prompt="go")
    runner = Runner(cast.house.room, session_id)
    await runner.start()
    path = f"/api/events?session={session_id}"
    async with (
        asyncio.timeout(SECONDS),
        cast.house.client() as client,
        client.stream("GET", path, headers=cast.headers(opened.who)) as answer,
    ):
        stream = (item async for item in items(answer) if "data" in item)
        await until_ready(stream)
        known = (await cast.house.sessions.get(session_id)).last_seq
        await the_log(stream, known)
        assert cast.house.services.presence.of(session_id)
        await opened.end(session_id)
        await runner.say(chunk("a secret"))
        if opened.change == "downgraded":
            while True:
                item = await anext(stream)
                if item["event"] == "session" and json.loads(item["data"])["role"] == "viewer":
                    return
        told: list[dict[str, str]] = []
        async for item in stream:
            told.append(item)
            if item["event"] == "session_deleted":
                break
        assert not any("a secret" in item["data"] for item in told)
        if told and told[-1]["event"] == "session_deleted":
            assert opened.change in ("removed", "hidden")
            assert cast.house.services.presence.of(session_id) == []
        else:
            # Who is signed in no longer, or is somebody else now, has to come again.
            assert opened.change in ("deactivated", "revoked", "demoted")


# ── what pages hear ──────────────────────────────────────────────────────────────────────────


async def test_each_kind_of_live_message_as_everybody(cast: Cast) -> None:
    session_id = await cast.session(prompt="go")
    runner = Runner(cast.house.room, session_id)
    await runner.start()
    owner = cast.headers("owner")
    for who in PEOPLE:
        path = f"/api/events?session={session_id}"
        async with (
            asyncio.timeout(SECONDS),
            cast.house.client() as client,
            client.stream("GET", path, headers=cast.headers(who)) as answer,
        ):
            stream = (item async for item in items(answer) if "data" in item)
            heard = await until_ready(stream)
            await client.post(
                f"/api/sessions/{session_id}/typing", headers=owner, json={"typing": True}
            )
            await runner.say(chunk("words"))
            # The last of what happens, so that all before it has been heard.
            mark = await cast.house.sessions.create(NewSession(title="mark"), cast.people[who])
            while not (heard[-1]["event"] == "session" and mark.id in heard[-1]["data"]):
                heard.append(await anext(stream))
            if cast.role(who) is None:
                about = [item for item in heard if session_id in item["data"]]
                assert {item["event"] for item in about} <= {"session_deleted"}
                continue
            kinds = {item["event"] for item in heard if session_id in item["data"]}
            while not kinds >= {"session", "presence", "log"}:
                item = await anext(stream)
                if session_id in item["data"]:
                    kinds.add(item["event"])
            assert "session_deleted" not in kinds


async def test_nobody_hears_that_somebody_else_looks_at_what_is_hidden(cast: Cast) -> None:
    session_id = await cast.session()
    async with cast.house.client() as client:
        path = f"/api/events?session={session_id}"
        async with client.stream("GET", path, headers=cast.headers("stranger")) as answer:
            stream = (item async for item in items(answer) if "data" in item)
            await until_ready(stream)
            # Neither do they count as being there themselves.
            assert cast.house.services.presence.of(session_id) == []


async def test_who_is_let_in_sees_it_come(cast: Cast) -> None:
    session_id = await cast.session()
    owner = cast.people["owner"]
    async with (
        asyncio.timeout(SECONDS),
        cast.house.client() as client,
        client.stream("GET", "/api/events", headers=cast.headers("stranger")) as answer,
    ):
        stream = (item async for item in items(answer) if "data" in item)
        begin = await until_ready(stream)
        assert not any(session_id in item["data"] for item in begin)
        stranger = cast.people["stranger"]
        await cast.house.services.participants.put(session_id, stranger.id, "commenter", owner)
        while (item := await anext(stream))["event"] != "session":
            pass
        shown = json.loads(item["data"])
        assert (shown["id"], shown["role"], shown["visibility"]) == (
            session_id,
            "commenter",
            "private",
        )
