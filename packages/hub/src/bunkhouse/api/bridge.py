"""Passing messages between a reader's WebSocket and a sandbox's, as fast as both sides go."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

import structlog
from fastapi import WebSocket, WebSocketDisconnect
from websockets import ClientConnection, ConnectionClosed, WebSocketException

from bunkhouse.api.gateway_client import connect
from bunkhouse.api.services import Services
from bunkhouse.errors import BunkhouseError, UpstreamFailed
from bunkhouse.people import Leave

CLOSE_FAILED = 4502
"""The sandbox ended the conversation out of turn."""

CLOSE_FORBIDDEN = 4403
"""Who looked may not any more."""

_log = structlog.get_logger("bunkhouse.api")


@contextlib.asynccontextmanager
async def gateway_socket(
    hub: Services, session_id: str, path: str, *, holds: bool = True
) -> AsyncGenerator[ClientConnection, None]:
    """Open a WebSocket at the gateway of a session's sandbox.

    `holds`: while it is open the session does not go to sleep.

    Raises:
        NotFound, SandboxNotRunning: there is nobody to ask.
        UpstreamFailed: the gateway refused, or is gone.
    """
    async with contextlib.AsyncExitStack() as stack:
        reader, writer = await stack.enter_async_context(
            hub.sessions.gateway(session_id, holds=holds)
        )
        try:
            gateway = await stack.enter_async_context(connect(reader, writer, path))
        except (OSError, WebSocketException, TimeoutError) as error:
            raise UpstreamFailed(
                "The sandbox did not answer.", remedy="Look at its state and try again."
            ) from error
        yield gateway


async def until_one_ends(
    websocket: WebSocket,
    closing: asyncio.Event,
    leave: Leave,
    *ways: Coroutine[Any, Any, None],
) -> None:
    """Run all ways until one ends, or the hub does, or the leave is over; then close."""
    tasks: set[asyncio.Task[Any]] = {asyncio.create_task(way) for way in ways}
    tasks |= {asyncio.create_task(closing.wait()), asyncio.create_task(leave.over.wait())}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception) and not isinstance(result, BunkhouseError):
                _log.warning("bridge ended badly", exc_info=result)
    with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # it is closed already
        if leave.over.is_set():
            await websocket.close(CLOSE_FORBIDDEN, "You may not use this any more.")
        else:
            await websocket.close()


async def downwards(
    websocket: WebSocket,
    gateway: ClientConnection,
    leave: Leave,
    said: Callable[[], None] = lambda: None,
) -> None:
    """Pass what the reader says, until it leaves or the sandbox has gone; tell `said` each time.

    Raises:
        Unauthorized, Forbidden, NotFound: they may not any more; what they said is not passed.
    """
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        data = message.get("bytes")
        if data is None:
            data = message.get("text") or ""
        await leave.ask()
        said()
        try:
            await gateway.send(data)
        except ConnectionClosed:
            return


async def upwards(
    gateway: ClientConnection,
    websocket: WebSocket,
    leave: Leave,
    seen: Callable[[str], None] = lambda _text: None,
) -> None:
    """Pass what the sandbox says until it ends; each text is shown to `seen` as well.

    Raises:
        Unauthorized, Forbidden, NotFound: who reads may not any more.
    """
    # A reader may be gone at any moment, and needs no word of it.
    with (
        contextlib.suppress(WebSocketDisconnect, RuntimeError),
        contextlib.suppress(ConnectionClosed),
    ):
        async for message in gateway:
            await leave.ask()
            if isinstance(message, bytes):
                await websocket.send_bytes(message)
            else:
                seen(message)
                await websocket.send_text(message)
