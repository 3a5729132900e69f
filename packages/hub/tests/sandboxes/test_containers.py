"""What is particular to sandboxes as containers."""

import asyncio

import aiodocker
import pytest

from bunkhouse.errors import EngineDown, NotFound
from bunkhouse.sandboxes.container_config import HOLDER, SANDBOX, container_name
from bunkhouse.sandboxes.containers import ContainerProvider
from bunkhouse.sandboxes.engine_client import container

from .ground import Engine, build_from

pytestmark = pytest.mark.engine


async def test_labels_say_whose_it_is(engine: Engine) -> None:
    spec = await engine.run(engine.spec())
    for role in (SANDBOX, HOLDER):
        shown = await engine.inspect(spec, role)
        config = shown["Config"]
        assert isinstance(config, dict)
        assert (
            config["Labels"]
            | {
                "bunkhouse.installation": engine.installation,
                "bunkhouse.session": spec.session_id,
                "bunkhouse.sandbox": spec.sandbox_id,
                "bunkhouse.role": role,
            }
            == config["Labels"]
        )


async def test_two_installations_do_not_see_each_other(engine: Engine) -> None:
    spec = engine.spec()
    await engine.provider.create(spec)
    other = ContainerProvider(engine.docker, engine.ground.engine, installation="test-other")
    assert await other.list() == []
    assert [one.sandbox_id for one in await engine.provider.list()] == [spec.sandbox_id]


async def test_what_was_made_in_part_is_found_and_made_whole(engine: Engine) -> None:
    spec = engine.spec()
    await engine.provider.create(spec)
    holder = container(engine.docker, container_name(spec.sandbox_id, HOLDER))
    await holder.delete(force=True, v=True)
    (left,) = await engine.again().list()
    assert (left.state, left.session_id) == ("created", spec.session_id)
    with pytest.raises(NotFound):
        await engine.provider.start(spec.sandbox_id)
    await engine.provider.create(spec)
    await engine.provider.start(spec.sandbox_id)
    assert (await engine.provider.status(spec.sandbox_id)).state == "running"
    await engine.provider.destroy(spec.sandbox_id)
    assert await engine.provider.list() == []


async def test_a_lost_holder_is_told_and_start_mends_it(engine: Engine) -> None:
    spec = await engine.run(engine.spec())
    await engine.sh(spec, "echo kept > /workspace/file")
    first = (await engine.sh(spec, "stat -c %Y /proc/1")).out
    await engine.signal(spec, HOLDER, "KILL")
    status = await engine.provider.status(spec.sandbox_id)
    assert "holder" in (status.detail or "")
    await engine.provider.start(spec.sandbox_id)
    status = await engine.provider.status(spec.sandbox_id)
    assert (status.state, status.detail) == ("running", None)
    assert (await engine.sh(spec, "cat /workspace/file; ls /sys/class/net")).out == "kept\nlo\n"
    assert (await engine.sh(spec, "stat -c %Y /proc/1")).out == first, "the sandbox began anew"


async def test_files_outlive_a_stop(engine: Engine) -> None:
    spec = await engine.run(engine.spec())
    await engine.sh(spec, "echo kept > /workspace/file; echo too > /etc/mine")
    await engine.provider.stop(spec.sandbox_id, grace=1)
    await engine.provider.start(spec.sandbox_id)
    assert (await engine.sh(spec, "cat /workspace/file /etc/mine")).out == "kept\ntoo\n"


async def test_destroy_waits_for_nobody(engine: Engine) -> None:
    image = f"bunkhouse/test-stubborn:{engine.ground.image.rpartition(':')[2]}"
    stubborn = 'ENTRYPOINT ["sh", "-c", "trap : TERM; while :; do sleep 1; done"]'
    await build_from(engine.docker, f"FROM {engine.ground.image}\n{stubborn}\n", image)
    spec = await engine.run(engine.spec(image=image))
    async with asyncio.timeout(8):
        await engine.provider.destroy(spec.sandbox_id)
    assert (await engine.provider.status(spec.sandbox_id)).state == "absent"


async def test_exit_code_of_a_runner_that_ended(engine: Engine) -> None:
    spec = await engine.run(engine.spec())
    await engine.signal(spec, SANDBOX, "TERM")
    status = await engine.provider.status(spec.sandbox_id)
    assert (status.state, status.exit_code) == ("exited", 143)


async def test_several_at_once(engine: Engine) -> None:
    specs = [engine.spec() for _ in range(4)]
    await asyncio.gather(*(engine.run(spec) for spec in specs))
    assert {one.state for one in await engine.provider.list()} == {"running"}


async def test_an_engine_that_is_down_is_said_to_be(engine: Engine) -> None:
    async with aiodocker.Docker(url=f"unix://{engine.folder}/nobody.sock") as nowhere:
        provider = ContainerProvider(nowhere, engine.ground.engine, installation="test-down")
        with pytest.raises(EngineDown):
            await provider.list()
        with pytest.raises(EngineDown):
            await provider.create(engine.spec())
