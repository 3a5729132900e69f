"""VS Code, the browser, terminals and previews in the page: real ones, in a real Chromium."""

import json
import re
import time
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Frame, FrameLocator, Locator, Page, expect

from ..conftest import git
from ..hubs import PATIENCE, Client, Event, HubProcess, happened
from .conftest import signed_in
from .test_page import open_session, say

pytestmark = [pytest.mark.engine, pytest.mark.browser]

WEB_APP = '''\
"""A page with a field and a button; what happens in it is appended to a file."""

from http.server import BaseHTTPRequestHandler, HTTPServer

PAGE = b"""<!doctype html><title>Beds</title><body style="margin:0;font:24px sans-serif">
<input id=name style="display:block;width:100%;height:45vh;font-size:40px" placeholder=name>
<button style="width:100%;height:45vh;font-size:40px" onclick="tell('clicked')">
Water the beds</button>
<script>
const tell = what => fetch('/told', {method: 'POST', body: what});
document.getElementById('name').oninput = event => tell('typed ' + event.target.value);
</script>"""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE)

    def do_POST(self):
        said = self.rfile.read(int(self.headers["Content-Length"])).decode()
        with open("told.txt", "a") as file:
            file.write(said + "\\n")
        self.send_response(204)
        self.end_headers()


HTTPServer(("127.0.0.1", 8123), Handler).serve_forever()
'''


@pytest.fixture(scope="module")
def workshop(place: Path) -> Path:
    """A repository with something to edit, to search, and to look at in a browser."""
    folder = place / "workshop"
    folder.mkdir()
    git(folder, "init", "-b", "main")
    (folder / "beds.py").write_text('BEDS = ["beans", "peas"]\n')
    (folder / "notes.md").write_text("# Notes\n\nThe wheelbarrow stands behind the shed.\n")
    (folder / "web.py").write_text(WEB_APP)
    git(folder, "add", "-A")
    git(folder, "commit", "-m", "Begin the workshop")
    return folder


@pytest.fixture(scope="module")
def session(client: Client, workshop: Path) -> Generator[str]:
    """One session, which the tests of this file share: each opens another part of it."""
    session = client.create(repository=str(workshop))
    client.until(session, happened("state_changed", state="idle"))
    yield session
    client.delete(session)


def open_pane(page: Page, name: str) -> None:
    page.get_by_test_id(f"pane-tab-{name}").click()


def background(client: Client, session: str, command: str) -> None:
    """Start a program in the sandbox that goes on after this."""
    done = client.run(session, f"cd /workspace; setsid {command} > /tmp/out.log 2>&1 & sleep 0.1")
    assert done.returncode == 0, done.stderr


def poll(page: Page, client: Client, session: str, command: str, wanted: str) -> None:
    """Until a command in the sandbox prints what is wanted."""
    said = ""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if wanted in (said := client.run(session, command).stdout):
            return
        page.wait_for_timeout(500)  # files in the sandbox tell nobody of their change
    raise AssertionError(f"{command}: {said}")


# ── VS Code ──────────────────────────────────────────────────────────────────────────────────


def test_vs_code_edits_searches_and_runs_commands(
    page: Page, hub: HubProcess, client: Client, session: str
) -> None:
    open_session(page, hub, session)
    open_pane(page, "editor")
    code = page.frame_locator("[data-testid=editor-frame]")
    expect(code.locator(".explorer-folders-view")).to_contain_text("beds.py")

    code.locator(".explorer-folders-view").get_by_text("beds.py").dblclick()
    editor = code.locator(".editor-instance .view-lines").first
    expect(editor).to_contain_text("peas")
    editor.click()
    page.keyboard.press("Control+End")
    page.keyboard.type("BENCH = 1")
    expect(editor).to_contain_text("BENCH = 1")
    page.keyboard.press("Control+s")
    poll(page, client, session, "git diff", "+BENCH = 1")
    assert "peas" in client.run(session, "cat beds.py").stdout

    page.keyboard.press("Control+Shift+f")
    field = code.locator(".search-view textarea").first
    field.fill("wheelbarrow")
    field.press("Enter")
    expect(code.locator(".search-view .results")).to_contain_text("notes.md")

    page.keyboard.press("Control+Backquote")
    terminal = code.locator(".terminal-wrapper .xterm-helper-textarea").first
    terminal.focus()
    page.keyboard.type("echo from-vs-code > by-hand.txt")
    page.keyboard.press("Enter")
    poll(page, client, session, "cat by-hand.txt", "from-vs-code")
    # It asks for no extensions where their gallery is off the list.
    assert not [e for e in client.log(session) if e["type"] == "egress_refused"]

    # What the agent changes appears in it, and what was edited is in the Changes tab.
    client.turn(session, "[demo:write path=agent.md text=planted]")
    page.keyboard.press("Control+Shift+e")
    expect(code.locator(".explorer-folders-view")).to_contain_text("agent.md")
    page.get_by_test_id("changes-tab").click()
    for path in ("beds.py", "by-hand.txt"):
        expect(page.locator(f"[data-testid=changes-file][data-path='{path}']")).to_be_visible()


