"""`bunkhouse` as a real process."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

_SECONDS = 60


@dataclass
class Ended:
    """A process that has ended."""

    code: int
    out: str
    err: str


class Running:
    """A process that runs, with its output read line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.out = ""

    async def says(self, text: str) -> None:
        """Wait until its output has `text`."""
        assert self.process.stdout is not None
        async with asyncio.timeout(_SECONDS):
            while text not in self.out:
                more = await self.process.stdout.read(4096)
                assert more, f"it ended without saying {text!r}: {self.out}"
                self.out += more.decode()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def end(self) -> Ended:
        async with asyncio.timeout(_SECONDS):
            out, err = await self.process.communicate()
        assert self.process.returncode is not None
        return Ended(
            self.process.returncode,
            self.out + (out or b"").decode(),
            (err or b"").decode(),
        )


class Program:
    """The command, with an environment that has nothing of the tester's own."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("BUNKHOUSE_") and not name.endswith(("_API_KEY", "_BASE_URL"))
        }
        self.environment = {**kept, "PYTHONUNBUFFERED": "1", "COLUMNS": "200", **environment}
        self.folder = folder / "here"
        self.folder.mkdir(exist_ok=True)

    async def start(
        self,
        *arguments: str,
        stdin: int = asyncio.subprocess.DEVNULL,
        stdout: int = asyncio.subprocess.PIPE,
        stderr: int = asyncio.subprocess.PIPE,
    ) -> Running:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bunkhouse.cli",
            *arguments,
            env=self.environment,
            cwd=self.folder,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
        )
        return Running(process)

    async def __call__(self, *arguments: str, typed: bytes | None = None) -> Ended:
        stdin = asyncio.subprocess.DEVNULL if typed is None else asyncio.subprocess.PIPE
        running = await self.start(*arguments, stdin=stdin)
        async with asyncio.timeout(_SECONDS):
            out, err = await running.process.communicate(typed)
        assert running.process.returncode is not None
        return Ended(running.process.returncode, out.decode(), err.decode())

    @contextlib.asynccontextmanager
    async def running(self, *arguments: str) -> AsyncGenerator[Running]:
        """Run until the block ends, then SIGTERM."""
        running = await self.start(*arguments)
        try:
            yield running
        finally:
            if running.process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    running.signal(signal.SIGTERM)
                await running.process.communicate()
