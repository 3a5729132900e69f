"""The GitHub App of this installation: as it is, setting one up from the page, and removing it.

A browser that began is shown a page of the hub's with one form, which posts the manifest to GitHub:
the client's own pages may post nowhere but to the hub. From GitHub it comes back to the callback.
"""

import html
from typing import Annotated
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.responses import HTMLResponse, RedirectResponse

from bunkhouse.api.access import (
    GitHubAppManager,
    Hub,
    cookie_name,
    is_secure,
)
from bunkhouse.api.document import document, link, paragraph
from bunkhouse.api.github_app_schemas import GitHubAppOut, RegisteredApp, SetupBegun, SetupIn
from bunkhouse.api.pages import page
from bunkhouse.api.routes.sign_in import origin_of
from bunkhouse.api.services import Services
from bunkhouse.errors import (
    BunkhouseError,
    Forbidden,
    NotFound,
    TooMany,
    Unauthorized,
    UpstreamFailed,
)
from bunkhouse.forges import GitHubApp
from bunkhouse.forges.github.app import Form
from bunkhouse.forges.github.manifest import hears
from bunkhouse.people import Person

COOKIE = "bunkhouse_github_app"
_SETTINGS = ("Back to the settings", "/settings/github")

router = APIRouter(prefix="/github-app", tags=["system"])
pages = APIRouter(prefix="/setup/github", include_in_schema=False)

_audit = structlog.get_logger("bunkhouse.audit")


async def _at_a_browser(person: GitHubAppManager) -> Person:
    """Refuse tokens: what is set up decides who signs in, and GitHub answers to a browser."""
    if not (person.sign_in or "").startswith("browser:"):
        raise Forbidden(
            "A GitHub App is set up at a browser that is signed in, not with a token.",
            remedy="Open Settings, under GitHub on the hub's page.",
            code="browser_needed",
        )
    return person


AtABrowser = Annotated[Person, Depends(_at_a_browser)]


@router.get("")
async def get_github_app(request: Request, hub: Hub, _person: GitHubAppManager) -> GitHubAppOut:
    """Say what GitHub is to this installation, and how its App is."""
    return _out(_apps(hub), origin_of(request, hub))


@router.post("/setups", status_code=201)
async def set_up_github_app(
    new: SetupIn, request: Request, response: Response, hub: Hub, person: AtABrowser
) -> SetupBegun:
    """Begin to set up an App: go to `url` with the browser that asked."""
    secret = await _apps(hub).begin(
        person.id,
        url=(new.url or "").strip() or None,
        organization=(new.organization or "").strip() or None,
        hub=origin_of(request, hub),
    )
    response.set_cookie(
        _cookie(request),
        secret,
        max_age=round(hub.settings.github_setup_minutes * 60),
        httponly=True,
        samesite="lax",  # GitHub's page sends the browser back, and it must be there then
        secure=is_secure(request),
    )
    return SetupBegun(url=pages.prefix)


@router.delete("", status_code=204)
async def remove_github_app(hub: Hub, person: GitHubAppManager) -> None:
    """Forget the App here: nobody signs in with it any more, and its tokens end. At GitHub it
    stays until its owner deletes it."""
    await _apps(hub).remove(person.id)


@pages.get("")
async def hand_over(request: Request, hub: Hub) -> Response:
    """Show the browser that began the form by which it tells GitHub what to make."""
    try:
        person = await _admin(request, hub)
        form = await _apps(hub).form(request.cookies.get(_cookie(request)), person.id)
    except BunkhouseError as error:
        return _failed(error)
    return _handing_over(form)