# ── the desktop ──────────────────────────────────────────────────────────────────────────────


def test_a_person_and_the_agent_use_the_same_browser(
    page: Page, hub: HubProcess, client: Client, session: str
) -> None:
    background(client, session, "python3 web.py")
    client.until(session, lambda log: listens(log[-1], 8123))
    open_session(page, hub, session)
    open_pane(page, "browser")
    say(page, '[demo:browser url=http://localhost:8123/ click="Water the beds"]')
    expect(page.get_by_test_id("turn-end").last).to_have_attribute("data-outcome", "done")
    poll(page, client, session, "cat told.txt", "clicked")

    picture = page.get_by_test_id("tool-picture").last
    expect(picture).to_have_attribute("data-state", "there")

    expect(page.get_by_test_id("desktop-canvas")).to_have_attribute("data-state", "open")
    canvas = page.get_by_test_id("desktop-canvas").locator("canvas").first
    box = canvas.bounding_box()
    assert box is not None
    # The browser's own bars are above the page: its field begins below, and is nearly half of it.
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.35)
    page.keyboard.type("Ada", delay=50)
    poll(page, client, session, "cat told.txt", "typed Ada")
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.85)
    poll(page, client, session, "grep -c clicked told.txt", "2")


def listens(event: Event, port: int) -> bool:
    return any(one["port"] == port for one in event.get("ports", ()))


# ── terminals ────────────────────────────────────────────────────────────────────────────────


def terminal(page: Page) -> Locator:
    """The terminal that is in front."""
    return page.locator("[data-testid=terminal-view]:not(.invisible)")


def screen(page: Page) -> Locator:
    return terminal(page).locator(".xterm-rows")


def open_terminal(page: Page, hub: HubProcess, session: str) -> None:
    page.goto(f"{hub.pages}/sessions/{session}?pane=terminal")
    expect(terminal(page)).to_have_attribute("data-link", "live")
    expect(screen(page)).to_contain_text("$")
    terminal(page).click()


def test_a_terminal_is_shared_and_survives_a_reload(
    page: Page, chromium: Browser, hub: HubProcess, session: str
) -> None:
    open_terminal(page, hub, session)
    page.keyboard.type("seq -s, 4000 4005\n")
    expect(screen(page)).to_contain_text("4000,4001,4002,4003,4004,4005")
    other = signed_in(chromium, hub, viewport={"width": 1200, "height": 800})
    open_terminal(other, hub, session)
    expect(screen(other)).to_contain_text("4000,4001,4002,4003,4004,4005")
    other.keyboard.type("echo seen-by-$((1+1))\n")
    expect(screen(page)).to_contain_text("seen-by-2")
    other.context.close()

    page.keyboard.type("for n in $(seq 1 300); do echo row-$n; done\n")
    expect(screen(page)).to_contain_text("row-300")
    page.reload()
    expect(screen(page)).to_contain_text("row-300")
    terminal(page).hover()
    for _ in range(600):
        page.mouse.wheel(0, -2000)
        page.wait_for_timeout(50)  # it scrolls with the next picture
        if "row-5" in screen(page).inner_text().split():
            break
    assert "row-5" in screen(page).inner_text().split()


def test_vim_draws_right_after_a_resize(page: Page, hub: HubProcess, session: str) -> None:
    open_terminal(page, hub, session)
    page.keyboard.type("clear; vim -u NONE -c 'set ruler' notes.md\n")
    rows = screen(page).locator("> div")
    expect(rows.first).to_contain_text("# Notes")
    before = rows.count()
    page.set_viewport_size({"width": 1100, "height": 620})
    expect(rows.last).to_contain_text("1,1")
    page.wait_for_function(
        "n => document.querySelectorAll("
        "'[data-testid=terminal-view]:not(.invisible) .xterm-rows > div').length < n",
        arg=before,
    )
    expect(rows.first).to_contain_text("# Notes")
    expect(rows.last).to_contain_text("All")
    page.keyboard.type(":q\n")
    expect(rows.first).not_to_contain_text("# Notes")


