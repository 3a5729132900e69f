"""`admin link`, `admin invite`: on the database itself, with or without a hub."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from bunkhouse.cli import presence
from bunkhouse.cli.addresses import for_people
from bunkhouse.cli.configuration import configure_logs, load_settings
from bunkhouse.forges.github.app import has_app
from bunkhouse.people import People, Role
from bunkhouse.people.invites import Invites
from bunkhouse.settings import Settings
from bunkhouse.store import Database


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncGenerator[Database]:
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = await Database.open(settings.database)
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def opened_people(settings: Settings) -> AsyncGenerator[People]:
    """Open the database of an installation, made or migrated where need be."""
    async with _opened(settings) as database:
        yield _people(settings, database)


def _people(settings: Settings, database: Database) -> People:
    return People(database, cookie_days=settings.cookie_days, link_minutes=settings.link_minutes)


def link(*, data_dir: Path | None = None) -> None:
    """Make a link that signs one browser in as the first admin, and print it.

    Parameters
    ----------
    data_dir
        Data folder of the hub.
    """
    settings = load_settings(data_dir=data_dir)
    configure_logs("warning")

    async def make() -> str:
        async with opened_people(settings) as people:
            return await people.sign_in_link()

    _print_link(settings, f"/login/{asyncio.run(make())}")


def invite(
    *,
    data_dir: Path | None = None,
    role: Role = "member",
    email: str | None = None,
    uses: int = 1,
    days: int | None = None,
) -> None:
    """Make a link that lets others in, in the name of the first admin, and print it.

    Parameters
    ----------
    data_dir
        Data folder of the hub.
    role
        What they are here then.
    email
        The address that a provider has to vouch for.
    uses
        How many people it lets in.
    days
        For how many days it is good (BUNKHOUSE_INVITE_DAYS).
    """
    settings = load_settings(data_dir=data_dir)
    configure_logs("warning")

    async def make() -> str:
        async with _opened(settings) as database:
            people = _people(settings, database)
            invites = Invites.of(settings, database, people)
            # People sign in with the App that was set up from the page, too; the hub has its key.
            invites.vouching = invites.vouching or await has_app(database)
            by = await people.first_admin()
            _, secret = await invites.create(by, role=role, email=email, uses=uses, days=days)
            return secret

    _print_link(settings, f"/invite/{asyncio.run(make())}")


def _print_link(settings: Settings, path: str) -> None:
    hub = presence.running(settings.data_dir)
    print(f"{for_people(settings, hub.url if hub else None)}{path}")
