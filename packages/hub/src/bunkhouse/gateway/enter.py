"""`/enter?to=LINK` on the hub: whoever opens a shared link is known here, and sent on."""

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from bunkhouse.api.access import signed_in
from bunkhouse.api.pages import page
from bunkhouse.errors import BunkhouseError
from bunkhouse.gateway.apps import Apps


def enter_router(apps: Apps) -> APIRouter:
    """Make the route; it stands on the hub's own origin."""
    router = APIRouter(include_in_schema=False)

    @router.get("/enter")
    async def enter(to: str, request: Request) -> Response:
        """Send a signed-in browser to the app's origin, with a ticket."""
        try:
            url = await apps.follow(await signed_in(request), to)
        except BunkhouseError as error:
            return page("Not opened", error.message, remedy=error.remedy, status=error.status)
        return RedirectResponse(url, status_code=303, headers={"Cache-Control": "no-store"})

    return router
