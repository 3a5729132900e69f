"""`admin rotate-key`: on the key's file itself."""

from pathlib import Path

from bunkhouse.cli.configuration import configure_logs, load_settings
from bunkhouse.errors import Conflict
from bunkhouse.vault import add_key


def rotate_key(*, data_dir: Path | None = None) -> None:
    """Make a new key for the vault, which the hub takes at its next start.

    Parameters
    ----------
    data_dir
        Data folder of the hub.
    """
    settings = load_settings(data_dir=data_dir)
    configure_logs("warning")
    if settings.vault_key is not None:
        raise Conflict(
            "The vault's key is set by BUNKHOUSE_VAULT_KEY.",
            remedy="Put a new key before the old one there, with a comma between them.",
        )
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = add_key(settings.data_dir / "vault.key")
    print(f"New key {key.id}. The hub encrypts with it, and all anew, from its next start on.")
