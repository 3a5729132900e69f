"""Who becomes a person: every rule, with every kind of applicant."""

import pytest

from bunkhouse.errors import InvalidInput
from bunkhouse.people.admission import Invitation, NotAdmitted, Rules, SignUp, admit, admit_first
from bunkhouse.settings import Settings

DOMAINS = frozenset({"example.org"})
EMAILS = frozenset({"ada@example.org"})

GUEST = Invitation("member")
CHIEF = Invitation("admin", email="Ada@example.org")

RULES: list[tuple[SignUp, str | None, Invitation | None, str]] = [
    ("open", None, None, "member"),
    ("open", "eve@elsewhere.example", None, "member"),
    ("open", None, CHIEF, "invited_as_another"),
    ("invited", None, None, "invitation_needed"),
    ("invited", "ada@example.org", None, "invitation_needed"),
    ("invited", None, GUEST, "member"),
    ("invited", "ada@EXAMPLE.org", CHIEF, "admin"),
    ("invited", "eve@example.org", CHIEF, "invited_as_another"),
    ("invited", None, CHIEF, "invited_as_another"),
    ("domains", "ada@example.org", None, "member"),
    ("domains", "Ada@Example.Org", None, "member"),
    ("domains", "eve@elsewhere.example", None, "domain_not_listed"),
    ("domains", "eve@below.example.org", None, "domain_not_listed"),
    ("domains", "eve@example.org@elsewhere.example", None, "domain_not_listed"),
    ("domains", "eve@notexample.org", None, "domain_not_listed"),
    ("domains", None, None, "email_not_verified"),
    ("domains", None, GUEST, "member"),
    ("listed", "ADA@example.org", None, "member"),
    ("listed", "eve@example.org", None, "email_not_listed"),
    ("listed", None, None, "email_not_verified"),
    ("listed", "eve@example.org", GUEST, "member"),
    ("closed", "ada@example.org", None, "sign_up_closed"),
    ("closed", "ada@example.org", CHIEF, "sign_up_closed"),
]


@pytest.mark.parametrize(("sign_up", "email", "invitation", "outcome"), RULES)
def test_every_rule(
    sign_up: SignUp, email: str | None, invitation: Invitation | None, outcome: str
) -> None:
    rules = Rules(sign_up, DOMAINS, EMAILS)
    if outcome in ("member", "admin"):
        assert admit(rules, email, invitation) == outcome
        return
    with pytest.raises(NotAdmitted) as refused:
        admit(rules, email, invitation)
    assert refused.value.reason == outcome
    assert refused.value.remedy


FIRST: list[tuple[SignUp, str | None, str | None]] = [
    ("open", None, None),
    ("invited", None, None),
    ("closed", None, None),
    ("domains", "ada@example.org", None),
    ("domains", "eve@elsewhere.example", "domain_not_listed"),
    ("domains", None, "email_not_verified"),
    ("listed", "ada@example.org", None),
    ("listed", "eve@example.org", "email_not_listed"),
]


@pytest.mark.parametrize(("sign_up", "email", "refusal"), FIRST)
def test_who_may_be_the_first(sign_up: SignUp, email: str | None, refusal: str | None) -> None:
    rules = Rules(sign_up, DOMAINS, EMAILS)
    if refusal is None:
        admit_first(rules, email)
        return
    with pytest.raises(NotAdmitted) as refused:
        admit_first(rules, email)
    assert refused.value.reason == refusal


def test_lists_are_read_in_any_case_and_with_a_leading_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUNKHOUSE_SIGN_UP", "domains")
    monkeypatch.setenv("BUNKHOUSE_SIGN_UP_DOMAINS", "@Example.org, other.example")
    monkeypatch.setenv("BUNKHOUSE_SIGN_UP_EMAILS", "Ada@Example.org")
    rules = Rules.of(Settings(_env_file=None))  # pyright: ignore[reportCallIssue]
    assert rules == Rules("domains", frozenset({"example.org", "other.example"}), EMAILS)


@pytest.mark.parametrize(
    ("sign_up", "variable"),
    [("domains", "BUNKHOUSE_SIGN_UP_DOMAINS"), ("listed", "BUNKHOUSE_SIGN_UP_EMAILS")],
)
def test_a_list_that_is_asked_for_and_empty_is_refused(sign_up: SignUp, variable: str) -> None:
    settings = Settings(sign_up=sign_up, _env_file=None)  # pyright: ignore[reportCallIssue]
    with pytest.raises(InvalidInput, match=variable):
        Rules.of(settings)
