"""`bunkhouse token …`, on a store without a hub."""

import re
from datetime import UTC, datetime, timedelta

from .program import Program


def cells(line: str) -> list[str]:
    return line.split("\t")


async def test_they_are_made_listed_and_revoked(lone: Program) -> None:
    made = await lone("token", "create")
    assert (made.code, made.err) == (0, "")
    assert re.fullmatch(r"bh_\S+\n", made.out)
    for scopes in (("--scope", "read"), ("--scope", "admin", "--scope", "account")):
        again = await lone("token", "create", "--name", scopes[1], "--days", "7", *scopes)
        assert again.code == 0, again.err
    listed = await lone("token", "list")
    rows = {cells(line)[1]: cells(line) for line in listed.out.splitlines()}
    assert {name: row[2] for name, row in rows.items()} == {
        "token": "read,sessions",
        "read": "read",
        "admin": "account,admin",
    }
    assert {row[3] for row in rows.values()} == {"never used"}
    week = f"until {datetime.now(UTC) + timedelta(days=7):%Y-%m-%d}"
    assert (rows["read"][4], rows["admin"][4]) == (week, week)
    ended = await lone("token", "revoke", rows["read"][0])
    assert (ended.code, ended.out) == (0, "")
    assert "read" not in {cells(line)[1] for line in (await lone("token", "list")).out.splitlines()}
    gone = await lone("token", "revoke", rows["read"][0])
    assert (gone.code, "no such token" in gone.err) == (1, True)


async def test_what_is_no_token_says_why(lone: Program) -> None:
    refused = await lone("token", "create", "--days", "400")
    assert (refused.code, refused.out) == (1, "")
    assert "BUNKHOUSE_TOKEN_DAYS_MOST" in refused.err
    refused = await lone("token", "create", "--never")
    assert (refused.code, "BUNKHOUSE_TOKEN_NEVER_EXPIRES" in refused.err) == (1, True)
    assert (await lone("token", "create", "--scope", "everything")).code == 2
    lone.environment["BUNKHOUSE_TOKEN_NEVER_EXPIRES"] = "true"
    assert (await lone("token", "create", "--never")).code == 0
    assert cells((await lone("token", "list")).out.strip())[4] == "for ever"
