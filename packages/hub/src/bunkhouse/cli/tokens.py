"""`token create`, `list`, `revoke`: on the database itself, with or without a hub."""

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from bunkhouse.cli.configuration import configure_logs, load_settings
from bunkhouse.cli.people import opened_people
from bunkhouse.people import ApiToken, Scope
from bunkhouse.people.tokens import USUAL_SCOPES, TokenRules


def create(
    *,
    data_dir: Path | None = None,
    name: str = "token",
    scope: Annotated[tuple[Scope, ...], Parameter(negative=())] = USUAL_SCOPES,
    days: int | None = None,
    never: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Make a token for the first admin and print it, alone.

    Parameters
    ----------
    data_dir
        Data folder of the hub.
    name
        What to call it in lists.
    scope
        What it is for, once for each: read, sessions, account, admin.
    days
        For how many days it is good (BUNKHOUSE_TOKEN_DAYS).
    never
        It does not expire by itself, where BUNKHOUSE_TOKEN_NEVER_EXPIRES allows that.
    """
    settings = load_settings(data_dir=data_dir)
    configure_logs("warning")

    async def make() -> str:
        async with opened_people(settings) as people:
            _, secret = await people.create_token(
                await people.first_admin(),
                name,
                scopes=scope,
                rules=TokenRules.of(settings),
                days=days,
                never=never,
            )
            return secret

    print(asyncio.run(make()))


def list_tokens(*, data_dir: Path | None = None) -> None:
    """List the first admin's tokens that are good: id, name, scopes, last use, expiry.

    Parameters
    ----------
    data_dir
        Data folder of the hub.
    """
    settings = load_settings(data_dir=data_dir)
    configure_logs("warning")

    async def find() -> list[ApiToken]:
        async with opened_people(settings) as people:
            return await people.tokens(await people.first_admin())

    for token in asyncio.run(find()):
        used = f"{token.last_used_at:%Y-%m-%d}" if token.last_used_at else "never used"
        expires = f"until {token.expires_at:%Y-%m-%d}" if token.expires_at else "for ever"
        print("\t".join((token.id, token.name, ",".join(token.scopes), used, expires)))


def revoke(token: str, /, *, data_dir: Path | None = None) -> None:
    """Make a token of the first admin worthless.

    Parameters
    ----------
    token
        Its id, as `bunkhouse token list` shows it.
    data_dir
        Data folder of the hub.
    """
    settings = load_settings(data_dir=data_dir)
    configure_logs("warning")

    async def end() -> None:
        async with opened_people(settings) as people:
            await people.revoke_token(await people.first_admin(), token)

    asyncio.run(end())
