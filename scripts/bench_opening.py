"""What it costs to open a long session: a real hub, a real Chromium, a log of 100,000 events.

Run by `make bench`, or by itself: `python scripts/bench_opening.py`. Needs no engine.
"""

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, CDPSession, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.browser.conftest import ARGUMENTS, signed_in  # noqa: E402 - found by the line above
from tests.filling import EVENTS_A_TURN, filled  # noqa: E402
from tests.hubs import Client, HubProcess  # noqa: E402

EVENTS = 100_000
OPENINGS = 5


def measure(events: int = EVENTS) -> dict[str, float]:
    """Open a session of so many events: milliseconds until its end is drawn, and bytes of log."""
    with tempfile.TemporaryDirectory(prefix="bh") as folder:
        hub = HubProcess(Path(folder) / "hub", {"BUNKHOUSE_ENGINE": f"unix://{folder}/none.sock"})
        hub.start()
        try:
            client = Client(hub)
            session = client.create()
            last = filled(hub.data_dir / "bunkhouse.db", session, events // EVENTS_A_TURN + 1)
            chromium = shutil.which("chromium") or shutil.which("chromium-browser")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
                times, sizes = zip(
                    *(_opened(browser, hub, session, last) for _ in range(OPENINGS)), strict=True
                )
                browser.close()
        finally:
            hub.stop()
    return {"milliseconds": statistics.median(times), "bytes": statistics.median(sizes)}


def _opened(browser: Browser, hub: HubProcess, session: str, last: int) -> tuple[float, float]:
    page = signed_in(browser, hub, viewport={"width": 1440, "height": 900})
    page.get_by_test_id("home-prompt").wait_for()
    network = page.context.new_cdp_session(page)
    network.send("Network.enable", {})  # pyright: ignore[reportUnknownMemberType]
    received = _count(network)
    began = time.monotonic()
    page.goto(f"{hub.pages}/sessions/{session}")
    page.locator(f'[data-testid=transcript][data-last-seq="{last}"]').wait_for()
    page.get_by_test_id("turn-end").last.wait_for()
    took = (time.monotonic() - began) * 1000
    page.context.close()
    return took, sum(received)


def _count(network: CDPSession) -> list[int]:
    """Bytes of the session's log, as they come over the wire."""
    logs: set[str] = set()
    received: list[int] = []

    def asked(event: dict[str, object]) -> None:
        if "/events" in str(event["request"]):
            logs.add(str(event["requestId"]))

    def came(event: dict[str, object]) -> None:
        if str(event["requestId"]) in logs:
            received.append(int(str(event["encodedDataLength"])))

    network.on("Network.requestWillBeSent", asked)
    network.on("Network.dataReceived", came)
    return received


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name:<14}{value:>14,.0f}")