def test_ten_megabytes_of_output_do_not_stall_the_page(
    page: Page, hub: HubProcess, session: str
) -> None:
    open_terminal(page, hub, session)
    page.keyboard.type(
        "clear; head -c 10000000 /dev/zero | tr '\\0' x | fold -w 99; echo all-$((40+2))\n"
    )
    expect(screen(page)).to_contain_text("all-42")
    page.get_by_test_id("composer").fill("still here")
    expect(page.get_by_test_id("composer")).to_have_value("still here")


# ── previews ─────────────────────────────────────────────────────────────────────────────────


def preview(page: Page, hub: HubProcess, session: str, port: int) -> FrameLocator:
    page.goto(f"{hub.pages}/sessions/{session}?pane=preview")
    page.get_by_test_id("preview-port").filter(has_text=str(port)).click()
    return page.frame_locator("[data-testid=preview-frame]")


def test_a_plain_web_server_is_found_and_shown(
    page: Page, hub: HubProcess, client: Client, session: str
) -> None:
    background(client, session, "python3 -m http.server 8200")
    client.until(session, lambda log: listens(log[-1], 8200))
    frame = preview(page, hub, session, 8200)
    expect(frame.locator("body")).to_contain_text("beds.py")
    frame.get_by_text("notes.md").click()
    expect(frame.locator("body")).to_contain_text("wheelbarrow")


def test_a_vite_dev_server_reloads_what_was_changed(
    page: Page, hub: HubProcess, client: Client, session: str
) -> None:
    setup = client.run(
        session,
        "mkdir -p /tmp/site && cd /tmp/site && npm install --no-audit --no-fund vite@8 && "
        "echo \"import './part.js'\" > main.js && "
        "echo 'document.body.dataset.part = \"one\"; import.meta.hot.accept()' > part.js && "
        "echo '<body><h1>Site</h1><script type=module src=/main.js></script>' > index.html",
    )
    assert setup.returncode == 0, setup.stdout + setup.stderr
    background(client, session, "sh -c 'cd /tmp/site && exec npx vite --port 5173'")
    client.until(session, lambda log: listens(log[-1], 5173))
    frame = preview(page, hub, session, 5173)
    expect(frame.locator("body")).to_have_attribute("data-part", "one")
    inner = next(f for f in page.frames if f.url.startswith("http") and "5173--" in f.url)
    inner.evaluate("window.kept = true")
    wait_for_socket(inner)
    client.run(session, "sed -i s/one/two/ /tmp/site/part.js")
    expect(frame.locator("body")).to_have_attribute("data-part", "two")
    assert inner.evaluate("window.kept")  # swapped in by the WebSocket, not by a reload


def wait_for_socket(frame: Frame) -> None:
    """Vite's client says `connected.` once; it has loaded its modules then."""
    frame.wait_for_function(
        "() => performance.getEntriesByType('resource').some(e => e.name.includes('@vite/client'))"
    )


# ── driving ──────────────────────────────────────────────────────────────────────────────────


def test_pause_drive_and_hand_back(
    page: Page, hub: HubProcess, client: Client, session: str
) -> None:
    after = client.session(session)["last_seq"]
    open_session(page, hub, session)
    say(page, "[demo:slow seconds=10]")
    client.until(session, happened("tool_output_chunk"), after=after)
    page.get_by_test_id("drive").click()
    expect(page.get_by_test_id("hand-back")).to_be_visible()
    client.until(session, happened("drive_started"), after=after)

    open_terminal(page, hub, session)
    page.keyboard.type("echo compost > heap.txt\n")
    poll(page, client, session, "cat heap.txt", "compost")
    page.get_by_test_id("hand-back-note").fill("The heap is mine.")
    page.get_by_test_id("hand-back").click()
    log = client.until(session, happened("turn_ended", outcome="done"), after=after)
    assert [e["outcome"] for e in log if e["type"] == "turn_ended"] == ["paused", "done"]
    (ended,) = [e for e in log if e["type"] == "drive_ended"]
    assert [file["path"] for file in ended["files"]] == ["heap.txt"]
    assert [c["command"] for c in ended["commands"]] == ["echo compost > heap.txt"]
    (prompt,) = [e for e in log if e["type"] == "prompt_queued" and e["kind"] == "hand_back"]
    assert re.search(r"heap\.txt.*\+compost.*echo compost.*The heap is mine", prompt["text"], re.S)
    assert json.dumps(log).count("heap.txt") > 2
