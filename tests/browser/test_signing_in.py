"""Signing in with Google and with OpenID Connect: the first one, and one who is invited."""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.providers import FakeOpenID, OpenIDAccount

from ..hubs import HubProcess
from .conftest import opened

pytestmark = pytest.mark.browser


@dataclass
class Ground:
    """A hub, and what the button of its provider says."""

    hub: HubProcess
    button: str

    def sign_in(self, page: Page, name: str) -> None:
        page.get_by_role("link", name=self.button).click()
        page.get_by_role("button", name=f"Continue as {name}").click()
        expect(page.get_by_test_id("home-prompt")).to_be_visible()


@pytest.fixture(params=["google", "oidc"])
def ground(request: pytest.FixtureRequest, place: Path) -> Generator[Ground]:
    kind: str = request.param
    ada = OpenIDAccount("ada-1", "Ada Lovelace", "ada@example.org")
    bob = OpenIDAccount("bob-2", "Bob", "bob@example.org")
    with FakeOpenID.running(ada, bob) as provider:
        assert provider.client_secret
        upper = kind.upper()
        given = {
            f"BUNKHOUSE_{upper}_ISSUER": provider.url,
            f"BUNKHOUSE_{upper}_CLIENT_ID": provider.client_id,
            f"BUNKHOUSE_{upper}_CLIENT_SECRET": provider.client_secret,
        }
        name = "Google"
        if kind == "oidc":
            name = given["BUNKHOUSE_OIDC_NAME"] = provider.name
        hub = HubProcess(place / kind, given)
        hub.start()
        provider.callback = f"{hub.pages}/sign-in/{kind}/callback"
        try:
            yield Ground(hub, f"Continue with {name}")
        finally:
            hub.stop()


def test_the_first_becomes_admin_and_invites_the_second(chromium: Browser, ground: Ground) -> None:
    hub = ground.hub
    page = opened(chromium)
    page.goto(f"{hub.pages}/settings/people")  # where one wants to go, one comes to
    page.get_by_role("link", name=ground.button).click()
    page.get_by_role("button", name="Continue as Ada Lovelace").click()
    expect(page.get_by_role("list", name="People")).to_contain_text("Ada Lovelace · you")

    # Who comes without an invitation is told so, and is nobody here.
    theirs = opened(chromium)
    theirs.goto(hub.pages)
    theirs.get_by_role("link", name=ground.button).click()
    theirs.get_by_role("button", name="Continue as Bob").click()
    expect(theirs.get_by_role("heading", name="You are not let in yet")).to_be_visible()

    # Invited by that address, the same person comes in.
    page.get_by_label("For this e-mail address alone").fill("bob@example.org")
    page.get_by_role("button", name="Make a link").click()
    link = page.get_by_label("The new invitation").locator("code").inner_text()
    theirs.goto(hub.pages + "/invite/" + link.rsplit("/", 1)[1])
    ground.sign_in(theirs, "Bob")
    theirs.goto(f"{hub.pages}/settings/accounts")
    expect(theirs.get_by_role("list", name="Linked accounts")).to_contain_text("bob@example.org")
    expect(theirs.get_by_text("You are signed in as Bob, a member")).to_be_visible()
    for each in (page, theirs):
        each.context.close()
