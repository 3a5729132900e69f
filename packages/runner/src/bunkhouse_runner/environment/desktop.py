"""The desktop: a screen without a monitor, a window manager, and a browser on it.

People see it by VNC on a Unix socket; the agent drives the same browser by its remote debugging.
"""

import asyncio
import contextlib
from pathlib import Path

import structlog

from bunkhouse_protocol.events import ServiceName
from bunkhouse_protocol.gateway import ServiceStart
from bunkhouse_protocol.places import BROWSER_INNER_PORT
from bunkhouse_runner import processes
from bunkhouse_runner.environment.service import Service, Streams

_log = structlog.get_logger("bunkhouse.runner.desktop")

DISPLAY = ":1"
SIZE = "1280x800"
"""Until somebody looks at it in a pane of another size."""
CRASHES = 5
"""A browser that ends so often in a row within `CRASH_SECONDS` each is not started again."""
CRASH_SECONDS = 5.0
BROWSER = [
    "chromium",
    # The sandbox is the boundary; the browser's own needs rights that nothing in here has.
    "--no-sandbox",
    "--test-type",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--password-store=basic",
    # It would ask for hosts that no policy allows, many times a minute.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-quic",
    # It asks these two for updates of its components and extensions all the same.
    "--host-resolver-rules=MAP update.googleapis.com ^NOTFOUND,MAP clients2.google.com ^NOTFOUND",
    "--disable-features=Translate,MediaRouter,OptimizationHints,AutofillServerCommunication",
    "--disable-search-engine-choice-screen",
    "--hide-crash-restore-bubble",
    "--start-maximized",
    f"--remote-debugging-port={BROWSER_INNER_PORT}",
]


class Desktop(Service):
    """Xvnc, openbox and Chromium."""

    name: ServiceName = "desktop"

    async def begin(self, request: ServiceStart) -> None:
        """Start the screen, then what is on it."""
        self.tell("Starting the screen", 0.1)
        self._socket.unlink(missing_ok=True)
        self._remove_stale_locks()
        await self.run(
            "Xvnc",
            DISPLAY,
            *("-geometry", SIZE, "-depth", "24", "-desktop", "Bunkhouse"),
            *("-rfbport", "-1", "-rfbunixpath", str(self._socket), "-rfbunixmode", "384"),
            *("-SecurityTypes", "None", "-AlwaysShared", "-AcceptSetDesktopSize"),
            *("-nolisten", "tcp"),
        )
        await self.until(self._screen_answers)
        self.tell("Starting the window manager", 0.3)
        screen = {"DISPLAY": DISPLAY}
        await self.run("openbox", "--config-file", "/etc/bunkhouse/openbox.xml", env=screen)
        await self.run("vncconfig", "-nowin", env=screen)
        self.tell("Starting the browser", 0.5)
        await self._start_browser()
        await self.until(self._browser_answers)

    async def connect(self) -> Streams:
        """Open a stream to its VNC server."""
        return await asyncio.open_unix_connection(self._socket)

    async def tend(self) -> None:
        """Start a browser that somebody closed again; end with the screen."""
        screen = asyncio.create_task(self._running[0].wait())
        browser = asyncio.create_task(self._keep_browser())
        try:
            await asyncio.wait({screen, browser}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (screen, browser):
                task.cancel()
            await asyncio.gather(screen, browser, return_exceptions=True)

    async def _keep_browser(self) -> None:
        crashes = 0
        loop = asyncio.get_running_loop()
        while crashes < CRASHES:
            began = loop.time()
            browser = self._running[-1]
            await browser.wait()
            crashes = crashes + 1 if loop.time() - began < CRASH_SECONDS else 0
            _log.info("browser_ended", status=browser.returncode)
            self._running.remove(browser)
            await processes.end(browser)
            await self._start_browser()

    async def _start_browser(self) -> None:
        profile = self.account.home / ".config" / "bunkhouse-browser"
        # Left by a browser that was killed; it would refuse to start, or look for the other one.
        for name in ("SingletonLock", "SingletonSocket", "SingletonCookie"):
            (profile / name).unlink(missing_ok=True)
        await self.run(
            *BROWSER, f"--user-data-dir={profile}", "about:blank", env={"DISPLAY": DISPLAY}
        )

    @property
    def _socket(self) -> Path:
        return self.folder / "desktop.sock"

    def _remove_stale_locks(self) -> None:
        number = DISPLAY.removeprefix(":")
        for path in (Path(f"/tmp/.X{number}-lock"), Path(f"/tmp/.X11-unix/X{number}")):  # noqa: S108 - X's own places
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    async def _screen_answers(self) -> bool:
        with contextlib.suppress(OSError):
            reader, writer = await self.connect()
            try:
                return (await reader.read(4)) == b"RFB "
            finally:
                writer.close()
        return False

    async def _browser_answers(self) -> bool:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", BROWSER_INNER_PORT)
            try:
                writer.write(b"GET /json/version HTTP/1.1\r\nHost: localhost\r\n\r\n")
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
        return False
