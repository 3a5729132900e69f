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
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends
from starlette.requests import HTTPConnection

from bunkhouse.api.services import Services
from bunkhouse.bus.presence import Who
from bunkhouse.errors import Forbidden, Unauthorized
from bunkhouse.people import Action, Leave, Person, Question
from bunkhouse.people.rights import is_about_a_session

COOKIE = "bunkhouse_session"

SECURE_COOKIE = f"__Host-{COOKIE}"
"""The cookie's name over TLS: no page below the same domain can put another in its place."""

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
                "This token is not valid.",
                remedy="Make one with `bunkhouse token create` on the hub's machine.",
                code="token_not_valid",
            )
        return person
    cookie = connection.cookies.get(cookie_name(connection))
    person = await people.by_cookie(cookie) if cookie else None
    if person is None:
        raise Unauthorized(
            "You are not signed in.",
            remedy="Open the link that the hub printed when it started, or make a new one with "
            "`bunkhouse admin link`; programs send a token.",
        )
    same_origin(connection)
    return person


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
        person = await signed_in(connection)
        session_id = None
        if is_about_a_session(self.action):
            session_id = connection.path_params["session_id"]
        await services_of(connection).rights.require(person, self.action, session_id)
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
    credential = connection.headers.get("authorization") or connection.cookies.get(
        cookie_name(connection), ""
    )
    seed = f"present {person.id} {credential}".encode()
    return Who(hashlib.sha256(seed).hexdigest()[:16], person.name)


def is_secure(connection: HTTPConnection) -> bool:
    """Say whether the browser reaches us by TLS, so that its cookie must never go without."""
    public_url = services_of(connection).settings.public_url or ""
    return connection.url.scheme in ("https", "wss") or public_url.startswith("https://")


def cookie_name(connection: HTTPConnection) -> str:
    """Name the cookie that signs a browser in."""
    return SECURE_COOKIE if is_secure(connection) else COOKIE


Anyone = Annotated[Person, Depends(May("self.own"))]
TokenOwner = Annotated[Person, Depends(May("tokens.own"))]
GrantOwner = Annotated[Person, Depends(May("grants.own"))]
Uploader = Annotated[Person, Depends(May("uploads.own"))]
SystemReader = Annotated[Person, Depends(May("system.read"))]
ModelsReader = Annotated[Person, Depends(May("models.read"))]
RepositoryReader = Annotated[Person, Depends(May("repositories.read"))]
PeopleReader = Annotated[Person, Depends(May("people.read"))]
PeopleManager = Annotated[Person, Depends(May("people.manage"))]
Lister = Annotated[Person, Depends(May("sessions.list"))]
Creator = Annotated[Person, Depends(May("sessions.create"))]
Reader = Annotated[Person, Depends(May("session.read"))]
Leaver = Annotated[Person, Depends(May("session.leave"))]
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
