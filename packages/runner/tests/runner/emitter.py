"""Run as a program that is killed: emits numbered events until there are as many as asked for."""

import asyncio
import contextlib
import os
import sys
from pathlib import Path

from bunkhouse_protocol.events import Notice
from bunkhouse_protocol.link import StopCommand
from bunkhouse_runner.hub import Hub
from bunkhouse_runner.link import Link
from bunkhouse_runner.outbox import Outbox
from bunkhouse_runner.spool import Spool


async def main(folder: Path, wanted: int) -> None:
    spool = Spool(folder / "spool.db")
    outbox = Outbox(spool)
    done = folder / "done"

    def carry_out() -> None:
        for waiting in spool.waiting():
            assert isinstance(waiting.command, StopCommand)
            # Not safe against a kill between the two lines, as no real deed is; it is never twice.
            spool.take(waiting.id)
            with done.open("a") as file:
                file.write(f"{waiting.command.turn_id}\n")
                file.flush()
                os.fsync(file.fileno())

    hub = Hub(token=os.environ["TOKEN"], socket=folder / "hub.sock")
    link = Link(
        hub,
        spool,
        on_welcome=lambda spec: None,
        on_command=carry_out,
        on_dial=lambda stream_id: None,
        ready=lambda: None,
    )
    outbox.written = link.wake
    carry_out()
    running = asyncio.create_task(link.run())
    number = int(spool.get("number") or 0)
    while number < wanted:
        number += 1
        outbox.record(Notice(code="test", message=str(number)), {"number": str(number)})
        await asyncio.sleep(0.0005)
    with contextlib.suppress(asyncio.CancelledError):
        await running


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
