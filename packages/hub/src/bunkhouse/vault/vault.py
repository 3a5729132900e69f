"""Sealing and opening: AES-256-GCM, bound to the place that a secret is for.

    1.KEY ID.BASE64(nonce ‖ what was sealed ‖ tag)

The *place* ("grants/ID/access_token") is authenticated with it and not written down: a sealed text
that is moved to another row or column does not open there.
"""

import base64
import binascii
import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bunkhouse.errors import SealBroken, VaultKeyMissing
from bunkhouse.vault.keys import Key

_FORM = "1"
_NONCE_BYTES = 12


class Vault:
    """Seals with the first of its keys, and opens with any."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self._current = keys[0].id
        self._ciphers = {key.id: AESGCM(key.secret) for key in keys}

    def seal(self, secret: str, place: str) -> str:
        """Seal a text for a place. Each time it looks different."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        cipher = self._ciphers[self._current]
        sealed = nonce + cipher.encrypt(nonce, secret.encode(), place.encode())
        return f"{_FORM}.{self._current}.{base64.urlsafe_b64encode(sealed).decode()}"

    def open(self, sealed: str, place: str) -> str:
        """Give the text that was sealed for this place.

        Raises:
            VaultKeyMissing: it was sealed with a key that is not here.
            SealBroken: it is not what was sealed, or was sealed for another place.
        """
        form, _, rest = sealed.partition(".")
        key_id, _, body = rest.partition(".")
        if form != _FORM:
            raise _broken()
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise VaultKeyMissing(
                f"This was encrypted with the key {key_id[:12]}, which the hub does not have.",
                remedy="Put that key into `vault.key` of the data folder (or BUNKHOUSE_VAULT_KEY) "
                "and start the hub anew, or sign in again.",
            )
        try:
            data = base64.b64decode(body, altchars=b"-_", validate=True)
            if base64.urlsafe_b64encode(data).decode() != body:
                raise _broken()
            opened = cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], place.encode())
        except (binascii.Error, InvalidTag, ValueError) as error:
            raise _broken() from error
        return opened.decode()

    def is_current(self, sealed: str) -> bool:
        """Whether it was sealed with the key that seals now."""
        return sealed.startswith(f"{_FORM}.{self._current}.")


def _broken() -> SealBroken:
    return SealBroken(
        "A secret in the store is not as it was written.",
        remedy="Restore the store from a backup, or sign in again.",
    )
