"""Providers in memory that misbehave as engines do: slow, hanging, failing, lying. For tests."""

import asyncio
from collections.abc import Awaitable

from bunkhouse.errors import BunkhouseError
from bunkhouse.sandboxes.fake import FakeProvider, Runner, idle
from bunkhouse.sandboxes.provider import SandboxSpec


class SlowProvider(FakeProvider):
    """Every call waits until the test opens the gate; `waiting` says that one has come to it."""

    def __init__(self, runner: Runner = idle) -> None:
        super().__init__(runner)
        self.gate = asyncio.Event()
        self.waiting = asyncio.Event()

    async def _pass(self) -> None:
        self.waiting.set()
        await self.gate.wait()

    async def create(self, spec: SandboxSpec) -> None:
        """When the gate opens."""
        await self._pass()
        await super().create(spec)

    async def start(self, sandbox_id: str) -> None:
        """When the gate opens."""
        await self._pass()
        await super().start(sandbox_id)

    async def stop(self, sandbox_id: str, grace: float = 10.0) -> None:
        """When the gate opens."""
        await self._pass()
        await super().stop(sandbox_id, grace)

    async def destroy(self, sandbox_id: str) -> None:
        """When the gate opens."""
        await self._pass()
        await super().destroy(sandbox_id)

    async def snapshot(self, sandbox_id: str, snapshot_id: str) -> None:
        """When the gate opens."""
        await self._pass()
        await super().snapshot(sandbox_id, snapshot_id)

    async def forget_snapshot(self, snapshot_id: str) -> None:
        """When the gate opens."""
        await self._pass()
        await super().forget_snapshot(snapshot_id)


class NeverProvider(SlowProvider):
    """No call that changes something ever returns: an engine that hangs."""

    async def _pass(self) -> None:
        self.waiting.set()
        await asyncio.Event().wait()


class FailingProvider(FakeProvider):
    """Calls that the test names fail, before their work or, as when an answer is lost, after it."""

    def __init__(self, runner: Runner = idle) -> None:
        super().__init__(runner)
        self._failures: dict[str, list[tuple[BunkhouseError, bool]]] = {}
        self.calls: list[str] = []

    def fail(
        self, call: str, error: BunkhouseError, *, times: int = 1, after: bool = False
    ) -> None:
        """The next `times` calls of this name raise `error`; with `after`, having done their
        work."""
        self._failures.setdefault(call, []).extend([(error, after)] * times)

    async def _do(self, call: str, work: Awaitable[None]) -> None:
        self.calls.append(call)
        failures = self._failures.get(call)
        error, after = failures.pop(0) if failures else (None, True)
        task = asyncio.ensure_future(work)
        if error is not None and not after:
            task.cancel()
            raise error
        await task
        if error is not None:
            raise error

    async def create(self, spec: SandboxSpec) -> None:
        """Or fails."""
        await self._do("create", super().create(spec))

    async def start(self, sandbox_id: str) -> None:
        """Or fails."""
        await self._do("start", super().start(sandbox_id))

    async def stop(self, sandbox_id: str, grace: float = 10.0) -> None:
        """Or fails."""
        await self._do("stop", super().stop(sandbox_id, grace))

    async def destroy(self, sandbox_id: str) -> None:
        """Or fails."""
        await self._do("destroy", super().destroy(sandbox_id))

    async def snapshot(self, sandbox_id: str, snapshot_id: str) -> None:
        """Or fails."""
        await self._do("snapshot", super().snapshot(sandbox_id, snapshot_id))

    async def forget_snapshot(self, snapshot_id: str) -> None:
        """Or fails."""
        await self._do("forget_snapshot", super().forget_snapshot(snapshot_id))


class LyingProvider(FakeProvider):
    """Says that it did what it did not: calls named in `lies` return and do nothing."""

    def __init__(self, runner: Runner = idle, *, lies: set[str] | None = None) -> None:
        super().__init__(runner)
        every = {"start", "stop", "destroy", "snapshot", "forget_snapshot"}
        self.lies = every if lies is None else lies

    async def start(self, sandbox_id: str) -> None:
        """Or says so."""
        if "start" not in self.lies:
            await super().start(sandbox_id)

    async def stop(self, sandbox_id: str, grace: float = 10.0) -> None:
        """Or says so."""
        if "stop" not in self.lies:
            await super().stop(sandbox_id, grace)

    async def destroy(self, sandbox_id: str) -> None:
        """Or says so."""
        if "destroy" not in self.lies:
            await super().destroy(sandbox_id)

    async def snapshot(self, sandbox_id: str, snapshot_id: str) -> None:
        """Or says so."""
        if "snapshot" not in self.lies:
            await super().snapshot(sandbox_id, snapshot_id)

    async def forget_snapshot(self, snapshot_id: str) -> None:
        """Or says so."""
        if "forget_snapshot" not in self.lies:
            await super().forget_snapshot(snapshot_id)
