"""Run inside a network namespace of its own: holder, resolver and relay, until stdin ends."""

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from bunkhouse_runner.hub import Hub
from bunkhouse_runner.names import Names, use_resolver
from bunkhouse_runner.refused import serve_refused
from bunkhouse_runner.relay import Relay
from bunkhouse_runner.resolver import serve_names


async def main(hub_socket: str) -> None:
    use_resolver()
    names = Names()
    hub = Hub(token="token", socket=Path(hub_socket))
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bunkhouse_runner.holder", stdout=asyncio.subprocess.PIPE
    )
    try:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(serve_names(names))
            await stack.enter_async_context(serve_refused(names, hub))
            await stack.enter_async_context(Relay(names, hub).serve())
            assert holder.stdout is not None
            print((await holder.stdout.readline()).decode().strip(), flush=True)
            await asyncio.to_thread(sys.stdin.read)
    finally:
        holder.terminate()
        print("holder", await holder.wait(), flush=True)


asyncio.run(main(sys.argv[1]))
