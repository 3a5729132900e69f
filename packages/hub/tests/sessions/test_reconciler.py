"""From `queued` to a finished turn and to the end, on a provider in memory and real sockets."""

import asyncio
from collections.abc import Callable

import pytest

from bunkhouse.errors import NotFound
from bunkhouse.sandboxes.fake import FakeProvider
from bunkhouse.sandboxes.provider import SandboxSpec
from bunkhouse.sandboxes.readiness import Readiness
from bunkhouse.sessions import NewSession
from bunkhouse.store import sandboxes
from bunkhouse_protocol.events import AgentMessageChunk, Event, Notice, Problem, Stage, TurnEnded
from bunkhouse_protocol.link import (
    DOWN,
    CommandFrame,
    EventFrame,
    PromptCommand,
    Ready,
    Received,
)

from ..conftest import ADMIN, Room
from .hub import IMAGE, Images, Watched, dialled, ends, honest, hub, in_state, until

CONNECTED = ("connect", "done")


async def test_a_session_starts_works_and_leaves_nothing_behind(room: Room) -> None:
    provider = FakeProvider(honest)
    async with hub(room, provider):
        view = await room.sessions.create(NewSession(prompt="do it"), ADMIN)
        log = await until(room, view.id, ends(1))
        stages = [(e.name, e.status) for e in log if e.type == "stage"]
        assert stages == [
            ("container", "started"),
            ("container", "done"),
            ("connect", "started"),
            ("connect", "done"),
        ]
        (sandbox,) = provider.sandboxes.values()
        assert sandbox.spec.image == IMAGE
        with room.bus.subscribe(sandbox.spec.sandbox_id, "state") as removed:
            await room.sessions.delete(view.id, ADMIN)
            async with asyncio.timeout(20):
                await removed.wait()
    assert not provider.sandboxes
    assert not any(room.settings.run_dir.iterdir())
    async with room.database.read() as tx:
        assert await sandboxes.living(tx) == []


async def test_without_an_image_a_session_waits_and_says_why(room: Room) -> None:
    images = Images()
    images.now = Readiness(None, "The sandbox image is being built.")
    async with hub(room, FakeProvider(honest), images):
        view = await room.sessions.create(NewSession(prompt="go"), ADMIN)
        await until(room, view.id, in_state("queued"))
        shown = await room.sessions.get(view.id)
        assert (shown.state, shown.state_reason) == ("queued", images.now.reason)
        images.now = Readiness(IMAGE, None)
        await until(room, view.id, ends(1))


async def test_over_the_limit_sessions_wait_for_room(room: Room) -> None:
    room.settings.max_sandboxes = 1
    room.settings.hibernate_for_room = False
    async with hub(room, FakeProvider(honest)):
        first = await room.sessions.create(NewSession(prompt="one"), ADMIN)
        await until(room, first.id, ends(1))
        second = await room.sessions.create(NewSession(prompt="two"), ADMIN)
        await until(room, second.id, in_state("queued"))
        assert "the limit" in ((await room.sessions.get(second.id)).state_reason or "")
        await room.sessions.delete(first.id, ADMIN)
        await until(room, second.id, ends(1))


async def test_a_sandbox_that_dies_is_started_again_and_its_turn_fails(room: Room) -> None:
    provider = FakeProvider(honest)
    async with hub(room, provider):
        view = await room.sessions.create(NewSession(prompt="wait"), ADMIN)
        await until(room, view.id, lambda log: log[-1].type == "agent_message_chunk")
        (sandbox_id,) = provider.sandboxes
        await provider.kill(sandbox_id, oom=True)
        log = await until(room, view.id, ends(1, "failed"))
        ended = next(e for e in log if isinstance(e, TurnEnded))
        assert ended.code == "sandbox_lost"
        assert any(e.type == "notice" and "memory" in e.message for e in log)
        await room.sessions.prompt(view.id, "again", ADMIN)
        await until(room, view.id, ends(1))
        assert list(provider.sandboxes) == [sandbox_id]


async def test_a_sandbox_that_is_taken_away_while_it_is_started_is_made_anew(room: Room) -> None:
    class TakenAway(FakeProvider):
        starts = 0

        async def start(self, sandbox_id: str) -> None:
            self.starts += 1
            if self.starts == 2:
                await self.destroy(sandbox_id)
                raise NotFound("The sandbox was taken away.")
            await super().start(sandbox_id)

    provider = TakenAway(honest)
    async with hub(room, provider):
        view = await room.sessions.create(NewSession(prompt="wait"), ADMIN)
        await until(room, view.id, lambda log: log[-1].type == "agent_message_chunk")
        (before,) = provider.sandboxes
        await provider.kill(before)
        await until(room, view.id, ends(1, "failed"))
        await room.sessions.prompt(view.id, "again", ADMIN)
        log = await until(room, view.id, ends(1))
        assert provider.starts == 3
        assert not any(e.type == "error" for e in log)
        assert before not in provider.sandboxes


