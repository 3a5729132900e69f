"""What only a server can do to us: being away, being full of others, going while we work."""

from collections.abc import Generator

import pytest

from bunkhouse.errors import InvalidInput, Unavailable
from bunkhouse.store import Database, sessions
from bunkhouse.store import postgres as backend

from ..postgres import Server, running_server
from .rows import add_session


@pytest.fixture
def mortal() -> Generator[Server]:
    """A server that may be stopped."""
    with running_server() as server:
        yield server


async def test_a_server_that_was_started_again_is_used_again(mortal: Server) -> None:
    with mortal.database() as url:
        store = await Database.open(url)
        async with store.write() as tx:
            await add_session(tx)
        mortal.stop()
        with pytest.raises(Unavailable) as away:
            async with store.read() as tx:
                await sessions.get(tx, "s")
        assert away.value.reason == "store_unavailable"
        mortal.start()
        for transaction in (store.read, store.write):
            async with transaction() as tx:
                assert await sessions.get(tx, "s") is not None
        await store.close()


async def test_a_server_that_goes_within_a_change_leaves_nothing_of_it(mortal: Server) -> None:
    with mortal.database() as url:
        store = await Database.open(url)
        with pytest.raises(Unavailable):
            async with store.write() as tx:
                await add_session(tx)
                mortal.stop()
                await sessions.change(tx, "s", title="never")
        mortal.start()
        async with store.read() as tx:
            assert await sessions.get(tx, "s") is None
        await store.close()


async def test_a_row_that_others_hold_is_waited_for_so_long(
    postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(backend._SETTINGS, "lock_timeout", "50ms")  # pyright: ignore[reportPrivateUsage] - no setting of anybody's
    with postgres.database() as url:
        store = await Database.open(url)
        async with store.write() as tx:
            await add_session(tx)
        async with store.write() as holder:
            await sessions.get(holder, "s", lock=True)
            with pytest.raises(Unavailable) as busy:
                async with store.write() as tx:
                    await sessions.get(tx, "s", lock=True)
            assert busy.value.reason == "store_busy"
        await store.close()


async def test_what_fits_no_column_is_refused_and_not_an_accident(postgres: Server) -> None:
    with postgres.database() as url:
        store = await Database.open(url)
        async with store.write() as tx:
            await add_session(tx)
        for columns in ({"spool_id": "x" * 65}, {"spool_id": "\0"}, {"additions": 2**40}):
            with pytest.raises(InvalidInput) as refused:
                async with store.write() as tx:
                    await sessions.change(tx, "s", **columns)
            assert refused.value.reason == "not_storable"
        await store.close()


@pytest.mark.parametrize("user", ["nobody_of_this_name", "stranger"])
async def test_who_is_not_let_in_is_told_so(postgres: Server, user: str) -> None:
    """One is unknown, the other may not make tables."""
    with postgres.database() as url:
        if user == "stranger":
            postgres.run("CREATE ROLE stranger LOGIN")
        try:
            with pytest.raises(Unavailable) as refused:
                await Database.open(url.replace("postgres@", f"{user}@"))
            assert "BUNKHOUSE_DATABASE_URL" in (refused.value.remedy or "")
        finally:
            postgres.run("DROP ROLE IF EXISTS stranger")


async def test_a_database_that_can_not_hold_every_text_is_refused(postgres: Server) -> None:
    postgres.run("CREATE DATABASE ascii ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    try:
        with pytest.raises(Unavailable, match="SQL_ASCII"):
            await Database.open(postgres.url("ascii"))
    finally:
        postgres.run("DROP DATABASE ascii WITH (FORCE)")
