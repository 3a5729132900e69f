"""What the holder saw refused (`holder.py`) goes to the hub, so that the session shows it.

Anything in the sandbox can send to this port; the hub takes a report for no more than it is and
limits how many it keeps.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator

import httpx2
import structlog

from bunkhouse_protocol.places import REFUSED_UDP_PORT
from bunkhouse_runner.hub import Hub
from bunkhouse_runner.names import Names

MOST_WAITING = 64
UDP_REASON = "Datagrams (UDP) can't leave a sandbox; only TCP can."
IPV6_REASON = "A sandbox has no IPv6; connect by name."

log = structlog.get_logger(__name__)

Report = dict[str, str | int]


def read_report(datagram: bytes, names: Names) -> Report | None:
    """The body of `POST /egress/refused` from a holder's datagram; None where it is not one."""
    try:
        said = json.loads(datagram)
        host, port, protocol = str(said["host"]), int(said["port"]), str(said["protocol"])
    except (ValueError, KeyError, TypeError):
        return None
    reason = UDP_REASON if protocol == "udp" else IPV6_REASON
    return {
        "host": names.name(host) or host,
        "port": port,
        "protocol": protocol,
        "reason": reason,
    }


class _Reports(asyncio.DatagramProtocol):
    def __init__(self, names: Names, waiting: asyncio.Queue[Report]) -> None:
        self._names = names
        self._waiting = waiting

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if report := read_report(data, self._names):
            with contextlib.suppress(asyncio.QueueFull):
                self._waiting.put_nowait(report)


@contextlib.asynccontextmanager
async def serve_refused(
    names: Names, hub: Hub, *, host: str = "127.0.0.1", port: int = REFUSED_UDP_PORT
) -> AsyncGenerator[int]:
    """Pass reports on to the hub; yields the port. Raises OSError where it is taken."""
    waiting: asyncio.Queue[Report] = asyncio.Queue(MOST_WAITING)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Reports(names, waiting), (host, port)
    )

    async def pass_on() -> None:
        async with hub.http_client() as client:
            while True:
                report = await waiting.get()
                try:
                    await client.post("/egress/refused", json=report)
                except (OSError, httpx2.HTTPError) as error:
                    log.warning("a refusal was not reported", error=str(error), **report)

    task = asyncio.create_task(pass_on())
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
