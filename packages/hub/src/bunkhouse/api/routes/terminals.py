"""A sandbox's terminals, which all share who look at them."""

import contextlib
from typing import Annotated

import structlog
from fastapi import APIRouter, Path, Query, WebSocket, WebSocketDisconnect
from websockets import ClientConnection

from bunkhouse.api.access import Hub, User, leave_of, services_of
from bunkhouse.api.bridge import CLOSE_FAILED, downwards, gateway_socket, until_one_ends, upwards
from bunkhouse.api.routes.sessions import SessionId
from bunkhouse.people import Leave
from bunkhouse_protocol.gateway import CLOSE_NO_TERMINAL, Terminal, Terminals

router = APIRouter(prefix="/sessions/{session_id}", tags=["environment"])

TerminalId = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
Size = Annotated[int, Query(ge=1, le=1000)]

_ENDS = {1000: "The terminal has ended.", CLOSE_NO_TERMINAL: "There is no such terminal."}
_log = structlog.get_logger("bunkhouse.api")


@router.get("/terminals")
async def list_terminals(session_id: SessionId, hub: Hub, _person: User) -> Terminals:
    """List the sandbox's terminals, in the order in which they were opened."""
    return await hub.environment.terminals(session_id)


@router.post("/terminals", status_code=201)
async def open_terminal(session_id: SessionId, hub: Hub, _person: User) -> Terminal:
    """Open one more."""
    return await hub.environment.open_terminal(session_id)


@router.delete("/terminals/{terminal_id}", status_code=204)
async def end_terminal(
    session_id: SessionId, terminal_id: TerminalId, hub: Hub, _person: User
) -> None:
    """End a terminal, with what runs in it."""
    await hub.environment.end_terminal(session_id, terminal_id)


@router.websocket("/terminals/{terminal_id}")
async def attach_terminal(
    *,
    websocket: WebSocket,
    session_id: SessionId,
    terminal_id: TerminalId,
    person: User,
    rows: Size = 24,
    cols: Size = 80,
) -> None:
    """Look at a terminal and type into it: bytes both ways, `{"rows", "cols"}` resizes."""
    hub = services_of(websocket)
    path = f"/terminals/{terminal_id}/attach?rows={rows}&cols={cols}"
    # To have a terminal open is not to use it: people leave theirs open for days.
    leaving = leave_of(hub, person, "session.use", session_id)
    async with gateway_socket(hub, session_id, path, holds=False) as gateway:
        with leaving as leave:
            await websocket.accept()
            _log.info("terminal", session=session_id, person=person.id, terminal=terminal_id)
            await until_one_ends(
                websocket,
                hub.closing,
                leave,
                downwards(websocket, gateway, leave, lambda: hub.sessions.use(session_id)),
                _shown(gateway, websocket, leave),
            )


async def _shown(gateway: ClientConnection, websocket: WebSocket, leave: Leave) -> None:
    """Pass what the terminal shows, and why it ends."""
    await upwards(gateway, websocket, leave)
    code = gateway.close_code if gateway.close_code in _ENDS else CLOSE_FAILED
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        await websocket.close(code, _ENDS.get(code, "The sandbox does not answer any more."))
