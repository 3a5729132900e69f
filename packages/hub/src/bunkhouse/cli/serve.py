"""`bunkhouse serve`: the hub itself."""

import asyncio
import contextlib
import socket
from pathlib import Path

import structlog
import uvloop

from bunkhouse.addresses import LOCAL_NAME
from bunkhouse.api import Services
from bunkhouse.app import open_hub
from bunkhouse.cli.addresses import for_people, for_programs, listen, listen_where_free
from bunkhouse.cli.configuration import configure_logs, load_settings
from bunkhouse.cli.image_progress import Image, ImageProgress
from bunkhouse.cli.presence import Claim, claim
from bunkhouse.cli.server import Server, stopping
from bunkhouse.cli.terminal import seconds, stdout
from bunkhouse.errors import BunkhouseError
from bunkhouse.gateway import websockets_through
from bunkhouse.settings import Settings
from bunkhouse.version import version

_log = structlog.get_logger("bunkhouse.serve")


def serve(
    *, host: str | None = None, port: int | None = None, data_dir: Path | None = None
) -> None:
    """Run the hub until it is stopped with Ctrl+C or SIGTERM.

    Parameters
    ----------
    host
        Address to listen on (BUNKHOUSE_HOST).
    port
        Port to listen on; 0 takes a free one (BUNKHOUSE_PORT).
    data_dir
        Folder for everything that is kept (BUNKHOUSE_DATA_DIR).
    """
    settings = load_settings(host=host, port=port, data_dir=data_dir)
    configure_logs(settings.log_level)
    with claim(settings.data_dir) as claimed, listen(settings.host, settings.port) as listening:
        settings.port = listening.getsockname()[1]
        uvloop.run(_serve(settings, listening, claimed))


async def _serve(settings: Settings, listening: socket.socket, claimed: Claim) -> None:
    working = asyncio.create_task(_work(settings, listening, claimed))

    def stop() -> None:
        working.cancel()

    with contextlib.suppress(asyncio.CancelledError), stopping(stop):
        await working


async def _work(settings: Settings, listening: socket.socket, claimed: Claim) -> None:
    """Be the hub until cancelled; then stop in order, from the outside in."""
    async with open_hub(settings) as hub, contextlib.AsyncExitStack() as stack:

        async def started() -> None:
            url = for_programs(listening)
            claimed.announce(url)
            await _welcome(settings, hub.services, url)
            watching = asyncio.create_task(_watch_image(hub.services))
            stack.push_async_callback(_end, watching)

        further = listen_where_free(settings.host, hub.apps.ports)
        hub.apps.use_ports([each.getsockname()[1] for each in further])
        server = Server(
            hub.api,
            websockets=websockets_through(hub.apps),
            closing=hub.services.closing,
            started=started,
        )
        serving = asyncio.create_task(server.serve([listening, *further]))
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            claimed.withdraw()
            server.should_exit = True
            await serving


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _welcome(settings: Settings, services: Services, url: str) -> None:
    """Say where the hub is and how to get in."""
    address = for_people(settings, url)
    secret = await services.people.sign_in_link("admin")
    console = stdout()
    console.print(f"\n  Bunkhouse {version()} · {address}\n", markup=False)
    good_for = seconds(settings.link_minutes * 60)
    console.print(f"  Open this link to sign in (it is good once, for {good_for}):\n")
    console.print(f"    {address}/login/{secret}\n", markup=False)
    if LOCAL_NAME in address:
        console.print(f"  (If your browser does not know that name, begin with {url} instead.)\n")
    console.print("  Stop the hub with Ctrl+C.\n")


async def _watch_image(services: Services) -> None:
    """Show the image's progress for as long as the hub runs, and an engine that is missing."""
    trouble: str | None = None
    console = stdout()
    with ImageProgress(console) as progress:
        try:
            async for status in services.system.follow():
                progress.show(Image.of(status.image))
                error = None if status.engine.ok else status.engine.error
                if error and error != trouble:
                    console.print(f"Container engine: {error}", markup=False)
                    console.print(status.engine.remedy or "", markup=False)
                trouble = error
        except BunkhouseError as error:
            _log.warning("image not watched", reason=str(error))
