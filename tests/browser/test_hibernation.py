"""Putting a session to sleep, waking it by writing, ending it and bringing it back, on the page."""

import re

import pytest
from playwright.sync_api import Page, expect

from ..hubs import HubProcess

pytestmark = [pytest.mark.engine, pytest.mark.browser]


def state(page: Page, name: str) -> None:
    expect(page.get_by_test_id("session-state")).to_have_attribute("data-state", name)


def choose(page: Page, name: str) -> None:
    page.get_by_test_id("session-menu").click()
    page.get_by_role("menuitem", name=name).click()


def test_asleep_and_awake_ended_and_back(page: Page, hub: HubProcess, fresh: str) -> None:
    page.goto(f"{hub.pages}/sessions/{fresh}")
    state(page, "idle")
    page.get_by_test_id("pane-tab-terminal").click()
    terminal = page.locator(".xterm-rows").first
    expect(terminal).to_contain_text("$")
    page.keyboard.type("echo be''fore\n")
    expect(terminal).to_contain_text("before")

    choose(page, "Put to sleep")
    state(page, "hibernated")
    card = page.get_by_test_id("asleep")
    expect(card).to_contain_text(re.compile(r"takes .+ of disk"))
    expect(page.get_by_test_id("pane-wake")).to_be_visible()
    page.get_by_test_id("composer").fill("[demo:hello]")
    page.get_by_test_id("composer").press("Control+Enter")
    expect(page.get_by_test_id("turn-end")).to_have_attribute("data-outcome", "done")
    expect(card).to_be_hidden()
    expect(page.get_by_text(re.compile("^Awake in"))).to_be_visible()
    # The terminal is there again, as it was.
    expect(terminal).to_contain_text("before")
    expect(terminal).to_contain_text("has started again")

    choose(page, "End")
    state(page, "ended")
    expect(card).to_contain_text("are kept until")
    page.get_by_test_id("wake").click()
    state(page, "idle")
    expect(terminal).to_contain_text("before")