async def test_a_sandbox_that_stops_while_it_is_set_up_is_started_again(room: Room) -> None:
    async def slow_at_first(spec: SandboxSpec) -> int | None:
        if provider.sandboxes[spec.sandbox_id].files.setdefault("runs", "") == "again":
            return await honest(spec)
        provider.sandboxes[spec.sandbox_id].files["runs"] = "again"
        async with dialled(spec) as link:
            await link.wait_closed()
        return None

    provider = FakeProvider(slow_at_first)
    async with hub(room, provider):
        view = await room.sessions.create(NewSession(prompt="go"), ADMIN)
        await until(room, view.id, connected(1))
        (sandbox,) = provider.sandboxes
        provider.freeze(sandbox)
        await until(room, view.id, noticed("sandbox_frozen"))
        await provider.kill(sandbox)
        log = await until(room, view.id, ends(1))
        assert noticed("sandbox_lost")(log)
        assert not any(e.type == "error" for e in log)
        assert [*provider.sandboxes] == [sandbox]


async def test_a_sandbox_that_worked_and_ends_before_it_dials_is_started_again(room: Room) -> None:
    runs: list[str] = []

    async def gone_at_its_second_start(spec: SandboxSpec) -> int | None:
        runs.append(spec.sandbox_id)
        return 3 if len(runs) == 2 else await honest(spec)

    provider = FakeProvider(gone_at_its_second_start)
    async with hub(room, provider):
        view = await room.sessions.create(NewSession(prompt="go"), ADMIN)
        await until(room, view.id, ends(1))
        await provider.kill(runs[0])
        await until(room, view.id, noticed("sandbox_lost"))
        await room.sessions.prompt(view.id, "again", ADMIN)
        log = await until(room, view.id, ends(2))
        assert len(runs) == 3 and len(set(runs)) == 1
        assert not any(e.type == "error" for e in log)


@pytest.mark.parametrize("how", ["killed", "taken away"])
async def test_a_sandbox_that_is_ended_before_it_ever_dials_is_started_again(
    room: Room, how: str
) -> None:
    runs: list[str] = []
    begun = asyncio.Event()

    async def silent_at_first(spec: SandboxSpec) -> int | None:
        runs.append(spec.sandbox_id)
        begun.set()
        if len(runs) == 1:
            await asyncio.Event().wait()
        return await honest(spec)

    provider = FakeProvider(silent_at_first)
    async with hub(room, provider):
        view = await room.sessions.create(NewSession(prompt="go"), ADMIN)
        async with asyncio.timeout(20):
            await begun.wait()
        await (provider.kill if how == "killed" else provider.destroy)(runs[0])
        log = await until(room, view.id, ends(1))
        assert noticed("sandbox_lost")(log)
        assert not any(e.type == "error" for e in log)
        assert (runs[0] == runs[1]) == (how == "killed")


def connected(times: int) -> Callable[[list[Event]], bool]:
    def seen(log: list[Event]) -> bool:
        done = [e for e in log if isinstance(e, Stage) and (e.name, e.status) == CONNECTED]
        return len(done) == times

    return seen


def noticed(code: str) -> Callable[[list[Event]], bool]:
    return lambda log: any(isinstance(e, Notice) and e.code == code for e in log)


async def test_a_frozen_sandbox_goes_on(room: Room) -> None:
    provider = FakeProvider(honest)
    async with hub(room, provider):
        view = await room.sessions.create(NewSession(prompt="go"), ADMIN)
        await until(room, view.id, ends(1))
        (sandbox,) = provider.sandboxes
        provider.freeze(sandbox)
        log = await until(room, view.id, noticed("sandbox_frozen"))
        assert (await provider.status(sandbox)).state == "running"
        assert not any(e.type == "error" for e in log)


async def test_a_hub_that_dies_leaves_its_work_to_the_next(room: Room) -> None:
    provider = Watched()
    async with hub(room, provider):
        view = await room.sessions.create(NewSession(prompt="one"), ADMIN)
        await until(room, view.id, ends(1))
    await provider.create(
        SandboxSpec("stray", "gone", IMAGE, "t", 1, 1, 1, run_dir=room.settings.run_dir / "stray")
    )
    async with hub(room, provider):
        await room.sessions.prompt(view.id, "two", ADMIN)
        await until(room, view.id, ends(2))
        async with asyncio.timeout(20):
            assert await provider.destroyed.get() == "stray"
        assert len(provider.sandboxes) == 1


