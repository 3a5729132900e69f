"""Settings of who gets in by what: cookies, tokens, share links, and how often one may be wrong."""

from pydantic import Field
from pydantic_settings import BaseSettings


class AccessSettings(BaseSettings):
    """A part of `settings.Settings`."""

    cookie_days: int = Field(30, ge=1, description="Days after which a browser signs in again.")
    cookie_rotate_minutes: float = Field(
        15,
        gt=0,
        description="Minutes after which the secret in a browser's cookie is replaced, while it is "
        "used; not before the one before is taken no more.",
    )
    cookie_grace_seconds: float = Field(
        60,
        ge=0,
        description="Seconds for which a secret that was replaced is still taken, from requests "
        "that were on their way. One that comes later ends the sign-in: it is a copy.",
    )

    link_minutes: int = Field(
        60 * 24, ge=1, description="Minutes for which a one-time sign-in link is good."
    )

    invite_days: int = Field(
        7, ge=1, description="Days for which an invite is good, where whoever makes it says none."
    )
    invite_days_most: int = Field(90, ge=1, description="The most days for which one can be made.")
    invite_uses_most: int = Field(
        100, ge=1, description="How many people one invite can let in at most."
    )

    token_days: int = Field(
        90, ge=1, description="Days for which a token is good, where whoever makes it says none."
    )
    token_days_most: int = Field(365, ge=1, description="The most days for which one can be made.")
    token_never_expires: bool = Field(
        False, description="Let tokens be made that never expire by themselves."
    )

    share_days: int = Field(
        7,
        ge=1,
        description="Days for which a share link is good, where whoever makes it says none.",
    )
    share_days_most: int = Field(90, ge=1, description="The most days for which one can be made.")
    share_uses_most: int = Field(
        100, ge=1, description="For how many people one can be made at most; or for any number."
    )
    share_links: int = Field(
        50, ge=1, description="Share links of one session that can be good at once."
    )
    public_links: bool = Field(
        False,
        description="Let owners make links with which everybody sees a session's transcript, "
        "without signing in. Switched off, those that there are show nothing.",
    )

    sign_in_tries: int = Field(
        20,
        ge=1,
        description="Wrong sign-in links, invitations, share links and answers of providers that "
        "are taken from one address within `BUNKHOUSE_SIGN_IN_TRIES_SECONDS`; of IPv6, from one "
        "network of 64 bits.",
    )
    sign_in_tries_total: int = Field(
        1000,
        ge=1,
        description="The same from all addresses together; after that, one from each.",
    )
    sign_in_tries_seconds: float = Field(
        600, gt=0, description="Seconds after which such an attempt is not counted any more."
    )
    sign_in_begins: int = Field(
        100,
        ge=1,
        description="Times within these seconds that browsers of one address are sent to a "
        "provider.",
    )
