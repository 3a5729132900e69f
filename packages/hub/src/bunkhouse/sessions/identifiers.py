"""Names for things: short, unguessable enough not to collide, and fit for host names."""

import secrets

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def new_id(prefix: str = "", length: int = 10) -> str:
    """A random name of `length` characters (49 bits at 10), perhaps with a prefix: `p_…`."""
    name = "".join(secrets.choice(_ALPHABET) for _ in range(length))
    return f"{prefix}_{name}" if prefix else name
