"""Start the runner, as the sandbox's first program does."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from pathlib import Path

import structlog

from bunkhouse_protocol.places import AGENT_USER, ENV_HUB_URL, ENV_SESSION, ENV_TOKEN, HUB_SOCKET
from bunkhouse_runner.agents.opencode import OpenCode
from bunkhouse_runner.environment import Environment
from bunkhouse_runner.errors import Unauthorized
from bunkhouse_runner.hub import Hub
from bunkhouse_runner.processes import Account
from bunkhouse_runner.runner import Runner

EXIT_USAGE = 2
EXIT_UNAUTHORIZED = 3


def main() -> int:
    """Run until SIGTERM. Returns 0, or 3 when the hub no longer takes our token."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    # Out of the environment at once: nothing that we start shall inherit it.
    token = os.environ.pop(ENV_TOKEN, "")
    if not token:
        print(f"{ENV_TOKEN} is not set: a hub starts this program.", file=sys.stderr)
        return EXIT_USAGE
    url = os.environ.get(ENV_HUB_URL)
    hub = Hub(token=token, url=url) if url else Hub(token=token, socket=Path(HUB_SOCKET))
    try:
        account = Account.named(AGENT_USER)
    except KeyError:
        print(f"There is no user {AGENT_USER}: this is not a sandbox image.", file=sys.stderr)
        return EXIT_USAGE
    runner = Runner(
        hub,
        token,
        account,
        OpenCode,
        session=os.environ.get(ENV_SESSION),
        make_surroundings=Environment,
    )
    return asyncio.run(_serve(runner))


async def _serve(runner: Runner) -> int:
    loop = asyncio.get_running_loop()
    serving = asyncio.create_task(runner.run())
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving.cancel)
    status = 0
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await serving
    except* Unauthorized:
        print("The hub does not take this sandbox's token: it is over.", file=sys.stderr)
        status = EXIT_UNAUTHORIZED
    return status


if __name__ == "__main__":
    sys.exit(main())
