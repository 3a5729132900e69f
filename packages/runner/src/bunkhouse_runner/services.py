"""What runs beside the agent in a sandbox: for now the ways by which its programs reach out."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import structlog

from bunkhouse_runner.hub import Hub
from bunkhouse_runner.names import Names, use_resolver
from bunkhouse_runner.refused import serve_refused
from bunkhouse_runner.relay import Relay
from bunkhouse_runner.resolver import serve_names

_log = structlog.get_logger("bunkhouse.runner.services")


@contextlib.asynccontextmanager
async def running(hub: Hub) -> AsyncGenerator[None]:
    """Keep the services up while the block runs.

    One that can't be started is left out, and the log says so: without the relay a sandbox reaches
    nothing outside, yet its agent works. A sandbox that dials the hub by its URL has a network of
    its own, which nothing redirects to us: there they are not needed.
    """
    if hub.socket is None:
        yield
        return
    names = Names()
    async with contextlib.AsyncExitStack() as stack:
        for name, service in {
            "relay": Relay(names, hub).serve(),
            "names": serve_names(names),
            "refused": serve_refused(names, hub),
        }.items():
            try:
                await stack.enter_async_context(service)
            except OSError as error:
                _log.error("service_failed", service=name, error=str(error))
        try:
            await asyncio.to_thread(use_resolver)
        except OSError as error:
            _log.error("resolver_not_set", error=str(error))
        yield
