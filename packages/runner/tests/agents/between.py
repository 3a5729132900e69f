"""A TCP proxy between the bridge and OpenCode, which can cut the event stream and keep it cut."""

import asyncio
import contextlib
import shlex
from collections.abc import Generator
from pathlib import Path


class Between:
    """Passes bytes on to OpenCode at `port`; `url` is what the bridge is told instead."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._server: asyncio.Server | None = None
        self._listening: set[asyncio.StreamWriter] = set()
        self._deaf = False

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    @contextlib.contextmanager
    def deaf(self) -> Generator[None]:
        """Cut the event stream, and refuse it for as long as this lasts."""
        self._deaf = True
        for writer in self._listening:
            writer.transport.abort()
        yield
        self._deaf = False

    def wrapped(self, binary: str, script: Path) -> str:
        """Write a program that runs OpenCode and says that it listens here."""
        sed = shlex.quote(f"s|http://127.0.0.1:[0-9]*|{self.url}|")
        run = f'exec {shlex.quote(binary)} "$@" > >(exec sed -u {sed}) 2>&1'
        script.write_text(f"#!/bin/bash\n{run}\n")
        script.chmod(0o755)
        return str(script)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            ahead, behind = await asyncio.open_connection("127.0.0.1", self._port)
            back = asyncio.create_task(self._pass(ahead, writer))
            with contextlib.suppress(ConnectionError):
                while data := await reader.read(65536):
                    if data.startswith(b"GET /event"):
                        if self._deaf:
                            break
                        self._listening.add(writer)
                    behind.write(data)
                    await behind.drain()
            behind.close()
            await back
        self._listening.discard(writer)
        writer.close()

    @staticmethod
    async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()
