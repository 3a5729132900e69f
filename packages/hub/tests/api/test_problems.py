"""Every error is problem details: what happened, a code, what to do, and nothing of our insides."""

from typing import Any

import pytest

from bunkhouse import errors
from bunkhouse.api import problems
from bunkhouse.errors import BunkhouseError
from bunkhouse.sessions import NewSession

from .house import House


def every_error(root: type[BunkhouseError] = BunkhouseError) -> list[type[BunkhouseError]]:
    children = [kind for kind in root.__subclasses__() if kind.__module__ == errors.__name__]
    return [root, *(each for child in children for each in every_error(child))]


FURTHER: dict[type[BunkhouseError], dict[str, Any]] = {
    errors.RoleNeeded: {"role": "owner"},
    errors.ScopeNeeded: {"scope": "read"},
    errors.TooManyTries: {"retry_after": 42},
}
"""What some of them say besides."""


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
async def test_each_of_our_errors(
    house: House, kind: type[BunkhouseError], monkeypatch: pytest.MonkeyPatch
) -> None:
    further = FURTHER.get(kind, {})

    async def fail(session_id: str) -> None:
        raise kind("It is so.", remedy="Do that.", **further)

    session = await house.sessions.create(NewSession(), house.admin)
    monkeypatch.setattr(house.sessions, "get", fail)
    async with house.program() as program:
        answer = await program.get(f"/api/sessions/{session.id}")
    assert answer.status_code == kind.status
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told == {
        "type": "about:blank",
        "title": told["title"],
        "status": kind.status,
        "detail": "It is so.",
        "code": kind.code,
        "remedy": "Do that.",
        **{name: value for name, value in further.items() if name != "retry_after"},
    }
    assert ("www-authenticate" in answer.headers) == (kind is errors.Unauthorized)
    assert ("retry-after" in answer.headers) == (kind.status in (429, 503))
    if kind is errors.TooManyTries:
        assert answer.headers["retry-after"] == "42"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/nothing", 404, "not_found"),
        ("GET", "/api", 404, "not_found"),
        ("POST", "/api/sessions/", 404, "not_found"),
        ("GET", "/sandbox/link", 404, "not_found"),
        ("PUT", "/api/sessions", 405, "method_not_allowed"),
        ("POST", "/", 405, "method_not_allowed"),
        ("GET", "/api/sessions/none", 404, "not_found"),
        ("GET", "/api/sessions/none/events", 404, "not_found"),
        ("GET", "/api/sessions?limit=0", 422, "invalid_input"),
        ("GET", "/api/sessions?cursor=nonsense", 422, "invalid_input"),
        ("GET", "/api/branches", 422, "invalid_input"),
        ("GET", f"/api/sessions/{'x' * 100}", 404, "not_found"),
        ("GET", "/api/sessions/a%00b", 404, "not_found"),
        ("PUT", "/api/sessions/a%FFb/people/x", 404, "not_found"),
        ("PATCH", "/api/people/a%00b", 422, "invalid_input"),
    ],
)
async def test_addresses_and_methods(
    house: House, method: str, path: str, status: int, code: str
) -> None:
    async with house.program() as program:
        answer = await program.request(method, path, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_invalid_input_says_where_and_what_and_echoes_nothing(house: House) -> None:
    async with house.program() as program:
        answer = await program.post("/api/sessions", json={"titel": "a secret", "model": 7})
    told = answer.json()
    assert answer.status_code == 422
    assert told["errors"] == [
        {"where": ["body", "model"], "what": "Input should be a valid string",
         "kind": "string_type"},
        {"where": ["body", "titel"], "what": "Extra inputs are not permitted",
         "kind": "extra_forbidden"},
    ]  # fmt: skip
    assert "model: Input should be a valid string" in told["detail"]
    assert "secret" not in answer.text


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'"\\ud800"', b"[]", b""])
async def test_bodies_that_are_no_json(house: House, body: bytes) -> None:
    async with house.program() as program:
        answer = await program.post(
            "/api/sessions", content=body, headers={"Content-Type": "application/json"}
        )
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) >= {"title", "status", "detail", "code"}


async def test_text_that_is_no_unicode_is_refused(house: House) -> None:
    async with house.program() as program:
        answer = await program.post(
            "/api/sessions",
            content=b'{"prompt": "\\ud800"}',
            headers={"Content-Type": "application/json"},
        )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


async def test_our_own_mistakes_leak_nothing(house: House) -> None:
    async with house.program() as program:
        answer = await program.get("/api/branches?repository=https://crash.example")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal"
    assert "secret" not in answer.text
    assert "RuntimeError" not in answer.text


async def test_a_prompt_over_the_limit_names_the_setting(house: House) -> None:
    view = await house.sessions.create(NewSession(), house.admin)
    text = "ä" * (house.services.settings.prompt_bytes // 2 + 1)
    async with house.program() as program:
        for path, body in (
            ("/api/sessions", {"prompt": text}),
            (f"/api/sessions/{view.id}/prompts", {"text": text}),
        ):
            answer = await program.post(path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
            assert "BUNKHOUSE_PROMPT_BYTES" in answer.json()["remedy"]


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_over_all_limits_is_not_even_read(house: House, announced: bool) -> None:
    size = 7 * house.services.settings.prompt_bytes

    async def chunks():
        for _ in range(size // 65536 + 1):
            yield b" " * 65536

    content = b" " * size if announced else chunks()
    async with house.program() as program:
        answer = await program.post(
            "/api/sessions", content=content, headers={"Content-Type": "application/json"}
        )
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert answer.headers["content-type"] == "application/problem+json"


def test_problems_without_remedy_leave_it_out() -> None:
    assert b"remedy" not in problems.problem(404, "Gone.", code="not_found").body
