"""What the image stands on: from a registry that answers, or made here.

The engine is a small server that speaks as much of the Engine API as the base needs; the real one
makes the base in the tests of the image.
"""

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import aiodocker
import pytest
from aiohttp import web

from bunkhouse.errors import StorageFull, Unavailable, UpstreamFailed
from bunkhouse.sandboxes import base as module
from bunkhouse.sandboxes.apt_sources import AptSource
from bunkhouse.sandboxes.base import PULLED, ensure_base

SOURCE = AptSource("http://mirror.test/debian", ("bookworm",), ("main",))


class SmallEngine:
    """Has images; pulls as it is told; keeps what is imported."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self.images: set[str] = set()
        self.pull: list[dict[str, object]] | None = None
        """What a pull answers; None: nothing, ever."""
        self.import_error: str | None = None
        self.imported: dict[str, bytes] = {}

    async def images_json(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self.images:
            return web.json_response({"message": f"No such image: {name}"}, status=404)
        return web.json_response({"Id": name})

    async def create(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if "fromSrc" in request.query:
            name = request.query["repo"]
            self.imported[name] = await request.read()
            self.images.add(name)
            messages: list[dict[str, object]] = [{"status": "sha256:0"}]
            if self.import_error:
                messages = [{"error": self.import_error}]
        else:
            name = f"{request.query['fromImage']}:{request.query['tag']}"
            if self.pull is None:
                await asyncio.Event().wait()
            messages = self.pull or []
            if not any("error" in message for message in messages):
                self.images.add(name)
        await response.prepare(request)
        for message in messages:
            await response.write(json.dumps(message).encode() + b"\r\n")
        return response


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[SmallEngine]:
    small = SmallEngine(tmp_path / "e.sock")
    app = web.Application()

    async def version(_request: web.Request) -> web.Response:
        return web.json_response({"ApiVersion": "1.41"})

    app.router.add_get("/version", version)
    app.router.add_get("/{api}/version", version)
    app.router.add_get("/{api}/images/{name:.+}/json", small.images_json)
    app.router.add_post("/images/create", small.create)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.UnixSite(runner, str(small.socket)).start()
    yield small
    await runner.cleanup()


@pytest.fixture
async def docker(engine: SmallEngine) -> AsyncIterator[aiodocker.Docker]:
    async with aiodocker.Docker(url=f"unix://{engine.socket}") as client:
        yield client


@pytest.fixture
def mmdebstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in that writes its arguments into the archive that it is to make."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "mmdebstrap"
    program.write_text(
        '#!/bin/sh\necho "I: running"\nfor a; do case $a in *.tar) echo "$@" > "$a";; esac; done\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return program


async def _ensure(
    docker: aiodocker.Docker, folder: Path, sources: tuple[AptSource, ...] = (SOURCE,)
) -> tuple[str, list[str]]:
    said: list[str] = []
    return await ensure_base(docker, sources, folder, said.append), said


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_registry_that_answers(
    docker: aiodocker.Docker, engine: SmallEngine, tmp_path: Path
) -> None:
    engine.pull = [{"status": "Pulling from library/debian"}, {"id": "a1", "status": "Done"}]
    reference, said = await _ensure(docker, tmp_path)
    assert reference == PULLED
    assert "Pulling from library/debian" in said
    assert (await _ensure(docker, tmp_path)) == (PULLED, []), "it was there already"


@pytest.mark.usefixtures("mmdebstrap")
@pytest.mark.parametrize("silent", [False, True], ids=["refused", "silent"])
async def test_no_registry(
    docker: aiodocker.Docker,
    engine: SmallEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    silent: bool,
) -> None:
    monkeypatch.setattr(module, "FIRST_SECONDS", 0.1)
    engine.pull = None if silent else [{"error": "lookup registry: no such host"}]
    reference, said = await _ensure(docker, tmp_path)
    assert reference.startswith("localhost/bunkhouse/base:")
    arguments = engine.imported[reference].decode()
    assert "--variant=minbase" in arguments
    assert ".sources" in arguments
    assert "No image registry answers" in "\n".join(said)
    assert _names(tmp_path) == ["bin", "e.sock"], "an archive was left behind"
    again, said = await _ensure(docker, tmp_path)
    assert (again, said) == (reference, [])
    other, _ = await _ensure(docker, tmp_path, ())
    assert other != reference, "another mirror, another base"


@pytest.mark.usefixtures("mmdebstrap")
async def test_a_mirror_with_https_is_never_given_a_base_without_certificates(
    docker: aiodocker.Docker, engine: SmallEngine, tmp_path: Path
) -> None:
    engine.pull = [{"id": "a1"}]
    secure = AptSource("https://mirror.test/debian", ("bookworm",), ("main",))
    reference, _ = await _ensure(docker, tmp_path, (secure,))
    assert "--include=ca-certificates" in engine.imported[reference].decode()


async def test_neither_registry_nor_mmdebstrap(
    docker: aiodocker.Docker,
    engine: SmallEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine.pull = [{"error": "no such host"}]
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="mmdebstrap") as caught:
        await _ensure(docker, tmp_path)
    assert "apt-get install" in (caught.value.remedy or "")


@pytest.fixture
def failing_mmdebstrap(mmdebstrap: Path) -> None:
    mmdebstrap.write_text(
        "#!/bin/sh\necho 'E: Failed to fetch http://mirror.test/x'\n"
        "echo 'E: mmdebstrap failed to run'\nexit 25\n"
    )


@pytest.mark.usefixtures("failing_mmdebstrap")
async def test_mmdebstrap_says_why_it_fails(
    docker: aiodocker.Docker, engine: SmallEngine, tmp_path: Path
) -> None:
    engine.pull = [{"error": "no such host"}]
    with pytest.raises(UpstreamFailed, match="Failed to fetch"):
        await _ensure(docker, tmp_path)
    assert not engine.imported


@pytest.mark.usefixtures("mmdebstrap")
async def test_the_engines_disk_is_full(
    docker: aiodocker.Docker, engine: SmallEngine, tmp_path: Path
) -> None:
    engine.pull = [{"error": "no such host"}]
    engine.import_error = "write /layer: no space left on device"
    with pytest.raises(StorageFull):
        await _ensure(docker, tmp_path)
