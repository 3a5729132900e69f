"""`bunkhouse admin invite`, with a real hub beside it."""

import signal

import httpx2

from .program import Program
from .test_serve import serving


async def test_its_link_lets_in(lone: Program) -> None:
    hub, url, _ = await serving(lone)
    made = await lone("admin", "invite", "--role", "admin", "--uses", "2", "--days", "1")
    assert (made.code, made.err) == (0, "")
    origin = url.replace("127.0.0.1", "bunkhouse.localhost")
    assert made.out.startswith(f"{origin}/invite/")
    path = made.out.strip().removeprefix(origin)
    async with httpx2.AsyncClient(base_url=url, trust_env=False) as browser:
        page = await browser.get(path)
        assert "Admin invites you to this Bunkhouse, as an admin." in page.text
        came = await browser.post(path, data={"name": "Grace"}, headers={"Origin": url})
        assert came.status_code == 303
        assert (await browser.get("/api/me")).json()["role"] == "admin"
        (left,) = (await browser.get("/api/invites")).json()["items"]
        assert left["uses_left"] == 1
    hub.signal(signal.SIGTERM)
    assert (await hub.end()).code == 0


async def test_what_is_no_invite_says_why(lone: Program) -> None:
    refused = await lone("admin", "invite", "--email", "ada@example.org")
    assert (refused.code, refused.out) == (1, "")
    assert "no provider" in refused.err
    refused = await lone("admin", "invite", "--uses", "101")
    assert (refused.code, refused.out) == (1, "")
    assert "BUNKHOUSE_INVITE_USES_MOST" in refused.err
    assert (await lone("admin", "invite", "--role", "owner")).code == 2
