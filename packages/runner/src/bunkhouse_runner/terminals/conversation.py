"""A viewer's WebSocket: bytes both ways, and sizes as text."""

import asyncio
import contextlib
import json
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from bunkhouse_protocol.gateway import CLOSE_NO_TERMINAL
from bunkhouse_runner.errors import RunnerError, Unknown
from bunkhouse_runner.terminals.screen import Screen
from bunkhouse_runner.terminals.terminals import COLS, ROWS, Terminals
from bunkhouse_runner.terminals.viewer import Viewer

CLOSE_ENDED = 1000
CLOSE_LOST = 1012
"""The terminal is still there: come again."""
CLOSE_FAILED = 1011
REASON_CHARACTERS = 100


async def serve(websocket: WebSocket, terminals: Terminals, terminal_id: str) -> None:
    """Attach a WebSocket to a terminal, as `bunkhouse_protocol.gateway` describes it."""
    await websocket.accept()
    rows, cols = _number(websocket, "rows", ROWS), _number(websocket, "cols", COLS)
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        try:
            async with terminals.looking(terminal_id, rows, cols) as (screen, viewer):
                await screen.resize(viewer, rows, cols)
                await _converse(websocket, screen, viewer)
        except Unknown as error:
            await websocket.close(CLOSE_NO_TERMINAL, error.message)
        except RunnerError as error:
            await websocket.close(CLOSE_FAILED, error.message[:REASON_CHARACTERS])
        else:
            there = await terminals.exists(terminal_id)
            await websocket.close(CLOSE_LOST if there else CLOSE_ENDED)


def _number(websocket: WebSocket, name: str, default: int) -> int:
    given = websocket.query_params.get(name, "")
    return int(given) if given.isdecimal() and int(given[:6]) > 0 else default


async def _converse(websocket: WebSocket, screen: Screen, viewer: Viewer) -> None:
    """Return when the terminal has ended; raises WebSocketDisconnect when the viewer goes."""
    tasks = [
        asyncio.create_task(_send(websocket, screen, viewer)),
        asyncio.create_task(_receive(websocket, screen, viewer)),
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _send(websocket: WebSocket, screen: Screen, viewer: Viewer) -> None:
    while True:
        await viewer.changed()
        if viewer.size is not None:
            (rows, cols), viewer.size = viewer.size, None
            await websocket.send_text(json.dumps({"rows": rows, "cols": cols}))
        elif data := viewer.take():
            await websocket.send_bytes(data)
        elif viewer.ended:
            return
        elif viewer.behind:
            await screen.paint(viewer)


async def _receive(websocket: WebSocket, screen: Screen, viewer: Viewer) -> None:
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1006))
        if data := message.get("bytes"):
            await screen.send(viewer, data)
        elif text := message.get("text"):
            with contextlib.suppress(ValueError, TypeError, KeyError):
                said: Any = json.loads(text)
                await screen.resize(viewer, int(said["rows"]), int(said["cols"]))
