"""The web flow of the fake GitHub: of OAuth Apps and of GitHub Apps.

As the real one, it answers a code that it does not take with 200 and an error, and speaks JSON at
the token's address only to whom asks for it. That everybody uses PKCE is our own rule.
"""

import secrets
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from tests.fakes import consent
from tests.fakes.code_grant import Asked, Refused, asked, fits
from tests.fakes.github.world import Application, Person, Token, World

_MONTHS = 15_897_600
"""For how many seconds a refresh token is good."""


class OAuth:
    """`answers` changes the answer with a token, to tell lies; `allows` what people allow."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.answers: Callable[[dict[str, Any]], None] = lambda _: None
        self.allows: Callable[[str], str] = lambda scope: scope
        self._requests: dict[str, tuple[Application, Asked]] = {}
        self._codes: dict[str, tuple[Application, Asked]] = {}

    async def authorize(self, request: Request) -> Response:
        """Ask who somebody is and what they allow."""
        query = request.query_params
        application = self._world.applications.get(query.get("client_id", ""))
        if application is None:
            return HTMLResponse("<h1>404</h1>", status_code=404)
        if query.get("redirect_uri") not in application.callbacks:
            return HTMLResponse("The redirect_uri is not associated with it.", status_code=400)
        try:
            wanted = asked(query)
        except Refused as error:
            return HTMLResponse(str(error), status_code=400)
        key = secrets.token_hex(8)
        self._requests[key] = application, wanted
        app = application.app
        what = app.name if app else wanted.scope
        accounts = [(each.login, each.name or each.login) for each in self._world.people.values()]
        return consent.choosing("GitHub", key, what, accounts)

    async def approve(self, request: Request) -> Response:
        """Send the browser back, with a code or with the news that somebody said no."""
        form = await request.form()
        application, wanted = self._requests.pop(str(form["request"]))
        answer = {"state": wanted.state}
        if form["account"]:
            answer["code"] = self._code(application, wanted, str(form["account"]))
        else:
            answer |= {"error": "access_denied", "error_description": "The user has denied it."}
        return _sent(wanted.redirect_uri, answer)

    def unasked(self, application: Application, person: Person) -> str:
        """A code for whoever installed a GitHub App, which nobody asked for: without PKCE."""
        wanted = Asked(application.callbacks[0], "", "", "")
        return self._code(application, wanted, person.login)

    async def token(self, request: Request) -> Response:
        """Give tokens for a code, or for older ones: always 200, and in the body what is wrong."""
        form = {name: str(value) for name, value in (await request.form()).items()}
        try:
            answer = self._granted(form)
        except Refused as error:
            said = f"No: {form.get('client_secret')}"
            answer = {"error": str(error), "error_description": said}
        if "application/json" not in request.headers.get("accept", ""):
            return PlainTextResponse(urlencode(answer))
        return JSONResponse(answer)

    def _code(self, application: Application, wanted: Asked, login: str) -> str:
        code = secrets.token_hex(10)
        wanted.account, wanted.given_at = login, time.monotonic()
        self._codes[code] = application, wanted
        return code

    def _granted(self, form: dict[str, str]) -> dict[str, Any]:
        application = self._world.applications.get(form.get("client_id", ""))
        if application is None or form.get("client_secret") != application.client_secret:
            raise Refused("incorrect_client_credentials")
        if form.get("grant_type") == "refresh_token":
            fresh = self._world.refreshed(form.get("refresh_token", ""), application)
            if fresh is None:
                raise Refused("bad_refresh_token")
            return self._answer(fresh)
        found, wanted = self._codes.get(form.get("code", ""), (None, None))
        if wanted is None or found is not application or wanted.used or not wanted.is_fresh():
            raise Refused("bad_verification_code")
        wanted.used = True
        if form.get("redirect_uri") != wanted.redirect_uri:
            raise Refused("redirect_uri_mismatch")
        if not fits(wanted.challenge, form.get("code_verifier", "")):
            raise Refused("bad_verification_code")
        person = self._world.people[wanted.account or ""]
        if application.app is None:
            scopes = self.allows(wanted.scope).split()
            token = self._world.oauth_token(person, application, *scopes)
        else:
            token = self._world.app_tokens(person, application=application)
        answer = self._answer(token)
        self.answers(answer)
        return answer

    def _answer(self, token: Token) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "access_token": token.secret,
            "token_type": "bearer",
            "scope": ",".join(token.scopes or ()),
        }
        if token.expires_at is not None:
            lasts = token.expires_at - self._world.clock()
            answer |= {
                "expires_in": round(lasts.total_seconds()),
                "refresh_token": token.refresh,
                "refresh_token_expires_in": _MONTHS,
            }
        return answer


def _sent(address: str, answer: dict[str, str]) -> Response:
    return Response(status_code=302, headers={"Location": f"{address}?{urlencode(answer)}"})
