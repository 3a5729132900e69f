"""Under which name and address people's commits are made, and whose commits a session may push."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from bunkhouse.store import Transaction, grants, prompts, sessions
from bunkhouse.store.sessions import SessionRow

_AROUND = " .,:;<>\"\\'"
"""What git takes away at both ends of a name."""
_WITHOUT_NAME = "Bunkhouse"
_ANCESTORS = 32
"""So far back it is looked of which other sessions one is a copy."""


@dataclass(frozen=True, slots=True)
class Identity:
    """As a commit has it."""

    name: str
    email: str


async def of(tx: Transaction, person_id: str, person: str, repository: str | None) -> Identity:
    """A person in sessions on a repository: as its forge knows them, if they signed in there."""
    host = _host(repository)
    row = await grants.of(tx, person_id, host) if host else None
    return _here(person_id, person) if row is None else _at_forge(row)


async def of_session(tx: Transaction, row: SessionRow) -> set[Identity]:
    """Everybody who said something in a session, or in one that it is a copy of.

    Both as the forge knows them and as this installation does: they may have signed in there in the
    middle.
    """
    people = {(row.author_id, row.author)}
    above: SessionRow | None = row
    for _ in range(_ANCESTORS):
        people |= {(above.author_id, above.author), *await prompts.authors(tx, above.id)}
        if above.forked_from is None:
            break
        above = await sessions.get(tx, above.forked_from["session_id"])
        if above is None:
            break
    found = {_here(person_id, name) for person_id, name in people}
    if host := _host(row.repository):
        ids = {person_id for person_id, _ in people}
        found |= {_at_forge(grant) for grant in await grants.of_people(tx, ids, host)}
    return found


def _here(person_id: str, person: str) -> Identity:
    return Identity(_clean(person), f"{person_id}@users.noreply.bunkhouse.invalid")


def _at_forge(grant: grants.GrantRow) -> Identity:
    host = urlsplit(f"https://{grant.host}").hostname
    email = f"{grant.account_id}+{grant.login}@users.noreply.{host}"
    return Identity(_clean(grant.name) if grant.name.strip() else grant.login, email)


def _host(repository: str | None) -> str | None:
    """The host of a URL, as grants name it; None for a folder."""
    return urlsplit(repository).netloc if repository and "://" in repository else None


def _clean(name: str) -> str:
    """A name as git writes it into a commit, so that both can be compared."""
    kept = "".join(c for c in name if c.isprintable() and c not in "<>")
    stripped = kept.strip(_AROUND)
    # A name without a letter or digit is none for git.
    return stripped if any(map(str.isalnum, stripped)) else _WITHOUT_NAME
