import asyncio
import contextlib
import json
import os
import signal
from pathlib import Path

import pytest

from bunkhouse_protocol.gateway import ServiceStart
from bunkhouse_runner.environment.editor import Editor
from bunkhouse_runner.errors import RunnerError, StreamRefused

from .conftest import PATIENCE, Told

START = ServiceStart()


def lives(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


async def test_one_start_serves_all_who_ask(editor: Editor, told: Told, data: Path) -> None:
    async with asyncio.timeout(PATIENCE):
        found = await asyncio.gather(*(editor.start(START) for _ in range(5)))
    assert {one.state for one in found} == {"ready"}
    assert (data / "starts").read_text() == "x"
    assert told.states() == ["starting", "ready"]
    assert (await told.state("ready")).ms is not None
    assert all(
        0 <= (event.progress or 0) < 1 for event in told.events if event.type == "service_changed"
    )


async def test_who_gives_up_waiting_does_not_end_the_start(editor: Editor, told: Told) -> None:
    waiting = asyncio.create_task(editor.start(START))
    await told.state("starting")
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await told.state("ready")


async def test_stopping_ends_all_that_it_started(editor: Editor, told: Told, data: Path) -> None:
    await editor.start(START)
    child = int((data / "child").read_text())
    assert lives(child)
    await editor.stop("Somebody stopped it.")
    assert not lives(child)
    assert not editor.processes
    assert told.states() == ["starting", "ready", "stopping", "stopped"]
    assert (await told.state("stopped")).detail == "Somebody stopped it."
    assert (await editor.start(START)).state == "ready"


async def test_a_failed_start_says_what_was_printed(editor: Editor, told: Told, data: Path) -> None:
    (data / "fails").touch()
    with pytest.raises(RunnerError) as caught:
        await editor.start(START)
    assert caught.value.code == "service_failed"
    assert "rabbits" in (caught.value.detail or "")
    assert "rabbits" in ((await told.state("failed")).detail or "")
    (data / "fails").unlink()
    assert (await editor.start(START)).state == "ready"


async def test_a_program_that_is_not_there(editor: Editor) -> None:
    editor.program = ("/nowhere/code-server",)
    with pytest.raises(RunnerError) as caught:
        await editor.start(START)
    assert "could not be started" in caught.value.message
    assert editor.status().state == "failed"


async def test_one_that_never_answers_is_given_up(editor: Editor, told: Told, data: Path) -> None:
    (data / "silent").touch()
    editor.patience = 0.3
    with pytest.raises(RunnerError, match="did not answer"):
        await editor.start(START)
    assert not editor.processes


async def test_stopping_while_it_starts(editor: Editor, told: Told, data: Path) -> None:
    (data / "silent").touch()
    waiting = asyncio.create_task(editor.start(START))
    await told.state("starting")
    await editor.stop()
    with pytest.raises(RunnerError, match="stopped while"):
        await waiting
    assert told.states() == ["starting", "stopping", "stopped"]
    assert not editor.processes


async def test_a_crash_is_told_and_the_next_who_asks_starts_it_anew(
    editor: Editor, told: Told, data: Path
) -> None:
    await editor.start(START)
    os.kill(editor.processes[0], signal.SIGKILL)
    assert "ended by itself" in ((await told.state("failed")).detail or "")
    assert (await editor.start(START)).state == "ready"
    assert (data / "starts").read_text() == "xx"


async def test_what_nobody_uses_is_stopped(editor: Editor, told: Told) -> None:
    await editor.start(START)
    async with editor.stream() as (reader, writer):
        editor.idle_seconds = 0.05
        writer.write(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).endswith(b"hello")
        assert editor.status().connections == 1
        await asyncio.sleep(0.2)  # longer than it may be unused, and yet it runs: it is in use
        assert editor.status().state == "ready"
    assert (await told.state("stopped")).detail == "unused"
    with pytest.raises(StreamRefused) as caught:
        async with editor.stream():
            pass
    assert caught.value.code == "not_running"


async def test_settings_are_laid_over_the_defaults(editor: Editor, data: Path) -> None:
    await editor.start(ServiceStart(settings={"telemetry": "all", "editor.fontSize": 15}))
    file = data / "User/settings.json"
    assert json.loads(file.read_text()) == {
        "editor.minimap.enabled": False, "telemetry": "all", "editor.fontSize": 15,
    }  # fmt: skip
    file.write_text(
        '// mine\n{"telemetry": "off", "a.url": "http://x//y", /* two */ "b": [1, 2,],}'
    )
    assert editor.settings().settings == {"a.url": "http://x//y", "b": [1, 2]}
    file.write_text("{ half")
    assert editor.settings().settings == {}
