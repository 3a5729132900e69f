"""The egress door: a sandbox asks for a connection, the hub judges, connects and passes bytes.

- `WS …/egress?host=H&port=P`: the hub's first message is `{"ok": true}`, or `{"ok": false, "code",
  "reason", "remedy"}` and the end. Then binary messages both ways; the text message `{"eof":
  true}` closes one direction. A close with code 4000 says that the far side broke off; a sandbox
  whose program breaks off drops the WebSocket.
- `POST …/egress/refused`: what the sandbox's own rules refused, for the session's log.

The server must not ping these WebSockets: bytes wait for whoever reads slowly, pongs with them.
"""

import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

import structlog
from pydantic import BaseModel, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from bunkhouse.broker.egress.carrying import Flow, carry
from bunkhouse.broker.egress.connecting import (
    Resolve,
    Streams,
    addresses_of,
    connect,
    resolve_by_system,
)
from bunkhouse.broker.egress.policy import Policy
from bunkhouse.errors import BunkhouseError, Forbidden, InvalidInput, TooLarge, TooMany

NOTES_AT_ONCE = 60
NOTES_PER_SECOND = 2.0
"""Refusals that a session's log takes: a sandbox can make up names without end."""
REPORT_BYTES = 4096

NoteRefused = Callable[[str, str, int, Literal["tcp", "udp"], str], Awaitable[None]]
"""`(session_id, host, port, protocol, reason)`: write a refusal into the session's log."""

log = structlog.get_logger(__name__)


class RefusalReport(BaseModel):
    """Body of `POST …/egress/refused`."""

    host: str = Field(min_length=1, max_length=253, pattern=r"^[\w.:-]+$")
    port: int = Field(ge=0, le=65535)
    protocol: Literal["tcp", "udp"]
    reason: str = Field(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")


@dataclass
class _Sandbox:
    """What one session has open, and how many notes it may still write."""

    open: int = 0
    notes: float = NOTES_AT_ONCE
    noted_at: float = field(default_factory=time.monotonic)

    def may_note(self) -> bool:
        now = time.monotonic()
        self.notes = min(NOTES_AT_ONCE, self.notes + (now - self.noted_at) * NOTES_PER_SECOND)
        self.noted_at = now
        if self.notes < 1:
            return False
        self.notes -= 1
        return True


class EgressDoor:
    """The way out for all sandboxes.

    `connections`: how many each may have open (`Settings.egress_connections`). `resolve` is asked
    for the addresses of names.
    """

    def __init__(self, *, connections: int, resolve: Resolve = resolve_by_system) -> None:
        self._connections = connections
        self._resolve = resolve
        self._sandboxes: dict[str, _Sandbox] = {}

    def forget(self, session_id: str) -> None:
        """Drop what is remembered of a session that is gone."""
        self._sandboxes.pop(session_id, None)

    async def egress(
        self, websocket: WebSocket, session_id: str, policy: Policy, note_refused: NoteRefused
    ) -> None:
        """Serve one connection; the caller knows from the token whose it is."""
        await websocket.accept()
        sandbox = self._sandboxes.setdefault(session_id, _Sandbox())
        sandbox.open += 1
        try:
            await self._serve(websocket, session_id, sandbox, policy, note_refused)
        except (WebSocketDisconnect, OSError):
            log.debug("egress stream ended early", session=session_id)
        finally:
            sandbox.open -= 1

    async def _serve(
        self,
        websocket: WebSocket,
        session_id: str,
        sandbox: _Sandbox,
        policy: Policy,
        note_refused: NoteRefused,
    ) -> None:
        host = websocket.query_params.get("host", "")[:300]
        port = 0
        try:
            with contextlib.suppress(ValueError):
                port = int(websocket.query_params.get("port", ""))
            streams = await self._open(host, port, sandbox, policy)
        except BunkhouseError as error:
            said = {"ok": False, "code": error.reason, "reason": error.message}
            await websocket.send_json(said | ({"remedy": error.remedy} if error.remedy else {}))
            await websocket.close()
            if isinstance(error, Forbidden | TooMany) and sandbox.may_note():
                with contextlib.suppress(BunkhouseError):
                    await note_refused(session_id, host, port, "tcp", str(error))
            return
        began = time.monotonic()
        flow = Flow()
        try:
            await websocket.send_text('{"ok":true}')
            await carry(websocket, streams, flow)
        finally:
            log.debug(
                "egress",
                session=session_id,
                host=host,
                port=port,
                sent=flow.sent,
                received=flow.received,
                seconds=round(time.monotonic() - began, 3),
            )

    async def _open(self, host: str, port: int, sandbox: _Sandbox, policy: Policy) -> Streams:
        """Connect where the policy allows. Raises BunkhouseError."""
        if sandbox.open > self._connections:
            raise TooMany(
                f"This sandbox has {self._connections} connections open already.",
                remedy="An admin can allow more with BUNKHOUSE_EGRESS_CONNECTIONS.",
                code="egress_connections",
            )
        verdict = policy.decide(host, port)
        if not verdict.allowed:
            raise Forbidden(verdict.reason, remedy=verdict.remedy, code="egress_refused")
        return await connect(host, await addresses_of(host, verdict, self._resolve), port)

    async def refused(
        self, request: Request, session_id: str, note_refused: NoteRefused
    ) -> Response:
        """Take a report of the sandbox's own rules. Raises InvalidInput, TooLarge."""
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > REPORT_BYTES:
                raise TooLarge(f"A report of a refusal is at most {REPORT_BYTES} bytes.")
        try:
            report = RefusalReport.model_validate_json(bytes(body))
        except ValidationError as error:
            raise InvalidInput("This is not a report of a refusal.") from error
        if self._sandboxes.setdefault(session_id, _Sandbox()).may_note():
            await note_refused(session_id, report.host, report.port, report.protocol, report.reason)
        return Response(status_code=204)
