"""The permission table itself, the page that is made of it, and that all routes ask it."""

from typing import Any, get_args

import pytest

from bunkhouse.people import ACTIONS, Action, Person, Visibility
from bunkhouse.people.permissions import (
    may_here,
    refusal,
    role_in,
)
from bunkhouse.store.participants import Standing

from .permissions_page import PAGE, ROUTES, SCRIPT


def test_every_action_has_a_rule() -> None:
    assert set(ACTIONS) == set(get_args(Action))


def test_every_route_asks_the_table_or_is_said_to_be_public() -> None:
    silent = {route.name for route in ROUTES if route.action is None}
    assert silent == set(SCRIPT.PUBLIC)


def test_what_is_below_a_session_is_asked_for_that_session() -> None:
    for route in ROUTES:
        below = "/sessions/{session_id}" in route.path
        assert below == (route.action is not None and route.action.startswith("session.")), route


def test_every_action_is_asked_somewhere() -> None:
    asked = {route.action for route in ROUTES} | set(SCRIPT.ASKED_FURTHER.values())
    assert asked - {None} == set(ACTIONS)


def test_the_page_is_as_the_table_is() -> None:
    page = PAGE.read_text()
    assert SCRIPT.rewritten(page) == page, "run `.venv/bin/python scripts/permissions_reference.py`"


def test_a_role_that_is_not_in_the_table_may_nothing() -> None:
    guest = Person("x", "Guest", "guest")  # pyright: ignore[reportArgumentType]
    open_to_all = Standing("s", "x", "joinable", {"x": "owner"})
    for action in ACTIONS:
        assert refusal(guest, action, "s", open_to_all) is not None


@pytest.mark.parametrize(
    ("visibility", "held", "role"),
    [
        ("private", None, None),
        ("private", "viewer", "viewer"),
        ("private", "owner", "owner"),
        ("private", "nonsense", None),
        ("visible", None, "viewer"),
        ("visible", "commenter", "commenter"),
        ("joinable", None, "driver"),
        ("joinable", "viewer", "driver"),
        ("joinable", "owner", "owner"),
    ],
)
def test_the_highest_of_what_one_has_counts(
    visibility: Visibility, held: Any, role: str | None
) -> None:
    member, author = Person("m", "M", "member"), Person("a", "A", "member")
    standing = Standing("s", "a", visibility, {} if held is None else {"m": held})
    assert role_in(member, standing) == role
    assert role_in(author, standing) == "owner"
    assert role_in(Person("x", "X", "admin"), standing) == "owner"


def test_may_here_is_what_the_table_says() -> None:
    assert may_here(Person("a", "A", "admin"), "people.manage")
    assert not may_here(Person("m", "M", "member"), "people.manage")
