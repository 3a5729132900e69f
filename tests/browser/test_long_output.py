"""What a person sees of an output that is too long for the log, and how they export a session."""

import re
from collections.abc import Generator

import pytest
from playwright.sync_api import Page, expect

from ..hubs import Client, HubProcess, ended

pytestmark = [pytest.mark.engine, pytest.mark.browser]


@pytest.fixture
def session(client: Client) -> Generator[str]:
    session = client.create("[demo:big lines=20000]", title="Print much")
    yield session
    client.delete(session)


def test_the_card_leads_to_the_whole_and_the_menu_to_files(
    page: Page, hub: HubProcess, client: Client, session: str
) -> None:
    log = client.until(session, ended())
    (done,) = [e for e in log if e["type"] == "tool_call_update" and e["whole_output"]]
    where = f"/api/sessions/{session}/blobs/{done['whole_output']['blob']}"
    lines = client.until_there(where).text.splitlines()
    assert len(lines) > 2000

    page.goto(f"{hub.pages}/sessions/{session}")
    card = page.get_by_test_id("tool-card")
    card.get_by_role("button").first.click()
    gap = card.get_by_test_id("output-gap")
    # How much that is, is OpenCode's to say: it may miss what comes last (see the docs on it).
    expect(gap).to_contain_text(re.compile(r"\d(\.\d)? [kM]B left out"))
    expect(card).to_contain_text(lines[0])
    expect(card).to_contain_text(lines[-1])
    with page.context.expect_page() as opened:
        gap.get_by_role("link", name="Open whole output").click()
    whole = opened.value
    whole.wait_for_load_state()
    assert whole.evaluate("document.contentType") == "text/plain"
    assert whole.locator("body").inner_text().splitlines() == lines
    whole.close()

    for name, ending in (("markdown", "md"), ("jsonl", "jsonl")):
        page.get_by_test_id("session-menu").click()
        with page.expect_download() as download:
            page.get_by_test_id(f"export-{name}").click()
        assert download.value.suggested_filename == f"bunkhouse-{session}-print-much.{ending}"
        assert download.value.path().stat().st_size > 60_000
    page.set_viewport_size({"width": 390, "height": 844})
    gap.scroll_into_view_if_needed()
    link = gap.get_by_role("link", name="Open whole output").bounding_box()
    assert link is not None and link["x"] + link["width"] <= 390
