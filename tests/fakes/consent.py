"""The page on which somebody says who they are and what they allow, and how tests answer it."""

import html
import re
from collections.abc import Iterable
from typing import Literal

import httpx2
from starlette.responses import HTMLResponse

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{name}</title>
<h1>{name}</h1><p>{asked}</p>
<form method="post" action="/approve">
<input type="hidden" name="request" value="{request}">
{accounts}
<button name="account" value="">Cancel</button>
</form></html>"""


def choosing(
    name: str, request: str, scope: str, accounts: Iterable[tuple[str, str]]
) -> HTMLResponse:
    """A page of all accounts, by id and name."""
    return HTMLResponse(
        _PAGE.format(
            name=html.escape(name),
            asked=html.escape(f"An application asks for: {scope}"),
            request=request,
            accounts="\n".join(
                f'<button name="account" value="{html.escape(key)}">'
                f"Continue as {html.escape(shown)}</button>"
                for key, shown in accounts
            ),
        )
    )


async def approve(address: str, account: str | Literal[False]) -> str:
    """Go to a provider and choose an account there (False: cancel); where that leads."""
    async with httpx2.AsyncClient(trust_env=False) as client:
        page = await client.get(address)
        assert page.status_code == 200, page.text
        found = re.search(r'name="request" value="([^"]+)"', page.text)
        assert found, page.text
        chosen = await client.post(
            httpx2.URL(address).join("/approve"),
            data={"request": found[1], "account": account or ""},
        )
    assert chosen.status_code == 302, chosen.text
    return chosen.headers["location"]
