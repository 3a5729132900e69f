"""Puts the routes together into one ASGI application."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from bunkhouse.api import problems
from bunkhouse.api.client import Client
from bunkhouse.api.description import describe, operation_id
from bunkhouse.api.live import Live
from bunkhouse.api.middleware import BodyLimit, RenewedCookie, SecurityHeaders
from bunkhouse.api.routes import (
    blobs,
    browsers,
    comments,
    desktop,
    driving,
    environment,
    events,
    execute,
    export,
    families,
    github_app,
    grants,
    identities,
    invites,
    login,
    participants,
    people,
    prompts,
    pull_requests,
    repositories,
    repository_settings,
    rewinding,
    sessions,
    share_links,
    sign_in,
    system,
    terminals,
    uploads,
    webhooks,
)
from bunkhouse.api.services import Services
from bunkhouse.errors import BunkhouseError

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

_BODY_OVERHEAD = 64 * 1024
_OWN_LIMITS = ("/api/uploads", "/api/webhooks/github")
"""Routes that say more precisely how large a body of theirs may be."""


def bare_api(lifespan: Lifespan | None = None) -> FastAPI:
    """Make the application without what it works on: enough to describe it."""
    app = FastAPI(
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=operation_id,
    )
    api = APIRouter(prefix="/api", responses=problems.RESPONSES)
    for module in (system, people, sessions, prompts, uploads, events, execute):
        api.include_router(module.router)
    for module in (
        blobs,
        export,
        environment,
        terminals,
        desktop,
        driving,
        rewinding,
        pull_requests,
        families,
        participants,
        comments,
    ):
        api.include_router(module.router)
    for module in (
        share_links,
        sign_in,
        identities,
        browsers,
        grants,
        repositories,
        invites,
        webhooks,
        github_app,
    ):
        api.include_router(module.router)
    api.include_router(repository_settings.router)

    @api.get("/openapi.json", include_in_schema=False)
    async def get_openapi() -> dict[str, Any]:
        """Describe this API."""
        return app.openapi()

    app.include_router(api)
    app.include_router(login.router)
    app.include_router(sign_in.pages)
    app.include_router(invites.pages)
    app.include_router(share_links.pages)
    app.include_router(github_app.pages)

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = describe(app)
        return app.openapi_schema

    app.openapi = openapi
    return app


def create_api(
    services: Services, *, lifespan: Lifespan | None = None, client: Client | None = None
) -> FastAPI:
    """Make the hub's application: the API, the sign-in link and the client's files.

    `services` is kept at `app.state.services`. Whoever mounts more (the doors of sandboxes) may do
    so afterwards: the client answers only what nothing else does.
    """
    app = bare_api(lifespan)
    app.state.services = services
    app.state.live = Live(services)
    app.router.default = client or Client()
    app.exception_handler(BunkhouseError)(problems.on_bunkhouse_error)
    app.exception_handler(RequestValidationError)(problems.on_invalid)
    app.exception_handler(HTTPException)(problems.on_http_error)
    app.exception_handler(Exception)(problems.on_crash)
    # A JSON string may spell a byte in six characters.
    limit = 6 * services.settings.prompt_bytes + _BODY_OVERHEAD
    app.add_middleware(BodyLimit, limit=limit, except_for=_OWN_LIMITS)
    app.add_middleware(RenewedCookie)
    app.add_middleware(SecurityHeaders)
    return app
