"""The page as people use it: a real Chromium, hub, engine and agent."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from ..hubs import Client, HubProcess
from .conftest import signed_in

pytestmark = [pytest.mark.engine, pytest.mark.browser]


def open_session(page: Page, hub: HubProcess, session: str) -> None:
    page.goto(f"{hub.pages}/sessions/{session}")
    expect(page.get_by_test_id("session-state")).to_be_visible()


def state(page: Page, name: str) -> None:
    expect(page.get_by_test_id("session-state")).to_have_attribute("data-state", name)


def say(page: Page, text: str) -> None:
    page.get_by_test_id("composer").fill(text)
    page.get_by_test_id("composer").press("Control+Enter")


def words(page: Page) -> list[int]:
    text = " ".join(page.get_by_test_id("agent-message").all_inner_texts())
    return [int(n) for n in re.findall(r"word-(\d+)", text)]


def test_from_the_link_to_a_finished_turn(page: Page, hub: HubProcess) -> None:
    assert page.url.rstrip("/") == hub.pages
    expect(page.get_by_test_id("home-repo")).to_contain_text("larder")
    expect(page.get_by_test_id("home-model")).to_contain_text("scripted")
    page.get_by_test_id("home-prompt").fill("Look around and leave a note.")
    page.get_by_test_id("home-start").click()
    page.wait_for_url("**/sessions/*")
    expect(page.get_by_test_id("turn-end")).to_have_attribute("data-outcome", "done")
    state(page, "idle")
    expect(page.get_by_test_id("tool-card").first).to_be_visible()
    page.get_by_test_id("changes-tab").click()
    expect(page.get_by_test_id("changes-file")).to_have_attribute("data-path", "BUNKHOUSE_DEMO.md")
    with page.expect_download() as download:
        page.get_by_test_id("changes-download").click()
    assert "BUNKHOUSE_DEMO.md" in Path(download.value.path()).read_text()
    # Closed and opened again, all of it is there.
    page.reload()
    expect(page.get_by_test_id("turn-end")).to_have_attribute("data-outcome", "done")
    expect(page.get_by_test_id("prompt")).to_contain_text("Look around")


def test_a_reload_mid_stream_shows_neither_gap_nor_repeat(
    page: Page, hub: HubProcess, fresh: str
) -> None:
    open_session(page, hub, fresh)
    say(page, "[demo:long n=500 speed=60]")
    expect(page.get_by_test_id("agent-message")).to_contain_text("word-60 ")
    page.reload()
    expect(page.get_by_test_id("agent-message")).to_contain_text("word-200 ")
    expect(page.get_by_test_id("turn-end")).to_have_attribute("data-outcome", "done")
    assert words(page) == list(range(1, 501))
    page.reload()
    expect(page.get_by_test_id("turn-end")).to_be_visible()
    assert words(page) == list(range(1, 501))


def test_escape_stops_a_turn_and_follow_ups_wait_in_the_queue(
    page: Page, hub: HubProcess, fresh: str
) -> None:
    open_session(page, hub, fresh)
    say(page, "[demo:slow seconds=300]")
    expect(page.get_by_test_id("tool-card")).to_be_visible()
    say(page, "[demo:hello]")
    expect(page.get_by_test_id("queue-item")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("turn-end").first).to_have_attribute("data-outcome", "stopped")
    expect(page.get_by_test_id("turn-end").last).to_have_attribute("data-outcome", "done")
    expect(page.get_by_test_id("queue-item")).to_have_count(0)


def test_a_permission_is_answered_in_the_page(
    page: Page, hub: HubProcess, client: Client, repository: Path
) -> None:
    session = client.create(
        "[demo:permission cmd='touch granted']",
        repository=str(repository),
        permissions={"bash": "ask"},
    )
    open_session(page, hub, session)
    expect(page.get_by_test_id("permission-card")).to_contain_text("touch granted")
    state(page, "waiting")
    page.get_by_test_id("permission-once").click()
    expect(page.get_by_test_id("turn-end")).to_have_attribute("data-outcome", "done")
    assert "granted" in client.run(session, "ls").stdout
    client.delete(session)


def test_a_question_is_answered_in_the_page(page: Page, hub: HubProcess, fresh: str) -> None:
    open_session(page, hub, fresh)
    say(page, "[demo:question]")
    card = page.get_by_test_id("question-card")
    expect(card).to_be_visible()
    card.get_by_role("radio").or_(card.get_by_role("checkbox")).first.click()
    page.get_by_test_id("question-send").click()
    expect(page.get_by_test_id("turn-end")).to_have_attribute("data-outcome", "done")


def test_a_branch_that_is_not_there_is_mended_with_one_click(
    page: Page, hub: HubProcess, client: Client, repository: Path
) -> None:
    session = client.create("[demo:hello]", repository=str(repository), branch="mian")
    open_session(page, hub, session)
    card = page.get_by_test_id("problem-card").first
    expect(card).to_contain_text("mian")
    card.get_by_role("button", name=re.compile("main")).click()
    expect(page.get_by_test_id("turn-end")).to_have_attribute("data-outcome", "done")
    client.delete(session)


def test_what_was_refused_is_shown(page: Page, hub: HubProcess, client: Client, fresh: str) -> None:
    client.turn(fresh, "[demo:bash cmd='curl -sS -m 10 https://off.example.com']")
    client.until(fresh, lambda log: any(e["type"] == "egress_refused" for e in log))
    open_session(page, hub, fresh)
    expect(page.get_by_test_id("egress-refused").first).to_contain_text("off.example.com")


def test_a_hub_that_goes_away_is_told_and_comes_back_by_itself(
    chromium: Browser, hub: HubProcess
) -> None:
    mine = HubProcess(hub.data_dir.parent / "away", dict(hub.settings))
    mine.start()
    client = Client(mine)
    session = client.create("[demo:long n=400 speed=60]")
    page = signed_in(chromium, mine, viewport={"width": 1440, "height": 900})
    open_session(page, mine, session)
    expect(page.get_by_test_id("agent-message")).to_contain_text("word-30 ")
    mine.kill()
    expect(page.get_by_test_id("offline")).to_be_visible()
    mine.start()
    expect(page.get_by_test_id("turn-end")).to_have_attribute("data-outcome", "done")
    expect(page.get_by_test_id("offline")).to_have_count(0)
    assert words(page) == list(range(1, 401))
    page.context.close()
    mine.stop()


def test_nobody_sees_anything_without_signing_in(chromium: Browser, hub: HubProcess) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(hub.pages)
    expect(page.get_by_test_id("sign-in")).to_be_visible()
    link = hub.command("admin", "link").stdout.strip().split()[-1].rsplit("/", 1)[1]
    page.goto(f"{hub.pages}/login/{link}")
    expect(page.get_by_test_id("home-prompt")).to_be_visible()
    other = chromium.new_context().new_page()
    other.goto(f"{hub.pages}/login/{link}")
    expect(other.get_by_text("used")).to_be_visible()
    context.close()
    other.context.close()


def test_a_phone_does_it_all(chromium: Browser, hub: HubProcess, client: Client) -> None:
    phone = {"width": 390, "height": 844}
    page = signed_in(chromium, hub, viewport=phone, has_touch=True, is_mobile=True)
    page.get_by_test_id("home-prompt").fill("[demo:write path=phone.md text=small]")
    page.get_by_test_id("home-start").tap()
    page.wait_for_url("**/sessions/*")
    expect(page.get_by_test_id("turn-end")).to_have_attribute("data-outcome", "done")
    page.get_by_test_id("changes-tab").tap()
    expect(page.get_by_test_id("changes-file")).to_have_attribute("data-path", "phone.md")
    wider = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    assert not wider
    session = page.url.rsplit("/", 1)[1]
    client.delete(session)
    page.context.close()
