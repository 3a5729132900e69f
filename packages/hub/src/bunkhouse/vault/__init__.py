"""Secrets at rest: sealed with a key that is not in the store.

- `keys`: the installation's keys, the newest first, in a file of the data folder or a setting.
- `vault`: sealing a text for one place, and opening it there and nowhere else.
"""

from bunkhouse.vault.keys import Key, add_key, given_keys, kept_keys
from bunkhouse.vault.vault import Vault

__all__ = ["Key", "Vault", "add_key", "given_keys", "kept_keys"]
