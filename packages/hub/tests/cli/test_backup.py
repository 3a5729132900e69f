"""`admin backup` and `admin restore`, with real processes; and a hub on Postgres."""

import json
import signal
from collections.abc import Generator
from pathlib import Path

import httpx2
import pytest

from ..postgres import Server
from .program import Program
from .test_serve import serving


def at(tmp_path: Path, name: str, **environment: str) -> Program:
    """`bunkhouse` on another data folder."""
    return Program(
        {
            "BUNKHOUSE_DATA_DIR": str(tmp_path / name),
            "BUNKHOUSE_ENGINE": f"unix://{tmp_path}/none.sock",
            "BUNKHOUSE_PORT": "0",
            **environment,
        },
        tmp_path,
    )


@pytest.fixture
def url(postgres: Server) -> Generator[str]:
    with postgres.database() as url:
        yield url


def remove_file_store(folder: Path) -> None:
    for path in folder.glob("bunkhouse.db*"):
        path.unlink()


async def new_session(url: str, program: Program) -> str:
    token = (await program("token", "create")).out.strip()
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(base_url=url, headers=headers, trust_env=False) as client:
        answer = await client.post("/api/sessions", json={"prompt": "Keep this"})
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]


async def ids(program: Program) -> list[str]:
    listed = await program("sessions", "--json")
    assert listed.code == 0, listed.err
    return [each["id"] for each in json.loads(listed.out)]


async def test_from_a_running_hub_to_an_empty_folder(tmp_path: Path) -> None:
    old, new = at(tmp_path, "old"), at(tmp_path, "new")
    hub, url, _ = await serving(old)
    session_id = await new_session(url, old)
    target = tmp_path / "backups"
    target.mkdir()
    taken = await old("admin", "backup", str(target))
    assert (taken.code, taken.err) == (0, "")
    path = Path(taken.out.strip())
    assert path.parent == target
    refused = await old("admin", "restore", str(path))
    assert refused.code == 1
    assert "A hub runs on" in refused.err
    hub.signal(signal.SIGTERM)
    assert (await hub.end()).code == 0
    refused = await old("admin", "restore", str(path))
    assert refused.code == 1
    assert "is not empty" in refused.err

    restored = await new("admin", "restore", str(path))
    assert (restored.code, restored.err) == (0, "")
    assert restored.out.startswith("Restored 1 session of 20")
    kept = [(tmp_path / name / "installation").read_text() for name in ("old", "new")]
    assert kept[0] == kept[1]
    hub, _, _ = await serving(new)
    assert await ids(new) == [session_id]
    hub.signal(signal.SIGTERM)
    assert (await hub.end()).code == 0


async def test_from_sqlite_to_postgres_in_the_same_folder(tmp_path: Path, url: str) -> None:
    before = at(tmp_path, "data")
    hub, address, _ = await serving(before)
    session_id = await new_session(address, before)
    hub.signal(signal.SIGTERM)
    await hub.end()
    path = tmp_path / "b.tar.gz"
    assert (await before("admin", "backup", str(path))).code == 0

    after = at(tmp_path, "data", BUNKHOUSE_DATABASE_URL=url)
    restored = await after("admin", "restore", str(path))
    assert (restored.code, restored.err) == (0, "")
    remove_file_store(tmp_path / "data")
    hub, _, _ = await serving(after)
    assert await ids(after) == [session_id]

    # Another hub on the same database would take this one's sessions for its own.
    second = at(tmp_path, "second", BUNKHOUSE_DATABASE_URL=url)
    refused = await second("serve")
    assert refused.code == 1
    assert "A hub works on the database" in refused.err
    assert "postgres@" not in refused.err

    # One that was killed holds nothing up.
    hub.signal(signal.SIGKILL)
    await hub.end()
    hub, _, _ = await serving(second)
    assert await ids(second) == [session_id]
    hub.signal(signal.SIGTERM)
    assert (await hub.end()).code == 0


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("mysql://host/name", "BUNKHOUSE_DATABASE_URL can't be taken"),
        ("postgresql://u:secret-word@127.0.0.1:1/none", "can't be used"),
        ("postgresql://u:secret-word@[", "is no URL of a Postgres database"),
    ],
)
async def test_a_database_that_is_not_there_is_told_without_its_password(
    tmp_path: Path, given: str, says: str
) -> None:
    program = at(tmp_path, "data", BUNKHOUSE_DATABASE_URL=given)
    for command in (("serve",), ("token", "create"), ("admin", "backup", str(tmp_path / "b"))):
        refused = await program(*command)
        assert (refused.code, refused.out) == (1, "")
        assert says in refused.err
        assert "secret-word" not in refused.err
        assert "Traceback" not in refused.err
