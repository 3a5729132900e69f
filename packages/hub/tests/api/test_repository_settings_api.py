"""Settings of repositories over HTTP: an admin's, and what a session got."""

from pathlib import Path

import pytest

from bunkhouse.sessions import NewSession
from bunkhouse_protocol.configuring import ConfigFile

from ..sandbox import fake_sandbox
from .cast import signed_in
from .house import House

ALL = {
    "reads_file": True,
    "model": "demo/demo",
    "commands": ["make"],
    "seconds": 60.0,
    "environment": {"A": "1"},
    "egress": ["api.example.org"],
}
NOTHING = {
    "reads_file": True,
    "model": None,
    "commands": None,
    "seconds": None,
    "environment": None,
    "egress": None,
}


async def test_an_admin_says_changes_and_forgets(house: House) -> None:
    url, of = "/api/repository-settings", {"repository": "/repos/app"}
    async with house.program() as http:
        assert (await http.get(url)).json() == {"items": [], "next": None}
        put = await http.put(url, params=of, json=ALL)
        assert put.status_code == 200
        answer = put.json()
        assert {key: answer[key] for key in ALL} == ALL
        assert answer["repository"] == "/repos/app"
        assert answer["updated_by"] == house.admin.name
        assert (await http.get(url)).json()["items"] == [answer]
        replaced = (await http.put(url, params=of, json={"reads_file": False})).json()
        assert {key: replaced[key] for key in ALL} == {**NOTHING, "reads_file": False}
        assert (await http.get(url, params=of)).json()["items"] == [replaced]
        assert (await http.delete(url, params=of)).status_code == 204
        for again in (await http.delete(url, params=of), await http.get(url, params=of)):
            assert again.status_code == 404
            assert again.json()["code"] == "no_repository_settings"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"environment": {"LD_PRELOAD": "x"}}, "invalid_repository_settings"),
        ({"commands": ["x"] * 21}, "invalid_repository_settings"),
        ({"seconds": 1e7}, "invalid_repository_settings"),
        ({"egress": ["a b"]}, "invalid_repository_settings"),
        ({"model": "dear/one"}, "invalid_input"),
        ({"seconds": "inf"}, "invalid_input"),
        ({"surprise": 1}, "invalid_input"),
    ],
)
async def test_what_can_not_be_is_a_problem(
    house: House, said: dict[str, object], code: str
) -> None:
    async with house.program() as http:
        of = {"repository": "/repos/app"}
        answer = await http.put("/api/repository-settings", params=of, json=said)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
        assert (await http.get("/api/repository-settings")).json()["items"] == []
        none = await http.put("/api/repository-settings", params={"repository": "x"}, json=ALL)
        assert none.status_code == 422


async def test_they_are_for_admins(house: House) -> None:
    _, token = await signed_in(house)
    async with house.client() as http:
        http.headers["Authorization"] = f"Bearer {token}"
        for method in ("GET", "PUT", "DELETE"):
            answer = await http.request(
                method, "/api/repository-settings", params={"repository": "/repos/app"}, json=ALL
            )
            assert (answer.status_code, answer.json()["code"]) == (403, "role_needed")


async def test_a_session_shows_what_came_from_where(house: House) -> None:
    settings = house.services.repository_settings
    assert settings is not None
    view = await house.sessions.create(NewSession(repository="/repos/app"), house.admin)
    url = f"/api/sessions/{view.id}/repository-settings"
    async with house.program() as http:
        early = await http.get(url)
        assert (early.status_code, early.json()["code"]) == (404, "no_repository_settings")
        of = {"repository": "/repos/app"}
        said = {"environment": {"A": "1"}, "egress": ["api.example.org"]}
        await http.put("/api/repository-settings", params=of, json=said)
        file = """
            [setup]
            commands = ["make"]
            [environment]
            A = "2"
            B = "3"
            PATH = "/"
            [egress]
            allow = ["api.example.org", "other.example.org"]
            """
        await settings.decide(view.id, ConfigFile(text=file))
        assert (await http.get(url)).json() == {
            "file": "in_part",
            "troubles": [
                "`.bunkhouse/config.toml`, line 7: `environment.PATH` can't be set: the sandbox's "
                "own programs rely on it."
            ],
            "model": "demo/demo",
            "model_source": "installation",
            "commands": ["make"],
            "commands_source": "file",
            "seconds": 1800.0,
            "environment": [
                {"name": "A", "value": "1", "source": "admin"},
                {"name": "B", "value": "3", "source": "file"},
            ],
            "egress": ["api.example.org", "other.example.org"],
            "egress_refused": ["other.example.org"],
            "egress_allowed": ["api.example.org"],
        }


async def test_set_up_runs_again_where_the_sandbox_can(house: House, short_path: Path) -> None:
    view = await house.sessions.create(NewSession(repository="/repos/app"), house.admin)
    url = f"/api/sessions/{view.id}/setup"
    async with house.program() as http:
        assert (await http.post(url)).json()["code"] == "sandbox_not_running"
        async with fake_sandbox(short_path) as sandbox:
            house.sessions.gateways[view.id] = sandbox.gateway
            assert (await http.post(url)).status_code == 202
            assert sandbox.asked == [("POST", "/setup", None)]
            sandbox.refusal = {"code": "busy", "message": "It works.", "remedy": "Wait."}
            refused = await http.post(url)
            assert (refused.status_code, refused.json()["code"]) == (409, "busy")
