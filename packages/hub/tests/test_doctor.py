"""What `bunkhouse doctor` finds, on real sockets and folders."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bunkhouse.doctor import Finding, examine, render, what_holds, works
from bunkhouse.sandboxes.engine import EngineAddress, EngineInfo
from bunkhouse.settings import Settings
from tests.providers import FakeGitHub, FakeOpenID

from .settled import settled

ROOT_PODMAN = EngineInfo(
    address=EngineAddress("unix:///run/engine.sock", "test"),
    name="podman",
    version="4.3.1",
    rootless=False,
    cgroup_version=2,
    in_vm=False,
    limits=True,
    user_namespaces=True,
    operating_system="debian",
    cpus=2,
    memory=1024,
    storage=None,
)


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/gone.sock")
    monkeypatch.delenv("BUNKHOUSE_ENGINE", raising=False)


def settings(tmp_path: Path, **values: Any) -> Settings:
    defaults: dict[str, Any] = {"data_dir": tmp_path / "data", "port": 0}
    return settled(**(defaults | values))


async def found(settings: Settings) -> dict[str, Finding]:
    return {finding.id: finding for finding in await examine(settings)}


@asynccontextmanager
async def answering(body: str) -> AsyncGenerator[int]:
    """A server that gives the same JSON to every request; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write((head + body).encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_without_an_engine_everything_else_is_still_told(tmp_path: Path) -> None:
    findings = await found(settings(tmp_path))
    assert findings["engine"].status == "fail"
    assert findings["engine"].remedy is not None
    assert "image" not in findings
    assert findings["python"].status == findings["git"].status == "ok"
    assert findings["data_dir"].status == findings["disk"].status == "ok"
    assert {"node", "port", "models", "packages"} <= findings.keys()
    assert not works(findings.values())


def test_it_changes_nothing(tmp_path: Path) -> None:
    asyncio.run(examine(settings(tmp_path)))
    assert list(tmp_path.iterdir()) == []


async def test_a_data_folder_that_can_not_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    finding = (await found(settings(tmp_path, data_dir=tmp_path / "file" / "data")))["data_dir"]
    assert finding.status == "fail" and "BUNKHOUSE_DATA_DIR" in str(finding.remedy)


async def test_too_little_disk_is_told(tmp_path: Path) -> None:
    finding = (await found(settings(tmp_path, min_free_bytes=1 << 60)))["disk"]
    assert finding.status == "fail" and "too little" in finding.detail


async def test_the_port_is_free_or_our_hub_s_or_another_s(tmp_path: Path) -> None:
    async with answering('{"ok": true, "version": "1.2.3"}') as port:
        hub = (await found(settings(tmp_path, port=port)))["port"]
    assert hub.status == "ok" and "1.2.3" in hub.detail
    free = (await found(settings(tmp_path, port=port)))["port"]
    assert free.status == "ok" and "free" in free.detail
    async with answering('"something"') as port:
        other = (await found(settings(tmp_path, port=port)))["port"]
    assert other.status == "fail" and "BUNKHOUSE_PORT" in str(other.remedy)


async def test_an_address_of_another_machine_can_not_be_listened_on(tmp_path: Path) -> None:
    # TEST-NET-1: no machine has it.
    finding = (await found(settings(tmp_path, host="192.0.2.1", port=8787)))["port"]
    assert finding.status == "fail" and "192.0.2.1" in finding.detail


async def test_models(tmp_path: Path) -> None:
    demo = (await found(settings(tmp_path)))["models"]
    assert demo.status == "warn" and "ANTHROPIC_API_KEY" in str(demo.remedy)
    keyed = (await found(settings(tmp_path, ANTHROPIC_API_KEY="sk-test")))["models"]
    assert keyed.status == "ok" and "Anthropic" in keyed.detail
    assert "sk-test" not in keyed.detail
    none = (await found(settings(tmp_path, demo=False)))["models"]
    assert none.status == "fail"


GITHUB = {"github_client_id": "a", "github_client_secret": "sk-test"}


async def test_without_providers_there_is_the_link(tmp_path: Path) -> None:
    findings = await found(settings(tmp_path))
    assert findings["sign_in"].status == "ok" and "one-time link" in findings["sign_in"].detail
    assert not [each for each in findings if each.startswith("sign_in_")]


async def test_providers_that_answer(tmp_path: Path) -> None:
    with FakeGitHub.running() as github, FakeOpenID.running() as oidc:
        findings = await found(
            settings(
                tmp_path,
                public_url="https://hub.example.org",
                github_url=github.url,
                oidc_name="Acme ID",
                oidc_issuer=oidc.url,
                oidc_client_id="b",
                sign_up="listed",
                sign_up_emails=["ada@acme.example"],
                **GITHUB,
            )
        )
    all_of_them = findings["sign_in"]
    assert all_of_them.status == "ok"
    assert all_of_them.detail.startswith("GitHub Enterprise, Acme ID; ")
    assert "on the list" in all_of_them.detail
    for key in ("github", "oidc"):
        finding = findings[f"sign_in_{key}"]
        assert finding.status == "ok"
        assert f"https://hub.example.org/sign-in/{key}/callback" in finding.detail
    assert "sign_in_google" not in findings
    assert "sk-test" not in render(list(findings.values()))


async def test_providers_that_are_down(tmp_path: Path) -> None:
    with FakeGitHub.running() as github, FakeOpenID.running() as oidc:
        gone = settings(
            tmp_path, github_url=github.url, oidc_issuer=oidc.url, oidc_client_id="b", **GITHUB
        )
    findings = await found(gone)
    for key in ("github", "oidc"):
        finding = findings[f"sign_in_{key}"]
        assert finding.status == "warn" and "does not answer" in finding.detail
        assert "SSL_CERT_FILE" in str(finding.remedy)


async def test_who_answers_may_be_no_such_provider(tmp_path: Path) -> None:
    """An OpenID Connect provider is no GitHub, nor the other way around."""
    with FakeGitHub.running() as github, FakeOpenID.running() as oidc:
        findings = await found(
            settings(
                tmp_path, github_url=oidc.url, oidc_issuer=github.url, oidc_client_id="b", **GITHUB
            )
        )
    for key, variable in (("github", "BUNKHOUSE_GITHUB_URL"), ("oidc", "BUNKHOUSE_OIDC_ISSUER")):
        finding = findings[f"sign_in_{key}"]
        assert finding.status == "warn" and "not as what it should be" in finding.detail
        assert variable in str(finding.remedy)


async def test_an_issuer_is_told_what_it_calls_itself(tmp_path: Path) -> None:
    """A slash at the end is enough. What it says is not let loose on the terminal."""
    called = ""

    def says(metadata: dict[str, Any]) -> None:
        metadata["issuer"] = called

    with FakeOpenID.running() as oidc:
        oidc.metadata = says
        given = settings(tmp_path, oidc_issuer=oidc.url, oidc_client_id="b")
        for called in (f"{oidc.url}/", "\x1b[2Jelse"):
            finding = (await found(given))["sign_in_oidc"]
            assert finding.status == "warn"
            assert repr(called) in finding.detail and "\x1b" not in finding.detail
            assert "BUNKHOUSE_OIDC_ISSUER" in str(finding.remedy)


@pytest.mark.parametrize(
    ("given", "variable"),
    [
        ({"github_client_id": "a"}, "BUNKHOUSE_GITHUB_CLIENT_SECRET"),
        ({"sign_up": "domains"}, "BUNKHOUSE_SIGN_UP_DOMAINS"),
    ],
)
async def test_what_keeps_the_hub_from_starting_is_a_failure(
    tmp_path: Path, given: dict[str, Any], variable: str
) -> None:
    finding = (await found(settings(tmp_path, **given)))["sign_in"]
    assert finding.status == "fail" and variable in finding.detail


def statuses(info: EngineInfo, tmp_path: Path, **values: Any) -> dict[str, str]:
    return {f.id: f.status for f in what_holds(info, settings(tmp_path, **values))}


def test_what_does_not_hold_is_a_warning_with_a_remedy(tmp_path: Path) -> None:
    assert set(statuses(ROOT_PODMAN, tmp_path).values()) == {"ok"}
    docker = replace(ROOT_PODMAN, name="docker", user_namespaces=False)
    assert statuses(docker, tmp_path) == {
        "limits": "ok",
        "user_namespaces": "warn",
        "egress": "ok",
    }
    rootless = replace(ROOT_PODMAN, rootless=True, limits=False, user_namespaces=False)
    assert set(statuses(rootless, tmp_path).values()) == {"warn"}
    desktop = replace(docker, in_vm=True)
    assert statuses(desktop, tmp_path)["egress"] == "warn"
    url = statuses(ROOT_PODMAN, tmp_path, hub_url_for_sandboxes="http://hub:8787")
    assert url["egress"] == "warn"
    for finding in what_holds(desktop, settings(tmp_path)):
        assert (finding.status == "ok") == (finding.remedy is None)


async def test_rendering(tmp_path: Path) -> None:
    findings = await examine(settings(tmp_path))
    entries = json.loads(render(findings, as_json=True))
    assert [entry["id"] for entry in entries] == [finding.id for finding in findings]
    assert entries[0].keys() == {"id", "title", "status", "detail", "remedy"}
    text = render(findings)
    assert "✗ Container engine" in text and "→ Start that engine" in text


@pytest.mark.engine
async def test_this_machine_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    findings = await found(settings(tmp_path))
    assert works(findings.values()), render(list(findings.values()))
    assert findings["image"].status == "ok"
