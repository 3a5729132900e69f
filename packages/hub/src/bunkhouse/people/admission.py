"""Who may become a person of this installation: the one place where that is decided."""

from dataclasses import dataclass
from typing import Literal

from bunkhouse.errors import Forbidden, InvalidInput
from bunkhouse.people.identity import Role
from bunkhouse.settings import Settings

SignUp = Literal["open", "invited", "domains", "listed", "closed"]


class NotAdmitted(Forbidden):
    """Known to their provider, but no person of this installation, and not to become one."""

    code = "not_admitted"


@dataclass(frozen=True, slots=True)
class Invitation:
    """What an invite says that was redeemed. With `email` it is for that address alone."""

    role: Role
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """Who may sign up. Addresses and domains are in lower case."""

    sign_up: SignUp = "invited"
    domains: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()

    @classmethod
    def of(cls, settings: Settings) -> "Rules":
        """Take them from the settings.

        Raises:
            InvalidInput: a list is asked for that is empty.
        """
        rules = cls(
            settings.sign_up,
            frozenset(each.lower().lstrip("@") for each in settings.sign_up_domains),
            frozenset(each.lower() for each in settings.sign_up_emails),
        )
        for sign_up, variable, listed in (
            ("domains", "BUNKHOUSE_SIGN_UP_DOMAINS", rules.domains),
            ("listed", "BUNKHOUSE_SIGN_UP_EMAILS", rules.emails),
        ):
            if rules.sign_up == sign_up and not listed:
                raise InvalidInput(
                    f"BUNKHOUSE_SIGN_UP is `{sign_up}`, but {variable} is empty.",
                    remedy=f"Set {variable}, or another BUNKHOUSE_SIGN_UP.",
                )
        return rules


def admit_first(rules: Rules, email: str | None) -> None:
    """Return if somebody may take over an installation that nobody has signed in to as admin.

    That is whoever comes first; where there is a list of people, the first who is on it.

    Raises:
        NotAdmitted: they are not on it.
    """
    if rules.sign_up in ("domains", "listed"):
        _listed(rules, email)


def admit(rules: Rules, email: str | None, invitation: Invitation | None = None) -> Role:
    """Say as what somebody becomes a person here. `email` is verified, or None.

    An invitation counts whatever the rule, except where sign-up is closed.

    Raises:
        NotAdmitted: they don't; the error says what would let them in.
    """
    if rules.sign_up == "closed":
        raise NotAdmitted(
            "This installation takes no new people.",
            remedy="Ask an admin of this installation.",
            code="sign_up_closed",
        )
    if invitation is not None:
        if invitation.email is not None and invitation.email.lower() != (email or "").lower():
            raise NotAdmitted(
                "This invitation is for another e-mail address.",
                remedy="Sign in with the account that has that address, verified, or ask whoever "
                "invited you for another invitation.",
                code="invited_as_another",
            )
        return invitation.role
    match rules.sign_up:
        case "open":
            pass
        case "invited":
            raise NotAdmitted(
                "You are not a person of this installation yet, and one becomes that by "
                "invitation.",
                remedy="Ask an admin of this installation to invite you.",
                code="invitation_needed",
            )
        case "domains" | "listed":
            _listed(rules, email)
    return "member"


def _listed(rules: Rules, email: str | None) -> None:
    if email is None:
        raise NotAdmitted(
            "Your account has no verified e-mail address, and this installation lets people in by "
            "that.",
            remedy="Verify your address where you have the account, then sign in again.",
            code="email_not_verified",
        )
    address = email.lower()
    if rules.sign_up == "domains" and address.rpartition("@")[2] not in rules.domains:
        raise NotAdmitted(
            "This installation does not let in addresses of your e-mail's domain.",
            remedy="Sign in with another account, or ask an admin of this installation.",
            code="domain_not_listed",
        )
    if rules.sign_up == "listed" and address not in rules.emails:
        raise NotAdmitted(
            "Your e-mail address is not on this installation's list.",
            remedy="Sign in with another account, or ask an admin of this installation.",
            code="email_not_listed",
        )
