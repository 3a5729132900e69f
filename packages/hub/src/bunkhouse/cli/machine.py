"""`doctor`, `image build`, `version`: about this machine."""

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from bunkhouse import version as versions
from bunkhouse.cli.configuration import configure_logs, load_settings
from bunkhouse.cli.image_progress import Image, ImageProgress
from bunkhouse.cli.terminal import stderr
from bunkhouse.settings import Settings


def doctor(
    *,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    data_dir: Path | None = None,
) -> int:
    """Say what works here, what does not hold, and how to mend it. Exit code 1: something is
    in the way of running sessions.

    Parameters
    ----------
    as_json
        Print a JSON list of findings.
    data_dir
        Data folder of the hub.
    """
    from bunkhouse.doctor import examine, render, works  # noqa: PLC0415 - slow to import

    settings = load_settings(data_dir=data_dir)
    configure_logs("warning")
    findings = asyncio.run(examine(settings))
    print(render(findings, as_json=as_json))
    return 0 if works(findings) else 1


def build(
    *, rebuild: Annotated[bool, Parameter(negative="")] = False, data_dir: Path | None = None
) -> None:
    """Build the image that sandboxes are made from, if it is not there; print its name.

    Parameters
    ----------
    rebuild
        Build it anew from nothing, which brings newer packages.
    data_dir
        Data folder of the hub.
    """
    settings = load_settings(data_dir=data_dir)
    configure_logs("warning")
    print(asyncio.run(_build(settings, rebuild=rebuild)))


async def _build(settings: Settings, *, rebuild: bool) -> str:
    from bunkhouse.sandboxes.engine import find_engine  # noqa: PLC0415 - slow to import
    from bunkhouse.sandboxes.images import Images  # noqa: PLC0415 - slow to import

    address = await find_engine(settings)
    async with address.connect() as docker:
        images = Images(docker, settings.data_dir, given=settings.image)
        with ImageProgress(stderr()) as progress:

            async def watch() -> None:
                async for status in images.follow():
                    progress.show(Image.of(status))

            watching = asyncio.create_task(watch())
            try:
                return await images.ensure(rebuild=rebuild)
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)


def version() -> None:
    """Print the version."""
    print(f"bunkhouse {versions.version()}")
