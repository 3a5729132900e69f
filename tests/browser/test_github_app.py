"""A GitHub App from the button in Settings to a repository that somebody is shown by it."""

import re
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, expect

from tests.fakes.github import FakeGitHub, in_thread

from ..hubs import HubProcess
from .conftest import opened, signed_in

pytestmark = pytest.mark.browser


@pytest.fixture
def fake(place: Path) -> Generator[FakeGitHub]:
    with in_thread(place / "github-of-app") as fake:
        ada = fake.world.person("ada", "Ada Lovelace").with_email("ada@example.org")
        fake.world.person("bob", "Bob").with_email("bob@example.org")
        fake.world.repository(ada, "barn", bob="write")
        fake.world.repository(ada, "attic", bob="write")
        yield fake


@pytest.fixture
def hub(place: Path) -> Generator[HubProcess]:
    """Nothing of it is set to know a GitHub."""
    hub = HubProcess(place / "app")
    hub.start()
    yield hub
    hub.stop()


def test_an_app_is_set_up_installed_used_and_removed(
    chromium: Browser, hub: HubProcess, fake: FakeGitHub
) -> None:
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error" and "form-action" in message.text:
            complaints.append(message.text)

    page = signed_in(chromium, hub, viewport={"width": 1280, "height": 900})
    page.on("console", heard)
    page.goto(f"{hub.pages}/settings/github")
    expect(page.get_by_text("so it gets no webhook")).to_be_visible()
    page.get_by_label("GitHub Enterprise").fill(fake.url)
    page.get_by_role("button", name="Set up a GitHub App").click()

    # The hub's own page says where it leads, and its form may go there alone.
    page.wait_for_url("**/setup/github")
    with page.expect_console_message(lambda message: "form-action" in message.text):
        page.evaluate(
            "() => { const form = document.forms[0]; form.action = '/x'; form.requestSubmit() }"
        )
    page.reload()
    page.get_by_role("button", name=re.compile("^Continue at 127")).click()
    page.get_by_label("GitHub App name").fill("Bunkhouse of Ada")
    page.get_by_role("button", name="Create GitHub App").click()

    # Back in Settings the App is there, and it is installed on one repository.
    card = page.get_by_role("region", name="The GitHub App")
    expect(card).to_contain_text("Bunkhouse of Ada of ada")
    expect(card).to_contain_text("People sign in with it.")
    card.get_by_role("link", name="Install it on repositories").click()
    page.get_by_label("ada/barn").check()
    page.get_by_role("button", name="Install & Authorize").click()

    # From there one comes back to one's accounts, and links the one at GitHub.
    page.get_by_role("button", name="Link GitHub Enterprise").click()
    page.get_by_role("button", name="Continue as Ada Lovelace").click()
    rights = page.get_by_role("list", name="Rights at GitHub")
    expect(rights).to_contain_text("ada")
    expect(rights.get_by_role("link", name="it is installed")).to_be_visible()
    page.goto(hub.pages)
    page.get_by_test_id("home-repo").click()
    page.get_by_placeholder(re.compile("^Search")).fill("ada/")
    expect(page.get_by_role("option", name="ada/barn").first).to_be_visible()
    expect(page.get_by_role("option", name="ada/attic")).to_have_count(0)
    page.keyboard.press("Escape")

    # Somebody else is invited, and signs in with the App that was not there an hour ago.
    page.goto(f"{hub.pages}/settings/people")
    page.get_by_role("button", name="Make a link").click()
    link = page.get_by_label("The new invitation").locator("code").inner_text()
    theirs = opened(chromium)
    theirs.goto(hub.pages + "/invite/" + link.rsplit("/", 1)[1])
    theirs.get_by_role("link", name="Continue with GitHub Enterprise").click()
    theirs.get_by_role("button", name="Continue as Bob").click()
    expect(theirs.get_by_test_id("home-prompt")).to_be_visible()
    theirs.goto(f"{hub.pages}/settings/github")
    expect(theirs.get_by_text("Admins set up GitHub")).to_be_visible()

    page.goto(f"{hub.pages}/settings/github")
    card.get_by_role("button", name="Remove").click()
    asked = page.get_by_role("dialog", name="Remove Bunkhouse of Ada?")
    expect(asked).to_contain_text("Nobody can sign in with GitHub any more")
    asked.get_by_role("button", name="Remove it").click()
    expect(page.get_by_role("button", name="Set up a GitHub App")).to_be_visible()
    nobody = opened(chromium)
    nobody.goto(hub.pages)
    expect(nobody.get_by_role("heading", name="Open the link from the terminal")).to_be_visible()
    for each in (page, theirs, nobody):
        each.context.close()
    # Of all the forms it was only the one that was bent that went nowhere.
    assert len(complaints) == 1
