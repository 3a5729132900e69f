"""A sandbox's desktop: the bytes of its VNC server (RFB) over a WebSocket, as noVNC speaks them."""

import asyncio
import contextlib

import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from bunkhouse.api.access import User, leave_of, services_of
from bunkhouse.api.bridge import until_one_ends
from bunkhouse.api.routes.sessions import SessionId
from bunkhouse.errors import ServiceNotRunning
from bunkhouse.people import Leave, Person

router = APIRouter(prefix="/sessions/{session_id}")

_CHUNK = 64 * 1024
_SUBPROTOCOL = "binary"
_log = structlog.get_logger("bunkhouse.api")


@router.websocket("/desktop")
async def watch_desktop(websocket: WebSocket, session_id: SessionId, person: User) -> None:
    """Look at the desktop and use it; it is started if it does not run."""
    hub = services_of(websocket)
    reader, writer = await _open(websocket, session_id, person)
    try:
        offered = _SUBPROTOCOL in websocket.scope["subprotocols"]
        await websocket.accept(_SUBPROTOCOL if offered else None)
        _log.info("desktop", session=session_id, person=person.id)
        with leave_of(hub, person, "session.use", session_id) as leave:
            await until_one_ends(
                websocket,
                hub.closing,
                leave,
                _downwards(websocket, writer, leave),
                _upwards(reader, websocket, leave),
            )
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _open(
    websocket: WebSocket, session_id: str, person: Person
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    hub = services_of(websocket)
    try:
        return await hub.sessions.open_stream(session_id, "desktop")
    except ServiceNotRunning:
        await hub.environment.start_service(session_id, "desktop", person)
        return await hub.sessions.open_stream(session_id, "desktop")


async def _downwards(websocket: WebSocket, writer: asyncio.StreamWriter, leave: Leave) -> None:
    # The desktop's side may go at any moment; `_upwards` then ends as well.
    with contextlib.suppress(WebSocketDisconnect, OSError):
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            await leave.ask()
            writer.write(message.get("bytes") or b"")
            await writer.drain()


async def _upwards(reader: asyncio.StreamReader, websocket: WebSocket, leave: Leave) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):
        while data := await reader.read(_CHUNK):
            await leave.ask()
            await websocket.send_bytes(data)
