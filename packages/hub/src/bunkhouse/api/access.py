"""Who is asking, and may they: the dependencies that every route declares.

What they ask is `people.permissions`; of a route below `/sessions/{session_id}`, for that session.

Programs send `Authorization: Bearer TOKEN`; browsers send the cookie. A browser attaches the
cookie to requests that other sites cause as well, pages of sandboxes among them, so with it
everything but reading needs the browser's own word that the request comes from our page (`Origin`,
else `Sec-Fetch-Site`), and reading that no other site's page is said to have asked.
"""

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends
from starlette.requests import HTTPConnection
from starlette.responses import Response

from bunkhouse.api.middleware import RENEWED
from bunkhouse.api.services import Services
from bunkhouse.bus.presence import Who
from bunkhouse.errors import Forbidden, NotFound, Unauthorized
from bunkhouse.people import Action, Leave, Person, Question
from bunkhouse.people.browsers import Seen
from bunkhouse.people.people import by_browser
from bunkhouse.people.rights import is_about_a_session

COOKIE = "bunkhouse_session"

SECURE_COOKIE = f"__Host-{COOKIE}"
"""The cookie's name over TLS: no page below the same domain can put another in its place."""

PUBLIC_COOKIE = "bunkhouse_public"

_SAFE = {"GET", "HEAD", "OPTIONS"}


def services_of(connection: HTTPConnection) -> Services:
    """Give the services that this application was made with."""
    return connection.app.state.services


Hub = Annotated[Services, Depends(services_of)]


async def signed_in(connection: HTTPConnection) -> Person:
    """Say who is asking.

    Raises:
        Unauthorized: nobody that we know.
        Forbidden: a browser that another site told to ask.
    """
    people = services_of(connection).people
    scheme, _, credential = connection.headers.get("authorization", "").partition(" ")
    if scheme:
        # With a header the cookie does not count: a wrong token must not pass by another way.
        person = await people.by_token(credential.strip()) if scheme.lower() == "bearer" else None
        if person is None:
            raise Unauthorized(
                "This token is not valid: it is unknown, was revoked, or has expired.",
                remedy="Make one with `bunkhouse token create` on the hub's machine.",
                code="token_not_valid",
            )
        return person
    cookie = connection.cookies.get(cookie_name(connection))
    answers = connection.scope["type"] == "http"
    found = None
    if cookie:
        found = await people.browsers.recognise(cookie, seen_in(connection), renew=answers)
    if found is None:
        raise Unauthorized(
            "You are not signed in.",
            remedy="Open the link that the hub printed when it started, or make a new one with "
            "`bunkhouse admin link`; programs send a token.",
        )
    same_origin(connection)
    if found.renewed is not None:
        renew_cookie(connection, found.renewed, found.expires_at)
    return by_browser(found)


def seen_in(connection: HTTPConnection) -> Seen:
    """Say where a request comes from."""
    return Seen(connection.headers.get("user-agent"), address_of(connection))


def address_of(connection: HTTPConnection) -> str | None:
    """Say from which address a request comes: what a proxy says of that counts where it is one that
    the server trusts (`FORWARDED_ALLOW_IPS`)."""
    client = connection.client
    return client.host if client else None


def renew_cookie(connection: HTTPConnection, secret: str, expires_at: datetime) -> None:
    """Have the answer give this browser another secret, unless it signs it out or in."""
    cookie = Response()
    set_cookie(cookie, connection, secret, expires_at)
    pending: list[str] | None = connection.scope.get(RENEWED)
    if pending is not None:
        pending[:] = [cookie.headers["set-cookie"]]


def set_cookie(
    answer: Response, connection: HTTPConnection, secret: str, expires_at: datetime
) -> None:
    """Sign the browser in that gets this answer."""
    answer.set_cookie(
        cookie_name(connection),
        secret,
        expires=expires_at,
        httponly=True,
        samesite="lax",
        secure=is_secure(connection),
    )


@dataclass(frozen=True, slots=True)
class May:
    """The dependency of a route that does `action`; it gives the person who asks."""

    action: Action

    async def __call__(self, connection: HTTPConnection) -> Person:
        """Say who asks, if they may.

        Raises:
            Unauthorized, Forbidden: as of `signed_in`, or their role does not allow it.
            NotFound: there is no such session, or it is not for them to see.
        """
        rights = services_of(connection).rights
        if not is_about_a_session(self.action):
            person = await signed_in(connection)
            await rights.require(person, self.action)
            return person
        session_id: str = connection.path_params["session_id"]
        try:
            person = await signed_in(connection)
            await rights.require(person, self.action, session_id)
        except (NotFound, Unauthorized):
            # Who may not see the session may still have a public link of it.
            public = await _by_public_link(connection, session_id)
            if public is None:
                raise
            await rights.require(public, self.action, session_id)
            return public
        return person


async def _by_public_link(connection: HTTPConnection, session_id: str) -> Person | None:
    """Give whom a public link shows this session, if the browser has opened one."""
    if connection.headers.get("authorization"):
        return None
    secret = connection.cookies.get(public_cookie_name(connection, session_id))
    person = await services_of(connection).people.by_public_link(secret) if secret else None
    if person is None or person.shown != session_id:
        return None
    same_origin(connection)
    return person


