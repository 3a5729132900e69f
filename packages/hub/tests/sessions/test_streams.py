"""Streams of bytes into a sandbox: what connects, and what is refused in which words."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bunkhouse.errors import (
    BunkhouseError,
    NotAllowed,
    NotListening,
    SandboxNotRunning,
    ServiceNotRunning,
    UpstreamFailed,
)
from bunkhouse.sessions import NewSession
from bunkhouse.sessions.sandbox_gateway import open_stream

from ..conftest import ADMIN, Room
from ..sandbox import SECONDS, FakeSandbox, fake_sandbox


@pytest.fixture
async def sandbox(short_path: Path) -> AsyncGenerator[FakeSandbox]:
    async with fake_sandbox(short_path) as sandbox:
        yield sandbox


async def test_bytes_both_ways_and_each_end_by_itself(sandbox: FakeSandbox) -> None:
    reader, writer = await open_stream(sandbox.streams, "5173")
    async with asyncio.timeout(SECONDS):
        sent = bytes(range(256)) * 4096

        async def send() -> None:
            writer.write(sent)
            await writer.drain()
            writer.write_eof()

        sending = asyncio.create_task(send())
        assert await reader.read() == b"5173:" + sent
        await sending
    writer.close()


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        ("not_listening nothing there", NotListening),
        ("not_running it is stopped", ServiceNotRunning),
        ("not_allowed ours", NotAllowed),
        ("something_new it broke", UpstreamFailed),
        ("x" * 5000, UpstreamFailed),
    ],
)
async def test_refusals(sandbox: FakeSandbox, refusal: str, error: type[BunkhouseError]) -> None:
    sandbox.refused_streams["9"] = refusal
    with pytest.raises(error):
        await open_stream(sandbox.streams, "9")


async def test_nobody_there(short_path: Path) -> None:
    with pytest.raises(SandboxNotRunning):
        await open_stream(short_path / "none.sock", "editor")

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_unix_server(hang_up, short_path / "s.sock"):
        with pytest.raises(SandboxNotRunning):
            await open_stream(short_path / "s.sock", "editor")


async def test_a_session_without_a_sandbox(room: Room) -> None:
    view = await room.sessions.create(NewSession(), ADMIN)
    with pytest.raises(SandboxNotRunning):
        await room.sessions.open_stream(view.id, "editor")
