"""Cookies of browsers: that they are replaced, that copies are found out; and ending sign-ins."""

import asyncio
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from bunkhouse.bus.memory import MemoryBus
from bunkhouse.errors import NotFound
from bunkhouse.people import People
from bunkhouse.people.browsers import Browsers, Recognised, Seen, SignInEnded
from bunkhouse.people.user_agents import device
from bunkhouse.store import Database, browsers

from .conftest import Clock

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def found(people: People) -> Browsers:
    return people.browsers


async def signed_in(people: People) -> str:
    return (await people.use_link(await people.sign_in_link())).secret


async def known(browsers: Browsers, cookie: str, *, renew: bool = True) -> Recognised:
    recognised = await browsers.recognise(cookie, renew=renew)
    assert recognised is not None
    return recognised


async def replaced(browsers: Browsers, cookie: str, clock: Clock) -> str:
    """The cookie that takes the place of another when it is time; it has been used."""
    clock.advance(minutes=15)
    following = (await known(browsers, cookie)).renewed
    assert following is not None
    assert (await known(browsers, following)).renewed is None
    return following


# ── replacing ────────────────────────────────────────────────────────────────────────────────


async def test_a_cookie_is_replaced_while_it_is_used(
    people: People, found: Browsers, clock: Clock
) -> None:
    first = await signed_in(people)
    assert (await known(found, first)).renewed is None
    clock.advance(minutes=14)
    assert (await known(found, first)).renewed is None
    clock.advance(minutes=1)
    assert (await known(found, first, renew=False)).renewed is None
    second = (await known(found, first)).renewed
    assert second is not None
    assert second != first
    assert (await known(found, second)).id == (await known(found, first)).id
    third = await replaced(found, second, clock)
    assert len({first, second, third}) == 3
    assert (await known(found, third)).expires_at == (await known(found, second)).expires_at


async def test_an_answer_that_was_lost_is_told_again(
    people: People, found: Browsers, clock: Clock
) -> None:
    first = await signed_in(people)
    clock.advance(minutes=15)
    told = (await known(found, first)).renewed
    clock.advance(days=3)
    assert (await known(found, first)).renewed == told


async def test_requests_that_come_at_once_are_told_the_same(
    people: People, found: Browsers, clock: Clock
) -> None:
    first = await signed_in(people)
    clock.advance(minutes=15)
    told = await asyncio.gather(*(known(found, first) for _ in range(5)))
    assert len({each.renewed for each in told}) == 1
    again = await asyncio.gather(*(known(found, told[0].renewed or "") for _ in range(5)))
    assert {each.id for each in again} == {told[0].id}


async def test_requests_that_were_on_their_way_are_let_through(
    people: People, found: Browsers, clock: Clock
) -> None:
    first = await signed_in(people)
    second = await replaced(found, first, clock)
    clock.advance(seconds=60)
    assert (await known(found, first)).renewed is None
    assert await people.by_cookie(second) is not None


async def test_it_is_not_replaced_again_while_the_one_before_is_taken(
    database: Database, clock: Clock
) -> None:
    people = People(database, clock=clock, rotate_minutes=0.01, grace_seconds=60)
    first = await signed_in(people)
    clock.advance(seconds=60)
    second = (await known(people.browsers, first)).renewed
    assert second is not None
    assert (await known(people.browsers, second)).renewed is None
    clock.advance(seconds=59)
    assert (await known(people.browsers, second)).renewed is None
    assert (await known(people.browsers, first)).renewed is None
    clock.advance(seconds=1)
    assert (await known(people.browsers, second)).renewed is not None


async def test_a_copy_that_comes_back_ends_the_sign_in_for_both(
    people: People, found: Browsers, clock: Clock, bus: MemoryBus
) -> None:
    copy = await signed_in(people)
    sign_in = (await known(found, copy)).id
    mine = await replaced(found, await replaced(found, copy, clock), clock)
    clock.advance(seconds=61)
    with bus.subscribe(topic="access") as words, capture_logs() as logs:
        with pytest.raises(SignInEnded):
            await found.recognise(copy, Seen(address="192.0.2.7"))
        assert words.sessions()
    assert [(each["event"], each["browser"], each["address"]) for each in logs] == [
        ("sign_in_copied", sign_in, "192.0.2.7")
    ]
    for cookie in (mine, copy):
        with pytest.raises(SignInEnded):
            await found.recognise(cookie)
        assert await people.by_cookie(cookie) is None
    assert await people.by_sign_in(f"browser:{sign_in}") is None
    admin = await people.first_admin()
    (told,) = await found.of(admin.id)
    assert told.ended_at == clock.now
    await people.sign_out(mine)  # as whoever signs in anew does: what happened stays told
    assert len(await found.of(admin.id)) == 1
    await found.end(admin.id, sign_in)
    assert await found.of(admin.id) == []


