"""The agent's own tools, child sessions and a repository's set-up on the page, all of it real."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ..hubs import Client, HubProcess
from ..repositories import with_settings
from .test_page import open_session, say, state

pytestmark = [pytest.mark.engine, pytest.mark.browser]

LASTING = '[setup]\ncommands = ["echo begun; until [ -e /tmp/go ]; do sleep 0.1; done"]\n'


def test_the_agent_asks_a_person_and_shows_a_picture(
    page: Page, hub: HubProcess, fresh: str
) -> None:
    open_session(page, hub, fresh)
    say(page, "[demo:ask question='Which wood?' choices=Oak,Pine]")
    card = page.get_by_test_id("question-card")
    expect(card).to_contain_text("Which wood?")
    state(page, "waiting")
    card.get_by_text("Pine").click()
    page.get_by_test_id("question-send").click()
    ends = page.get_by_test_id("turn-end")
    expect(ends).to_have_attribute("data-outcome", "done")
    expect(page.get_by_test_id("agent-message").last).to_contain_text("Admin answered: Pine")
    say(page, "[demo:screenshot caption='The shed']")
    expect(ends).to_have_count(2)
    picture = page.get_by_role("img", name="The shed")
    expect(picture).to_be_visible()
    assert picture.evaluate("picture => picture.naturalWidth") == 320


def test_a_part_is_done_by_a_child_and_one_goes_there_and_back(
    page: Page, hub: HubProcess, client: Client, fresh: str
) -> None:
    open_session(page, hub, fresh)
    say(page, "[demo:split title='The door' prompt='[demo:bash cmd=\"echo oak\"]']")
    expect(page.get_by_test_id("turn-end")).to_have_attribute("data-outcome", "done")
    strip = page.get_by_test_id("children")
    expect(strip).to_contain_text("1 child session")
    strip.get_by_role("button").click()
    strip.get_by_role("link", name="The door").click()
    child = client.get(f"/api/sessions/{fresh}/children")["items"][0]["id"]
    page.wait_for_url(f"**/sessions/{child}*")
    expect(page.get_by_test_id("turn-end")).to_have_attribute("data-outcome", "done")
    page.get_by_test_id("parent-link").click()
    page.wait_for_url(f"**/sessions/{fresh}*")
    client.delete(child)


def test_a_set_up_that_takes_long_is_stopped_and_no_word_is_lost(
    page: Page, hub: HubProcess, client: Client, place: Path
) -> None:
    folder = with_settings(place / "slow", LASTING)
    session = client.create("[demo:hello]", repository=str(folder))
    open_session(page, hub, session)
    stage = page.get_by_test_id("stage-commands")
    expect(stage).to_have_attribute("data-status", "progress")
    page.keyboard.press("Escape")
    expect(stage).to_have_attribute("data-status", "failed")
    state(page, "idle")
    notice = page.get_by_test_id("notice").filter(has_text="The set-up was stopped")
    expect(notice).to_be_visible()
    expect(page.get_by_test_id("problem-card")).to_have_count(0)
    expect(page.get_by_test_id("stop")).to_have_count(0)
    # What was not said is in the field again.
    expect(page.get_by_test_id("composer")).to_have_value("[demo:hello]")
    page.get_by_test_id("send").click()
    expect(page.get_by_test_id("turn-end")).to_have_attribute("data-outcome", "done")
    # And it can be run once more, from the page.
    client.run(session, "touch /tmp/go")
    again = notice.get_by_role("button", name="Run set-up again")
    again.click()
    expect(page.get_by_text("Set up again in")).to_be_visible()
    expect(again).to_have_count(0)
    client.delete(session)
