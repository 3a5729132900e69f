"""GitHub Apps at the fake GitHub: made of a manifest, and installed, on pages as the real ones."""

import html
import ipaddress
import json
import re
import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from tests.fakes.github.oauth import OAuth
from tests.fakes.github.rest import Refused
from tests.fakes.github.world import App, Application, Person, World

CODE_SECONDS = 3600

_NEW = re.compile(r"(?:/organizations/([^/]+))?/settings/apps/new")
_INSTALL = re.compile(r"/github-apps/([^/]+)/installations/new")
_KNOWN = {
    "name", "url", "hook_attributes", "redirect_url", "callback_urls", "setup_url", "description",
    "public", "default_events", "default_permissions", "request_oauth_on_install",
    "setup_on_update",
}  # fmt: skip
_PERMISSIONS = {"contents", "pull_requests", "issues", "checks", "metadata", "emails", "workflows"}
_EVENTS = {
    "pull_request": "pull_requests",
    "pull_request_review": "pull_requests",
    "pull_request_review_comment": "pull_requests",
    "issue_comment": "issues",
    "check_run": "checks",
}
"""Events, and the permission without which an App can't subscribe to them."""

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto }}
label {{ display: block; margin: .5rem 0 }} button {{ font: inherit; padding: .4rem 1rem }}
.error {{ color: #a40e26 }}</style>
<h1>{title}</h1>{body}</html>"""


class Invalid(Exception):
    """A manifest that GitHub does not take; with its words."""


@dataclass
class _Draft:
    """A manifest that somebody is to say yes to."""

    manifest: dict[str, Any]
    organization: str | None
    state: str


class Apps:
    """Makes and installs them. `url` is where this GitHub is."""

    def __init__(self, world: World, oauth: OAuth) -> None:
        self._world = world
        self._oauth = oauth
        self._drafts: dict[str, _Draft] = {}
        self._codes: dict[str, tuple[Application, float]] = {}
        self.manifests: list[dict[str, Any]] = []
        """All that came."""
        self.refuses: str | None = None
        """Why what was made is not handed over."""

    async def answer(self, request: Request) -> Response | None:
        """Answer a request for a page of these; None: it is for another."""
        path = request.url.path
        if (new := _NEW.fullmatch(path)) and request.method == "POST":
            return await self._asked(request, new[1])
        if path == "/settings/apps/create" and request.method == "POST":
            return await self._create(request)
        if install := _INSTALL.fullmatch(path):
            return await self._install(request, install[1])
        return None

    def made(self, code: str) -> Application | None:
        """What was made, for its code, once and for an hour."""
        if self.refuses:
            raise Refused(422, self.refuses)
        made, at = self._codes.pop(code, (None, 0.0))
        return made if time.monotonic() - at < CODE_SECONDS else None

    def forget_codes(self) -> None:
        """As after an hour."""
        self._codes.clear()

    # ── making ───────────────────────────────────────────────────────────────────────────────

    async def _asked(self, request: Request, organization: str | None) -> Response:
        form = await request.form()
        try:
            manifest = _checked(str(form.get("manifest", "")))
            if organization is not None:
                owner = self._world.people.get(organization)
                if owner is None or owner.type != "Organization":
                    return PlainTextResponse("Not Found", 404)
        except Invalid as error:
            said = (
                f'<p class="error">Invalid GitHub App configuration. {html.escape(str(error))}</p>'
            )
            return _page("Create GitHub App", said, 422)
        self.manifests.append(manifest)
        key = secrets.token_hex(8)
        state = request.query_params.get("state", "")
        self._drafts[key] = _Draft(manifest, organization, state)
        return self._creating(key)

    def _creating(self, key: str, wrong: str = "") -> Response:
        draft = self._drafts[key]
        people = [each for each in self._world.people.values() if each.type == "User"]
        accounts = "".join(
            f'<label><input type="radio" name="account" value="{each.login}"'
            f"{' checked' if not number else ''}> Signed in as {html.escape(each.login)}</label>"
            for number, each in enumerate(people)
        )
        name = html.escape(draft.manifest["name"])
        error = f'<p class="error">{html.escape(wrong)}</p>' if wrong else ""
        return _page(
            f"Create GitHub App for {draft.organization or 'your account'}",
            f'{error}<form method="post" action="/settings/apps/create">'
            f'<input type="hidden" name="draft" value="{key}">{accounts}'
            f'<label>GitHub App name <input name="name" value="{name}"></label>'
            "<button>Create GitHub App</button></form>",
            422 if wrong else 200,
        )

    async def _create(self, request: Request) -> Response:
        form = await request.form()
        key, name = str(form["draft"]), str(form["name"])
        draft = self._drafts[key]
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        if any(each.slug == slug for each in self._world.apps):
            return self._creating(key, "Name is already in use.")
        if not slug or len(name) > 34:
            return self._creating(key, "Name is too long (maximum is 34 characters).")
        del self._drafts[key]
        given = draft.manifest
        owner = self._world.people[draft.organization or str(form["account"])]
        hook = given.get("hook_attributes")
        app = App(
            id=self._world.number(),
            slug=slug,
            name=name,
            owner=owner,
            permissions=given.get("default_permissions", {}),
            events=given.get("default_events", []),
            pem=_key(),
            url=given["url"],
            hook=hook["url"] if hook and hook.get("active", True) else None,
            webhook_secret=secrets.token_hex(20) if hook else None,
            request_oauth_on_install=given.get("request_oauth_on_install", False),
        )
        made = self._world.application(*given.get("callback_urls", []), app=app)
        code = secrets.token_hex(20)
        self._codes[code] = made, time.monotonic()
        back = urlencode({"code": code, "state": draft.state})
        return _sent(f"{given['redirect_url']}?{back}")

    # ── installing ───────────────────────────────────────────────────────────────────────────

    async def _install(self, request: Request, slug: str) -> Response:
        found = [each for each in self._world.applications.values() if each.app]
        application = next((each for each in found if each.app and each.app.slug == slug), None)
        if application is None or application.app is None:
            return PlainTextResponse("Not Found", 404)
        app = application.app
        if request.method == "GET":
            return self._choosing(app)
        form = await request.form()
        app.installed |= {str(each).lower() for each in form.getlist("repository")}
        who = self._owner(app)
        answer = {"installation_id": str(self._world.number()), "setup_action": "install"}
        if not app.request_oauth_on_install:
            return _page("Installed", "<p>Thank you.</p>")
        code = self._oauth.unasked(application, who)
        return _sent(f"{application.callbacks[0]}?{urlencode({'code': code, **answer})}")

    def _choosing(self, app: App) -> Response:
        # An App that is not public is installed where its owner is.
        mine = [each for each in self._world.repositories.values() if each.owner is app.owner]
        boxes = "".join(
            f'<label><input type="checkbox" name="repository" value="{each.full_name}"'
            f"{' checked' if each.full_name.lower() in app.installed else ''}> "
            f"{each.full_name}</label>"
            for each in mine
        )
        return _page(
            f"Install {html.escape(app.name)}",
            f'<form method="post">{boxes}<button>Install &amp; Authorize</button></form>',
        )

    def _owner(self, app: App) -> Person:
        if app.owner.type == "User":
            return app.owner
        return next(each for each in self._world.people.values() if each.type == "User")


def _checked(text: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
    except ValueError:
        raise Invalid("It is no JSON.") from None
    if unknown := set(given) - _KNOWN:
        raise Invalid(f"Unknown: {', '.join(sorted(unknown))}.")
    for name in ("url", "redirect_url"):
        if not given.get(name):
            raise Invalid(f'Error "{name}" wasn\'t supplied.')
    if len(given.get("name", "")) > 34:
        raise Invalid("Name is too long (maximum is 34 characters).")
    hook = given.get("hook_attributes")
    if hook is not None:
        if not hook.get("url"):
            raise Invalid('Error "url" wasn\'t supplied.')
        if not _is_public(hook["url"]):
            raise Invalid("Hook url is not supported because it isn't reachable over the Internet.")
    if len(given.get("callback_urls", [])) > 10:
        raise Invalid("Callback urls: at most 10.")
    permissions = given.get("default_permissions", {})
    for name, level in permissions.items():
        if name not in _PERMISSIONS or level not in ("read", "write"):
            raise Invalid(f"Default permission records resource is not included: {name}.")
    for event in given.get("default_events", []):
        if _EVENTS.get(event) not in permissions:
            raise Invalid(f"Default events unsupported: {event}.")
    return given


def _is_public(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith(("localhost", ".local", ".internal"))


def _key() -> str:
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    ).decode()


def _page(title: str, body: str, status: int = 200) -> Response:
    return HTMLResponse(_PAGE.format(title=title, body=body), status)


def _sent(address: str) -> Response:
    return Response(status_code=302, headers={"Location": address})


async def make(address: str, manifest: str, *, name: str | None = None) -> str:
    """Post a manifest as a browser does and press the button there; where that leads."""
    async with httpx2.AsyncClient(trust_env=False, headers={"user-agent": "browser"}) as client:
        page = await client.post(address, data={"manifest": manifest})
        assert page.status_code == 200, page.text
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
        if name is not None:
            fields["name"] = name
        made = await client.post(httpx2.URL(address).join("/settings/apps/create"), data=fields)
    assert made.status_code == 302, made.text
    return made.headers["location"]
