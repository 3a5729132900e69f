"""How many sessions there may be."""

from bunkhouse.errors import TooMany
from bunkhouse.people.identity import Person
from bunkhouse.settings import Settings
from bunkhouse.store import Transaction, sessions


async def check(tx: Transaction, author: Person, settings: Settings) -> None:
    """Look, in the transaction that makes a session, whether it may be made.

    Those that have ended don't count. Several that are made at one moment may pass it together.

    Raises:
        TooMany: it is one above a limit.
    """
    everybody, theirs = await sessions.count(tx, author.id)
    if theirs > settings.max_sessions_per_person:
        raise TooMany(
            f"You have {theirs - 1:,} sessions that have not ended, and may have no more.",
            remedy="End or delete some, or raise BUNKHOUSE_MAX_SESSIONS_PER_PERSON.",
            code="too_many_sessions",
        )
    if everybody > settings.max_sessions:
        raise TooMany(
            f"There are {everybody - 1:,} sessions that have not ended, and may be no more.",
            remedy="End or delete some, or raise BUNKHOUSE_MAX_SESSIONS.",
            code="too_many_sessions",
        )
