"""`token create` and `admin link`: on the database itself, whether the hub runs or not."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from bunkhouse.cli import presence
from bunkhouse.cli.addresses import for_people
from bunkhouse.cli.configuration import configure_logs, load_settings
from bunkhouse.people import People
from bunkhouse.settings import Settings
from bunkhouse.store import Database


@asynccontextmanager
async def opened_people(settings: Settings) -> AsyncGenerator[People]:
    """Open the database of an installation, made or migrated where need be."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = await Database.open(settings.database)
    try:
        yield People(database, cookie_days=settings.cookie_days, link_minutes=settings.link_minutes)
    finally:
        await database.close()


def create_token(*, data_dir: Path | None = None, name: str = "token") -> None:
    """Make a token for the first admin and print it, alone.

    Parameters
    ----------
    data_dir
        Data folder of the hub.
    name
        What to call it in lists.
    """
    settings = load_settings(data_dir=data_dir)
    configure_logs("warning")

    async def make() -> str:
        async with opened_people(settings) as people:
            _, secret = await people.create_token(await people.first_admin(), name)
            return secret

    print(asyncio.run(make()))


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

    secret = asyncio.run(make())
    hub = presence.running(settings.data_dir)
    print(f"{for_people(settings, hub.url if hub else None)}/login/{secret}")
