"""A GitHub: the web flow of an OAuth App, and who a token is of, as an Enterprise server has it.

As the real one, it answers a code that it does not take with 200 and an error, speaks JSON at the
token's address only to whom asks for it, gives no list of addresses without the scope, and nothing
at all without a User-Agent.
"""

import contextlib
import secrets
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from . import page
from .requests import Asked, Refused, asked, fits
from .serving import listen, served

_TOKENS = "/login/oauth/access_token"


@dataclass
class GitHubAccount:
    id: int
    login: str
    name: str | None = None
    emails: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    type: str = "User"

    def with_email(self, email: str, *, verified: bool = True) -> "GitHubAccount":
        """Give it a primary address."""
        self.emails = [
            {"email": f"old-{email}", "primary": False, "verified": True, "visibility": None},
            {"email": email, "primary": True, "verified": verified, "visibility": "private"},
        ]
        return self


@dataclass
class FakeGitHub:
    """`tokens` changes the answer with a token, to tell lies; `allows` what people allow."""

    url: str
    client_id: str = "Iv1.0123456789abcdef"
    client_secret: str = "a secret of an app"
    callback: str = ""
    accounts: dict[str, GitHubAccount] = field(default_factory=dict[str, GitHubAccount])
    tokens: Callable[[dict[str, Any]], None] = lambda _: None
    allows: Callable[[str], str] = lambda scope: scope
    given: dict[str, tuple[GitHubAccount, str]] = field(
        default_factory=dict[str, tuple[GitHubAccount, str]]
    )
    """Tokens: of whom, and their scopes."""
    _requests: dict[str, Asked] = field(default_factory=dict[str, Asked])
    _codes: dict[str, Asked] = field(default_factory=dict[str, Asked])

    @classmethod
    @contextlib.contextmanager
    def running(cls, *accounts: GitHubAccount) -> Generator["FakeGitHub"]:
        """Serve one until the block ends."""
        listening, url = listen()
        fake = cls(url, accounts={each.login: each for each in accounts})
        routes = [
            Route("/login/oauth/authorize", fake._authorize),
            Route("/approve", fake._approve, methods=["POST"]),
            Route(_TOKENS, fake._token, methods=["POST"]),
            Route("/api/v3/user", fake._user),
            Route("/api/v3/user/emails", fake._emails),
        ]
        with served(Starlette(routes=routes), listening):
            yield fake

    async def _authorize(self, request: Request) -> Response:
        query = request.query_params
        if query.get("client_id") != self.client_id:
            return HTMLResponse("<h1>404</h1>", status_code=404)
        if query.get("redirect_uri") != self.callback:
            return HTMLResponse("The redirect_uri is not associated with it.", status_code=400)
        try:
            wanted = asked(query)
        except Refused as error:
            return HTMLResponse(str(error), status_code=400)
        key = secrets.token_hex(8)
        self._requests[key] = wanted
        accounts = [(each.login, each.name or each.login) for each in self.accounts.values()]
        return page.choosing("GitHub", key, wanted.scope, accounts)

    async def _approve(self, request: Request) -> Response:
        form = await request.form()
        wanted = self._requests.pop(str(form["request"]))
        answer = {"state": wanted.state}
        if form["account"]:
            code = secrets.token_hex(10)
            wanted.account, wanted.given_at = str(form["account"]), time.monotonic()
            self._codes[code] = wanted
            answer["code"] = code
        else:
            answer |= {"error": "access_denied", "error_description": "The user has denied it."}
        return Response(
            status_code=302, headers={"Location": f"{wanted.redirect_uri}?{urlencode(answer)}"}
        )

    async def _token(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        try:
            answer = self._granted(form)
        except Refused as error:
            answer = {"error": str(error), "error_description": f"No: {self.client_secret}"}
        if "application/json" not in request.headers.get("accept", ""):
            return PlainTextResponse(urlencode(answer))
        return JSONResponse(answer)

    def _granted(self, form: dict[str, str]) -> dict[str, Any]:
        if (form.get("client_id"), form.get("client_secret")) != (
            self.client_id,
            self.client_secret,
        ):
            raise Refused("incorrect_client_credentials")
        wanted = self._codes.get(form.get("code", ""))
        if wanted is None or wanted.used or not wanted.is_fresh():
            raise Refused("bad_verification_code")
        wanted.used = True
        if form.get("redirect_uri") != wanted.redirect_uri:
            raise Refused("redirect_uri_mismatch")
        if not fits(wanted.challenge, form.get("code_verifier", "")):
            raise Refused("bad_verification_code")
        token = f"gho_{secrets.token_hex(18)}"
        scope = self.allows(wanted.scope)
        assert wanted.account
        self.given[token] = (self.accounts[wanted.account], scope)
        answer = {
            "access_token": token,
            "token_type": "bearer",
            "scope": ",".join(scope.split()),
        }
        self.tokens(answer)
        return answer

    async def _user(self, request: Request) -> Response:
        found = self._by_token(request)
        if isinstance(found, Response):
            return found
        account, _ = found
        return JSONResponse(
            {
                "id": account.id,
                "login": account.login,
                "name": account.name,
                "type": account.type,
                "email": f"public-{account.login}@example.org",
                "avatar_url": f"{self.url}/avatars/{account.id}",
            }
        )

    async def _emails(self, request: Request) -> Response:
        found = self._by_token(request)
        if isinstance(found, Response):
            return found
        account, scope = found
        if not {"user", "user:email"} & set(scope.split()):
            return JSONResponse({"message": "Not Found"}, status_code=404)
        return JSONResponse(account.emails)

    def _by_token(self, request: Request) -> tuple[GitHubAccount, str] | Response:
        if not request.headers.get("user-agent"):
            return PlainTextResponse("Make sure your request has a User-Agent", status_code=403)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() not in ("bearer", "token") or token not in self.given:
            return JSONResponse({"message": "Bad credentials"}, status_code=401)
        return self.given[token]
