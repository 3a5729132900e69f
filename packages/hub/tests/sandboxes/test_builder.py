"""A build whose cache changes under it, against a small server that speaks the engine's API."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiodocker
import pytest
from aiohttp import web

from bunkhouse.errors import UpstreamFailed
from bunkhouse.sandboxes import builder
from bunkhouse.sandboxes.mirrors import HostConfiguration
from bunkhouse.sandboxes.recipe import Recipe, Step

HOST = HostConfiguration(None, (), (), "https://npm.test/", (), ())
RECIPE = Recipe({"Containerfile": (b"ARG BASE\nFROM ${BASE}\n", 0o644)}, "key", (Step("Work", 1),))
LAYER_GONE = {"error": "checking if cached image exists: getting top layer info: layer not known"}
IMAGE_GONE = {"error": 'copying image "ec4d": locating image with ID "ec4d": image not known'}


class Builds:
    """Answers builds one after the other as it is told, and remembers which used the cache."""

    def __init__(self) -> None:
        self.answers: list[dict[str, str]] = []
        self.nocache: list[str] = []

    async def build(self, request: web.Request) -> web.Response:
        await request.read()
        self.nocache.append(request.query["nocache"])
        return web.Response(body=json.dumps(self.answers.pop(0)).encode() + b"\n")


@pytest.fixture
def builds() -> Builds:
    return Builds()


@pytest.fixture
async def docker(
    builds: Builds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[aiodocker.Docker]:
    async def base(*_: object) -> str:
        return "base:1"

    async def version(_request: web.Request) -> web.Response:
        return web.json_response({"ApiVersion": "1.41"})

    monkeypatch.setattr(builder, "ensure_base", base)
    app = web.Application()
    app.router.add_get("/version", version)
    app.router.add_get("/{api}/version", version)
    app.router.add_post("/{api}/build", builds.build)
    app.router.add_post("/build", builds.build)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.UnixSite(runner, str(tmp_path / "e.sock")).start()
    async with aiodocker.Docker(url=f"unix://{tmp_path / 'e.sock'}") as client:
        yield client
    await runner.cleanup()


async def build(docker: aiodocker.Docker, folder: Path, *, fresh: bool = False) -> None:
    await builder.build(
        docker,
        HOST,
        RECIPE,
        "image:1",
        log=folder / "image.log",
        show=lambda _title, _progress: None,
        fresh=fresh,
    )


@pytest.mark.parametrize("gone", [LAYER_GONE, IMAGE_GONE], ids=["layer", "image"])
async def test_what_went_away_is_built_again(
    gone: dict[str, str], builds: Builds, docker: aiodocker.Docker, tmp_path: Path
) -> None:
    builds.answers = [gone, {"stream": "Successfully built"}]
    await build(docker, tmp_path)
    assert builds.nocache == ["0", "0"]
    assert "built again" in (tmp_path / "image.log").read_text()


async def test_what_goes_away_again_is_built_without_the_cache(
    builds: Builds, docker: aiodocker.Docker, tmp_path: Path
) -> None:
    builds.answers = [IMAGE_GONE, LAYER_GONE, {"stream": "Successfully built"}]
    await build(docker, tmp_path)
    assert builds.nocache == ["0", "0", "1"]


@pytest.mark.parametrize(
    ("answers", "fresh", "tried"),
    [
        ([{"error": "exit status 1"}], False, ["0"]),
        ([LAYER_GONE], True, ["1"]),
        ([IMAGE_GONE] * 3, False, ["0", "0", "1"]),
    ],
    ids=["another failure", "without the cache", "again and again"],
)
async def test_what_else_fails_is_not_tried_again(
    answers: list[dict[str, str]],
    fresh: bool,
    tried: list[str],
    builds: Builds,
    docker: aiodocker.Docker,
    tmp_path: Path,
) -> None:
    builds.answers = answers
    with pytest.raises(UpstreamFailed):
        await build(docker, tmp_path, fresh=fresh)
    assert builds.nocache == tried
