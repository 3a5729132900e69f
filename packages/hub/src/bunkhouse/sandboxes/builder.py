"""One build of the sandbox image, from base to tag."""

import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TextIO

import aiodocker

from bunkhouse.errors import (
    EngineDown,
    ImageMissing,
    StorageFull,
    Unavailable,
    UpstreamFailed,
)
from bunkhouse.sandboxes.base import ensure_base
from bunkhouse.sandboxes.build_output import BuildOutput
from bunkhouse.sandboxes.build_stream import stream
from bunkhouse.sandboxes.mirrors import HostConfiguration
from bunkhouse.sandboxes.recipe import CONTAINERFILE, Recipe

_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_UNREACHED = re.compile(
    r"could not resolve|temporary failure|connection (?:refused|timed out|reset)|network is "
    r"unreachable|unable to fetch|failed to fetch|certificate|ENOTFOUND|ETIMEDOUT|curl: \(",
    re.IGNORECASE,
)

_LAYER_GONE = "layer not known"
"""What Podman says where a layer that it looked up in its cache was removed at the same time."""
_TRIES = ("0", "0", "1")
"""What `nocache` is from one try to the next while images go away under the build. The second finds
in the cache all that is still there, its own work first; the third needs none of it."""


async def build(
    docker: aiodocker.Docker,
    host: HostConfiguration,
    recipe: Recipe,
    tag: str,
    *,
    log: Path,
    show: Callable[[str, float], None],
    fresh: bool = False,
) -> None:
    """Build `recipe` as `tag`; `show` is told title and progress (0 to 1) whenever they change.

    All output goes into `log`, which is written anew. `fresh`: without the engine's cache.

    Raises:
        UpstreamFailed: a package could not be had, or a step failed.
        Unavailable: something to build with is missing here.
        EngineDown, StorageFull
    """
    if host.npm_registry is None:
        raise Unavailable(
            "npm is not installed here, so it is not known where Node.js packages come from.",
            remedy="Install Node.js 20 or newer with npm, then try again.",
        )
    output = BuildOutput(recipe.steps)
    with log.open("w", encoding="utf-8", errors="replace") as file:
        say = _reader(output, file, show)
        show(output.title, output.progress)
        base = await ensure_base(docker, host.apt, log.parent, say)
        params = {
            "dockerfile": CONTAINERFILE,
            "t": tag,
            "networkmode": "host",
            "rm": "1",
            "forcerm": "1",
            "layers": "1",
            "buildargs": json.dumps({"BASE": base, **_proxies(os.environ)}),
        }
        tries = list(_TRIES[-1:] if fresh else _TRIES)
        while True:
            params["nocache"] = tries.pop(0)
            try:
                async for _ in stream(docker, "build", params, recipe.tar(), say):
                    pass
                return
            except (EngineDown, StorageFull):
                raise
            except Unavailable as error:
                say(error.message)
                if not tries or not _went_away(error):
                    raise _failed(output, error, log) from error
                say("Somebody removed images meanwhile; it is built again.")


def _went_away(error: Unavailable) -> bool:
    """An image or a layer that the build looked up was removed before it was used."""
    return isinstance(error, ImageMissing) or _LAYER_GONE in error.message


def _reader(
    output: BuildOutput, log: TextIO, show: Callable[[str, float], None]
) -> Callable[[str], None]:
    shown: tuple[str, float] | None = None

    def say(line: str) -> None:
        nonlocal shown
        log.write(f"{line.rstrip()}\n")
        log.flush()
        output.feed(line)
        now = output.title, round(output.progress, 2)
        if now != shown:
            shown = now
            show(*now)

    return say


def _proxies(environ: Mapping[str, str]) -> dict[str, str]:
    """Engines know these build arguments and keep them out of the image."""
    return {name: environ[name] for name in _PROXIES if environ.get(name)}


def _failed(output: BuildOutput, error: Unavailable, log: Path) -> UpstreamFailed:
    complaint = output.complaint() or (
        "images that it is made from were removed meanwhile."
        if _went_away(error)
        else error.message
    )
    remedy = f"All it printed is in {log}."
    if _UNREACHED.search(complaint):
        remedy = (
            "See whether apt-get update, npm and pip reach their indexes on this machine; the "
            f"image uses the same mirrors and certificates. {remedy}"
        )
    return UpstreamFailed(
        f'The sandbox image could not be built; "{output.title}" failed: {complaint}',
        remedy=remedy,
    )
