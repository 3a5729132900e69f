"""The vault's key, with real processes: what a backup has of it, and a new one in its place."""

import base64
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx2

from bunkhouse.forges import GitHubApp
from bunkhouse.people import People
from bunkhouse.store import Database
from bunkhouse.vault import Vault, kept_keys
from tests.fakes.github import FakeGitHub, running
from tests.fakes.github.apps import make

from .program import Program
from .test_backup import at
from .test_serve import serving


async def give_token(url: str, program: Program, secret: str) -> None:
    token = (await program("token", "create", "--scope", "account")).out.strip()
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(base_url=url, headers=headers, trust_env=False) as client:
        answer = await client.put("/api/me/grants/github", json={"token": secret})
        assert answer.status_code == 200, answer.text


async def set_up_app(folder: Path, fake: FakeGitHub) -> None:
    """What an admin does from the page, while no hub runs."""
    database = await Database.open(folder / "bunkhouse.db")
    person = await People(database).first_admin()
    app = GitHubApp(database, Vault(kept_keys(folder / "vault.key")))
    secret = await app.begin(person.id, url=fake.url, organization=None, hub="https://hub.acme.org")
    form = await app.form(secret, person.id)
    said = dict(parse_qsl(urlsplit(await make(form.address, form.manifest)).query))
    await app.finish(secret, person.id, state=said["state"], code=said["code"])
    await database.close()


def secrets_of_app(folder: Path) -> dict[str, str]:
    """The App's secrets as they are stored, by the places that they are sealed for."""
    names = ("client_secret", "webhook_secret", "private_key")
    with closing(sqlite3.connect(folder / "bunkhouse.db")) as store:
        (row,) = store.execute(f"select id, {', '.join(names)} from github_apps")
    return {f"github_apps/{row[0]}/{name}": text for name, text in zip(names, row[1:], strict=True)}


def sealed(folder: Path) -> tuple[str, str]:
    """The id of the only grant, and its token as it is stored."""
    with closing(sqlite3.connect(folder / "bunkhouse.db")) as store:
        return store.execute("select id, access_token from grants").fetchone()


async def with_a_grant(tmp_path: Path, program: Program, fake: FakeGitHub) -> str:
    secret = fake.world.token(fake.world.person("ada"))
    hub, url, _ = await serving(program)
    await give_token(url, program, secret)
    hub.signal(signal.SIGTERM)
    assert (await hub.end()).code == 0
    return secret


async def test_a_backup_has_the_sealed_token_and_not_the_key(tmp_path: Path) -> None:
    async with running(tmp_path / "github") as fake:
        old = at(tmp_path, "old", BUNKHOUSE_GITHUB_URL=fake.url)
        secret = await with_a_grant(tmp_path, old, fake)
    path = tmp_path / "b.tar"
    assert (await old("admin", "backup", str(path))).code == 0
    archive = path.read_bytes()
    key = (tmp_path / "old" / "vault.key").read_bytes().strip()
    assert sealed(tmp_path / "old")[1].encode() in archive
    for hidden in (secret.encode(), key, base64.b64decode(key)):
        assert hidden not in archive
    new = at(tmp_path, "new")
    restored = await new("admin", "restore", str(path))
    assert restored.code == 0
    assert "the old vault.key, which no backup has" in restored.out
    assert not (tmp_path / "new" / "vault.key").exists()


async def test_a_new_key_seals_all_anew_at_the_next_start(tmp_path: Path) -> None:
    program = at(tmp_path, "data")
    async with running(tmp_path / "github") as fake:
        program = at(tmp_path, "data", BUNKHOUSE_GITHUB_URL=fake.url)
        secret = await with_a_grant(tmp_path, program, fake)
        await set_up_app(tmp_path / "data", fake)
        (made,) = [each for each in fake.world.applications.values() if each.app]
        rotated = await program("admin", "rotate-key")
        assert rotated.code == 0, rotated.err
        hub, _, _ = await serving(program)
        hub.signal(signal.SIGTERM)
        assert (await hub.end()).code == 0
    new, _ = kept_keys(tmp_path / "data" / "vault.key")
    assert new.id in rotated.out
    grant_id, token = sealed(tmp_path / "data")
    assert Vault([new]).open(token, f"grants/{grant_id}/access_token") == secret
    opened = [Vault([new]).open(*each[::-1]) for each in secrets_of_app(tmp_path / "data").items()]
    assert made.app is not None
    assert opened == [made.client_secret, made.app.webhook_secret, made.app.pem]
    given = at(tmp_path, "data", BUNKHOUSE_VAULT_KEY=base64.b64encode(b"k" * 32).decode())
    refused = await given("admin", "rotate-key")
    assert (refused.code, refused.out) == (1, "")
    assert "BUNKHOUSE_VAULT_KEY" in refused.err


async def test_a_key_that_is_none_keeps_the_hub_from_starting(tmp_path: Path) -> None:
    program = at(tmp_path, "data", BUNKHOUSE_VAULT_KEY="c2hvcnQ=")
    refused = await program("serve")
    assert refused.code == 1
    assert "it has 5 bytes in place of 32" in refused.err
    assert "c2hvcnQ" not in refused.err
