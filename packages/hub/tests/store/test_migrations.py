"""Installations that exist are migrated, whatever revision they are at, with what they hold."""

from typing import Any

import pytest

from bunkhouse.store import (
    Database,
    Place,
    database,
    directory,
    identities,
    invites,
    log,
    outbox,
    participants,
    people,
    preferences,
    prompts,
    sandboxes,
    schema,
    sessions,
)

from ..stores import Stores
from .filling import AT, contents, fill
from .rows import add_session, add_user


@pytest.mark.parametrize("revision", schema.known())
async def test_what_a_revision_held_is_there_and_is_read(stores: Stores, revision: str) -> None:
    with stores.empty() as place:
        with database.at(place).alone() as connection:
            schema.upgrade(connection, revision)
            fill(connection)
            before = contents(connection)
        store = await Database.open(place)
        with database.at(place).alone() as connection:
            assert schema.revision(connection) == schema.known()[-1]
            after = contents(connection)
        await read_everything(store)
        await store.close()
    for name, rows in before.items():
        kept = [{key: row[key] for key in rows[0] if key in row} for row in after[name]]
        assert kept == rows


async def read_everything(store: Database) -> None:
    """What was filled in, through the queries that the rooms above use."""
    async with store.read() as tx:
        assert [row.id for row in await sessions.page(tx, before=None, limit=9)] == ["s2"]
        assert [row.id for row in await sessions.in_states(tx, "idle")] == ["s2"]
        row = await sessions.get(tx, "s2")
        assert row is not None
        assert (row.created_at, row.permissions, row.pending) == (AT, {}, {})
        assert (row.driver, row.services, row.ports, row.lease_until) == (None, None, None, None)
        assert await sessions.deleted(tx) == ["s1"]
        for session_id in ("s1", "s2"):
            (entry,) = await log.read(tx, session_id, after=0, limit=9, folded=False)
            assert (entry.type, entry.at) == ("type" + session_id[1], AT)
            assert entry.data["message"] == "grüße\ufffd"
            (command,) = await outbox.waiting(tx, session_id)
            assert command[2] == {"command": "stop", "turn_id": "p"}
        found = await prompts.in_state(tx, ["s1", "s2"], "queued")
        assert [(each.id, each.position, each.kind) for each in found] == [
            ("p1", 1, "prompt"),
            ("p2", 2, "prompt"),
        ]
        assert await prompts.get(tx, "s1", "p1") is not None
        (living,) = await sandboxes.living(tx)
        assert await sandboxes.by_token(tx, living.token_hash) == living
        admin = await people.first_with_role(tx, "admin")
        assert admin is not None
        assert (admin.id, admin.name, admin.role, admin.created_at) == ("u1", "name1", "admin", AT)
        assert await people.browser_session(tx, "token1", AT) is None  # it has expired
        signed_in = await people.token_by_hash(tx, "token2", AT)
        assert signed_in is not None
        user, token = signed_in
        assert token.scopes in (["read", "sessions", "account", "admin"], ["read"])
        assert await people.by_tokens(tx, ["a2"], AT) == {"a2": (user, token.scopes)}
        assert await people.by_browsers(tx, ["b1", "b2"], AT) == {}
        standings = await participants.standings(tx, ["s1", "s2"])
        assert {key: each.visibility for key, each in standings.items()} == {"s2": "joinable"}
        assert [each.id for each in await directory.everybody(tx)] == ["u1", "u2"]
        assert await preferences.get(tx, "u1", "never said") is None
        for invite in await invites.good(tx, AT.replace(year=2025)):  # there were none at first
            assert (invite.id, invite.role, invite.email, invite.uses_left) == (
                "i2",
                "admin",
                None,
                2,
            )
            assert (invite.created_by, invite.created_at, invite.expires_at) == ("u2", AT, AT)
        assert await invites.good(tx, AT) == []
    async with store.write() as tx:
        assert await people.use_link(tx, "token2", AT.replace(year=2025)) is not None


async def test_a_way_back_leads_to_the_same_tables(stores: Stores) -> None:
    """Each revision can be taken back, and comes again."""
    with stores.empty() as place:
        with database.at(place).alone() as connection:
            schema.upgrade(connection)
            whole = contents(connection)
        with database.at(place).alone() as connection:
            schema.downgrade(connection, "base")
            assert contents(connection) == {}
        with database.at(place).alone() as connection:
            schema.upgrade(connection)
            assert contents(connection) == whole


async def test_the_new_is_used(store_place: Place) -> None:
    """Places in the queue, and what people prefer."""
    store = await Database.open(store_place)
    async with store.write() as tx:
        await add_user(tx)
        await add_session(tx)
        for value in ({"a": 1}, {"b": 2}):
            await preferences.put(tx, "u", "editor", value)
        common: dict[str, Any] = {
            "text": "",
            "author_id": "u",
            "author": "Ada",
            "created_at": AT,
        }
        await prompts.add(tx, session_id="s", id="p", **common)
        await prompts.add(tx, session_id="s", id="last", **common)
        await prompts.add(tx, session_id="s", id="first", first=True, kind="hand_back", **common)
        await prompts.add(tx, session_id="s", id="before", first=True, **common)
    async with store.read() as tx:
        assert await preferences.get(tx, "u", "editor") == {"b": 2}
        waiting = await prompts.in_state(tx, ["s"], "queued")
        assert [each.id for each in waiting] == ["before", "first", "p", "last"]
    await store.close()


async def test_who_was_signed_in_before_is_known_to_have_been(stores: Stores) -> None:
    """So that nobody takes over an installation that somebody works with."""
    with stores.empty() as place:
        with database.at(place).alone() as connection:
            schema.upgrade(connection, "0007")
            fill(connection)  # each of two people has had a browser
            connection.exec_driver_sql(
                "INSERT INTO users (id, name, role, created_at)"
                " VALUES ('u3', 'never', 'admin', '2026-01-01 00:00:00')"
            )
        store = await Database.open(place)
        async with store.read() as tx:
            assert await identities.anybody_signed_in_as(tx, "admin")
            seen = [await people.user(tx, each) for each in ("u1", "u2", "u3")]
        assert [each and each.signed_in_at for each in seen] == [AT, AT, None]
        await store.close()
