"""Ways in as people use them: a link to a session, a link for everybody, and ending a sign-in."""

from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from ..filling import filled
from ..hubs import Client, HubProcess
from .conftest import signed_in

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def hub(place: Path) -> Generator[HubProcess]:
    """A hub without an engine, which none of this needs."""
    hub = HubProcess(
        place / "access",
        {
            "BUNKHOUSE_ENGINE": f"unix://{place}/none.sock",
            "BUNKHOUSE_PUBLIC_LINKS": "true",
        },
    )
    hub.start()
    yield hub
    hub.stop()


@pytest.fixture
def session(hub: HubProcess) -> str:
    session = Client(hub).create(title="A link to it")
    filled(hub.data_dir / "bunkhouse.db", session, 2)
    return session


def made(page: Page, hub: HubProcess, session: str, role: str) -> str:
    """A link that the dialog makes."""
    page.goto(f"{hub.pages}/sessions/{session}")
    page.get_by_test_id("transcript").press("s")
    page.get_by_role("button", name="Make a link").click()
    page.get_by_role("button", name="Link for: Viewer").click()
    page.get_by_role("menuitemcheckbox", name=role).click()
    page.get_by_role("button", name="Make the link").click()
    shown = page.get_by_role("region", name="The new link").locator("code")
    link = shown.text_content() or ""
    assert "/share/" in link
    return link


def test_a_link_lets_somebody_else_in(
    chromium: Browser, page: Page, hub: HubProcess, session: str
) -> None:
    link = made(page, hub, session, "Driver")
    invite = hub.command("admin", "invite").stdout.strip()
    other = chromium.new_context().new_page()
    other.goto(hub.pages + "/invite/" + invite.rsplit("/", 1)[1])
    other.get_by_label("Your name").fill("Grace")
    other.get_by_role("button", name="Come in").click()
    other.wait_for_url(f"{hub.pages}/")
    other.goto(link)
    assert other.url == f"{hub.pages}/share"  # the secret is not in the address any more
    expect(other.get_by_role("heading", name="A link to it")).to_be_visible()
    other.get_by_role("button", name="Open the session").click()
    other.wait_for_url(f"**/sessions/{session}")
    expect(other.get_by_test_id("composer")).to_be_visible()
    other.context.close()


def test_everybody_reads_along_until_it_is_taken_back(
    chromium: Browser, page: Page, hub: HubProcess, session: str
) -> None:
    link = made(page, hub, session, "Everybody")
    complaints: list[str] = []
    reader = chromium.new_context(viewport={"width": 390, "height": 844}).new_page()
    reader.on("pageerror", lambda error: complaints.append(str(error)))
    reader.goto(link)
    reader.wait_for_url(f"{hub.pages}/shared/{session}")
    expect(reader.get_by_text("Shared by Admin")).to_be_visible()
    expect(reader.get_by_test_id("turn-end").last).to_be_in_viewport()
    expect(reader.get_by_role("textbox")).to_have_count(0)
    assert reader.evaluate("document.referrer") == ""
    page.get_by_role("button", name="I have it").click()
    page.get_by_role("button", name="Take back: Everybody").click()
    expect(reader.get_by_text("There is nothing to see here")).to_be_visible()
    assert complaints == []
    reader.context.close()


def test_a_browser_that_is_signed_out_elsewhere_is_out_at_once(
    chromium: Browser, page: Page, hub: HubProcess
) -> None:
    other = signed_in(chromium, hub)
    expect(other.get_by_test_id("sign-in")).to_have_count(0)
    other.get_by_role("textbox").first.wait_for()
    page.goto(f"{hub.pages}/settings/access")
    listed = page.get_by_role("list", name="Where you are signed in")
    expect(listed.get_by_text("this browser")).to_have_count(1)
    listed.get_by_role("button", name="Sign Chrome on Linux out").first.click()
    expect(other.get_by_test_id("sign-in")).to_be_visible()
    other.context.close()
