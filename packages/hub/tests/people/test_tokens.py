"""What tokens are made for, and for how long."""

from datetime import timedelta

import pytest

from bunkhouse.errors import InvalidInput, ScopeNeeded
from bunkhouse.people import People, Person
from bunkhouse.people.identity import SCOPES
from bunkhouse.people.tokens import TokenRules, passed_on

from .conftest import Clock

RULES = TokenRules(days=90, most_days=365, never=False)


async def by(people: People, secret: str) -> Person:
    found = await people.by_token(secret)
    assert found is not None
    return found


async def test_it_says_what_it_is_for(people: People) -> None:
    admin = await people.first_admin()
    token, secret = await people.create_token(admin, "t", scopes=["sessions", "read"])
    assert token.scopes == ("read", "sessions")
    assert (await by(people, secret)).scopes == {"read", "sessions"}
    assert [each.scopes for each in await people.tokens(admin)] == [("read", "sessions")]


async def test_it_expires(people: People, clock: Clock) -> None:
    admin = await people.first_admin()
    begin = clock.now
    usual, secret = await people.create_token(admin, "usual", rules=RULES)
    assert usual.expires_at == begin + timedelta(days=90)
    short, _ = await people.create_token(admin, "short", rules=RULES, days=1)
    assert short.expires_at == begin + timedelta(days=1)
    clock.advance(days=1)
    assert [each.name for each in await people.tokens(admin)] == ["usual"]
    clock.advance(days=88.9)
    assert await people.by_token(secret) is not None
    clock.advance(days=0.1)
    assert await people.by_token(secret) is None
    assert await people.tokens(admin) == []


@pytest.mark.parametrize(("days", "never"), [(0, False), (366, False), (None, True), (1, True)])
async def test_a_time_that_is_not_allowed_is_refused(
    people: People, days: int | None, never: bool
) -> None:
    admin = await people.first_admin()
    with pytest.raises(InvalidInput):
        await people.create_token(admin, "t", rules=RULES, days=days, never=never)
    assert await people.tokens(admin) == []


async def test_it_may_be_for_ever_where_the_installation_says_so(people: People) -> None:
    admin = await people.first_admin()
    token, _ = await people.create_token(admin, "t", rules=TokenRules(never=True), never=True)
    assert token.expires_at is None


async def test_a_token_makes_none_that_may_more_or_is_good_for_longer(people: People) -> None:
    admin = await people.first_admin()
    first, secret = await people.create_token(
        admin, "first", scopes=["account", "read"], rules=RULES, days=7
    )
    itself = await by(people, secret)
    for scope in ("sessions", "admin"):
        with pytest.raises(ScopeNeeded) as needed:
            await people.create_token(itself, "more", scopes=["read", scope], rules=RULES)
        assert needed.value.scope == scope
    second, _ = await people.create_token(itself, "second", scopes=["read"], rules=RULES, days=30)
    assert second.expires_at == first.expires_at
    third, _ = await people.create_token(itself, "third", scopes=["read"], rules=RULES, days=1)
    assert third.expires_at is not None
    assert first.expires_at is not None
    assert third.expires_at < first.expires_at


def test_it_is_for_something() -> None:
    with pytest.raises(InvalidInput):
        passed_on(Person("a", "A", "admin"), [])
    assert passed_on(Person("a", "A", "admin"), SCOPES) == list(SCOPES)