def leave_of(
    hub: Services,
    person: Person,
    action: Action,
    session_id: str | None = None,
    drop: Callable[[], None] | None = None,
) -> AbstractContextManager[Leave]:
    """Hold the leave of what stays open, for as long as this person may do `action`.

    `drop` is called when they may no longer. Where it is about no session, their role in the
    installation has to stay the same as well.
    """
    role = person.role if session_id is None else None
    return hub.rights.held(Question(person.sign_in or "", action, session_id, role), drop)


def same_origin(connection: HTTPConnection) -> None:
    """Refuse what another site made this browser do.

    A WebSocket's handshake is a GET that no page rule guards, so there it is asked as well.

    Raises:
        Forbidden: `cross_origin`.
    """
    reads = connection.scope["type"] == "http" and connection.scope["method"] in _SAFE
    origin = connection.headers.get("origin")
    site = connection.headers.get("sec-fetch-site")
    if origin is not None:
        if origin in own_origins(connection):
            return
    elif site == "same-origin" or (reads and (site in (None, "none") or _followed(connection))):
        return
    raise Forbidden(
        "This request came from another site and was refused.",
        remedy="Use the hub's own page; programs send a token in place of the cookie. Behind a "
        "proxy, set BUNKHOUSE_PUBLIC_URL to the address that people use.",
        code="cross_origin",
    )


def _followed(connection: HTTPConnection) -> bool:
    """Say whether a person followed a link of another site, which then does not see the answer."""
    headers = connection.headers
    return headers.get("sec-fetch-mode") == "navigate" and (
        headers.get("sec-fetch-dest") == "document"
    )


def own_origins(connection: HTTPConnection) -> set[str]:
    """Give the origins that are this hub's: as it was asked, and as it is set to be known."""
    url = connection.url
    scheme = {"ws": "http", "wss": "https"}.get(url.scheme, url.scheme)
    origins = {f"{scheme}://{url.netloc}"}
    public_url = services_of(connection).settings.public_url
    if public_url:
        parts = urlsplit(public_url)
        origins.add(f"{parts.scheme}://{parts.netloc}")
    return origins


def present_as(connection: HTTPConnection, person: Person) -> Who:
    """Say as whom a person at one browser is seen by others.

    Tabs of one browser share its cookie, so they are one; it can't be told from the id.
    """
    seed = f"present {person.id} {person.sign_in}".encode()
    return Who(hashlib.sha256(seed).hexdigest()[:16], person.name)


def is_secure(connection: HTTPConnection) -> bool:
    """Say whether the browser reaches us by TLS, so that its cookie must never go without."""
    public_url = services_of(connection).settings.public_url or ""
    return connection.url.scheme in ("https", "wss") or public_url.startswith("https://")


def cookie_name(connection: HTTPConnection) -> str:
    """Name the cookie that signs a browser in."""
    return SECURE_COOKIE if is_secure(connection) else COOKIE


def public_cookie_name(connection: HTTPConnection, session_id: str) -> str:
    """Name the cookie that holds a public link of a session."""
    name = f"{PUBLIC_COOKIE}_{session_id}"
    return f"__Host-{name}" if is_secure(connection) else name


Anyone = Annotated[Person, Depends(May("self.own"))]
TokenOwner = Annotated[Person, Depends(May("tokens.own"))]
GrantOwner = Annotated[Person, Depends(May("grants.own"))]
Uploader = Annotated[Person, Depends(May("uploads.own"))]
SystemReader = Annotated[Person, Depends(May("system.read"))]
ModelsReader = Annotated[Person, Depends(May("models.read"))]
RepositoryReader = Annotated[Person, Depends(May("repositories.read"))]
RepositoryManager = Annotated[Person, Depends(May("repository_settings.manage"))]
BrowserOwner = Annotated[Person, Depends(May("browsers.own"))]
PeopleReader = Annotated[Person, Depends(May("people.read"))]
PeopleManager = Annotated[Person, Depends(May("people.manage"))]
GitHubAppManager = Annotated[Person, Depends(May("github_app.manage"))]
Lister = Annotated[Person, Depends(May("sessions.list"))]
Creator = Annotated[Person, Depends(May("sessions.create"))]
Reader = Annotated[Person, Depends(May("session.read"))]
DetailsReader = Annotated[Person, Depends(May("session.details"))]
Leaver = Annotated[Person, Depends(May("session.leave"))]
Commenter = Annotated[Person, Depends(May("session.comment"))]
Typist = Annotated[Person, Depends(May("session.type"))]
Prompter = Annotated[Person, Depends(May("session.prompt"))]
Stopper = Annotated[Person, Depends(May("session.stop"))]
Answerer = Annotated[Person, Depends(May("session.answer"))]
Changer = Annotated[Person, Depends(May("session.change"))]
Sleeper = Annotated[Person, Depends(May("session.sleep"))]
Rewinder = Annotated[Person, Depends(May("session.rewind"))]
Forker = Annotated[Person, Depends(May("session.fork"))]
Driver = Annotated[Person, Depends(May("session.drive"))]
User = Annotated[Person, Depends(May("session.use"))]
Executor = Annotated[Person, Depends(May("session.exec"))]
Publisher = Annotated[Person, Depends(May("session.publish"))]
Sharer = Annotated[Person, Depends(May("session.share"))]
Deleter = Annotated[Person, Depends(May("session.delete"))]

ASKED_FURTHER: dict[str, Action] = {
    "createSession parent": "session.split",
    "changeSession visibility": "session.share",
    "removeParticipant others": "session.share",
}
"""By operation, and by what it is about: what is asked besides."""