@pages.get("/callback")
async def take_back(
    request: Request,
    hub: Hub,
    state: Annotated[str | None, Query()] = None,
    code: Annotated[str | None, Query()] = None,
) -> Response:
    """Take the browser back from GitHub with what stands for the App, or say what went wrong."""
    cookie = _cookie(request)
    try:
        person = await _admin(request, hub)
        await _apps(hub).finish(request.cookies.get(cookie), person.id, state=state, code=code)
    except BunkhouseError as error:
        _audit.warning("github app refused", code=error.reason)
        return _failed(error, again=f"{pages.prefix}/callback?{request.url.query}")
    answer = RedirectResponse(
        "/settings/github", status_code=303, headers={"Cache-Control": "no-store"}
    )
    answer.delete_cookie(cookie, httponly=True, samesite="lax", secure=is_secure(request))
    return answer


def _apps(hub: Services) -> GitHubApp:
    if hub.github_app is None:
        raise NotFound("No GitHub App can be set up in this installation.")
    return hub.github_app


async def _admin(request: Request, hub: Services) -> Person:
    """Who is signed in at this browser, if they may set up an App."""
    cookie = request.cookies.get(cookie_name(request))
    person = await hub.people.by_cookie(cookie) if cookie else None
    if person is None:
        raise Unauthorized(
            "You are not signed in.", remedy="Sign in as an admin, at the address you began at."
        )
    await hub.rights.require(person, "github_app.manage")
    return person


def _handing_over(form: Form) -> Response:
    """A page whose form may post to this one address, and to no other."""
    parts = urlsplit(form.address)
    target = f"{parts.scheme}://{parts.netloc}{parts.path}"
    where = parts.netloc
    button = html.escape(f"Continue at {where}")
    return HTMLResponse(
        document(
            "Set up a GitHub App",
            paragraph(
                f"GitHub at `{where}` makes an App for this hub, after you have looked at its name "
                "there. Its keys come back here by themselves, and are kept encrypted."
            ),
            paragraph(
                "It asks to read and write code and pull requests, and to read issues, checks and "
                "e-mail addresses: where it is installed, and as the person who signed in."
            ),
            paragraph(f"Be signed in at `{where}` before you go on."),
            f'<form method="post" action="{html.escape(form.address)}">'
            f'<input type="hidden" name="manifest" value="{html.escape(form.manifest)}">'
            f"<button>{button}</button></form>",
            f"<p>{link(*_SETTINGS)}</p>",
        ),
        headers={
            "Cache-Control": "no-store",
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
            f"frame-ancestors 'none'; base-uri 'none'; form-action {target}",
            # With `no-referrer` a browser says that the form comes from nowhere (`Origin: null`).
            "Referrer-Policy": "strict-origin",
        },
    )


def _failed(error: BunkhouseError, *, again: str | None = None) -> Response:
    """Say what is wrong. `again`: the address that is good once more where GitHub was not there."""
    if again is not None and isinstance(error, (TooMany, UpstreamFailed)):
        return page(
            "The GitHub App is not set up yet",
            error.message,
            remedy=error.remedy,
            action=("Try again", again),
            status=error.status,
        )
    refused = error.status in (401, 403) and error.reason != "github_app_state"
    return page(
        "The GitHub App is not set up",
        error.message,
        remedy=error.remedy,
        action=("To the start", "/") if refused else _SETTINGS,
        status=error.status,
    )


def _cookie(request: Request) -> str:
    return f"__Host-{COOKIE}" if is_secure(request) else COOKIE


def _out(apps: GitHubApp, hub_url: str) -> GitHubAppOut:
    return GitHubAppOut(
        url=apps.url,
        url_is_set=apps.fixed_url is not None,
        client_is_set=apps.fixed_client,
        hub_url=hub_url,
        reachable=hears(apps.url, hub_url),
        app=_registered(apps),
    )


def _registered(apps: GitHubApp) -> RegisteredApp | None:
    app = apps.app
    if app is None:
        return None
    return RegisteredApp(
        name=app.name,
        slug=app.slug,
        owner=app.owner,
        host=app.host,
        html_url=app.html_url,
        settings_url=app.settings_url,
        install_url=app.install_url,
        hears=app.hears,
        in_use=apps.in_use,
        problem=str(apps.problem) if apps.problem else None,
        created_at=app.created_at,
    )
