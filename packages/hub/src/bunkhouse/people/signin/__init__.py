"""Signing in with accounts of other services: GitHub, Google, and who speaks OpenID Connect.

`signing_in` is what the routes call. It sends a browser away (`attempts`), has a provider
(`github`, `oidc`) say who came back, and `accounts` knows whose account that is. `exchange`,
`discovery` and `id_token` are the parts of the protocols; `refusals` says all that can go wrong.
"""

from bunkhouse.people.signin.accounts import LinkedAccount, Redeem
from bunkhouse.people.signin.configured import AppClient, configured
from bunkhouse.people.signin.profile import Grant, KeepGrant, Profile
from bunkhouse.people.signin.provider import Answer
from bunkhouse.people.signin.signing_in import SignIn

__all__ = [
    "Answer",
    "AppClient",
    "Grant",
    "KeepGrant",
    "LinkedAccount",
    "Profile",
    "Redeem",
    "SignIn",
    "configured",
]
