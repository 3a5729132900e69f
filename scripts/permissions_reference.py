"""Writes the tables of docs/reference/permissions.md from the permission table and the routes.

`.venv/bin/python scripts/permissions_reference.py` rewrites the part of the page between the two
marks; a test fails where the page is not what this would write.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, APIWebSocketRoute, iter_route_contexts

from bunkhouse.api.access import ASKED_FURTHER, May
from bunkhouse.api.application import bare_api
from bunkhouse.api.description import operation_id
from bunkhouse.people.permissions import (
    ACTIONS,
    FLOORS,
    ROLES,
    SESSION_ROLES,
    Action,
    InInstallation,
    InSession,
)

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "permissions.md"
BEGIN, END = "<!-- permissions: begin -->", "<!-- permissions: end -->"

PUBLIC = {
    "GET /api/health": "says that the hub answers, and its version",
    "GET /api/openapi.json": "the description of the API",
    "GET /login/{secret}": "the secret is what lets in",
    "GET /api/sign-in": "who is not signed in has to know how",
    "GET /sign-in/{provider}": "the provider is asked who it is",
    "GET /invite/{secret}": "the secret lets see for whom it is",
    "POST /invite/{secret}": "the secret is what lets in, where there is no provider",
    "GET /invite/{secret}/{provider}": "the provider is asked who it is",
    "GET /share": "what the link is for is in a cookie; who takes part by it has to be signed in",
    "GET /share/{secret}": "the secret is what lets see it",
    "POST /share": "the same; who takes part by it has to be signed in",
    "POST /api/webhooks/github": "GitHub's signature over the body says that it is GitHub",
    "GET /setup/github": "the admin's browser that began is asked for, and is answered by a page",
    "GET /setup/github/callback": "the same; and the state that GitHub gives back has to be its",
    "GET /sign-in/{provider}/callback": "what the provider says is what lets in",
}
"""Routes that ask nobody who they are, and why."""


@dataclass(frozen=True)
class Route:
    """A route, and what it asks the table; None: nothing."""

    method: str
    path: str
    operation: str
    action: Action | None

    @property
    def name(self) -> str:
        """As the pages of the reference call it."""
        return f"{self.method} {self.path}"


def routes(app: FastAPI) -> Iterator[Route]:
    """Every route of an application, WebSockets among them (`WS`)."""
    for context in iter_route_contexts(app.routes):
        route, path = context.original_route, context.path or ""
        if isinstance(route, APIRoute):
            for method in sorted(context.methods or ()):
                yield Route(method, path, operation_id(route), _asked(route.dependant))
        elif isinstance(route, APIWebSocketRoute):
            yield Route("WS", path, route.name, _asked(route.dependant))
        else:
            raise TypeError(f"{path} is no route that could ask anything")


def render() -> str:
    """The part of the page that is made here."""
    here = {name: rule for name, rule in ACTIONS.items() if isinstance(rule, InInstallation)}
    there = {name: rule for name, rule in ACTIONS.items() if isinstance(rule, InSession)}
    weakest_first = SESSION_ROLES[::-1]
    parts = [
        "## In the installation",
        "",
        _row("Action", *ROLES[::-1], "Scope", "What it is"),
        _row(*["---"] * (len(ROLES) + 3)),
        *(
            _row(f"`{name}`", *_marks(ROLES[::-1], rule.role), f"`{rule.scope}`", rule.what)
            for name, rule in here.items()
        ),
        "",
        "## In a session",
        "",
        _row("Action", "public link", *weakest_first, "Scope", "What it is"),
        _row(*["---"] * (len(SESSION_ROLES) + 4)),
        *(
            _row(
                f"`{name}`",
                "✓" if rule.public else "",
                *_marks(weakest_first, rule.role),
                f"`{rule.scope}`",
                rule.what,
            )
            for name, rule in there.items()
        ),
        "",
        "## What everybody may in a session that is theirs to see",
        "",
        _row("Visibility", "Everybody is at least"),
        _row("---", "---"),
        *(_row(f"`{name}`", role or "nothing: it is not there") for name, role in FLOORS.items()),
        "",
        "## What each route asks",
        "",
        _row("Route", "Action"),
        _row("---", "---"),
        *(_row(f"`{route.name}`", _said(route)) for route in routes(bare_api())),
        _row("`GET /enter`", "`session.use`, of the session that the link leads to"),
        _row("origins of apps", "`session.use`, at each request and while something is open"),
    ]
    return "\n".join(parts)


def rewritten(page: str) -> str:
    """The page with its tables made anew."""
    made = f"{BEGIN}\n\n{render()}\n\n{END}"
    return re.sub(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: made, page, flags=re.DOTALL)


def _asked(dependant: Dependant) -> Action | None:
    if isinstance(dependant.call, May):
        return dependant.call.action
    for each in dependant.dependencies:
        action = _asked(each)
        if action is not None:
            return action
    return None


def _said(route: Route) -> str:
    if route.action is None:
        return f"nothing: {PUBLIC[route.name]}"
    further = [
        f"; {about.partition(' ')[2]}: `{action}`"
        for about, action in ASKED_FURTHER.items()
        if about.partition(" ")[0] == route.operation
    ]
    return f"`{route.action}`{''.join(further)}"


def _marks(weakest_first: tuple[str, ...], least: str) -> list[str]:
    at = weakest_first.index(least)
    return ["✓" if place >= at else "" for place in range(len(weakest_first))]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text()))
