"""A program in the sandbox, over a WebSocket; the messages are those of `protocol/gateway.py`."""

import contextlib
import json

import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import ValidationError
from websockets import ClientConnection

from bunkhouse.api.access import services_of, signed_in
from bunkhouse.api.bridge import CLOSE_FAILED, downwards, gateway_socket, until_one_ends, upwards
from bunkhouse.people import require
from bunkhouse_protocol.gateway import ExecRequest

router = APIRouter()

_log = structlog.get_logger("bunkhouse.api")

CLOSE_INVALID = 4422
"""The first message was no request."""


@router.websocket("/sessions/{session_id}/exec")
async def execute(websocket: WebSocket, session_id: str) -> None:
    """Run a program as the agent's user. Refusals before the first message are problem details."""
    person = await signed_in(websocket)
    require(person, "sessions.exec")
    hub = services_of(websocket)
    async with gateway_socket(hub, session_id, "/exec") as gateway:
        await websocket.accept()
        request = await _first_message(websocket)
        if request is None:
            return
        _log.info("exec", session=session_id, person=person.id, program=request.argv[0])
        await gateway.send(request.model_dump_json())
        await until_one_ends(
            websocket, hub.closing, downwards(websocket, gateway), _result(gateway, websocket)
        )


async def _first_message(websocket: WebSocket) -> ExecRequest | None:
    try:
        return ExecRequest.model_validate_json(await websocket.receive_text())
    except WebSocketDisconnect:
        return None
    except (ValidationError, KeyError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else "not text"
        await websocket.close(CLOSE_INVALID, f"The first message is no request: {reason}"[:120])
        return None


async def _result(gateway: ClientConnection, websocket: WebSocket) -> None:
    """Pass what the program prints, and say so if it ends without a result."""
    results: list[str] = []

    def seen(text: str) -> None:
        if "exit_code" in json.loads(text):
            results.append(text)

    await upwards(gateway, websocket, seen)
    if not results:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await websocket.close(CLOSE_FAILED, "The sandbox ended without a result.")
