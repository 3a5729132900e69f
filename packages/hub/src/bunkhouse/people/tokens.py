"""For how long API tokens are good, and what they may be made for."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from bunkhouse.errors import InvalidInput, ScopeNeeded
from bunkhouse.people.identity import SCOPES, Person, Scope
from bunkhouse.settings import Settings

USUAL_SCOPES: tuple[Scope, ...] = ("read", "sessions")
"""What a token is made for where nothing is said: to work in sessions, and not to make tokens."""


@dataclass(frozen=True, slots=True)
class TokenRules:
    """For how many days tokens are made. `never`: whether they may be made for ever."""

    days: int = 90
    most_days: int = 365
    never: bool = False

    @classmethod
    def of(cls, settings: Settings) -> "TokenRules":
        """Take them from the settings."""
        days, most = settings.token_days, settings.token_days_most
        return cls(min(days, most), most, settings.token_never_expires)

    def expiry(self, now: datetime, days: int | None, *, never: bool) -> datetime | None:
        """Say when a token expires that is made now; None: not by itself.

        `days`: for how many, None as usual.

        Raises:
            InvalidInput: it is too many or none, or tokens have to expire here.
        """
        if never:
            if days is not None:
                raise InvalidInput(
                    "A token that never expires is not good for a number of days.",
                    remedy="Give `days` or `never`, not both.",
                )
            if not self.never:
                raise InvalidInput(
                    "Tokens have to expire here.",
                    remedy=f"Make it for up to {self.most_days:,} days. An admin may set "
                    "BUNKHOUSE_TOKEN_NEVER_EXPIRES.",
                )
            return None
        days = self.days if days is None else days
        if not 1 <= days <= self.most_days:
            raise InvalidInput(
                f"A token is good for between 1 and {self.most_days:,} days.",
                remedy="An admin may raise BUNKHOUSE_TOKEN_DAYS_MOST.",
            )
        return now + timedelta(days=days)


FOR_EVER = TokenRules(never=True)
"""What holds for those that the hub's own machine makes for itself."""


def passed_on(by: Person, scopes: Collection[Scope]) -> list[Scope]:
    """Give these scopes in order, if `by` may make a token for them.

    A token makes only such as can do no more than it can itself.

    Raises:
        InvalidInput: there are none.
        ScopeNeeded: the token by which they came is not made for one of them.
    """
    wanted: list[Scope] = [scope for scope in SCOPES if scope in scopes]
    if not wanted:
        raise InvalidInput(
            "A token is made for something.", remedy=f"Give one or more of {', '.join(SCOPES)}."
        )
    for scope in wanted:
        if by.scopes is not None and scope not in by.scopes:
            raise ScopeNeeded(
                f"A token can't make one that may more than it may itself: {scope}.",
                scope=scope,
                remedy="Make it on the hub's page.",
            )
    return wanted
