"""The queue and files on the page: a real Chromium, hub, engine and agent."""

import pytest
from playwright.sync_api import FilePayload, Page, expect

from ..engine.test_queue import picture
from ..hubs import Client, HubProcess, ended
from .test_page import open_session, say

pytestmark = [pytest.mark.engine, pytest.mark.browser]


def test_a_turn_that_was_stopped_is_tried_again(page: Page, hub: HubProcess, fresh: str) -> None:
    open_session(page, hub, fresh)
    say(page, "[demo:slow seconds=60]")
    expect(page.get_by_test_id("tool-card")).to_be_visible()
    retry = page.get_by_test_id("retry-turn")
    expect(retry).to_have_count(0)
    page.get_by_test_id("stop").click()
    retry.click()
    expect(page.get_by_test_id("tool-card")).to_have_count(2)
    expect(page.get_by_test_id("prompt")).to_have_count(2)
    expect(retry).to_have_count(0)
    page.get_by_test_id("stop").click()
    # Only the last can be tried again.
    expect(page.get_by_test_id("turn-end")).to_have_count(2)
    expect(retry).to_have_count(1)


def test_what_waits_is_changed_moved_and_sent_now(
    page: Page, hub: HubProcess, client: Client, fresh: str
) -> None:
    open_session(page, hub, fresh)
    say(page, "[demo:slow seconds=25]")
    expect(page.get_by_test_id("tool-card")).to_be_visible()
    for text in ("first", "second", "third"):
        say(page, text)
    items = page.get_by_test_id("queue-item")
    expect(items).to_have_count(3)

    items.nth(0).get_by_test_id("queue-edit").click()
    page.get_by_test_id("prompt-edit").fill("[demo:hello] changed")
    page.get_by_test_id("prompt-edit").press("Control+Enter")
    expect(items.nth(0)).to_contain_text("changed")

    items.nth(2).get_by_test_id("queue-move").press("ArrowUp")
    expect(items.nth(1)).to_contain_text("third")
    handle = items.nth(1).get_by_test_id("queue-move")
    handle.hover()
    page.mouse.down()
    items.nth(0).hover()
    page.mouse.up()
    expect(items.nth(0)).to_contain_text("third")

    # Files come by a button, by paste and by drop; a picture is seen at once.
    shot = FilePayload(name="shot.png", mimeType="image/png", buffer=picture())
    page.get_by_test_id("attach-input").set_input_files([shot])
    for how, name in (("paste", "a.txt"), ("drop", "b.txt")):
        page.get_by_test_id("composer").evaluate(
            """(field, [how, name]) => {
                const data = new DataTransfer();
                data.items.add(new File(["words"], name));
                const given = { bubbles: true, cancelable: true };
                field.dispatchEvent(
                    how === "paste"
                        ? new ClipboardEvent("paste", { ...given, clipboardData: data })
                        : new DragEvent("drop", { ...given, dataTransfer: data }));
            }""",
            [how, name],
        )
    expect(page.locator("[data-testid=attachment][data-ready=true]")).to_have_count(3)
    page.get_by_test_id("composer").fill("[demo:hello] with files")
    page.get_by_test_id("composer").press("Control+Shift+Enter")
    expect(page.locator("[data-testid=queue-item][data-when=now]")).to_contain_text("with files")
    expect(page.get_by_test_id("attachment")).to_have_count(0)

    while items.count() > 1:
        items.nth(1).get_by_test_id("queue-withdraw").click()
        expect(items).to_have_count(items.count() - 1 or 1)
    steered = page.get_by_test_id("prompt").filter(has_text="with files")
    expect(steered).to_be_visible()
    expect(steered.get_by_test_id("prompt-attachment")).to_have_count(3)
    expect(steered.locator("img")).to_have_js_property("naturalWidth", 2)
    log = client.until(fresh, ended())
    assert log[-1]["outcome"] == "done"
    told = [e["text"] for e in log if e["type"] == "agent_message_chunk"]
    assert "3 files" in "".join(told)
