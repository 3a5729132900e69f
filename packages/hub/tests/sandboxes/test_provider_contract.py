"""What every provider keeps: one set of tests, run against the fake and the real engine."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bunkhouse.errors import ImageMissing, NotFound
from bunkhouse.sandboxes.fake import FakeProvider
from bunkhouse.sandboxes.provider import SandboxProvider, SandboxSpec

from .ground import Engine


@dataclass
class Kit:
    """A provider, and what a test needs beside it."""

    provider: SandboxProvider
    again: Callable[[], SandboxProvider]
    """Another provider on the same engine, as after a restart of the hub."""
    spec: Callable[[], SandboxSpec]


def _spec(folder: Path) -> SandboxSpec:
    name = secrets.token_hex(4)
    return SandboxSpec(
        sandbox_id=f"t{name}",
        session_id=f"s{name}",
        image="there",
        token="secret",
        memory=512 * 1024 * 1024,
        cpus=1.0,
        pids=128,
        run_dir=folder / name,
    )


async def _state(kit: Kit, spec: SandboxSpec) -> str:
    return (await kit.provider.status(spec.sandbox_id)).state


class Contract:
    """The tests; a subclass brings the fixture `kit`."""

    async def test_from_nothing_to_nothing(self, kit: Kit) -> None:
        spec = kit.spec()
        assert await _state(kit, spec) == "absent"
        await kit.provider.create(spec)
        assert await _state(kit, spec) == "created"
        await kit.provider.start(spec.sandbox_id)
        status = await kit.provider.status(spec.sandbox_id)
        assert (status.state, status.session_id, status.exit_code) == (
            "running",
            spec.session_id,
            None,
        )
        await kit.provider.stop(spec.sandbox_id)
        status = await kit.provider.status(spec.sandbox_id)
        assert status.state == "exited"
        assert status.exit_code is not None
        await kit.provider.destroy(spec.sandbox_id)
        assert await _state(kit, spec) == "absent"

    async def test_every_call_may_be_made_again(self, kit: Kit) -> None:
        spec = kit.spec()
        for _ in range(2):
            await kit.provider.create(spec)
        for _ in range(2):
            await kit.provider.start(spec.sandbox_id)
        await kit.provider.create(spec)
        assert await _state(kit, spec) == "running"
        for _ in range(2):
            await kit.provider.stop(spec.sandbox_id)
        for _ in range(2):
            await kit.provider.destroy(spec.sandbox_id)
        await kit.provider.stop(spec.sandbox_id)
        assert await _state(kit, spec) == "absent"

    async def test_two_hubs_at_once_make_one_sandbox(self, kit: Kit) -> None:
        spec, other = kit.spec(), kit.again()
        await asyncio.gather(kit.provider.create(spec), other.create(spec))
        await asyncio.gather(
            kit.provider.start(spec.sandbox_id), kit.provider.start(spec.sandbox_id)
        )
        assert [status.sandbox_id for status in await other.list()] == [spec.sandbox_id]
        await asyncio.gather(kit.provider.destroy(spec.sandbox_id), other.destroy(spec.sandbox_id))
        assert await other.list() == []

    async def test_a_stopped_sandbox_starts_again(self, kit: Kit) -> None:
        spec = kit.spec()
        await kit.provider.create(spec)
        await kit.provider.start(spec.sandbox_id)
        await kit.provider.stop(spec.sandbox_id, grace=0)
        await kit.provider.start(spec.sandbox_id)
        status = await kit.provider.status(spec.sandbox_id)
        assert (status.state, status.exit_code, status.oom_killed) == ("running", None, False)

    async def test_what_is_not_there_can_not_start(self, kit: Kit) -> None:
        with pytest.raises(NotFound):
            await kit.provider.start("nobody")
        assert (await kit.provider.status("nobody")).state == "absent"

    async def test_without_its_image_nothing_is_made(self, kit: Kit) -> None:
        spec = replace(kit.spec(), image="bunkhouse/sandbox:no-such-image")
        with pytest.raises(ImageMissing):
            await kit.provider.create(spec)
        assert await _state(kit, spec) == "absent"

    async def test_a_new_hub_finds_what_the_old_one_left(self, kit: Kit) -> None:
        running, stopped, created = kit.spec(), kit.spec(), kit.spec()
        for spec in (running, stopped, created):
            await kit.provider.create(spec)
        for spec in (running, stopped):
            await kit.provider.start(spec.sandbox_id)
        await kit.provider.stop(stopped.sandbox_id, grace=0)
        found = {status.sandbox_id: status for status in await kit.again().list()}
        assert {
            spec.sandbox_id: found[spec.sandbox_id].state for spec in (running, stopped, created)
        } == {
            running.sandbox_id: "running",
            stopped.sandbox_id: "exited",
            created.sandbox_id: "created",
        }
        assert found[running.sandbox_id].session_id == running.session_id

    async def test_the_sandbox_may_write_in_its_run_dir(self, kit: Kit) -> None:
        spec = kit.spec()
        await kit.provider.create(spec)
        assert spec.run_dir is not None
        assert spec.run_dir.stat().st_mode & 0o7777 == 0o1777


class TestFake(Contract):
    @pytest.fixture
    async def kit(self, tmp_path: Path) -> AsyncIterator[Kit]:
        fake = FakeProvider(images={"there"})
        yield Kit(
            fake,
            lambda: FakeProvider(images={"there"}, sandboxes=fake.sandboxes),
            lambda: _spec(tmp_path),
        )
        await fake.close()


@pytest.mark.engine
class TestEngine(Contract):
    @pytest.fixture
    async def kit(self, engine: Engine) -> Kit:
        return Kit(engine.provider, engine.again, engine.spec)
