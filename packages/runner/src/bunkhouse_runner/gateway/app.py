"""The gateway's routes: thin, each asks one part of the runner."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import get_args

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from bunkhouse_protocol.events import ServiceName
from bunkhouse_protocol.gateway import (
    Changes,
    Handover,
    HandoverRequest,
    Published,
    PublishRequest,
    ServiceStart,
    Terminals,
)
from bunkhouse_runner import changes, execution, terminals
from bunkhouse_runner.errors import RunnerError, Unknown
from bunkhouse_runner.processes import Account
from bunkhouse_runner.surroundings import Surroundings
from bunkhouse_runner.terminals import conversation

_SERVICES: tuple[ServiceName, ...] = get_args(ServiceName)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The parts that the gateway leads to."""

    account: Account
    changes: Callable[[int], Awaitable[Changes]]
    """Says what changed, with a diff of at most so many bytes."""
    handover: Callable[[HandoverRequest], Awaitable[Handover]]
    publish: Callable[[PublishRequest], Awaitable[Published]]
    set_up: Callable[[], Awaitable[None]]
    """Has the set-up commands run again; returns when they have begun."""
    surroundings: Surroundings
    terminals: terminals.Terminals


def app(sandbox: Sandbox) -> Starlette:
    """Build the gateway's ASGI application.

    A problem is answered as `{"code", "message", "remedy", "detail"}` with 503, 404 for an unknown
    name and 422 for a body that is none. `/changes` takes `?limit=BYTES` for the diff.
    """

    async def execute(websocket: WebSocket) -> None:
        await execution.serve(websocket, sandbox.account)

    async def attach(websocket: WebSocket) -> None:
        await conversation.serve(websocket, sandbox.terminals, websocket.path_params["id"])

    async def changed(request: Request) -> Response:
        given = request.query_params.get("limit", "")
        limit = int(given) if given.isdecimal() else changes.DIFF_BYTES
        return _json(await sandbox.changes(limit))

    async def handover(request: Request) -> Response:
        wanted = HandoverRequest.model_validate_json(await request.body())
        return _json(await sandbox.handover(wanted))

    async def publish(request: Request) -> Response:
        wanted = PublishRequest.model_validate_json(await request.body())
        return _json(await sandbox.publish(wanted))

    async def set_up(_request: Request) -> Response:
        await sandbox.set_up()
        return Response(status_code=204)

    return Starlette(
        routes=[
            Route("/health", _health),
            Route("/changes", changed),
            Route("/handover", handover, methods=["POST"]),
            Route("/publish", publish, methods=["POST"]),
            Route("/setup", set_up, methods=["POST"]),
            *_service_routes(sandbox.surroundings),
            *_terminal_routes(sandbox.terminals),
            WebSocketRoute("/exec", execute),
            WebSocketRoute("/terminals/{id}/attach", attach),
        ],
        exception_handlers={RunnerError: _problem, ValidationError: _invalid},
    )


def _service_routes(surroundings: Surroundings) -> list[Route]:
    async def status(_request: Request) -> Response:
        return _json(await surroundings.status())

    async def start(request: Request) -> Response:
        name, body = _service(request), await request.body()
        wanted = ServiceStart.model_validate_json(body or b"{}")
        return _json(await surroundings.start_service(name, wanted))

    async def stop(request: Request) -> Response:
        await surroundings.stop_service(_service(request))
        return Response(status_code=204)

    async def settings(_request: Request) -> Response:
        return _json(surroundings.editor_settings())

    return [
        Route("/services", status),
        Route("/services/{name}", start, methods=["POST"]),
        Route("/services/{name}", stop, methods=["DELETE"]),
        Route("/settings/editor", settings),
    ]


def _terminal_routes(held: terminals.Terminals) -> list[Route]:
    async def listed(_request: Request) -> Response:
        return _json(Terminals(terminals=await held.list()))

    async def create(_request: Request) -> Response:
        return _json(await held.create())

    async def delete(request: Request) -> Response:
        await held.delete(request.path_params["id"])
        return Response(status_code=204)

    return [
        Route("/terminals", listed),
        Route("/terminals", create, methods=["POST"]),
        Route("/terminals/{id}", delete, methods=["DELETE"]),
    ]


def _service(request: Request) -> ServiceName:
    wanted = request.path_params["name"]
    for name in _SERVICES:
        if name == wanted:
            return name
    raise Unknown("no_such_service", f"There is no service {wanted}.")


async def _health(_request: Request) -> Response:
    return JSONResponse({"ok": True})


def _json(answer: BaseModel) -> Response:
    return Response(answer.model_dump_json(), media_type="application/json")


async def _problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RunnerError)  # noqa: S101 - registered for these alone
    said = {
        "code": error.code,
        "message": error.message,
        "remedy": error.remedy,
        "detail": error.detail,
    }
    return JSONResponse(said, status_code=404 if isinstance(error, Unknown) else 503)


async def _invalid(_request: Request, error: Exception) -> Response:
    said = {"code": "invalid", "message": str(error).partition("\n")[0], "remedy": None}
    return JSONResponse(said, status_code=422)