async def test_whoever_took_it_first_is_found_out_by_the_person(
    people: People, found: Browsers, clock: Clock
) -> None:
    mine = await signed_in(people)
    theirs = await replaced(found, mine, clock)
    clock.advance(days=1)
    theirs = await replaced(found, theirs, clock)
    with pytest.raises(SignInEnded):
        await found.recognise(mine)
    with pytest.raises(SignInEnded):
        await found.recognise(theirs)


async def test_a_cookie_of_before_they_had_two_parts_is_replaced_as_well(
    people: People, found: Browsers, clock: Clock, database: Database
) -> None:
    first = await signed_in(people)
    old, _, _ = first.partition(".")
    sign_in = (await known(found, first)).id
    async with database.write() as tx:
        session = await browsers.locked(tx, sign_in)
        assert session is not None
        await browsers.put(tx, replace(session, secret_hash=None, seed=None, next_hash=None))
    assert (await known(found, old)).renewed is None
    second = await replaced(found, old, clock)
    clock.advance(seconds=61)
    assert await people.by_cookie(second) is not None
    with pytest.raises(SignInEnded):
        await found.recognise(old)


async def test_what_is_no_cookie_of_ours_is_nobodys(people: People, found: Browsers) -> None:
    cookie = await signed_in(people)
    for wrong in ("", ".", "x.y", cookie.partition(".")[2], f".{cookie.partition('.')[2]}"):
        assert await found.recognise(wrong) is None
    assert await people.by_cookie(cookie) is not None


# ── looking after them ───────────────────────────────────────────────────────────────────────


async def test_one_sees_where_one_is_signed_in(
    people: People, found: Browsers, clock: Clock, database: Database
) -> None:
    first, second = await signed_in(people), await signed_in(people)
    begin = clock.now
    await found.recognise(first, Seen(FIREFOX, "192.0.2.7"))
    clock.advance(minutes=2)
    await found.recognise(second, Seen(None, "2001:db8::1"))
    admin = await people.first_admin()
    assert [
        (each.device, each.address, each.created_at, each.last_seen_at)
        for each in await found.of(admin.id)
    ] == [
        (None, "2001:db8::1", begin, clock.now),
        ("Firefox on Linux", "192.0.2.7", begin, begin),
    ]
    clock.advance(days=31)
    assert await found.of(admin.id) == []
    await signed_in(people)
    async with database.read() as tx:  # those that have expired are forgotten then
        assert len(await browsers.of_person(tx, admin.id, begin)) == 1


async def test_one_ends_one_or_all_others(people: People, found: Browsers) -> None:
    admin = await people.first_admin()
    here, there, elsewhere = [await signed_in(people) for _ in range(3)]
    ids = [(await known(found, each)).id for each in (here, there, elsewhere)]
    await found.end(admin.id, ids[1])
    assert await people.by_cookie(there) is None
    with pytest.raises(NotFound):
        await found.end(admin.id, ids[1])
    await found.end_others(admin.id, ids[0])
    assert await people.by_cookie(elsewhere) is None
    assert await people.by_cookie(here) is not None


async def test_nobody_ends_the_browser_of_another_but_an_admin_all(
    people: People, found: Browsers
) -> None:
    admin = await people.first_admin()
    member = await people.use_link(await people.sign_in_link("member"))
    theirs = (await known(found, member.secret)).id
    with pytest.raises(NotFound):
        await found.end(admin.id, theirs)
    await found.end_others(admin.id, None)
    assert await people.by_cookie(member.secret) is not None
    await found.end_all(member.person.id, admin.id)
    assert await people.by_cookie(member.secret) is None
    with pytest.raises(NotFound):
        await found.end_all("none", admin.id)


@pytest.mark.parametrize(
    ("user_agent", "said"),
    [
        (FIREFOX, "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
            "like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/140.0.0.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like "
            "Gecko) Version/18.5 Safari/605.1.15",
            "Safari on macOS",
        ),
        ("Mozilla/5.0 (Windows NT 10.0)", "Windows"),
        ("curl/8.14.1", "curl"),
        ("<script>", None),
        (None, None),
    ],
)
def test_what_a_browser_says_of_itself(user_agent: str | None, said: str | None) -> None:
    assert device(user_agent) == said
