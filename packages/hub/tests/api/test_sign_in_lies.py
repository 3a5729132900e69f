"""What a provider, or somebody in between, might say that is not so: a table of lies.

Each is refused with an error of its own, nobody is signed in, and nothing is stored.
"""

import base64
import hmac
import json
from collections.abc import Callable, Generator
from typing import Any

import pytest
import structlog.testing
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from tests.providers import FakeGitHub, FakeOpenID, GitHubAccount, OpenIDAccount, approve
from tests.providers.openid import Claims, new_key
from tests.providers.serving import listen

from .house import House
from .signing_in import Browser, offer, stored

EVIL = "https://evil.example"

Lie = Callable[[FakeOpenID], None]


@pytest.fixture
def oidc() -> Generator[FakeOpenID]:
    with FakeOpenID.running(OpenIDAccount("ada-1", "Ada", "ada@acme.example")) as fake:
        yield fake


@pytest.fixture
def github() -> Generator[FakeGitHub]:
    with FakeGitHub.running(
        GitHubAccount(7, "ada"), GitHubAccount(9, "acme", type="Organization")
    ) as fake:
        yield fake


def later(seconds: int) -> Callable[[Any], Any]:
    """Of a claim that is a time."""
    return lambda at: at + seconds


def besides(more: str) -> Callable[[Any], Any]:
    """Of a claim that is a text, a list of it and another."""
    return lambda mine: [mine, more]


def longer(more: str) -> Callable[[Any], Any]:
    """Of a claim that is a text."""
    return lambda mine: mine + more


def claim(**said: Any) -> Lie:
    """An id_token that says something else; None leaves a claim out."""

    def lie(fake: FakeOpenID) -> None:
        def changed(claims: Claims) -> None:
            for name, value in said.items():
                if value is None:
                    del claims[name]
                elif callable(value):
                    claims[name] = value(claims[name])
                else:
                    claims[name] = value

        fake.claims = changed

    return lie


def signed(sign: Callable[[FakeOpenID, Claims], str]) -> Lie:
    """An id_token that is signed in another way."""

    def lie(fake: FakeOpenID) -> None:
        fake.encode = lambda claims: sign(fake, claims)

    return lie


def part(field: str, **said: Any) -> Lie:
    """Another answer in one of the other steps; None leaves something out."""

    def lie(fake: FakeOpenID) -> None:
        def changed(answer: Claims) -> None:
            for name, value in said.items():
                if value is None:
                    answer.pop(name, None)
                else:
                    answer[name] = value

        setattr(fake, field, changed)

    return lie


