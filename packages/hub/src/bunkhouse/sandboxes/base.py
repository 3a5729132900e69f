"""What the image stands on: Debian from an image registry, or made here where none answers."""

import asyncio
import hashlib
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import aiodocker

from bunkhouse.errors import EngineDown, Unavailable, UpstreamFailed
from bunkhouse.sandboxes.apt_sources import SUITE, AptSource
from bunkhouse.sandboxes.build_stream import has_image, stream

PULLED = f"docker.io/library/debian:{SUITE}-slim"
FIRST_SECONDS = 12.0
"""How long a registry may take until it begins to send."""
PULL_SECONDS = 180.0

_LEAN = (
    "--variant=minbase",
    '--aptopt=APT::Install-Recommends "false"',
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/info/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
)
Say = Callable[[str], None]


async def ensure_base(
    docker: aiodocker.Docker, sources: tuple[AptSource, ...], folder: Path, say: Say
) -> str:
    """A reference of the base that the engine has when this returns.

    Args:
        sources: this machine's own sources of Debian; empty for the usual ones.
        folder: where some 130 MB may lie for a while.
        say: is told each line of output.

    Raises:
        Unavailable: no registry answers and there is no `mmdebstrap`.
        UpstreamFailed: Debian's packages could not be had.
        EngineDown, StorageFull
    """
    made = f"localhost/bunkhouse/base:{_key(sources)}"
    for reference in (made, PULLED):
        if await has_image(docker, reference):
            return reference
    # A pulled base has no certificates at first, so apt could not use an https mirror in it.
    if not _needs_certificates(sources) and await _pull(docker, say):
        return PULLED
    archive = folder / f"base-{os.getpid()}.tar"
    try:
        await _debootstrap(sources, archive, say)
        with archive.open("rb") as file:
            async for _ in stream(
                docker, "images/create", {"fromSrc": "-", "repo": made}, file, say
            ):
                pass
    finally:
        archive.unlink(missing_ok=True)
        archive.with_suffix(".sources").unlink(missing_ok=True)
    return made


async def _pull(docker: aiodocker.Docker, say: Say) -> bool:
    """Whether a registry had it. An engine behind a mirror knows its registry better than we do."""
    say(f"Asking an image registry for {PULLED}")
    params = {"fromImage": PULLED.partition(":")[0], "tag": PULLED.partition(":")[2]}
    try:
        async with asyncio.timeout(FIRST_SECONDS) as limit:
            async for message in stream(docker, "images/create", params, None, say):
                if message.get("id"):
                    limit.reschedule(asyncio.get_running_loop().time() + PULL_SECONDS)
        return await has_image(docker, PULLED)
    except EngineDown:
        raise
    except (TimeoutError, Unavailable) as error:
        say(f"No image registry answers ({error or 'it is silent'}); making the base here")
        return False


async def _debootstrap(sources: tuple[AptSource, ...], archive: Path, say: Say) -> None:
    if shutil.which("mmdebstrap") is None:
        raise Unavailable(
            "No image registry answers, and mmdebstrap, which makes the image's base without one, "
            "is not installed.",
            remedy="Install it: apt-get install mmdebstrap (as root). Where there is no such "
            "package, let the engine reach an image registry.",
        )
    argv = ["mmdebstrap", *_LEAN]
    if _needs_certificates(sources):
        argv.append("--include=ca-certificates")
    if sources:
        mirror = archive.with_suffix(".sources")
        mirror.write_text("\n".join(source.stanza() for source in sources))
        # The recipe puts them in place itself, under the name that a pulled base has.
        argv += ["--customize-hook=rm -f $1/etc/apt/sources.list $1/etc/apt/sources.list.d/*"]
        argv += [SUITE, str(archive), str(mirror)]
    else:
        argv += [SUITE, str(archive)]
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    last = ""
    try:
        while process.stdout is not None and (line := await process.stdout.readline()):
            text = line.decode(errors="replace").rstrip()
            say(text)
            last = text if text.startswith("E:") and "mmdebstrap" not in text else last
        code = await process.wait()
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGTERM)
            await process.wait()
    if code:
        raise UpstreamFailed(
            f"The base of the sandbox image could not be made: {last or 'mmdebstrap failed'}",
            remedy="See whether `apt-get update` works on this machine, then try again.",
        )


def _needs_certificates(sources: tuple[AptSource, ...]) -> bool:
    return any(source.uri.startswith("https:") for source in sources)


def _key(sources: tuple[AptSource, ...]) -> str:
    stanzas = "\n".join(source.stanza() for source in sources)
    return hashlib.sha256("\n".join([SUITE, *_LEAN, stanzas]).encode()).hexdigest()[:16]
