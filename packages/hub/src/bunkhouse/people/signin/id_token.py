"""Verifies an id_token: joserfc the signature, Authlib the claims (OpenID Connect Core, 3.1.3.7).

Authlib has no types; what it gives is looked at here, and nowhere else.
"""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, cast

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import (
    BadSignatureError,
    ClaimError,
    ExpiredTokenError,
    InvalidKeyIdError,
    JoseError,
    MissingClaimError,
    UnsupportedAlgorithmError,
)
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from bunkhouse.people.signin import refusals

_LEEWAY_SECONDS = 60
"""How far the clocks of hub and issuer may be apart."""

_LONGEST_SUBJECT = 255

_CLAIMS: dict[str, type[refusals.IdTokenRefused]] = {
    "iss": refusals.WrongIssuer,
    "aud": refusals.WrongAudience,
    "azp": refusals.WrongParty,
    "nonce": refusals.WrongNonce,
    "iat": refusals.NotYetValid,
    "nbf": refusals.NotYetValid,
    "exp": refusals.Expired,
    "at_hash": refusals.WrongAccessToken,
}


@dataclass(frozen=True, slots=True)
class Expected:
    """What an id_token must say. `issuers`: all names by which the issuer calls itself."""

    issuers: tuple[str, ...]
    client_id: str
    nonce: str
    access_token: str


def verified(
    id_token: object,
    keys: KeySet,
    algorithms: Collection[str],
    expected: Expected,
    *,
    clock: Callable[[], float] = time.time,
) -> Mapping[str, object]:
    """Give the claims of an id_token that can be trusted. `clock`: seconds since 1970.

    Raises:
        IdTokenRefused: it can't be, by the error for each reason.
    """
    if not isinstance(id_token, str):
        raise refusals.MalformedIdToken
    if not algorithms:
        # To the library an empty list is its own choice of them, HS256 among it.
        raise refusals.WrongAlgorithm
    registry = JWSRegistry(algorithms=algorithms, strict_check_header=False)
    try:
        token = jwt.decode(id_token, keys, registry=registry)
    except UnsupportedAlgorithmError:
        raise refusals.WrongAlgorithm from None
    except InvalidKeyIdError:
        raise refusals.UnknownKey from None
    except BadSignatureError:
        raise refusals.WrongSignature from None
    except (JoseError, ValueError):
        raise refusals.MalformedIdToken from None
    options = {
        "iss": {"essential": True, "values": list(expected.issuers)},
        "aud": {"essential": True, "values": [expected.client_id]},
    }
    params = {
        "client_id": expected.client_id,
        "nonce": expected.nonce,
        "access_token": expected.access_token,
    }
    claims: Any = CodeIDToken(token.claims, token.header, options, params)
    try:
        claims.validate(now=int(clock()), leeway=_LEEWAY_SECONDS)
    except ExpiredTokenError:
        raise refusals.Expired from None
    except MissingClaimError as error:
        missing = {"nonce": refusals.WrongNonce, "azp": refusals.WrongParty}
        raise missing.get(error.claim, refusals.MalformedIdToken) from None
    except ClaimError as error:
        raise _CLAIMS.get(error.claim, refusals.MalformedIdToken) from None
    subject = token.claims["sub"]
    if not 0 < len(subject) <= _LONGEST_SUBJECT:
        raise refusals.MalformedIdToken
    return cast("Mapping[str, object]", token.claims)
