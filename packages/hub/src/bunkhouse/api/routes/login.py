"""The one-time link: it signs a browser in."""

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from bunkhouse.api.access import Hub, address_of, cookie_name, set_cookie
from bunkhouse.api.pages import page
from bunkhouse.errors import TooManyTries, Unauthorized

router = APIRouter(include_in_schema=False)


@router.get("/login/{secret}")
async def use_link(secret: str, request: Request, hub: Hub) -> Response:
    """Sign this browser in and go to the page; a link that is spent says how to get another."""
    try:
        with hub.throttle.attempt(address_of(request)):
            signed_in = await hub.people.use_link(secret)
    except TooManyTries as error:
        return page(
            "Not now",
            error.message,
            remedy=error.remedy,
            status=error.status,
            retry_after=error.retry_after,
        )
    except Unauthorized as error:
        # Whoever opens their own link again, from history, is where they wanted to be.
        cookie = request.cookies.get(cookie_name(request))
        if cookie and await hub.people.by_cookie(cookie):
            return RedirectResponse("/", status_code=303)
        return page("This link is spent", error.message, remedy=error.remedy, status=401)
    answer = RedirectResponse("/", status_code=303, headers={"Cache-Control": "no-store"})
    set_cookie(answer, request, signed_in.secret, signed_in.expires_at)
    return answer