async def test_one_that_ends_each_time_while_it_is_set_up_is_given_up(room: Room) -> None:
    dies = asyncio.Queue[None]()

    async def dies_again(spec: SandboxSpec) -> int | None:
        async with dialled(spec):
            await dies.get()
            return 137

    async with hub(room, FakeProvider(dies_again)):
        view = await room.sessions.create(NewSession(prompt="one"), ADMIN)
        for times in (1, 2, 3, 4):
            await until(room, view.id, connected(times))
            dies.put_nowait(None)
        log = await until(room, view.id, in_state("failed"))
        (problem,) = [e for e in log if isinstance(e, Problem)]
        assert problem.code == "sandbox_unstable"
        assert "4 times" in problem.message


async def test_a_sandbox_that_ends_at_once_is_told_in_words(room: Room) -> None:
    async def broken(_spec: SandboxSpec) -> int | None:
        return 3

    async with hub(room, FakeProvider(broken)):
        view = await room.sessions.create(NewSession(prompt="go"), ADMIN)
        await until(room, view.id, in_state("failed"))
        shown = await room.sessions.get(view.id)
        assert "code 3" in (shown.state_reason or "")
        await room.sessions.delete(view.id, ADMIN)
        with pytest.raises(NotFound):
            await room.sessions.get(view.id)


async def test_a_turn_that_its_runner_brought_to_an_end_is_not_lost_with_its_sandbox(
    room: Room,
) -> None:
    """It was done, and the sandbox stopped before the hub heard of that: it is heard later."""
    finished = asyncio.Event()

    async def late(spec: SandboxSpec) -> int | None:
        async with dialled(spec) as link:
            if finished.is_set():
                for n, event in enumerate(spooled, 1):
                    await link.send(EventFrame(n=n, event=event).model_dump_json())
            await link.send(Ready(ok=True).model_dump_json())
            async for message in link:
                frame = DOWN.validate_json(message)
                if isinstance(frame, CommandFrame) and isinstance(frame.command, PromptCommand):
                    await link.send(Received(id=frame.id).model_dump_json())
                    spooled.append(AgentMessageChunk(message_id="m", text="all of it"))
                    spooled.append(TurnEnded(turn_id=frame.command.turn_id, outcome="done"))
                    finished.set()
        return 0

    spooled: list[Event] = []
    provider = FakeProvider(late)
    async with hub(room, provider):
        view = await room.sessions.create(NewSession(prompt="do it"), ADMIN)
        async with asyncio.timeout(20):
            await finished.wait()
        (sandbox_id,) = provider.sandboxes
        await provider.kill(sandbox_id)
        log = await until(room, view.id, ends(1))
    assert [e.outcome for e in log if isinstance(e, TurnEnded)] == ["done"]
    said = next(i for i, e in enumerate(log) if isinstance(e, AgentMessageChunk))
    assert said < next(i for i, e in enumerate(log) if isinstance(e, TurnEnded))


async def test_a_prompt_that_the_runner_never_got_is_carried_out_after_a_restart(
    room: Room,
) -> None:
    starts = 0

    async def deaf(spec: SandboxSpec) -> int | None:
        """At its first start it takes no commands."""
        nonlocal starts
        starts += 1
        if starts > 1:
            return await honest(spec)
        async with dialled(spec) as link:
            await link.send(Ready(ok=True).model_dump_json())
            await asyncio.Event().wait()
        return 0

    provider = FakeProvider(deaf)
    async with hub(room, provider):
        view = await room.sessions.create(NewSession(prompt="do it"), ADMIN)
        await until(room, view.id, lambda log: any(e.type == "turn_started" for e in log))
        (sandbox_id,) = provider.sandboxes
        await provider.kill(sandbox_id)
        log = await until(room, view.id, ends(1))
    assert [e.outcome for e in log if isinstance(e, TurnEnded)] == ["done"]


async def test_a_sandbox_of_which_nothing_is_heard_is_started_anew(room: Room) -> None:
    room.settings.connect_seconds = 0.5
    starts = 0

    async def mute(spec: SandboxSpec) -> int | None:
        """Leaves its first connection, and runs on."""
        nonlocal starts
        starts += 1
        if starts > 1:
            return await honest(spec)
        async with dialled(spec) as link:
            await link.send(Ready(ok=True).model_dump_json())
            await until(room, view.id, in_state("idle"))
        await asyncio.Event().wait()
        return 0

    async with hub(room, FakeProvider(mute)):
        view = await room.sessions.create(NewSession(), ADMIN)
        await until(
            room,
            view.id,
            lambda log: any(e.type == "notice" and e.code == "sandbox_silent" for e in log),
        )
        await room.sessions.prompt(view.id, "still there?", ADMIN)
        await until(room, view.id, ends(1))
    assert starts == 2
