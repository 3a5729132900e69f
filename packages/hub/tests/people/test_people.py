"""Links, browsers and tokens, on a real database."""

import asyncio
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from bunkhouse.errors import NotFound, Unauthorized
from bunkhouse.people import People
from bunkhouse.store import Database, Place
from bunkhouse.store.tables import metadata

from .conftest import Clock


async def test_the_first_link_makes_the_first_admin(people: People) -> None:
    signed_in = await people.use_link(await people.sign_in_link())
    assert (signed_in.person.name, signed_in.person.role) == ("Admin", "admin")
    assert await people.by_cookie(signed_in.secret) == signed_in.person


async def test_later_links_sign_in_the_same_admin(people: People) -> None:
    first = await people.use_link(await people.sign_in_link())
    second = await people.use_link(await people.sign_in_link())
    assert second.person == first.person
    assert second.secret != first.secret
    assert await people.by_cookie(first.secret) is not None


async def test_a_link_for_members_makes_a_member(people: People) -> None:
    signed_in = await people.use_link(await people.sign_in_link("member"))
    assert signed_in.person.role == "member"
    assert signed_in.person != await people.first_admin()


async def test_a_link_is_good_once(people: People) -> None:
    link = await people.sign_in_link()
    await people.use_link(link)
    with pytest.raises(Unauthorized, match="bunkhouse admin link"):
        await people.use_link(link)


async def test_of_two_who_use_a_link_at_once_one_is_let_in(people: People) -> None:
    link = await people.sign_in_link()
    results = await asyncio.gather(
        *(people.use_link(link) for _ in range(5)), return_exceptions=True
    )
    assert sum(not isinstance(result, BaseException) for result in results) == 1


async def test_two_processes_make_one_first_admin(people: People) -> None:
    admins = await asyncio.gather(*(people.first_admin() for _ in range(5)))
    assert len({admin.id for admin in admins}) == 1


async def test_a_link_grows_old(people: People, clock: Clock) -> None:
    link = await people.sign_in_link()
    clock.advance(minutes=61)
    with pytest.raises(Unauthorized):
        await people.use_link(link)


async def test_an_unknown_link_is_refused(people: People) -> None:
    with pytest.raises(Unauthorized):
        await people.use_link("nonsense")


async def test_a_browser_is_signed_in_for_its_days(people: People, clock: Clock) -> None:
    signed_in = await people.use_link(await people.sign_in_link())
    clock.advance(days=29.9)
    assert await people.by_cookie(signed_in.secret) is not None
    clock.advance(days=0.2)
    assert await people.by_cookie(signed_in.secret) is None


async def test_signing_out_forgets_this_browser_alone(people: People) -> None:
    here = await people.use_link(await people.sign_in_link())
    there = await people.use_link(await people.sign_in_link())
    await people.sign_out(here.secret)
    assert await people.by_cookie(here.secret) is None
    assert await people.by_cookie(there.secret) is not None


async def test_a_token_works_until_it_is_revoked(people: People) -> None:
    admin = await people.first_admin()
    token, secret = await people.create_token(admin, "ci")
    assert secret.startswith("bh_")
    assert await people.by_token(secret) == admin
    assert [each.name for each in await people.tokens(admin)] == ["ci"]
    await people.revoke_token(admin, token.id)
    assert await people.by_token(secret) is None
    assert await people.tokens(admin) == []
    with pytest.raises(NotFound):
        await people.revoke_token(admin, token.id)


async def test_nobody_revokes_the_token_of_another(people: People) -> None:
    admin = await people.first_admin()
    member = (await people.use_link(await people.sign_in_link("member"))).person
    token, secret = await people.create_token(admin, "ci")
    with pytest.raises(NotFound):
        await people.revoke_token(member, token.id)
    assert await people.by_token(secret) == admin
    assert await people.tokens(member) == []


async def test_a_cookie_is_no_token_and_a_token_no_cookie(people: People) -> None:
    signed_in = await people.use_link(await people.sign_in_link())
    _, secret = await people.create_token(signed_in.person, "ci")
    assert await people.by_token(signed_in.secret) is None
    assert await people.by_cookie(secret) is None


async def test_last_use_is_noted_once_a_minute(people: People, clock: Clock) -> None:
    admin = await people.first_admin()
    _, secret = await people.create_token(admin, "ci")
    begin = clock.now

    async def last_used() -> datetime | None:
        return (await people.tokens(admin))[0].last_used_at

    assert await last_used() is None
    await people.by_token(secret)
    assert await last_used() == begin
    clock.advance(seconds=30)
    await people.by_token(secret)
    assert await last_used() == begin
    clock.advance(seconds=31)
    await people.by_token(secret)
    assert await last_used() == clock.now


async def test_no_secret_is_in_the_database(
    people: People, database: Database, store_place: Place
) -> None:
    link = await people.sign_in_link()
    signed_in = await people.use_link(link)
    _, token = await people.create_token(signed_in.person, "ci")
    async with database.read() as tx:
        rows = [row for table in metadata.sorted_tables for row in await tx.execute(select(table))]
    assert rows
    stored = repr(rows).encode()
    await database.close()
    if isinstance(store_place, Path):
        stored += b"".join(path.read_bytes() for path in store_place.parent.iterdir())
    for secret in (link, signed_in.secret, token, token.removeprefix("bh_")):
        assert secret.encode() not in stored
