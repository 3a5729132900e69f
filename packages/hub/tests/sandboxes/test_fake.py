"""The fakes do what tests rely on them for."""

import asyncio

import pytest

from bunkhouse.errors import EngineDown
from bunkhouse.sandboxes.fake import FakeProvider
from bunkhouse.sandboxes.misbehaving import (
    FailingProvider,
    LyingProvider,
    NeverProvider,
    SlowProvider,
)
from bunkhouse.sandboxes.provider import SandboxSpec

SPEC = SandboxSpec("one", "session", "image", "token", 1, 1.0, 1, hub_url="http://hub")


async def test_a_runner_runs_and_its_exit_code_is_kept() -> None:
    seen: list[SandboxSpec] = []
    done = asyncio.Event()

    async def runner(spec: SandboxSpec) -> int:
        seen.append(spec)
        await done.wait()
        return 7

    provider = FakeProvider(runner)
    await provider.create(SPEC)
    await provider.start("one")
    assert (await provider.status("one")).state == "running"
    done.set()
    task = provider.sandboxes["one"].task
    assert task is not None
    await task
    status = await provider.status("one")
    assert (seen, status.state, status.exit_code) == ([SPEC], "exited", 7)


async def test_a_runner_may_tidy_up_when_it_is_stopped() -> None:
    started = asyncio.Event()

    async def runner(_spec: SandboxSpec) -> int:
        try:
            started.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return 3
        return 0

    provider = FakeProvider(runner)
    await provider.create(SPEC)
    await provider.start("one")
    await started.wait()
    await provider.stop("one")
    assert (await provider.status("one")).exit_code == 3


async def test_a_runner_that_crashes_says_why() -> None:
    async def runner(_spec: SandboxSpec) -> int:
        raise RuntimeError("no bunk left")

    provider = FakeProvider(runner)
    await provider.create(SPEC)
    await provider.start("one")
    task = provider.sandboxes["one"].task
    assert task is not None
    await task
    status = await provider.status("one")
    assert status.exit_code == 1
    assert "no bunk left" in (status.detail or "")


async def test_killed_for_want_of_memory() -> None:
    provider = FakeProvider()
    await provider.create(SPEC)
    await provider.start("one")
    await provider.kill("one", oom=True)
    status = await provider.status("one")
    assert (status.state, status.exit_code, status.oom_killed) == ("exited", 137, True)


async def test_slow_waits_for_its_gate() -> None:
    provider = SlowProvider()
    create = asyncio.create_task(provider.create(SPEC))
    await provider.waiting.wait()
    assert (await provider.status("one")).state == "absent"
    provider.gate.set()
    await create
    assert (await provider.status("one")).state == "created"


async def test_never_does_not_return() -> None:
    provider = NeverProvider()
    create = asyncio.create_task(provider.create(SPEC))
    await provider.waiting.wait()
    provider.gate.set()
    done, _ = await asyncio.wait({create}, timeout=0)
    assert not done
    create.cancel()


@pytest.mark.parametrize(("after", "state"), [(False, "created"), (True, "running")])
async def test_failing_fails_as_often_as_it_is_told(after: bool, state: str) -> None:
    provider = FailingProvider()
    await provider.create(SPEC)
    provider.fail("start", EngineDown("gone"), after=after)
    with pytest.raises(EngineDown):
        await provider.start("one")
    assert (await provider.status("one")).state == state
    await provider.start("one")
    assert provider.calls == ["create", "start", "start"]
    await provider.close()


async def test_lying_says_what_is_not() -> None:
    provider = LyingProvider(lies={"start"})
    await provider.create(SPEC)
    await provider.start("one")
    assert (await provider.status("one")).state == "created"
