"""The keys of an installation: 32 random bytes each, as base64, a line each; the first one seals.

The others only open what was sealed before them, so that a key can be replaced at any time.
"""

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bunkhouse.errors import InvalidInput, Unavailable

KEY_BYTES = 32
_NEW_KEY = "Make one with `openssl rand -base64 32`."


@dataclass(frozen=True, slots=True)
class Key:
    """A key, and the name by which what it sealed refers to it."""

    id: str
    secret: bytes = field(repr=False)


def read_key(text: str) -> Key:
    """Read a key that is written as base64, of either alphabet.

    Raises:
        InvalidInput: it is none.
    """
    given = text.strip().replace("-", "+").replace("_", "/").rstrip("=")
    try:
        secret = base64.b64decode(given + "=" * (-len(given) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _no_key("it is not base64") from error
    if len(secret) != KEY_BYTES:
        raise _no_key(f"it has {len(secret)} bytes in place of {KEY_BYTES}")
    return Key(hashlib.sha256(b"bunkhouse vault key\0" + secret).hexdigest()[:12], secret)


def given_keys(text: str) -> list[Key]:
    """Read the keys of a setting, separated by commas.

    Raises:
        InvalidInput: there is none, or one of them is no key.
    """
    return _keys(text.split(","))


def kept_keys(path: Path) -> list[Key]:
    """Read the keys of a file, which is made with one key where it is not there.

    Raises:
        InvalidInput: what is in the file is no key.
        Unavailable: it can't be read or made.
    """
    try:
        _make(path)
        return _keys(path.read_text("ascii", "replace").splitlines())
    except OSError as error:
        raise Unavailable(
            f"The vault's key in {path} can't be used: {error.strerror}.",
            remedy="Check that the data folder and this file are the hub's own.",
            code="vault_key_missing",
        ) from error


def add_key(path: Path) -> Key:
    """Put a new key before the others of a file, which stay, and give it.

    Raises:
        InvalidInput: what is in the file is no key.
        Unavailable: it can't be read or written.
    """
    before = kept_keys(path)
    fresh = _fresh()
    lines = [fresh, *(base64.b64encode(key.secret).decode() for key in before)]
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        _write(draft, "".join(f"{line}\n" for line in lines))
        draft.replace(path)
    except OSError as error:
        raise Unavailable(f"{path} can't be written: {error.strerror}.") from error
    finally:
        draft.unlink(missing_ok=True)
    return read_key(fresh)


def _keys(texts: Sequence[str]) -> list[Key]:
    keys = [read_key(text) for text in texts if text.strip()]
    if not keys:
        raise _no_key("there is none")
    return keys


def _make(path: Path) -> None:
    """Whole or not at all: another process may do the same just now."""
    if path.exists():
        return
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        _write(draft, f"{_fresh()}\n")
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _fresh() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def _no_key(why: str) -> InvalidInput:
    return InvalidInput(
        f"A key of the vault can't be used: {why}.",
        remedy=f"Put `vault.key` back as it was, or set BUNKHOUSE_VAULT_KEY rightly. {_NEW_KEY}",
        code="vault_key_not_valid",
    )
