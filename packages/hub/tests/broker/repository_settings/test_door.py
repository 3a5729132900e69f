"""The door at which a runner shows what its repository says, over real HTTP."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any, cast

import httpx2
import pytest

from bunkhouse.broker.door import Doors
from bunkhouse.broker.egress import Reach
from bunkhouse.broker.repository_settings import Limits, RepositorySettings
from bunkhouse.sessions import NewSession, SandboxIdentity
from bunkhouse_protocol.configuring import SetUp

from ...conftest import ADMIN, FakeCatalog, Room
from ..serving import serve

TOKEN = {"Authorization": "Bearer right"}


class OneSandbox:
    def __init__(self, session_id: str) -> None:
        self._session_id = session_id

    async def sandbox_for_token(self, token: str) -> SandboxIdentity | None:
        return SandboxIdentity("sb_1", self._session_id) if token == "right" else None


@pytest.fixture
async def url(room: Room) -> AsyncGenerator[str]:
    view = await room.sessions.create(NewSession(repository="/repos/app"), ADMIN)
    limits = replace(Limits.of(room.settings), file_bytes=1024)
    settings = RepositorySettings(room.journal, FakeCatalog(), limits, Reach("allowlist"))
    nothing = cast("Any", None)
    doors = Doors(
        knocking=cast("Any", OneSandbox(view.id)),
        links=nothing,
        dialling=nothing,
        providers=nothing,
        models=nothing,
        git=nothing,
        egress=nothing,
        repository_settings=settings,
        tools=nothing,
        blobs=nothing,
    )
    async with serve(doors.application()) as base:
        yield f"{base}/sandbox/settings"


async def test_a_runner_is_told_how_to_set_up(url: str) -> None:
    async with httpx2.AsyncClient(headers=TOKEN, trust_env=False) as http:
        for text in ("[setup]\ncommands = ['make']", "# another"):
            answer = await http.post(url, json={"text": text, "trouble": None})
            assert answer.status_code == 200
            assert SetUp.model_validate_json(answer.content).commands == ["make"]


async def test_what_is_none_is_refused(url: str) -> None:
    async with httpx2.AsyncClient(headers=TOKEN, trust_env=False) as http:
        for body in (b"", b"[]", b'{"text": 3}', b'{"trouble": "other"}'):
            assert (await http.post(url, content=body)).status_code == 422
        large = await http.post(url, json={"text": "x" * 8000})
        assert (large.status_code, large.json()["error"]["code"]) == (413, "too_large")
        unusable = await http.post(url, json={"text": "#" * 1025})
        assert SetUp.model_validate_json(unusable.content).commands == []


async def test_nobody_else_is_heard(url: str) -> None:
    async with httpx2.AsyncClient(trust_env=False) as http:
        assert (await http.post(url, json={"text": ""})).status_code == 401
