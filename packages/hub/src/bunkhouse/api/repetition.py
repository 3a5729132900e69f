"""`Idempotency-Key`: what a client sends so that it may repeat a request whose answer it missed."""

from typing import Annotated

from fastapi import Header
from pydantic import BaseModel

from bunkhouse.api.services import Services
from bunkhouse.people import Person
from bunkhouse.sessions.once import Once

Key = Annotated[
    str | None, Header(alias="Idempotency-Key", min_length=1, max_length=255, pattern=r"^[!-~]+$")
]
"""Any visible characters without spaces, the quotes of a structured field among them."""


def once_of(
    hub: Services, person: Person, key: str | None, where: str, asked: BaseModel
) -> Once | None:
    """Say what a key stands for: this person's request, at `where`, as we understood it."""
    if key is None:
        return None
    seconds = hub.settings.idempotency_hours * 3600
    # The quotes of a structured field are not part of the key.
    name = key[1:-1] if len(key) > 2 and key[0] == key[-1] == '"' else key
    return Once.of(person, name, f"{where}\n{asked.model_dump_json()}", seconds=seconds)
