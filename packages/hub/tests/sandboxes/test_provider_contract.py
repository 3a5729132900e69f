"""What every provider keeps: one set of tests, run against the fake and the real engine."""

import asyncio
import secrets
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bunkhouse.errors import Conflict, ImageMissing, NotFound, SnapshotMissing
from bunkhouse.sandboxes.container_config import (
    LABEL_SNAPSHOT,
    SANDBOX,
    SNAPSHOTS,
    UNFINISHED,
    container_name,
)
from bunkhouse.sandboxes.engine_client import container
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
    write: Callable[[SandboxSpec, str, str], Awaitable[None]]
    """Write a text into a file of a running sandbox, as the agent's user."""
    read: Callable[[SandboxSpec, str], Awaitable[str]]
    """A file of a running sandbox, as the agent's user sees it; empty where there is none."""
    freeze: Callable[[SandboxSpec], Awaitable[None]]
    """Have its processes stand still, past the provider."""

    async def running(self, spec: SandboxSpec) -> SandboxSpec:
        """Make it and start it."""
        await self.provider.create(spec)
        await self.provider.start(spec.sandbox_id)
        return spec

    async def kept(self) -> list[str]:
        """The ids of all snapshots."""
        return sorted(one.snapshot_id for one in await self.provider.snapshots())


_CAPABLE = """
import os, struct, sys
mine = struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0)  # may bind to low ports
if sys.argv[1] == "set":
    os.setxattr("/usr/bin/file", "security.capability", mine)
else:
    print(os.getxattr("/usr/bin/file", "security.capability") == mine)
"""


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

    async def test_a_frozen_sandbox_goes_on_and_can_be_ended(self, kit: Kit) -> None:
        spec = await kit.running(kit.spec())
        await kit.write(spec, "/tmp/kept", "yes")
        await kit.freeze(spec)
        assert await _state(kit, spec) == "frozen"
        await kit.provider.start(spec.sandbox_id)
        assert await _state(kit, spec) == "running"
        assert await kit.read(spec, "/tmp/kept") == "yes"
        await kit.freeze(spec)
        await kit.provider.stop(spec.sandbox_id, grace=0)
        assert await _state(kit, spec) == "exited"
        await kit.provider.start(spec.sandbox_id)
        await kit.freeze(spec)
        await kit.provider.destroy(spec.sandbox_id)
        assert await _state(kit, spec) == "absent"

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

    # ── files beyond a sandbox's life ────────────────────────────────────────────────────────

    async def test_a_stopped_sandbox_keeps_its_files_and_a_snapshot_outlives_it(
        self, kit: Kit
    ) -> None:
        first = await kit.running(kit.spec())
        await kit.write(first, "/home/agent/mine", "one\n")
        await kit.provider.stop(first.sandbox_id, grace=0)
        assert await kit.provider.size(first.sandbox_id) > 0
        await kit.provider.snapshot(first.sandbox_id, f"{first.sandbox_id}-a")
        assert await _state(kit, first) == "exited"
        await kit.provider.destroy(first.sandbox_id)
        (found,) = await kit.again().snapshots()
        assert (found.snapshot_id, found.session_id) == (
            f"{first.sandbox_id}-a",
            first.session_id,
        )
        # What was changed, and not the image.
        assert 0 < found.size < 50_000_000

        second = await kit.running(replace(kit.spec(), snapshot_id=found.snapshot_id))
        assert await kit.read(second, "/home/agent/mine") == "one\n"
        await kit.write(second, "/home/agent/mine", "two\n")
        assert await kit.read(second, "/home/agent/mine") == "two\n"
        status = await kit.provider.status(second.sandbox_id)
        assert status.session_id == second.session_id

    async def test_a_snapshot_of_what_runs_is_of_that_moment(self, kit: Kit) -> None:
        first = await kit.running(kit.spec())
        await kit.write(first, "/home/agent/mine", "then")
        name = f"{first.sandbox_id}-a"
        await kit.provider.snapshot(first.sandbox_id, name)
        assert await _state(kit, first) == "running"
        await kit.write(first, "/home/agent/mine", "later")
        await kit.provider.snapshot(first.sandbox_id, name)  # there already: nothing happens
        second = await kit.running(replace(kit.spec(), snapshot_id=name))
        assert await kit.read(second, "/home/agent/mine") == "then"
        assert await kit.read(first, "/home/agent/mine") == "later"

    async def test_two_snapshots_of_one_sandbox_at_once(self, kit: Kit) -> None:
        first = await kit.running(kit.spec())
        names = [f"{first.sandbox_id}-{letter}" for letter in "ab"]
        await asyncio.gather(*(kit.provider.snapshot(first.sandbox_id, name) for name in names))
        assert set(names) <= set(await kit.kept())
        for name in names:
            await kit.provider.forget_snapshot(name)

    async def test_snapshots_stand_on_each_other_and_each_can_be_forgotten(self, kit: Kit) -> None:
        first = await kit.running(kit.spec())
        await kit.write(first, "/home/agent/a", "1")
        await kit.provider.snapshot(first.sandbox_id, f"{first.sandbox_id}-a")
        second = await kit.running(replace(kit.spec(), snapshot_id=f"{first.sandbox_id}-a"))
        with pytest.raises(Conflict) as refused:
            await kit.provider.forget_snapshot(f"{first.sandbox_id}-a")
        assert refused.value.reason == "snapshot_in_use"
        await kit.write(second, "/home/agent/b", "2")
        await kit.provider.snapshot(second.sandbox_id, f"{second.sandbox_id}-b")
        for sandbox in (first, second):
            await kit.provider.destroy(sandbox.sandbox_id)
        for _ in range(2):
            await kit.provider.forget_snapshot(f"{first.sandbox_id}-a")
        assert await kit.kept() == [f"{second.sandbox_id}-b"]
        third = await kit.running(replace(kit.spec(), snapshot_id=f"{second.sandbox_id}-b"))
        assert await kit.read(third, "/home/agent/a") == "1"
        assert await kit.read(third, "/home/agent/b") == "2"
        await kit.provider.destroy(third.sandbox_id)
        await kit.provider.forget_snapshot(f"{second.sandbox_id}-b")
        assert await kit.kept() == []

    async def test_of_what_is_not_there_nothing_is_kept_and_nothing_made(self, kit: Kit) -> None:
        with pytest.raises(NotFound):
            await kit.provider.snapshot("nobody", "nothing")
        spec = replace(kit.spec(), snapshot_id="nothing")
        with pytest.raises(SnapshotMissing):
            await kit.provider.create(spec)
        assert await _state(kit, spec) == "absent"
        assert await kit.provider.size("nobody") == 0
        await kit.provider.forget_snapshot("nothing")


