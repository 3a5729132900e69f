"""Origins, links, pages, and the mode with ports."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bunkhouse.errors import InvalidInput, Misdirected, TooMany, Unavailable
from bunkhouse.gateway.allotted import PortOrigins, ports_in
from bunkhouse.gateway.apps import Apps
from bunkhouse.gateway.origins import Address, DomainOrigins

from ..settled import settled
from .ground import OTHER, SESSION, Ground, Sandboxes, hub_cookie, telling

TAB = {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"}
FRAME = {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Mode": "navigate"}
ORIGINS = DomainOrigins("https://hub.example.org", "apps.example.org")


@given(
    st.sampled_from(["editor", "1", "80", "5173", "65535"]),
    st.from_regex(r"[a-z0-9]{1,40}", fullmatch=True),
)
def test_every_app_has_its_own_origin(app: str, session: str) -> None:
    address = Address(session, app)
    origin = ORIGINS.origin_of(address)
    assert ORIGINS.address_of(origin) == address
    assert ORIGINS.locate(urlsplit(origin).netloc, 443) == address


_PARTS = st.sampled_from(
    ["5173", "editor", "--", "-", ".", ":", "@", "abc", "apps.example.org", "APPS", "443", "hub",
     "example.org", "0", "é", " ", "/", "[", "]"]
)  # fmt: skip


@given(st.lists(_PARTS, max_size=8).map("".join) | st.text(max_size=60))
def test_whatever_a_host_says_it_is_one_app_or_the_hub_or_nobody(host: str) -> None:
    try:
        found = ORIGINS.locate(host, 443)
    except Misdirected:
        return
    if found is None:
        assert not host.rstrip(".").endswith(".apps.example.org")
    else:
        assert host.removesuffix(":443") == urlsplit(ORIGINS.origin_of(found)).netloc


async def test_a_link_goes_by_the_hub(place: Ground) -> None:
    await place.serve(telling([]))
    view = await place.apps.view(place.person, SESSION, "5173", "/a?b=c")
    assert (view.link, view.mode, view.notice) == (f"{place.origin()}/a?b=c", "domain", None)
    first = await place.ask("/a?b=c", headers=TAB, cookie="a=b")
    assert first.status_code == 303
    hub = urlsplit(first.headers["location"])
    assert f"{hub.scheme}://{hub.netloc}" == place.hub
    async with place.client() as client:
        address = f"http://127.0.0.1:{place.port}{hub.path}?{hub.query}"
        headers = {"Cookie": hub_cookie(place), "Sec-Fetch-Site": "cross-site", **TAB}
        assert (await client.get(address)).status_code == 401
        onwards = await client.get(address, headers=headers)
    assert onwards.status_code == 303
    entered = urlsplit(onwards.headers["location"])
    assert f"{entered.scheme}://{entered.netloc}" == place.origin()
    assert parse_qs(entered.query)["to"] == ["/a?b=c"]
    last = await place.ask(f"{entered.path}?{entered.query}", headers=TAB, cookie="a=b")
    assert last.headers["location"] == view.link
    assert "set-cookie" in last.headers


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example", "/x", "javascript:1"])
async def test_the_hub_leads_nowhere_else(place: Ground, to: str) -> None:
    async with place.client() as client:
        answer = await client.get(
            f"http://127.0.0.1:{place.port}/enter",
            params={"to": to},
            headers={"Cookie": hub_cookie(place)},
        )
    assert answer.status_code == 422
    assert "location" not in answer.headers


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "evil", ""])
async def test_a_path_is_a_path(place: Ground, path: str) -> None:
    with pytest.raises(InvalidInput):
        await place.apps.view(place.person, SESSION, "5173", path)


@pytest.mark.parametrize("app", ["9222", "4096", "0", "00", "65536", "desktop", "-1", "5173.5", ""])
async def test_apps_that_are_none(place: Ground, app: str) -> None:
    with pytest.raises(InvalidInput):
        await place.apps.view(place.person, SESSION, app)


async def test_a_frame_that_has_expired_tells_the_page_around_it(place: Ground) -> None:
    answer = await place.ask("/x", headers=FRAME, cookie="a=b")
    assert answer.status_code == 401
    assert "bunkhouse:expired" in answer.text
    assert place.hub in answer.text
    assert f"frame-ancestors 'self' {place.hub}" in answer.headers["content-security-policy"]


async def test_a_port_where_nothing_listens_yet(place: Ground) -> None:
    answer = await place.ask(headers=FRAME)
    assert answer.status_code == 502
    assert "Nothing listens on port 5173 yet" in answer.text
    told = await place.ask()
    assert told.json()["code"] == "not_listening"
    assert (await place.ask("/.bunkhouse/ready")).status_code == 502
    await place.serve(telling([]))
    assert (await place.ask("/.bunkhouse/ready")).status_code == 204


async def test_the_second_mode(harbour: Ground) -> None:
    heard: list[bytes] = []
    await harbour.serve(telling(heard))
    view = await harbour.apps.view(harbour.person, SESSION, "5173")
    assert view.mode == "ports"
    assert "2 can be open at once" in (view.notice or "")
    assert urlsplit(view.url).port in harbour.ports
    cookie = await harbour.cookie()
    assert cookie.startswith(f"bunkhouse-app-{urlsplit(view.url).port}=")
    assert (await harbour.ask(headers={"Cookie": f"{cookie}; {hub_cookie(harbour)}"})).text == "ok"
    assert b"bunkhouse-app" not in heard[0] and b"bunkhouse_session" not in heard[0]
    other = await harbour.cookie(session=OTHER)
    assert (await harbour.ask(cookie=other)).status_code == 401
    worker = await harbour.ask(headers={"Service-Worker": "script"})
    assert worker.status_code == 403
    with pytest.raises(TooMany):
        await harbour.apps.view(harbour.person, SESSION, "8000")


def test_ports_are_given_again_when_they_are_idle() -> None:
    now = 0.0
    origins = PortOrigins("http://h:1", ports_in("8800-8801"), idle_seconds=10, clock=lambda: now)
    first, second, third = (Address(SESSION, app) for app in ("1", "2", "3"))
    assert (origins.allot(first), origins.allot(second)) == (8800, 8801)
    now = 9
    assert origins.locate("h:8800", 8800) == first
    now = 11
    assert origins.allot(third) == 8801
    assert origins.origin_of(second) is None
    assert origins.second_hand(third)
    assert not origins.second_hand(first)


@pytest.mark.parametrize("text", ["", "8800", "0-5", "9-8", "1-70000", "1-2000", "a-b"])
def test_what_is_no_range(text: str) -> None:
    with pytest.raises(InvalidInput):
        ports_in(text)


async def test_where_no_origin_can_be_had(place: Ground, tmp_path: Path) -> None:
    settings = settled(data_dir=tmp_path)
    settings.public_url = "https://hub.example.org"
    apps = Apps(settings, place.rights, Sandboxes())
    with pytest.raises(Unavailable) as none:
        await apps.view(place.person, SESSION, "5173")
    assert none.value.reason == "no_apps_domain"
    assert "BUNKHOUSE_APPS_DOMAIN" in (none.value.remedy or "")
    assert (tmp_path / "gateway.key").stat().st_mode & 0o777 == 0o600
