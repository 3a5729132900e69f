"""Attempts to sign in: bound to a browser, used once, not for long, never to elsewhere."""

import asyncio

import pytest
from sqlalchemy import select

from bunkhouse.errors import TooMany
from bunkhouse.people.signin.attempts import Attempts, Proof, new_proof, own_path
from bunkhouse.people.signin.refusals import AttemptSpent, NotBegun, OtherProvider, StateMismatch
from bunkhouse.store import Database
from bunkhouse.store.tables import metadata

from .test_people import Clock


@pytest.fixture
def attempts(database: Database, clock: Clock) -> Attempts:
    return Attempts(database, minutes=10, limit=3, clock=clock)


async def begun(attempts: Attempts, next_path: str = "/sessions/s_1") -> Proof:
    proof = new_proof()
    await attempts.begin(proof, "github", next_path, None)
    return proof


async def test_an_attempt_is_used_once(attempts: Attempts) -> None:
    proof = await begun(attempts)
    taken = await attempts.take(proof.secret, "github", proof.state)
    assert (taken.next_path, taken.link_to, taken.proof) == ("/sessions/s_1", None, proof)
    with pytest.raises(AttemptSpent):
        await attempts.take(proof.secret, "github", proof.state)


async def test_of_two_who_come_back_at_once_one_goes_on(attempts: Attempts) -> None:
    proof = await begun(attempts)
    results = await asyncio.gather(
        *(attempts.take(proof.secret, "github", proof.state) for _ in range(5)),
        return_exceptions=True,
    )
    assert sum(not isinstance(each, BaseException) for each in results) == 1


async def test_an_attempt_grows_old(attempts: Attempts, clock: Clock) -> None:
    proof = await begun(attempts)
    clock.advance(minutes=10.01)
    with pytest.raises(AttemptSpent):
        await attempts.take(proof.secret, "github", proof.state)


async def test_a_browser_that_did_not_begin_is_refused(attempts: Attempts) -> None:
    proof = await begun(attempts)
    with pytest.raises(NotBegun):
        await attempts.take(None, "github", proof.state)
    with pytest.raises(StateMismatch):
        await attempts.take(new_proof().secret, "github", proof.state)
    # Nobody else's mistake spends it.
    await attempts.take(proof.secret, "github", proof.state)


@pytest.mark.parametrize("state", [None, "", "nonsense", "ü"])
async def test_another_state_is_refused(attempts: Attempts, state: str | None) -> None:
    proof = await begun(attempts)
    with pytest.raises(StateMismatch):
        await attempts.take(proof.secret, "github", state)


async def test_a_provider_does_not_answer_for_another(attempts: Attempts) -> None:
    proof = await begun(attempts)
    with pytest.raises(OtherProvider):
        await attempts.take(proof.secret, "oidc", proof.state)


async def test_what_is_stored_does_not_let_go_on(attempts: Attempts, database: Database) -> None:
    proof = await begun(attempts)
    async with database.read() as tx:
        rows = (await tx.execute(select(metadata.tables["sign_in_attempts"]))).all()
    assert len(rows) == 1
    for secret in (proof.secret, proof.state, proof.nonce, proof.verifier):
        assert secret not in repr(rows)
        assert secret not in repr(proof)
    assert len({proof.secret, proof.state, proof.nonce, proof.verifier}) == 4


async def test_too_many_at_once_wait(attempts: Attempts, clock: Clock) -> None:
    first = await begun(attempts)
    for _ in range(2):
        await begun(attempts)
    with pytest.raises(TooMany, match="BUNKHOUSE_SIGN_IN_ATTEMPTS"):
        await begun(attempts)
    await attempts.take(first.secret, "github", first.state)
    await begun(attempts)
    clock.advance(minutes=11)
    await begun(attempts)


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("/", "/"),
        ("/sessions/s_1?tab=changes#top", "/sessions/s_1?tab=changes#top"),
        (None, "/"),
        ("", "/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("/\t/evil.example/", "/"),
        ("\t//evil.example", "/"),
        ("/a\r\nSet-Cookie: a=b", "/"),
        ("javascript:alert(1)", "/"),
        ("sessions", "/"),
        ("/ü", "/"),
        ("/" + "a" * 2048, "/"),
        ("/api/tokens", "/"),
        ("/login/secret", "/"),
        ("/sign-in/github", "/"),
    ],
)
def test_one_goes_on_to_a_page_of_ours_alone(asked: str | None, given: str) -> None:
    assert own_path(asked) == given
