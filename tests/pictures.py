"""Take the pictures of the docs anew: of a real hub, with a real agent in a real sandbox.

    .venv/bin/python -m tests.pictures [FOLDER]

into `docs/images`, or another folder; `make test` has set up what it needs. All that is shown was
done by the demo model.
"""

import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from .browser.conftest import ARGUMENTS, chromium_path, signed_in
from .conftest import ROOT
from .hubs import Client, HubProcess, happened

PROMPT = "Look around, write down what you find, and run a command that shows it."
WEB = """<!doctype html><meta charset="utf-8"><title>Larder</title>
<style>
body { font: 18px/1.6 system-ui, sans-serif; margin: 0; padding: 2rem 2.2rem; background: #fcf7ee }
li { list-style: none; padding: .5rem 0; border-bottom: 1px solid #ddd6c8 } ul { padding: 0 }
button { font: inherit; color: #fff; background: #b4631a; border: 0; border-radius: 6px;
  padding: .5rem 1.2rem }
</style>
<h1>Larder</h1><p>What is left on the shelf, and what to buy.</p>
<ul><li>Beans, 2 jars<li>Rice, 1 kg<li>Salt, enough</ul>
<button onclick="document.querySelector('ul').innerHTML += '<li>Coffee, to buy'">Add coffee</button>
"""


@contextmanager
def opened() -> Generator[tuple[HubProcess, Page]]:
    """A hub of its own, and a browser that is signed in."""
    with (
        tempfile.TemporaryDirectory(prefix="bh") as folder,
        sync_playwright() as playwright,
    ):
        hub = HubProcess(Path(folder) / "hub", {"BUNKHOUSE_DEMO_WORDS_PER_SECOND": "400"})
        hub.start()
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        try:
            yield hub, signed_in(browser, hub, viewport={"width": 1440, "height": 900})
        finally:
            browser.close()
            hub.stop()


def take(into: Path) -> None:
    """Take them all."""

    def shot(name: str) -> None:
        page.mouse.move(720, 1)
        page.wait_for_timeout(1500)  # what glides, and what a sandbox draws, comes to rest
        page.screenshot(path=into / f"{name}.png")
        print(into / f"{name}.png")

    with opened() as (hub, page):
        client = Client(hub)
        # A session from the page.
        page.get_by_test_id("home-prompt").fill(PROMPT)
        page.get_by_test_id("home-start").click()
        page.wait_for_url("**/sessions/*")
        session = page.url.rstrip("/").rsplit("/", 1)[1]
        expect(page.get_by_test_id("turn-end")).to_have_attribute("data-outcome", "done")
        page.get_by_test_id("changes-tab").click()
        expect(page.get_by_test_id("changes-file")).to_be_visible()
        shot("session")

        # Others beside it, and home.
        where = client.session(session)["repository"]
        asks = client.create(
            "[demo:permission cmd='git push origin main']",
            repository=where,
            title="Release 1.2 and tag it",
            permissions={"bash": "ask"},
        )
        works = client.create(
            "[demo:bash cmd='python3 -m unittest; sleep 600']",
            repository=where,
            title="Find the slowest test",
        )
        client.until(asks, happened("permission_requested"))
        client.until(works, happened("tool_output_chunk"))
        page.goto(hub.pages)
        expect(page.get_by_text("Asks: git push origin main").first).to_be_visible()
        shot("home")
        for each in (asks, works):
            client.delete(each)

        # The browser that the agent uses too.
        client.http.patch(
            f"/api/sessions/{session}", json={"title": "A page for the shopping list"}
        )
        made = client.run(session, f"cat > index.html <<'END'\n{WEB}\nEND\n")
        assert made.returncode == 0, made.stderr
        client.run(session, "setsid python3 -m http.server 8000 > /tmp/out.log 2>&1 & sleep 1")
        page.goto(f"{hub.pages}/sessions/{session}?pane=browser")
        expect(page.get_by_test_id("desktop-canvas")).to_have_attribute("data-state", "open")
        client.turn(session, "[demo:browser url=http://localhost:8000 click='Add coffee']")
        expect(page.get_by_test_id("tool-picture").last).to_have_attribute("data-state", "there")
        shot("browser")

        # VS Code.
        page.goto(f"{hub.pages}/sessions/{session}?pane=editor")
        code = page.frame_locator("[data-testid=editor-frame]")
        code.locator(".explorer-folders-view").get_by_text("index.html").dblclick(timeout=180_000)
        expect(code.locator(".editor-instance .view-lines").first).to_contain_text("Larder")
        page.wait_for_timeout(5000)  # its extensions colour the text when they have come up
        shot("editor")


if __name__ == "__main__":
    take(Path(sys.argv[1]) if sys.argv[1:] else ROOT / "docs" / "images")