def _b64(data: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()


def unsigned(_: FakeOpenID, claims: Claims) -> str:
    return f"{_b64({'alg': 'none'})}.{_b64(claims)}."


def by_the_secret(fake: FakeOpenID, claims: Claims) -> str:
    key = OctKey.import_key(fake.client_secret or "")
    return jwt.encode({"alg": "HS256", "kid": "first"}, claims, key)


def by_the_public_key(fake: FakeOpenID, claims: Claims) -> str:
    """The old trick: the published key taken as a secret."""
    # By hand: the library does not let one.
    said = f"{_b64({'alg': 'HS256', 'kid': 'first'})}.{_b64(claims)}"
    made = hmac.digest(fake.keys[-1].as_pem(private=False), said.encode(), "sha256")
    return f"{said}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"


def by_another_key(_: FakeOpenID, claims: Claims) -> str:
    return jwt.encode({"alg": "RS256", "kid": "first"}, claims, new_key())


def by_an_unknown_key(fake: FakeOpenID, claims: Claims) -> str:
    return fake.signed(claims, kid="nobody's")


def by_a_key_that_it_brings(_: FakeOpenID, claims: Claims) -> str:
    key = ECKey.generate_key("P-256")
    return jwt.encode(
        {"alg": "ES256", "kid": "first", "jwk": key.as_dict(private=False)}, claims, key
    )


def by_a_way_not_announced(_: FakeOpenID, claims: Claims) -> str:
    key = ECKey.generate_key("P-384")
    return jwt.encode({"alg": "ES384", "kid": "first"}, claims, key, algorithms=["ES384"])


def changed_after(fake: FakeOpenID, claims: Claims) -> str:
    header, _, signature = fake.signed(claims).split(".")
    return f"{header}.{_b64({**claims, 'sub': 'admin-1'})}.{signature}"


def only_none(fake: FakeOpenID) -> None:
    fake.encode = lambda claims: by_the_secret(fake, claims)
    part("metadata", id_token_signing_alg_values_supported=["HS256"])(fake)


def silent_userinfo(fake: FakeOpenID) -> None:
    fake.emails_in_token = False
    part("userinfo", sub="eve-1", email="eve@acme.example")(fake)


def failing(status: int) -> Lie:
    def lie(fake: FakeOpenID) -> None:
        fake.fails_with = status

    return lie


LIES: list[tuple[str, Lie, int, str]] = [
    ("nonce of another", claim(nonce="x" * 43), 401, "id_token_nonce"),
    ("no nonce", claim(nonce=None), 401, "id_token_nonce"),
    ("for another", claim(aud="another application"), 401, "id_token_audience"),
    ("for nobody", claim(aud=[]), 401, "id_token_audience"),
    ("for several", claim(aud=besides("another")), 401, "id_token_party"),
    ("to another", claim(azp="another application"), 401, "id_token_party"),
    ("without audience", claim(aud=None), 401, "id_token_malformed"),
    ("expired", claim(exp=later(-361)), 401, "id_token_expired"),
    ("never expires", claim(exp=None), 401, "id_token_malformed"),
    ("expires some day", claim(exp="tomorrow"), 401, "id_token_expired"),
    ("from the future", claim(iat=later(120)), 401, "id_token_not_yet"),
    ("not yet", claim(nbf=4_000_000_000), 401, "id_token_not_yet"),
    ("without time", claim(iat=None), 401, "id_token_malformed"),
    ("of another issuer", claim(iss="https://evil.example"), 401, "id_token_issuer"),
    ("of nearly the issuer", claim(iss=longer("/")), 401, "id_token_issuer"),
    ("without issuer", claim(iss=None), 401, "id_token_malformed"),
    ("without subject", claim(sub=None), 401, "id_token_malformed"),
    ("empty subject", claim(sub=""), 401, "id_token_malformed"),
    ("long subject", claim(sub="a" * 256), 401, "id_token_malformed"),
    ("subject is a number", claim(sub=1), 401, "id_token_malformed"),
    ("another access token", claim(at_hash="AAAAAAAAAAAAAAAAAAAAAA"), 401, "id_token_access_token"),
    ("alg none", signed(unsigned), 401, "id_token_algorithm"),
    ("HS256 with the secret", signed(by_the_secret), 401, "id_token_algorithm"),
    ("HS256 with the public key", signed(by_the_public_key), 401, "id_token_algorithm"),
    ("only HS256 announced", only_none, 401, "id_token_algorithm"),
    ("not announced", signed(by_a_way_not_announced), 401, "id_token_algorithm"),
    ("unknown kid", signed(by_an_unknown_key), 401, "id_token_key"),
    ("another key", signed(by_another_key), 401, "id_token_signature"),
    ("a key in the header", signed(by_a_key_that_it_brings), 401, "id_token_key"),
    ("changed after", signed(changed_after), 401, "id_token_signature"),
    ("no JWT", signed(lambda _fake, _claims: "nonsense"), 401, "id_token_malformed"),
    ("no id_token", part("tokens", id_token=None), 401, "id_token_malformed"),
    ("userinfo of another", silent_userinfo, 401, "userinfo_subject"),
    ("state of another", part("answer", state="x" * 43), 401, "sign_in_state"),
    ("no state", part("answer", state=None), 401, "sign_in_state"),
    ("answered by another", part("answer", iss=EVIL), 401, "sign_in_other_provider"),
    ("answered by nobody", part("answer", iss=None), 401, "sign_in_other_provider"),
    ("code of another", part("answer", code="another"), 401, "sign_in_refused"),
    ("no code", part("answer", code=None), 401, "sign_in_refused"),
    ("an error", part("answer", error="server_error", code=None), 401, "sign_in_refused"),
    ("a page as an error", part("answer", error="<script>"), 401, "sign_in_refused"),
    ("no bearer token", part("tokens", token_type="mac"), 502, "sign_in_provider_broken"),
    ("no access token", part("tokens", access_token=None), 502, "sign_in_provider_broken"),
    ("in trouble", failing(503), 503, "sign_in_provider_down"),
    ("no JSON", failing(200), 502, "sign_in_provider_broken"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("lie", "status", "code"), [each[1:] for each in LIES], ids=[e[0] for e in LIES]
)
async def test_a_lie_lets_nobody_in(
    house: House, oidc: FakeOpenID, lie: Lie, status: int, code: str
) -> None:
    offer(house, oidc=oidc, sign_up="open")
    lie(oidc)
    before = await stored(house)
    async with house.client() as client:
        browser = Browser(client)
        with structlog.testing.capture_logs() as logs:
            answer = await browser.sign_in("oidc", "ada-1")
        assert (answer.status_code, _code(logs)) == (status, code)
        assert "text/html" in answer.headers["content-type"]
        assert 'href="/sign-in/oidc"' in answer.text
        assert await browser.me() is None
        assert dict(client.cookies) == {}
    assert await stored(house) == before
    assert str(oidc.client_secret) not in answer.text + repr(logs)
    assert "<script>" not in answer.text


METADATA: list[tuple[str, dict[str, Any], str]] = [
    ("another issuer", {"issuer": "https://evil.example"}, "sign_in_discovery_issuer"),
    ("no keys", {"jwks_uri": None}, "sign_in_provider_broken"),
    ("no TLS", {"token_endpoint": "http://id.example/token"}, "sign_in_provider_broken"),
    ("a script", {"authorization_endpoint": "javascript:alert(1)"}, "sign_in_provider_broken"),
]


@pytest.mark.parametrize(
    ("said", "code"), [each[1:] for each in METADATA], ids=[e[0] for e in METADATA]
)
async def test_a_description_that_is_wrong_sends_nobody_anywhere(
    house: House, oidc: FakeOpenID, said: dict[str, Any], code: str
) -> None:
    offer(house, oidc=oidc)
    part("metadata", **said)(oidc)
    async with house.client() as client:
        with structlog.testing.capture_logs() as logs:
            answer = await client.get("/sign-in/oidc")
        assert answer.status_code == 502
        assert _code(logs) == code
        assert dict(client.cookies) == {}


async def test_a_provider_that_is_not_there(house: House, oidc: FakeOpenID) -> None:
    listening, url = listen()
    listening.close()
    oidc.url = url
    offer(house, oidc=oidc)
    async with house.client() as client:
        answer = await client.get("/sign-in/oidc")
    assert answer.status_code == 503
    assert "Acme ID does not answer" in answer.text


@pytest.mark.parametrize("secret", ["wrong", None])
async def test_a_secret_that_is_wrong(house: House, oidc: FakeOpenID, secret: str | None) -> None:
    offer(house, oidc=oidc)
    oidc.client_secret = secret or "another"
    async with house.client() as client:
        answer = await Browser(client).sign_in("oidc", "ada-1")
    assert answer.status_code == 401


# ── the browser ──────────────────────────────────────────────────────────────────────────────


async def test_who_says_no_is_not_signed_in(
    house: House, oidc: FakeOpenID, github: FakeGitHub
) -> None:
    offer(house, oidc=oidc, github=github)
    for provider in ("oidc", "github"):
        async with house.client() as client:
            browser = Browser(client)
            answer = await browser.back(await approve(await browser.begin(provider), False))
            assert answer.status_code == 401
            assert "it was declined" in answer.text
            assert await browser.me() is None


async def test_another_browser_can_not_finish(house: House, oidc: FakeOpenID) -> None:
    """Who is sent the address of another's answer is not signed in as them."""
    offer(house, oidc=oidc)
    async with house.client() as client, house.client() as victim:
        address = await approve(await Browser(client).begin("oidc"), "ada-1")
        answer = await victim.get(address)
        assert answer.status_code == 401
        assert "has not begun" in answer.text
        await Browser(victim).begin("oidc")
        answer = await victim.get(address)
        assert "another attempt" in answer.text
        assert await Browser(victim).me() is None
        # And whose answer it is can still finish.
        assert (await client.get(address)).status_code == 303


async def test_an_answer_is_good_once(house: House, oidc: FakeOpenID) -> None:
    offer(house, oidc=oidc)
    async with house.client() as client:
        browser = Browser(client)
        address = await approve(await browser.begin("oidc"), "ada-1")
        secret = client.cookies["bunkhouse_sign_in"]
        assert (await browser.back(address)).status_code == 303
    async with house.client() as client:
        client.cookies.set("bunkhouse_sign_in", secret)
        answer = await client.get(address)
    assert answer.status_code == 401
    assert "was used before" in answer.text


async def test_a_provider_can_not_answer_at_the_address_of_another(
    house: House, oidc: FakeOpenID, github: FakeGitHub
) -> None:
    """A mix-up: the code of one is not handed to the other."""
    offer(house, oidc=oidc, github=github)
    async with house.client() as client:
        address = await approve(await Browser(client).begin("oidc"), "ada-1")
        answer = await client.get(address.replace("/sign-in/oidc/", "/sign-in/github/"))
    assert answer.status_code == 401
    assert "Another service answered" in answer.text
    assert github.given == {}


def part_of(**said: Any) -> Callable[[Claims], None]:
    return lambda answer: answer.update(said)


# ── GitHub ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changes", "account", "status", "code"),
    [
        ({"client_secret": "another"}, "ada", 401, "sign_in_refused"),
        ({"tokens": part_of(access_token="gho_no")}, "ada", 401, "sign_in_refused"),
        ({"tokens": dict[str, Any].clear}, "ada", 502, "sign_in_provider_broken"),
        ({}, "acme", 401, "sign_in_no_account"),
    ],
    ids=["another secret", "a token that is none", "no token", "an organization"],
)  # fmt: skip
async def test_what_github_may_answer_and_nobody_is_let_in(
    house: House,
    github: FakeGitHub,
    changes: dict[str, Any],
    account: str,
    status: int,
    code: str,
) -> None:
    offer(house, github=github, sign_up="open")
    for name, value in changes.items():
        setattr(github, name, value)
    before = await stored(house)
    async with house.client() as client:
        browser = Browser(client)
        with structlog.testing.capture_logs() as logs:
            answer = await browser.sign_in("github", account)
        assert (answer.status_code, _code(logs)) == (status, code)
        assert await browser.me() is None
    assert await stored(house) == before
    assert github.client_secret not in answer.text + repr(logs)


def _code(logs: Any) -> str:
    (refused,) = [each for each in logs if each["event"] == "sign-in refused"]
    return refused["code"]