class TestFake(Contract):
    @pytest.fixture
    async def kit(self, tmp_path: Path) -> AsyncIterator[Kit]:
        fake = FakeProvider(images={"there"})

        async def write(spec: SandboxSpec, path: str, text: str) -> None:
            fake.sandboxes[spec.sandbox_id].files[path] = text

        async def read(spec: SandboxSpec, path: str) -> str:
            return fake.sandboxes[spec.sandbox_id].files.get(path, "")

        async def freeze(spec: SandboxSpec) -> None:
            fake.freeze(spec.sandbox_id)

        yield Kit(
            fake,
            lambda: FakeProvider(images={"there"}, sandboxes=fake.sandboxes, kept=fake.kept),
            lambda: _spec(tmp_path),
            write,
            read,
            freeze,
        )
        await fake.close()


@pytest.mark.engine
class TestEngine(Contract):
    @pytest.fixture
    async def kit(self, engine: Engine) -> Kit:
        async def write(spec: SandboxSpec, path: str, text: str) -> None:
            done = await engine.sh(spec, f"printf %s {shlex.quote(text)} >{path}", user="agent")
            assert done.code == 0, done.out

        async def read(spec: SandboxSpec, path: str) -> str:
            return (await engine.sh(spec, f"cat {path} 2>/dev/null", user="agent")).out

        async def freeze(spec: SandboxSpec) -> None:
            await container(engine.docker, container_name(spec.sandbox_id, SANDBOX)).pause()

        return Kit(engine.provider, engine.again, engine.spec, write, read, freeze)

    async def test_owners_modes_and_deletions_come_back_and_no_token(
        self, kit: Kit, engine: Engine
    ) -> None:
        first = await kit.running(kit.spec())
        made = await engine.sh(
            first,
            "cp /bin/true /usr/bin/raised; chmod 4755 /usr/bin/raised;"
            f"python3 -c {shlex.quote(_CAPABLE)} set;"
            "rm -r /etc/skel; ln -s /nowhere /home/agent/link; mkfifo /home/agent/pipe;"
            "mkdir -p /opt/deep/er; echo x >/opt/deep/er/x; chown -hR agent:agent /home/agent /opt;"
            "useradd --uid 4321 else; chown else /opt/deep/er/x",
        )
        assert made.code == 0, made.out
        look = (
            "stat -c '%n %u %g %a %F' / /etc /home/agent /home/agent/link /home/agent/pipe"
            " /opt/deep/er/x /usr/bin/raised /bin/true; ls -d /etc/skel;"
            f"python3 -c {shlex.quote(_CAPABLE)} get;"
            "find / -xdev -nouser -o -xdev -nogroup | head"
        )
        before = await engine.sh(first, look)
        assert "True" in before.out
        await kit.provider.snapshot(first.sandbox_id, f"{first.sandbox_id}-a")
        second = await kit.running(replace(kit.spec(), snapshot_id=f"{first.sandbox_id}-a"))
        assert (await engine.sh(second, look)).out == before.out
        env = (await engine.sh(second, "tr '\\0' '\\n' </proc/1/environ")).out
        assert first.token not in env
        assert second.token in env
        # What sets the rules is made of the image, whatever the sandbox wrote.
        assert (await engine.inspect(second, "holder"))["Config"]["Image"].endswith(second.image)

    async def test_what_a_cut_off_snapshot_left_is_made_anew_or_removed(
        self, kit: Kit, engine: Engine
    ) -> None:
        first = await kit.running(kit.spec())
        name = f"{first.sandbox_id}-a"
        one = container(engine.docker, container_name(first.sandbox_id, SANDBOX))
        label = f"LABEL {LABEL_SNAPSHOT}={name}"
        await one.commit(repository=SNAPSHOTS, tag=name + UNFINISHED, changes=[label], config={})
        assert await kit.kept() == [name]
        with pytest.raises(SnapshotMissing):
            await kit.provider.create(replace(kit.spec(), snapshot_id=name))
        await kit.write(first, "/home/agent/mine", "whole")
        await kit.provider.snapshot(first.sandbox_id, name)
        second = await kit.running(replace(kit.spec(), snapshot_id=name))
        assert await kit.read(second, "/home/agent/mine") == "whole"
        await kit.provider.destroy(second.sandbox_id)
        await kit.provider.forget_snapshot(name)
        assert await kit.kept() == []
