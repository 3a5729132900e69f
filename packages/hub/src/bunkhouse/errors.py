"""Every error that Bunkhouse raises for a reason it understands.

    BunkhouseError
    ├── InvalidInput          422  what was given can't be taken
    ├── Unauthorized          401  nobody is signed in
    ├── Forbidden             403  signed in, but not allowed
    │   ├── NotAllowed
    │   ├── RoleNeeded
    │   └── ScopeNeeded
    ├── NotFound              404
    ├── Misdirected           421  a host name that is nobody's
    ├── Conflict              409  not in this state
    │   ├── SandboxNotRunning
    │   ├── ServiceNotRunning
    │   ├── NotListening
    │   ├── SnapshotMissing
    │   ├── LastAdmin
    │   ├── GrantMissing
    │   └── GrantRevoked
    ├── TooLarge              413
    ├── TooMany               429
    │   └── TooManyTries
    ├── Unavailable           503  something that we need is not there now
    │   ├── EngineDown
    │   ├── ImageMissing
    │   ├── StorageFull
    │   ├── VaultKeyMissing
    │   └── SealBroken
    └── UpstreamFailed        502  a forge, a registry or a model provider failed

Each has a `code` for machines, a sentence for people and, where there is one, a remedy. The API
turns them into problem details (RFC 9457); the CLI prints sentence and remedy.
"""

from typing import ClassVar


class BunkhouseError(Exception):
    """The root. `message` is one clear sentence; `remedy` says what the reader can do."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    retry_after: int | None = None
    """In how many seconds it may be tried again, where that is known."""

    def __init__(self, message: str, *, remedy: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.reason = code or self.code

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}" if self.remedy else self.message


class InvalidInput(BunkhouseError):
    """What was given can't be taken; nothing was changed."""

    code = "invalid_input"
    status = 422


class Unauthorized(BunkhouseError):
    """Nobody is signed in, or the token is not valid."""

    code = "unauthorized"
    status = 401


class Forbidden(BunkhouseError):
    """The person is known but may not do this."""

    code = "forbidden"
    status = 403


class NotAllowed(Forbidden):
    """A port of a sandbox that nobody may reach from outside: one of Bunkhouse's own."""

    code = "not_allowed"


class RoleNeeded(Forbidden):
    """Another role would be needed, in the session or in the installation: `role` says which."""

    code = "role_needed"

    def __init__(self, message: str, *, role: str, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.role = role


class ScopeNeeded(Forbidden):
    """Whoever asks may do this, but not with this token: `scope` says what it would need."""

    code = "scope_needed"

    def __init__(self, message: str, *, scope: str, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.scope = scope


class NotFound(BunkhouseError):
    """There is no such thing, or it is not for this person to see."""

    code = "not_found"
    status = 404


class Misdirected(BunkhouseError):
    """The request is for a host name or a port that belongs to no app of a session."""

    code = "misdirected"
    status = 421


class Conflict(BunkhouseError):
    """It can't be done in the state that things are in."""

    code = "conflict"
    status = 409


class SandboxNotRunning(Conflict):
    """The session has no running sandbox to ask."""

    code = "sandbox_not_running"


class ServiceNotRunning(Conflict):
    """The sandbox runs, but not the editor or desktop that was asked for."""

    code = "service_not_running"


class NotListening(Conflict):
    """The sandbox runs, but nothing listens at that port."""

    code = "not_listening"


class SnapshotMissing(Conflict):
    """What was kept of a session's files is not there any more."""

    code = "snapshot_missing"


class LastAdmin(Conflict):
    """Without this person nobody would be an admin."""

    code = "last_admin"


class GrantMissing(Conflict):
    """The person has not let the hub act for them at this forge."""

    code = "grant_missing"


class GrantRevoked(Conflict):
    """The person's leave to act for them at a forge is not good any more."""

    code = "grant_revoked"


class TooLarge(BunkhouseError):
    """Over a limit of size; the message names the limit and its setting."""

    code = "too_large"
    status = 413


class TooMany(BunkhouseError):
    """Over a limit of number or rate; the message names the limit and its setting."""

    code = "too_many"
    status = 429


class TooManyTries(TooMany):
    """Too many wrong secrets came from this address."""

    code = "too_many_tries"

    def __init__(self, message: str, *, retry_after: int, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after = retry_after


class Unavailable(BunkhouseError):
    """Something that is needed is not there now; later may be better."""

    code = "unavailable"
    status = 503


class EngineDown(Unavailable):
    """The container engine does not answer."""

    code = "engine_down"


class ImageMissing(Unavailable):
    """The sandbox image is not built."""

    code = "image_missing"


class StorageFull(Unavailable):
    """The disk is full, or nearly so."""

    code = "storage_full"


class VaultKeyMissing(Unavailable):
    """Something is encrypted with a key that the hub does not have."""

    code = "vault_key_missing"


class SealBroken(Unavailable):
    """Something that was encrypted is damaged."""

    code = "seal_broken"


class UpstreamFailed(BunkhouseError):
    """A service that we depend on failed: a repository's host, a model provider."""

    code = "upstream_failed"
    status = 502
