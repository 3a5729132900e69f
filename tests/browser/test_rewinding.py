"""Back, forward and copies on the page: a real Chromium, hub, engine and agent."""

import re

import pytest
from playwright.sync_api import Page, expect

from ..hubs import Client, HubProcess
from .test_page import open_session, say

pytestmark = [pytest.mark.engine, pytest.mark.browser]


def choose(page: Page, prompt: int, item: str) -> None:
    page.get_by_test_id("prompt").nth(prompt).get_by_test_id("prompt-menu").click()
    page.get_by_role("menuitem", name=item).click()


def test_back_forward_and_a_copy(page: Page, hub: HubProcess, client: Client, fresh: str) -> None:
    open_session(page, hub, fresh)
    say(page, "[demo:write path=one.md text=one]")
    ends = page.get_by_test_id("turn-end")
    expect(ends).to_have_count(1)
    say(page, "[demo:write path=two.md text=two]")
    expect(ends).to_have_count(2)
    prompts = page.get_by_test_id("prompt")

    choose(page, 1, "Rewind to here")
    bar = page.get_by_test_id("rewind-bar")
    expect(bar).to_have_attribute("data-state", "rewound")
    expect(bar).to_contain_text("path=two.md")
    # What was undone is a line, behind which it can be read.
    expect(prompts).to_have_count(1)
    undone = page.get_by_test_id("undone").get_by_role("button")
    expect(undone).to_have_text("1 prompt undone")
    undone.click()
    expect(page.get_by_test_id("undone-row").get_by_test_id("prompt")).to_have_count(1)
    # On a phone the way forward is as near.
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.get_by_test_id("forward-again")).to_be_in_viewport()
    page.set_viewport_size({"width": 1440, "height": 900})
    undone.click()
    assert client.run(fresh, "ls /workspace/two.md").returncode != 0

    page.get_by_test_id("forward-again").click()
    expect(bar).to_have_count(0)
    expect(prompts).to_have_count(2)
    expect(page.get_by_test_id("undone")).to_have_count(0)
    assert client.run(fresh, "cat /workspace/two.md").stdout.strip() == "two"

    choose(page, 1, "Rewind to here")
    expect(bar).to_have_attribute("data-state", "rewound")
    say(page, "[demo:hello]")
    expect(bar).to_have_count(0)
    expect(ends).to_have_count(2)
    # A page that is opened anew says the same.
    page.reload()
    expect(page.get_by_test_id("undone")).to_have_text("1 prompt undone")
    expect(bar).to_have_count(0)

    choose(page, 1, "Fork from here")
    page.wait_for_url(lambda url: fresh not in url)
    copy = re.sub(r".*/sessions/([a-z0-9]+).*", r"\1", page.url)
    try:
        forked = page.get_by_test_id("forked")
        expect(forked).to_contain_text("Forked from")
        expect(prompts).to_have_count(1)
        expect(page.get_by_test_id("composer")).to_be_enabled()
        say(page, "[demo:recall]")
        expect(page.get_by_test_id("agent-message").last).to_contain_text("path=one.md")
        forked.get_by_role("link").click()
        page.wait_for_url(lambda url: fresh in url)
        expect(page.get_by_test_id("undone")).to_be_visible()
    finally:
        client.delete(copy)
