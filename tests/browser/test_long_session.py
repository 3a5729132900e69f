"""A session of 100,000 events: it opens at its end, and all of it can be got to."""

from collections.abc import Generator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect

from ..filling import EVENTS_A_TURN, filled
from ..hubs import Client, HubProcess
from .conftest import signed_in

pytestmark = pytest.mark.browser


_TURNS = 100_000 // EVENTS_A_TURN + 1

_FRAMES = """() => new Promise((done) => {
    let left = 6;
    const next = () => (left-- > 0 ? requestAnimationFrame(next) : done());
    next();
})"""

_LOOKED_AT = """() => {
    const view = document.querySelector("[data-testid=transcript]").getBoundingClientRect();
    const row = [...document.querySelectorAll("[data-tool-id]")].find(
        (card) => card.getBoundingClientRect().top > view.top + 50);
    return [row.dataset.toolId, row.getBoundingClientRect().top];
}"""

_TOP_OF = """(id) =>
    document.querySelector(`[data-tool-id="${id}"]`)?.getBoundingClientRect().top ?? null"""


@pytest.fixture(scope="module")
def hub(place: Path) -> Generator[HubProcess]:
    """A hub without an engine, which reading needs none of."""
    hub = HubProcess(place / "long-session", {"BUNKHOUSE_ENGINE": f"unix://{place}/none.sock"})
    hub.start()
    yield hub
    hub.stop()


@pytest.fixture(scope="module")
def session(hub: HubProcess) -> str:
    session = Client(hub).create(title="A long one")
    assert filled(hub.data_dir / "bunkhouse.db", session, _TURNS) > 100_000
    return session


def opened(page: Page, hub: HubProcess, session: str) -> None:
    page.goto(f"{hub.pages}/sessions/{session}")
    expect(page.get_by_test_id("turn-end").last).to_be_in_viewport()


def place_of(page: Page) -> int:
    return int(page.get_by_test_id("transcript").get_attribute("data-from") or 0)


def test_it_opens_at_its_end_with_little(page: Page, hub: HubProcess, session: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    opened(page, hub, session)
    (url,) = [url for url in asked if "tail=" in url or "before=" in url]
    path = urlsplit(url)._replace(scheme="", netloc="").geturl()
    answer = Client(hub).http.get(path, headers={"accept": "application/json"})
    assert len(answer.raise_for_status().content) < 300_000
    assert place_of(page) > 90_000
    # Only what can be seen is drawn, and what stands beside it counts all turns.
    assert page.locator("[data-testid=transcript] *").count() < 5_000
    page.get_by_test_id("details-tab").first.click()
    expect(page.get_by_test_id("details")).to_contain_text(f"Turns{_TURNS:,}")


def test_scrolling_up_reads_on_and_what_one_looks_at_stays(
    page: Page, hub: HubProcess, session: str
) -> None:
    opened(page, hub, session)
    transcript = page.get_by_test_id("transcript")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    for _ in range(3):
        held.clear()
        page.route("**/events?before=*", hold)
        began = place_of(page)
        transcript.hover()
        while not held:
            page.mouse.wheel(0, -500)
            page.evaluate(_FRAMES)
        # It is on its way, and the reader looks at something.
        expect(page.get_by_test_id("earlier")).to_be_visible()
        page.evaluate(_FRAMES)
        name, top = page.evaluate(_LOOKED_AT)
        held[0].continue_()
        page.unroute_all()
        expect(transcript).not_to_have_attribute("data-from", str(began))
        page.evaluate(_FRAMES)
        assert place_of(page) < began
        assert abs(page.evaluate(_TOP_OF, name) - top) < 8


def test_home_leads_to_the_first_prompt(page: Page, hub: HubProcess, session: str) -> None:
    opened(page, hub, session)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_test_id("transcript").press("Home")
    expect(page.get_by_text("prompt-0", exact=True)).to_be_in_viewport()
    assert place_of(page) == 1
    # What stands between it and the end is not read for that.
    assert any("events?after=0&" in url for url in asked)
    assert not any("events?before=" in url for url in asked)
    page.get_by_test_id("transcript").press("End")
    expect(page.get_by_test_id("turn-end").last).to_be_in_viewport()


def test_two_browsers_see_each_other_and_two_tabs_are_one(
    chromium: Browser, page: Page, hub: HubProcess, session: str
) -> None:
    opened(page, hub, session)
    present = page.locator("header").get_by_test_id("present")
    tab = page.context.new_page()
    opened(tab, hub, session)
    other = signed_in(chromium, hub, viewport={"width": 390, "height": 844})
    opened(other, hub, session)
    expect(present.locator("span")).to_have_count(1)
    other.get_by_test_id("composer").press_sequentially("hm")
    expect(page.get_by_test_id("typing")).to_contain_text("types…")
    other.context.close()
    expect(page.get_by_test_id("typing")).to_have_count(0)
    expect(present).to_have_count(0)
    tab.close()


def test_a_page_has_one_stream(page: Page, hub: HubProcess, session: str) -> None:
    streams: list[Request] = []
    page.on("request", lambda asked: streams.append(asked) if _is_stream(asked) else None)
    page.on("requestfailed", lambda asked: streams.remove(asked) if _is_stream(asked) else None)
    with (
        page.expect_event("requestfailed", _is_stream),
        page.expect_request(lambda asked: f"session={session}" in asked.url),
    ):
        opened(page, hub, session)
    assert [f"session={session}" in stream.url for stream in streams] == [True]


def _is_stream(asked: Request) -> bool:
    return "/api/events" in asked.url
