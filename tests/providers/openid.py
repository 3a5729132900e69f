"""An OpenID Connect provider, which may be told to lie.

A lie is a function in one of the fields `metadata`, `answer`, `claims`, `encode`, `tokens` and
`userinfo`: it gets what the honest one would give, and changes it.
"""

import base64
import contextlib
import hashlib
import secrets
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus, urlencode

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from tests.fakes import consent
from tests.fakes.code_grant import Asked, Refused, asked, fits

from .serving import listen, served

Claims = dict[str, Any]


@dataclass
class OpenIDAccount:
    sub: str
    name: str
    email: str | None = None
    email_verified: bool | str | None = True

    def claims(self) -> Claims:
        said = {"name": self.name, "preferred_username": self.name.lower().replace(" ", ".")}
        if self.email is None:
            return said
        return {**said, "email": self.email, "email_verified": self.email_verified}


def new_key(kid: str | None = None) -> RSAKey:
    key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"})
    if kid is not None:
        key = RSAKey.import_key({**key.as_dict(private=True), "kid": kid})
    return key


def nothing(_: Claims) -> None:
    """What is given stays as it is."""


@dataclass
class FakeOpenID:
    url: str
    """The issuer."""
    name: str = "Acme ID"
    client_id: str = "bunkhouse at acme"
    client_secret: str | None = "100% secret: ü+/"
    method: str = "client_secret_basic"
    """By which the secret is to be told; another is refused."""
    callback: str = ""
    accounts: dict[str, OpenIDAccount] = field(default_factory=dict[str, OpenIDAccount])
    emails_in_token: bool = True
    """False: profile and address are at the userinfo's address alone."""
    says_issuer: bool = True
    """Names itself in its answers (RFC 9207)."""
    keys: list[RSAKey] = field(default_factory=lambda: [new_key("first")])
    """The last one signs."""
    asked_for_keys: int = 0
    metadata: Callable[[Claims], None] = nothing
    answer: Callable[[Claims], None] = nothing
    claims: Callable[[Claims], None] = nothing
    encode: Callable[[Claims], str] | None = None
    tokens: Callable[[Claims], None] = nothing
    userinfo: Callable[[Claims], None] = nothing
    fails_with: int | None = None
    _requests: dict[str, Asked] = field(default_factory=dict[str, Asked])
    _codes: dict[str, Asked] = field(default_factory=dict[str, Asked])
    _given: dict[str, OpenIDAccount] = field(default_factory=dict[str, OpenIDAccount])

    @classmethod
    @contextlib.contextmanager
    def running(cls, *accounts: OpenIDAccount, name: str = "Acme ID") -> Generator["FakeOpenID"]:
        """Serve one until the block ends."""
        listening, url = listen()
        fake = cls(url, name, accounts={each.sub: each for each in accounts})
        routes = [
            Route("/.well-known/openid-configuration", fake._describe),
            Route("/keys", fake._publish),
            Route("/authorize", fake._authorize),
            Route("/approve", fake._approve, methods=["POST"]),
            Route("/token", fake._token, methods=["POST"]),
            Route("/userinfo", fake._tell),
        ]
        with served(Starlette(routes=routes), listening):
            yield fake

    # ── what it says of itself ───────────────────────────────────────────────────────────

    async def _describe(self, _: Request) -> Response:
        described = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
            "token_endpoint_auth_methods_supported": [self.method],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": self.says_issuer,
        }
        self.metadata(described)
        return JSONResponse(described)

    async def _publish(self, _: Request) -> Response:
        self.asked_for_keys += 1
        return JSONResponse(dict(KeySet(list(self.keys)).as_dict()))

    # ── the person ───────────────────────────────────────────────────────────────────────

    async def _authorize(self, request: Request) -> Response:
        query = request.query_params
        if query.get("client_id") != self.client_id or query.get("redirect_uri") != self.callback:
            # Nobody is ever sent to an address that is not registered.
            return HTMLResponse("Unknown application or address.", status_code=400)
        try:
            wanted = asked(query)
            if query.get("response_type") != "code" or not wanted.nonce:
                raise Refused("invalid_request")
            if "openid" not in wanted.scope.split():
                raise Refused("invalid_scope")
        except Refused as error:
            return HTMLResponse(str(error), status_code=400)
        key = secrets.token_hex(8)
        self._requests[key] = wanted
        accounts = [(each.sub, each.name) for each in self.accounts.values()]
        return consent.choosing(self.name, key, wanted.scope, accounts)

    async def _approve(self, request: Request) -> Response:
        form = await request.form()
        wanted = self._requests.pop(str(form["request"]))
        answer: Claims = {"state": wanted.state}
        if self.says_issuer:
            answer["iss"] = self.url
        if form["account"]:
            code = secrets.token_urlsafe(16)
            wanted.account, wanted.given_at = str(form["account"]), time.monotonic()
            self._codes[code] = wanted
            answer["code"] = code
        else:
            answer |= {"error": "access_denied", "error_description": "No."}
        self.answer(answer)
        return Response(
            status_code=302, headers={"Location": f"{wanted.redirect_uri}?{urlencode(answer)}"}
        )

    # ── the application ──────────────────────────────────────────────────────────────────

    async def _token(self, request: Request) -> Response:
        if self.fails_with:
            return Response("<h1>Oh no</h1>", self.fails_with, media_type="text/html")
        form = {name: str(value) for name, value in (await request.form()).items()}
        try:
            self._known_client(request, form)
            answer = self._granted(form)
        except Refused as error:
            status = 401 if str(error) == "invalid_client" else 400
            said = {"error": str(error), "error_description": f"No: {self.client_secret}"}
            return JSONResponse(said, status, headers={"Cache-Control": "no-store"})
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    def _known_client(self, request: Request, form: dict[str, str]) -> None:
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        if self.method == "client_secret_basic":
            if scheme.lower() != "basic" or "client_secret" in form:
                raise Refused("invalid_client")
            client_id, _, secret = base64.b64decode(credentials).decode().partition(":")
            given = (unquote_plus(client_id), unquote_plus(secret))
        else:
            if scheme:
                raise Refused("invalid_request")
            given = (form.get("client_id"), form.get("client_secret"))
        if given != (self.client_id, self.client_secret):
            raise Refused("invalid_client")

    def _granted(self, form: dict[str, str]) -> Claims:
        if form.get("grant_type") != "authorization_code":
            raise Refused("unsupported_grant_type")
        wanted = self._codes.get(form.get("code", ""))
        if wanted is None or wanted.used or not wanted.is_fresh():
            raise Refused("invalid_grant")
        wanted.used = True
        if form.get("redirect_uri") != wanted.redirect_uri:
            raise Refused("invalid_grant")
        if not fits(wanted.challenge, form.get("code_verifier", "")):
            raise Refused("invalid_grant")
        assert wanted.account
        account = self.accounts[wanted.account]
        access_token = secrets.token_urlsafe(24)
        self._given[access_token] = account
        answer: Claims = {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": 3600,
            "id_token": self._id_token(account, wanted.nonce, access_token),
        }
        self.tokens(answer)
        return answer

    def _id_token(self, account: OpenIDAccount, nonce: str | None, access_token: str) -> str:
        now = int(time.time())
        half = hashlib.sha256(access_token.encode()).digest()[:16]
        claims: Claims = {
            "iss": self.url,
            "sub": account.sub,
            "aud": self.client_id,
            "exp": now + 300,
            "iat": now,
            "nonce": nonce,
            "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
            **(account.claims() if self.emails_in_token else {}),
        }
        self.claims(claims)
        return (self.encode or self.signed)(claims)

    def signed(self, claims: Claims, **header: Any) -> str:
        """A token as it should be, with a header that may say otherwise."""
        key = self.keys[-1]
        return jwt.encode({"alg": "RS256", "kid": key.kid, **header}, claims, key)

    async def _tell(self, request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        account = self._given.get(token)
        if scheme.lower() != "bearer" or account is None:
            return JSONResponse({"error": "invalid_token"}, 401)
        told = {"sub": account.sub, **account.claims()}
        self.userinfo(told)
        return JSONResponse(told)
