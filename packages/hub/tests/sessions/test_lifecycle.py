"""The life cycle's table: every state has a way out, and what it lacks is refused."""

from itertools import product
from typing import get_args

import pytest

from bunkhouse.errors import Conflict
from bunkhouse.sessions import lifecycle
from bunkhouse.sessions.lifecycle import TABLE, Actor
from bunkhouse_protocol.events import SessionState

STATES: tuple[SessionState, ...] = get_args(SessionState)


def test_every_state_is_reached_and_left() -> None:
    reached = {move.target for move in TABLE if move.source != move.target}
    left = {move.source for move in TABLE if move.source != move.target}
    assert reached == set(STATES)
    assert left == set(STATES)


def test_from_every_state_there_is_a_way_to_a_prompt() -> None:
    ready = {"idle"}
    while True:
        more = {move.source for move in TABLE if move.target in ready} - ready
        if not more:
            break
        ready |= more
    assert ready == set(STATES)


def test_a_person_can_end_a_session_in_every_state() -> None:
    ends = {move.source for move in TABLE if move.target == "ended" and "person" in move.actors}
    assert ends == set(STATES) - {"ended"}


def test_each_row_stands_once() -> None:
    assert len({(move.source, move.target) for move in TABLE}) == len(TABLE)


@pytest.mark.parametrize("actor", get_args(Actor))
def test_what_the_table_lacks_is_refused(actor: Actor) -> None:
    rows = {(move.source, move.target) for move in TABLE if actor in move.actors}
    for source, target in product(STATES, STATES):
        if (source, target) in rows:
            lifecycle.check(source, target, actor)
        else:
            with pytest.raises(Conflict):
                lifecycle.check(source, target, actor)
