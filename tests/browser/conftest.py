"""A real Chromium that is signed in to a real hub."""

import shutil
from collections.abc import Generator
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from ..hubs import PATIENCE, HubProcess

# For all modules here: what is set is set for the process.
expect.set_options(timeout=PATIENCE * 1000)

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium_path() -> str:
    """The machine's Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "no Chromium is installed; `make test` installs it"
    return path


@pytest.fixture(scope="package")
def chromium() -> Generator[Browser]:
    """It ends with this folder's tests: as long as it is open its loop runs in this thread, and
    tests that have a loop of their own can't."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        yield browser
        browser.close()


def opened(browser: Browser, *, width: int = 1280, height: int = 900) -> Page:
    """A page of a new browser, in which nobody is signed in."""
    context = browser.new_context(viewport={"width": width, "height": height})
    context.set_default_timeout(PATIENCE * 1000)
    return context.new_page()


def signed_in(browser: Browser, hub: HubProcess, **options: Any) -> Page:
    """A page of a browser that has opened a one-time link."""
    link = hub.command("admin", "link").stdout.strip().split()[-1]
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE * 1000)
    page = context.new_page()
    page.goto(hub.pages + "/login/" + link.rsplit("/", 1)[1])
    return page


@pytest.fixture
def complaints() -> list[str]:
    """What the browser found wrong with the page: errors, and breaches of its content policy."""
    return []


@pytest.fixture
def page(chromium: Browser, hub: HubProcess, complaints: list[str]) -> Generator[Page]:
    """Home, at the size of a desktop."""
    page = signed_in(chromium, hub, viewport={"width": 1440, "height": 900})

    def heard(message: ConsoleMessage) -> None:
        # A session that another test deletes while it is shown is a 404, which is no fault; what a
        # sandbox serves in a frame (VS Code) may complain as it likes.
        ours = message.location["url"].startswith(f"{hub.pages}/")
        if (
            message.type == "error"
            and ours
            and not message.text.startswith("Failed to load resource")
        ):
            complaints.append(message.text)

    page.on("console", heard)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    page.context.close()
    assert complaints == []
