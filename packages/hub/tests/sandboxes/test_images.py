"""Building the image: with the real engine, and recipes that take no time."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import aiodocker
import pytest

from bunkhouse.errors import EngineDown, ImageMissing, StorageFull, UpstreamFailed
from bunkhouse.sandboxes import builder, images
from bunkhouse.sandboxes.apt_sources import AptSource
from bunkhouse.sandboxes.build_stream import has_image
from bunkhouse.sandboxes.images import Images, ImageStatus
from bunkhouse.sandboxes.mirrors import HostConfiguration
from bunkhouse.sandboxes.recipe import Recipe, Step

from .ground import Engine, Ground


class Bench:
    """`Images` of small recipes on a base that is there."""

    def __init__(self, docker: aiodocker.Docker, folder: Path) -> None:
        self.docker = docker
        self.folder = folder
        self.made: list[str] = []
        self.script = "true"
        self.name = secrets.token_hex(6)

    def recipe(self, _host: object = None) -> Recipe:
        text = f"ARG BASE\nFROM ${{BASE}}\n# {self.name}\nRUN {self.script}\n"
        return Recipe(
            {"Containerfile": (text.encode(), 0o644)},
            f"test-{self.name}",
            (Step("Preparing", 0), Step("Working", 10)),
        )

    def images(self) -> Images:
        made = Images(self.docker, self.folder)
        self.made.append(f"{images.REPOSITORY}:test-{self.name}")
        return made


@pytest.fixture
async def bench(
    ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Bench]:
    async def base(
        _docker: object, sources: tuple[AptSource, ...], _folder: Path, _say: object
    ) -> str:
        assert sources == ()
        return ground.image

    async with ground.engine.address.connect() as docker:
        made = Bench(docker, tmp_path)
        host = HostConfiguration(None, (), (), "https://npm.test/", (), ())
        monkeypatch.setattr(images, "host_configuration", lambda: host)
        monkeypatch.setattr(images, "read_recipe", made.recipe)
        monkeypatch.setattr(builder, "ensure_base", base)
        yield made
        for tag in set(made.made):
            if await has_image(docker, tag):
                await docker.images.delete(tag, force=True)


@pytest.mark.engine
async def test_missing_then_built_then_there(bench: Bench) -> None:
    made = bench.images()
    assert (await made.status()).state == "missing"
    tag = await made.ensure()
    assert tag == f"bunkhouse/sandbox:test-{bench.name}"
    status = await made.status()
    assert (status.state, status.progress, status.error) == ("ready", 1.0, None)
    assert "RUN true" in made.log.read_text()
    made.log.unlink()
    assert await bench.images().ensure() == tag
    assert not made.log.exists(), "what is there was built again"


@pytest.mark.engine
async def test_progress_is_told_while_it_builds(bench: Bench) -> None:
    made = bench.images()
    seen: list[ImageStatus] = []

    async def follow() -> None:
        async for status in made.follow():
            seen.append(status)
            if status.state == "ready":
                return

    following = asyncio.create_task(follow())
    await made.ensure()
    await following
    assert {status.state for status in seen} <= {"missing", "building", "ready"}
    assert "Working" in [status.step for status in seen]
    progress = [status.progress for status in seen if status.progress is not None]
    assert progress == sorted(progress)
    assert seen[-1].seconds is not None


@pytest.mark.engine
async def test_all_who_ask_at_once_get_one_build(bench: Bench) -> None:
    counter = "/workspace"  # a layer of its own shows in the log
    bench.script = f"echo built-{bench.name} && ls {counter}"
    one, two = bench.images(), bench.images()
    first, second, third = await asyncio.gather(one.ensure(), one.ensure(), two.ensure())
    assert first == second == third
    assert one.log.read_text().count(f"\nbuilt-{bench.name}\n") == 1


@pytest.mark.engine
async def test_a_step_that_fails(bench: Bench) -> None:
    bench.script = "echo 'E: Unable to fetch some archives' && exit 100"
    made = bench.images()
    with pytest.raises(UpstreamFailed, match="Unable to fetch some archives") as caught:
        await made.ensure()
    assert "Working" in caught.value.message
    assert str(made.log) in (caught.value.remedy or "")
    status = await made.status()
    assert status.state == "failed"
    assert status.error == caught.value.message
    bench.script = "true"
    await made.ensure()
    assert (await made.status()).state == "ready"


@pytest.mark.engine
async def test_given_up_when_nobody_waits_any_more(bench: Bench) -> None:
    bench.script = "echo begun && sleep 10"
    made = bench.images()
    waiting = asyncio.create_task(made.ensure())
    async for status in made.follow():
        if status.step == "Working" or waiting.done():
            break
    assert not waiting.done()
    waiting.cancel()
    async with asyncio.timeout(20):
        await asyncio.gather(waiting, return_exceptions=True)
    assert (await made.status()).state == "missing"
    bench.script = "true"
    await made.ensure()


@pytest.mark.engine
async def test_a_full_disk_is_said_before_anything_is_done(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "BUILD_BYTES", 1 << 60)
    made = bench.images()
    with pytest.raises(StorageFull, match="free disk"):
        await made.ensure()
    assert (await made.status()).state == "failed"


@pytest.mark.engine
async def test_a_given_image_is_used_as_it_is(engine: Engine, tmp_path: Path) -> None:
    given = Images(engine.docker, tmp_path, given=engine.ground.sleeper)
    assert await given.ensure() == engine.ground.sleeper
    assert given.key is None
    missing = Images(engine.docker, tmp_path, given="bunkhouse/no-such:image")
    with pytest.raises(ImageMissing, match="BUNKHOUSE_IMAGE"):
        await missing.ensure()


async def test_without_an_engine(tmp_path: Path) -> None:
    async with aiodocker.Docker(url=f"unix://{tmp_path}/nobody.sock") as nowhere:
        made = Images(nowhere, tmp_path, given="any")
        with pytest.raises(EngineDown):
            await made.status()
        with pytest.raises(EngineDown):
            await made.ensure()


PROGRAMS = (
    "git tmux rg gcc g++ make python3 pip curl less ps ip iptables tini sudo ssh jq unzip node npm "
    "npx uv opencode"
)


@pytest.mark.engine
async def test_what_the_image_holds(engine: Engine) -> None:
    spec = await engine.run(engine.spec())
    missing = await engine.sh(
        spec, f"for p in {PROGRAMS}; do command -v $p >/dev/null || echo $p; done", user="agent"
    )
    assert missing.out == ""
    shown = await engine.sh(
        spec,
        "node --version; opencode --version; npm config get prefix; locale charmap; id -un\n"
        "echo $PATH; python3 -c 'import venv, ssl; print(ssl.get_default_verify_paths().cafile)'\n"
        "echo 'int main(){return 0;}' > /tmp/x.c && gcc -o /tmp/x /tmp/x.c && /tmp/x && echo built",
        user="agent",
    )
    node, opencode, prefix, charmap, name, path, bundle, built = shown.out.split()
    assert node.startswith("v24.")
    assert opencode == "1.18.33"
    assert prefix == "/home/agent/.local"
    assert (charmap, name, built) == ("UTF-8", "agent", "built")
    assert path.startswith("/home/agent/.local/bin:")
    assert bundle == "/etc/ssl/certs/ca-certificates.crt"


@pytest.mark.engine
async def test_the_image_holds_no_credential_of_this_machine(engine: Engine) -> None:
    shown = await engine.docker.images.inspect(engine.ground.image)
    environment = cast("list[str]", shown["Config"]["Env"])
    assert not [entry for entry in environment if "TOKEN" in entry or "KEY" in entry]
    spec = await engine.run(engine.spec())
    found = await engine.sh(
        spec,
        "cat /etc/pip.conf /etc/xdg/pip/pip.conf /usr/local/etc/npmrc /etc/apt/auth.conf* "
        "2>/dev/null | grep -E '//[^/ ]*@|_auth|password'",
    )
    assert found.out == ""
