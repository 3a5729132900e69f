"""Roles in the installation, and that there is always an admin."""

import asyncio

import pytest

from bunkhouse.bus.memory import MemoryBus
from bunkhouse.errors import LastAdmin, NotFound, Unauthorized
from bunkhouse.people import Directory, People, Person
from bunkhouse.store import Database

from .conftest import Clock


@pytest.fixture
def directory(database: Database, bus: MemoryBus, clock: Clock) -> Directory:
    return Directory(database, bus, clock=clock)


async def member(people: People) -> Person:
    return (await people.use_link(await people.sign_in_link("member"))).person


async def test_the_last_admin_stays_one(people: People, directory: Directory) -> None:
    admin = await people.first_admin()
    for change in (
        directory.set_role(admin.id, "member", admin),
        directory.deactivate(admin.id, admin),
    ):
        with pytest.raises(LastAdmin):
            await change
    other = await member(people)
    assert (await directory.set_role(other.id, "admin", admin)).role == "admin"
    assert (await directory.set_role(admin.id, "member", other)).role == "member"
    # Who may not sign in is no admin that could help.
    await directory.set_role(admin.id, "admin", other)
    await directory.deactivate(admin.id, other)
    with pytest.raises(LastAdmin):
        await directory.set_role(other.id, "member", other)


async def test_two_admins_at_once_do_not_both_go(people: People, directory: Directory) -> None:
    first, second = await people.first_admin(), await member(people)
    for _ in range(5):
        for each in (first, second):
            await directory.set_role(each.id, "admin", first)
        results = await asyncio.gather(
            directory.set_role(first.id, "member", second),
            directory.deactivate(second.id, first),
            return_exceptions=True,
        )
        assert sum(isinstance(result, LastAdmin) for result in results) == 1
        await directory.reactivate(second.id, first)


async def test_who_is_deactivated_is_signed_out_everywhere(
    people: People, directory: Directory
) -> None:
    admin = await people.first_admin()
    browser = await people.use_link(await people.sign_in_link("member"))
    person = browser.person
    _, token = await people.create_token(person, "t")
    both = [await people.by_cookie(browser.secret), await people.by_token(token)]
    signed_in = [each.sign_in or "" for each in both if each is not None]
    assert len(await people.by_sign_ins(signed_in)) == 2
    await directory.deactivate(person.id, admin)
    assert await people.by_cookie(browser.secret) is None
    assert await people.by_token(token) is None
    assert await people.by_sign_ins(signed_in) == {}
    (entry,) = [each for each in await directory.everybody() if each.id == person.id]
    assert entry.deactivated_at is not None
    # Let in again, they have to sign in anew.
    await directory.reactivate(person.id, admin)
    assert await people.by_cookie(browser.secret) is None
    assert await people.by_token(token) is None


async def test_a_link_of_somebody_who_was_deactivated_lets_nobody_in(
    people: People, directory: Directory
) -> None:
    admin, other = await people.first_admin(), await member(people)
    link = await people.sign_in_link()
    await directory.set_role(other.id, "admin", admin)
    await directory.deactivate(admin.id, other)
    with pytest.raises(Unauthorized):
        await people.use_link(link)
    # The command line's way in is that of an admin who there is.
    assert (await people.use_link(await people.sign_in_link())).person.id == other.id


async def test_nobody_is_not_there(people: People, directory: Directory) -> None:
    admin = await people.first_admin()
    for change in (
        directory.set_role("none", "member", admin),
        directory.deactivate("none", admin),
        directory.reactivate("none", admin),
    ):
        with pytest.raises(NotFound):
            await change
