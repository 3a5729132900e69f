"""A program in the sandbox, over a WebSocket; the messages are those of `protocol/gateway.py`."""

import contextlib
import json

import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import ValidationError
from websockets import ClientConnection

from bunkhouse.api.access import Executor, leave_of, services_of
from bunkhouse.api.bridge import CLOSE_FAILED, downwards, gateway_socket, until_one_ends, upwards
from bunkhouse.api.routes.sessions import SessionId
from bunkhouse.people import Leave
from bunkhouse_protocol.gateway import ExecRequest

router = APIRouter()

_log = structlog.get_logger("bunkhouse.api")

CLOSE_INVALID = 4422
"""The first message was no request."""


@router.websocket("/sessions/{session_id}/exec")
async def execute(websocket: WebSocket, session_id: SessionId, person: Executor) -> None:
    """Run a program as the agent's user. Refusals before the first message are problem details."""
    hub = services_of(websocket)
    leaving = leave_of(hub, person, "session.exec", session_id)
    async with gateway_socket(hub, session_id, "/exec") as gateway:
        with leaving as leave:
            await websocket.accept()
            request = await _first_message(websocket)
            if request is None:
                return
            _log.info("exec", session=session_id, person=person.id, program=request.argv[0])
            await until_one_ends(
                websocket,
                hub.closing,
                leave,
                _spoken(websocket, gateway, leave, request),
                _result(gateway, websocket, leave),
            )


async def _spoken(
    websocket: WebSocket, gateway: ClientConnection, leave: Leave, request: ExecRequest
) -> None:
    await leave.ask()
    await gateway.send(request.model_dump_json())
    await downwards(websocket, gateway, leave)


async def _first_message(websocket: WebSocket) -> ExecRequest | None:
    try:
        return ExecRequest.model_validate_json(await websocket.receive_text())
    except WebSocketDisconnect:
        return None
    except (ValidationError, KeyError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else "not text"
        await websocket.close(CLOSE_INVALID, f"The first message is no request: {reason}"[:120])
        return None


async def _result(gateway: ClientConnection, websocket: WebSocket, leave: Leave) -> None:
    """Pass what the program prints, and say so if it ends without a result."""
    results: list[str] = []

    def seen(text: str) -> None:
        if "exit_code" in json.loads(text):
            results.append(text)

    await upwards(gateway, websocket, leave, seen)
    if not results:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await websocket.close(CLOSE_FAILED, "The sandbox ended without a result.")
