import asyncio
import hashlib
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from bunkhouse_runner.byte_streams import LINE_BYTES, ByteStreams
from bunkhouse_runner.errors import StreamRefused

PATIENCE = 90.0
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Ways:
    """Opens real connections to what listens on loopback, as the environment does."""

    def __init__(self) -> None:
        self.open = 0
        self.opened = asyncio.Event()
        self.closed = asyncio.Event()
        self.linger: asyncio.Event | None = None

    @asynccontextmanager
    async def stream(self, target: str) -> AsyncGenerator[Streams]:
        if target == "editor":
            raise StreamRefused("not_running", "The editor is\nstopped.")
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", int(target))
        except OSError as error:
            raise StreamRefused("not_listening", f"Nothing listens on {target}.") from error
        self.open += 1
        self.opened.set()
        try:
            if self.linger is not None:
                await self.linger.wait()
            yield reader, writer
        finally:
            writer.close()
            await asyncio.gather(writer.wait_closed(), return_exceptions=True)
            self.open -= 1
            self.closed.set()


class House:
    def __init__(self, room: Path, stack: AsyncExitStack) -> None:
        self.ways = Ways()
        self.server = ByteStreams(self.ways, room / "streams.sock", at_once=3)
        self._stack = stack

    async def listen(self, handler: Handler) -> int:
        server = await asyncio.start_server(handler, "127.0.0.1", 0)
        self._stack.callback(server.close)
        return server.sockets[0].getsockname()[1]

    async def dial(self, line: bytes) -> Streams:
        reader, writer = await asyncio.open_unix_connection(self.server.path, limit=1 << 16)
        self._stack.callback(writer.transport.abort)
        writer.write(line)
        return reader, writer

    async def connect(self, port: int, more: bytes = b"") -> Streams:
        reader, writer = await self.dial(f"{port}\n".encode() + more)
        assert await reader.readline() == b"ok\n"
        return reader, writer


@pytest.fixture
async def house(room: Path) -> AsyncGenerator[House]:
    async with asyncio.timeout(PATIENCE), AsyncExitStack() as stack:
        house = House(room, stack)
        await house.server.start()
        stack.push_async_callback(house.server.stop)
        yield house


async def reverse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer only when the other side has said all."""
    writer.write((await reader.read())[::-1])
    writer.close()


async def test_an_end_is_passed_on_while_the_answer_still_comes(house: House) -> None:
    port = await house.listen(reverse)
    reader, writer = await house.connect(port, b"first,")
    writer.write(b"abc" * 300_000)
    writer.write_eof()
    assert await reader.read() == b"cba" * 300_000 + b",tsrif"
    await house.ways.closed.wait()
    assert house.ways.open == 0


async def test_the_servers_end_is_passed_on_while_the_client_still_speaks(house: House) -> None:
    got: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def ends_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.write_eof()
        got.set_result(await reader.read())
        writer.close()

    reader, writer = await house.connect(await house.listen(ends_first))
    assert await reader.read() == b"hello"
    writer.write(b"good-bye")
    writer.write_eof()
    assert await got == b"good-bye"
    await house.ways.closed.wait()


@pytest.mark.parametrize("size", [5, 3_000_000])
async def test_what_a_server_says_before_anybody_listens_comes_first(
    house: House, size: int
) -> None:
    data = os.urandom(size)

    async def greets(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        writer.close()
        await asyncio.wait_for(asyncio.shield(writer.wait_closed()), PATIENCE)

    port = await house.listen(greets)
    house.ways.linger = asyncio.Event()
    reader, _writer = await house.dial(f"{port}\n".encode())
    reading = asyncio.create_task(reader.read())
    await house.ways.opened.wait()
    house.ways.linger.set()
    assert await reading == b"ok\n" + data


async def test_much_is_passed_both_ways_at_once_unharmed(house: House) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.close()

    reader, writer = await house.connect(await house.listen(echo))
    piece = os.urandom(1_000_003)
    sent, received = hashlib.sha256(), hashlib.sha256()

    async def feed() -> None:
        for _ in range(20):
            sent.update(piece)
            writer.write(piece)
            await writer.drain()
        writer.write_eof()

    feeding = asyncio.create_task(feed())
    while data := await reader.read(1 << 18):
        received.update(data)
    await feeding
    assert received.digest() == sent.digest()


async def test_a_reader_that_is_slow_holds_the_sender_back(house: House) -> None:
    sent = 0
    stalled = asyncio.Event()

    async def flood(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        try:
            while True:
                writer.write(bytes(65536))
                sent += 65536
                async with asyncio.timeout(1):
                    await writer.drain()
        except (TimeoutError, OSError):
            stalled.set()
        finally:
            writer.transport.abort()

    _reader, _writer = await house.connect(await house.listen(flood))
    await stalled.wait()
    assert sent < 64 * 1024 * 1024


async def test_refusals_say_why(house: House) -> None:
    for line, answer in {
        b"editor\n": b"refused not_running The editor is stopped.\n",
        b"1\n": b"refused not_listening Nothing listens on 1.\n",
        b"x" * (LINE_BYTES + 1): b"refused not_allowed That is no place to go to.\n",
        "é\n".encode(): b"refused not_allowed That is no place to go to.\n",
    }.items():
        reader, _ = await house.dial(line)
        assert await reader.read() == answer


async def test_there_is_a_limit_and_room_again(house: House) -> None:
    port = await house.listen(reverse)
    kept = [await house.connect(port) for _ in range(3)]
    reader, _ = await house.dial(f"{port}\n".encode())
    assert await reader.read() == b"refused too_many There are 3 streams already.\n"
    kept[0][1].transport.abort()
    await house.ways.closed.wait()
    await house.connect(port)


@pytest.mark.parametrize("who", ["client", "server"])
async def test_a_side_that_breaks_takes_the_other_with_it(house: House, who: str) -> None:
    lost = asyncio.Event()
    theirs: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs.set_result(writer)
        await asyncio.gather(reader.read(), return_exceptions=True)
        lost.set()
        writer.close()

    reader, writer = await house.connect(await house.listen(hold))
    if who == "client":
        writer.transport.abort()
        await lost.wait()
    else:
        (await theirs).transport.abort()
        await asyncio.gather(reader.read(), return_exceptions=True)
        writer.close()
    await house.ways.closed.wait()


async def test_stopping_ends_what_runs(house: House) -> None:
    reader, _ = await house.connect(await house.listen(reverse))
    await house.server.stop()
    await asyncio.gather(reader.read(), return_exceptions=True)
    assert (house.server.count, house.ways.open) == (0, 0)
