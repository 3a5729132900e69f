"""Resolving a name that the policy allows, and connecting to an address that it admits.

The address that was judged is the address that is dialled. Addresses are tried one after the other,
each a moment after the one before (RFC 8305), and the first that answers is taken.
"""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import cast

from bunkhouse.broker.egress.policy import Address, Verdict, parse_host
from bunkhouse.errors import Forbidden, UpstreamFailed

RESOLVE_SECONDS = 10.0
CONNECT_SECONDS = 15.0
NEXT_SECONDS = 0.25
CHUNK = 64 * 1024

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Resolve = Callable[[str], Awaitable[list[Address]]]
"""Addresses of a name, best first. Raises OSError (`socket.gaierror`)."""

# Threads of its own: a name server that hangs must not hold up the hub's other work.
_threads = ThreadPoolExecutor(16, "egress-resolve")


async def resolve_by_system(name: str) -> list[Address]:
    """Ask the hub's machine: its hosts file, its name servers."""

    def look_up() -> list[Address]:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        hosts = dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found)
        return [ipaddress.ip_address(host) for host in hosts]

    return await asyncio.get_running_loop().run_in_executor(_threads, look_up)


async def addresses_of(host: str, verdict: Verdict, resolve: Resolve) -> list[Address]:
    """What may be dialled for `host`. Raises UpstreamFailed, or Forbidden where nothing may be."""
    target = parse_host(host)
    if not isinstance(target, str):
        return [target]
    try:
        async with asyncio.timeout(RESOLVE_SECONDS):
            found = await resolve(target)
    except TimeoutError as error:
        raise UpstreamFailed(f"The name server did not answer for {target}.") from error
    except (OSError, UnicodeError) as error:
        raise UpstreamFailed(f"There is no host named {target}.") from error
    admitted = [address for address in found if verdict.admits(address)]
    if found and not admitted:
        raise Forbidden(
            f"{target} resolves to {found[0]}, which sandboxes may not reach by that name.",
            remedy="An admin can put the exact name, or the address, into BUNKHOUSE_EGRESS_ALLOW.",
            code="egress_refused",
        )
    return admitted


async def connect(host: str, addresses: list[Address], port: int) -> Streams:
    """Connect to the first address that answers. Raises UpstreamFailed."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await _race(addresses, port)
    except TimeoutError as error:
        raise UpstreamFailed(f"{host} did not answer on port {port}.") from error
    except OSError as error:
        raise UpstreamFailed(
            f"Connecting to {host} on port {port} failed: {error.strerror or error}."
        ) from error


async def _race(addresses: list[Address], port: int) -> Streams:
    waiting = list(addresses)
    running: set[asyncio.Task[Streams]] = set()
    failure: OSError = OSError("it has no address")
    try:
        while waiting or running:
            if waiting:
                opening = asyncio.open_connection(str(waiting.pop(0)), port, limit=CHUNK)
                running.add(asyncio.create_task(opening))
            done, running = await asyncio.wait(
                running,
                timeout=NEXT_SECONDS if waiting else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in done:
                error = task.exception()
                if error is None:
                    return _tuned(task.result())
                failure = error if isinstance(error, OSError) else OSError(str(error))
        raise failure
    finally:
        for task in running:
            task.add_done_callback(_drop)
            task.cancel()


def _drop(task: asyncio.Task[Streams]) -> None:
    """Close a connection that came too late to be taken."""
    if not task.cancelled() and task.exception() is None:
        task.result()[1].close()


def _tuned(streams: Streams) -> Streams:
    """Let the kernel notice a far side that is gone without a word."""
    connection = cast("socket.socket", streams[1].get_extra_info("socket"))
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
    return streams
