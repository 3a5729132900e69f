"""Why somebody was not signed in. None of these says what a provider answered: that may hold
secrets, and what it holds that is not secret was written by somebody else."""

from bunkhouse.errors import Unauthorized, Unavailable, UpstreamFailed

_AGAIN = "Try again. If it stays, an admin should look into the hub's log."


class SignInFailed(Unauthorized):
    """The root of what is wrong with a browser that comes back from a provider."""

    code = "sign_in_failed"
    sentence = "You could not be signed in."
    what_to_do = "Begin again."

    def __init__(self, message: str | None = None, *, remedy: str | None = None) -> None:
        super().__init__(message or self.sentence, remedy=remedy or self.what_to_do)


# ── the browser ──────────────────────────────────────────────────────────────────────────────


class NotBegun(SignInFailed):
    """This browser has not begun to sign in, or not at this address of the hub."""

    code = "sign_in_not_begun"
    sentence = "This browser has not begun to sign in here, or its time is over."
    what_to_do = (
        "Begin again, at the address by which you want to use the hub, with cookies allowed."
    )


class StateMismatch(SignInFailed):
    """The state is another than that of this browser's attempt."""

    code = "sign_in_state"
    sentence = "This answer belongs to another attempt to sign in."
    what_to_do = "Begin again, in one tab."


class AttemptSpent(SignInFailed):
    """The attempt was finished, is too old, or was replaced."""

    code = "sign_in_spent"
    sentence = "This attempt to sign in was used before, or is too old."


class OtherProvider(SignInFailed):
    """The attempt was begun with another provider than the one that answers."""

    code = "sign_in_other_provider"
    sentence = "Another service answered than the one that you chose."
    what_to_do = "Begin again. Should it happen twice, tell an admin: somebody may be in between."


class OtherPerson(SignInFailed):
    """An account was to be linked for a person who is not signed in here any more."""

    code = "sign_in_other_person"
    sentence = "You are not signed in any more as whom you began to link this account."
    what_to_do = "Sign in, then link the account again."


# ── the provider's word ──────────────────────────────────────────────────────────────────────


class Declined(SignInFailed):
    """The person said no at the provider."""

    code = "sign_in_declined"
    sentence = "You were not signed in, since it was declined."
    what_to_do = "Begin again if that was a mistake."


class ProviderRefused(SignInFailed):
    """The provider answered with an error of its own, or refused the code."""

    code = "sign_in_refused"
    sentence = "The service that you signed in with refused."
    what_to_do = _AGAIN


class NoAccount(SignInFailed):
    """What signed in is no person's account."""

    code = "sign_in_no_account"
    sentence = "This is not the account of a person."
    what_to_do = "Sign in with another account."


class ProviderDown(Unavailable):
    """The provider did not answer in time, or could not be reached."""

    code = "sign_in_provider_down"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} does not answer.", remedy="Try again in a moment.")


class ProviderBroken(UpstreamFailed):
    """The provider answered something that is not what the protocol says."""

    code = "sign_in_provider_broken"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} gave an answer that can't be understood.", remedy=_AGAIN)


class OtherIssuer(UpstreamFailed):
    """What is found at the issuer's address calls itself by another name: `called`, for admins."""

    code = "sign_in_discovery_issuer"

    def __init__(self, name: str, called: str) -> None:
        super().__init__(
            f"{name} calls itself by another name than the one that is set here.",
            remedy="An admin should see what `bunkhouse doctor` says.",
        )
        self.called = called


# ── the id_token ─────────────────────────────────────────────────────────────────────────────


class IdTokenRefused(SignInFailed):
    """The root of what is wrong with an id_token."""

    code = "id_token_refused"
    sentence = "The answer of the service that you signed in with can't be trusted."
    what_to_do = _AGAIN


class MalformedIdToken(IdTokenRefused):
    """It is missing, is no JWT, or lacks a claim that it must have."""

    code = "id_token_malformed"


class WrongAlgorithm(IdTokenRefused):
    """It is not signed, or in a way that the issuer did not announce or that proves nothing."""

    code = "id_token_algorithm"


class UnknownKey(IdTokenRefused):
    """It is signed with a key that the issuer does not publish."""

    code = "id_token_key"


class WrongSignature(IdTokenRefused):
    """The signature is not that of the issuer's key."""

    code = "id_token_signature"


class WrongIssuer(IdTokenRefused):
    """It was issued by somebody else."""

    code = "id_token_issuer"


class WrongAudience(IdTokenRefused):
    """It was issued for another application."""

    code = "id_token_audience"


class WrongParty(IdTokenRefused):
    """It was issued to another application, or to several and none is named."""

    code = "id_token_party"


class WrongNonce(IdTokenRefused):
    """It was issued for another attempt."""

    code = "id_token_nonce"


class Expired(IdTokenRefused):
    """It is too old."""

    code = "id_token_expired"
    sentence = "The answer of the service that you signed in with has expired."
    what_to_do = "Try again. If it stays, the clock of the hub or of the service is wrong."


class NotYetValid(IdTokenRefused):
    """It is from the future."""

    code = "id_token_not_yet"
    sentence = "The answer of the service that you signed in with is from the future."
    what_to_do = "Try again. If it stays, the clock of the hub or of the service is wrong."


class WrongAccessToken(IdTokenRefused):
    """It belongs to another access token (`at_hash`)."""

    code = "id_token_access_token"


class OtherSubject(IdTokenRefused):
    """The userinfo is that of somebody else."""

    code = "userinfo_subject"
