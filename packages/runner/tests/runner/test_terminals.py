import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.exceptions import ConnectionClosed

from bunkhouse_protocol.gateway import (
    CLOSE_NO_TERMINAL,
    Changes,
    Handover,
    HandoverRequest,
    Published,
    PublishRequest,
)
from bunkhouse_runner import gateway
from bunkhouse_runner.drive.journal import Journal
from bunkhouse_runner.processes import Account
from bunkhouse_runner.surroundings import Bare
from bunkhouse_runner.terminals import Terminals
from bunkhouse_runner.terminals import viewer as viewers
from bunkhouse_runner.terminals.control import unescaped
from bunkhouse_runner.terminals.questions import Questions

PATIENCE = 90.0
CONFIG = Path(__file__).parents[4] / "sandbox" / "rootfs" / "etc" / "bunkhouse"

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux")


class House:
    """A gateway with terminals on a tmux server of the test's own."""

    def __init__(self, room: Path, account: Account) -> None:
        self.room = room
        self.variables: dict[str, str] = {}
        self.account = replace(account, variables=self.variables)
        self.tmux = ("-S", str(account.home / "bunkhouse"))
        # Where the account may read it.
        self.config = Path(shutil.copytree(CONFIG, room / "etc"))
        (account.home / ".bashrc").write_text(f". {self.config}/bashrc\n")
        self.socket = room / "gateway.sock"

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Terminals]:
        terminals = Terminals(
            self.account, self.account.home, server=self.tmux, config=str(self.config / "tmux.conf")
        )
        sandbox = gateway.Sandbox(
            account=self.account,
            changes=_changes,
            handover=_handover,
            publish=_publish,
            set_up=_set_up,
            surroundings=Bare(lambda event: None, self.account, self.account.home),
            terminals=terminals,
        )
        served = gateway.Gateway(gateway.app(sandbox), self.socket)
        await served.start()
        try:
            yield terminals
        finally:
            await served.stop()
            await terminals.close()

    async def ask(self, method: str, path: str) -> httpx2.Response:
        transport = httpx2.AsyncHTTPTransport(uds=str(self.socket))
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://gateway", timeout=PATIENCE
        ) as client:
            return await client.request(method, path)

    async def open(self) -> str:
        return (await self.ask("POST", "/terminals")).json()["id"]

    @asynccontextmanager
    async def look(
        self, terminal: str, rows: int = 24, cols: int = 80, **options: Any
    ) -> AsyncGenerator["Look"]:
        url = f"ws://gateway/terminals/{terminal}/attach?rows={rows}&cols={cols}"
        async with unix_connect(str(self.socket), url, max_size=None, **options) as connection:
            yield Look(connection)


async def _changes(_limit: int) -> Changes:
    raise AssertionError


async def _handover(_request: HandoverRequest) -> Handover:
    raise AssertionError


async def _publish(_request: PublishRequest) -> Published:
    raise AssertionError


async def _set_up() -> None:
    raise AssertionError


class Look:
    """Somebody's view of a terminal."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.seen = b""
        self.painted = False
        self.sizes: list[dict[str, int]] = []

    async def until_painted(self) -> None:
        """What comes before the first picture is in that picture, where a line may be padded."""
        while not self.painted:
            await self.receive()

    async def type(self, text: str) -> None:
        await self.until_painted()
        await self.connection.send(text.encode())

    async def until(self, wanted: str) -> None:
        pattern = re.compile(wanted.encode())
        while not pattern.search(self.seen):
            await self.receive()

    async def receive(self) -> None:
        message = await self.connection.recv()
        if isinstance(message, str):
            self.sizes.append(json.loads(message))
        else:
            self.seen += message
            self.painted = True

    async def until_sized(self) -> dict[str, int]:
        while not self.sizes:
            await self.receive()
        return self.sizes[-1]

    async def until_closed(self) -> int | None:
        with pytest.raises(ConnectionClosed):
            while True:
                await self.receive()
        return self.connection.close_code


@pytest.fixture
async def house(room: Path, account: Account) -> AsyncGenerator[House]:
    house = House(room, account)
    account.own(account.home / ".bashrc")
    async with asyncio.timeout(PATIENCE), AsyncExitStack() as stack:
        await stack.enter_async_context(house.running())
        stack.callback(
            subprocess.run, ["tmux", *house.tmux, "kill-server"], stderr=subprocess.DEVNULL
        )
        yield house


async def test_a_new_terminal_has_the_variables_of_the_moment(house: House) -> None:
    for number, variables in enumerate(({}, {"COLOUR": "blue sky"}, {"TASTE": "$sour"}), 1):
        house.variables.clear()
        house.variables.update(variables)
        terminal = await house.open()  # with the first one, the server begins
        async with house.look(terminal) as look:
            await look.type(f'echo {number}-"$COLOUR-$TASTE"-\n')
            expected = f"{number}-{variables.get('COLOUR', '')}-{variables.get('TASTE', '')}-"
            await look.until(re.escape(expected) + "\r\n")


async def test_two_who_look_see_the_same_and_one_types(house: House) -> None:
    terminal = await house.open()
    async with house.look(terminal) as one, house.look(terminal) as other:
        await other.until_painted()
        await one.type("echo from-$((1 + 1))-é\n")
        await one.until("from-2-é\r\n")
        await other.until("from-2-é\r\n")
        listed = (await house.ask("GET", "/terminals")).json()["terminals"]
        assert [(entry["id"], entry["viewers"]) for entry in listed] == [(terminal, 2)]
        # Typed by either.
        await other.type("echo and-$((2 + 2))\n")
        await one.until("and-4\r\n")


async def test_all_that_is_printed_comes_however_fast(house: House) -> None:
    terminal = await house.open()
    async with house.look(terminal) as look:
        await look.type("seq 10001 12000; echo do''ne\n")
        await look.until("done\r\n")
        # In a picture of the screen a colour's code may stand right before a number.
        assert set(re.findall(rb"(?<!\d)1[0-2]\d{3}(?!\d)", look.seen)) >= {
            str(number).encode() for number in range(10001, 12001)
        }


async def test_who_comes_later_gets_the_history_first(house: House) -> None:
    terminal = await house.open()
    async with house.look(terminal) as look:
        await look.type("clear; seq 1001 1200; echo do''ne\n")
        await look.until("done\r\n")
    async with house.look(terminal) as look:
        await look.until(r"1001\r\n(.|\r|\n)*1200\r\ndone\r\n")
        assert look.seen.startswith(b"\x1bc")
        await look.type("echo go-o''n\n")
        await look.until("go-on\r\n")


async def test_a_full_screen_program_is_painted_with_what_is_behind_it(house: House) -> None:
    terminal = await house.open()
    script = r"printf 'behi''nd\n\033[?1049h\033[2;3Hfro''nt\033[?25l\033[?1000h'; read -r _"
    async with house.look(terminal) as look:
        await look.type(script + "\n")
        await look.until(r"front.*1000h")
    async with house.look(terminal) as look:
        await look.until(r"(?s)behind.*\x1b\[\?1049h\x1b\[H\r\n  front.*\x1b\[\?25l\x1b\[\?1000h")


async def test_sizes_reach_the_program_and_the_others(house: House) -> None:
    terminal = await house.open()
    # Tmux tells sizes a little late, so the program says them whenever it hears of one.
    script = """trap 'stty size | tr " " x' WINCH; stty size | tr " " x; """
    script += "while :; do read -rt 0.1 _; done\n"
    async with house.look(terminal, 30, 100) as one:
        await one.type(script)
        await one.until("30x100\r\n")
        await one.connection.send('{"rows": "many"}')
        await one.connection.send('{"rows": 40, "cols": 120}')
        await one.until("40x120\r\n")
        one.seen = b""
        async with house.look(terminal, 20, 60) as other:
            assert await one.until_sized() == {"rows": 20, "cols": 60}
            await one.until("20x60\r\n")
            one.seen = b""
            # Who types has the size.
            await one.type("x")
            assert await other.until_sized() == {"rows": 40, "cols": 120}
            await one.until("40x120\r\n")


async def test_much_output_and_a_reader_that_is_slow(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 0
    put = viewers.Viewer.put

    def measured(viewer: viewers.Viewer, data: bytes) -> None:
        nonlocal most
        put(viewer, data)
        most = max(most, viewer.waiting)

    monkeypatch.setattr(viewers.Viewer, "put", measured)
    terminal = await house.open()
    async with house.look(terminal) as fast, house.look(terminal, max_queue=1) as slow:
        await slow.until(r"\x1bc")
        await fast.type("yes 0123456789012345678901234567890123456789 | head -c 10000000;")
        await fast.type(" echo the-e''nd\n")
        await fast.until("the-end")  # meanwhile nobody reads for the other
        await slow.until("the-end")
    assert len(slow.seen) < 10_000_000
    assert most < 4 * viewers.VIEWER_BYTES


async def test_a_shell_that_ends_closes_who_looks(house: House) -> None:
    terminal = await house.open()
    async with house.look(terminal) as one, house.look(terminal) as other:
        await other.until_painted()
        await one.type("echo last-wo''rds\n")
        await other.until("last-words\r\n")
        await one.type("exit\n")
        assert await one.until_closed() == 1000
        assert await other.until_closed() == 1000
    assert (await house.ask("GET", "/terminals")).json() == {"terminals": []}


async def test_deleting_a_terminal_ends_what_runs_in_it(house: House) -> None:
    terminal, other = await house.open(), await house.open()
    assert terminal != other
    async with house.look(terminal) as look:
        await look.type("exec sleep 1000\n")
        await look.until("sleep 1000\r\n")
        assert (await house.ask("DELETE", f"/terminals/{terminal}")).status_code == 204
        assert await look.until_closed() == 1000
    assert (await house.ask("DELETE", f"/terminals/{terminal}")).status_code == 404
    listed = (await house.ask("GET", "/terminals")).json()["terminals"]
    assert [entry["id"] for entry in listed] == [other]
    assert await house.open() not in (terminal, other)


async def test_there_is_no_such_terminal(house: House) -> None:
    for name in ("t9", "nonsense"):
        async with house.look(name) as look:
            assert await look.until_closed() == CLOSE_NO_TERMINAL


async def test_terminals_outlive_the_runner_and_say_what_runs(house: House) -> None:
    terminal = await house.open()
    async with house.look(terminal) as look:
        await look.type("echo be''fore; sleep 1000\n")
        await look.until("before\r\n")
    async with house.running() as terminals:
        listed = await terminals.list()
        assert [(one.id, one.title, one.viewers) for one in listed] == [(terminal, "sleep 1000", 0)]
        async with house.look(terminal) as look:
            await look.until("before\r\n")
            await look.type("\x03")
            await look.type("echo af''ter\n")
            await look.until("after\r\n")


async def test_a_program_is_answered_once(house: House) -> None:
    terminal = await house.open()
    async with house.look(terminal) as look:
        await look.type(r"IFS= read -rsd R -p $'\e[6n' where; echo ${#where} we''re" + "\n")
        await look.until(r"\d were\r\n")
        assert b"\x1b[6n" not in look.seen


async def test_the_journal_holds_what_people_ran(house: House) -> None:
    journal = Journal(house.account.home)
    terminal = await house.open()
    async with house.look(terminal) as look:
        await look.type("echo ear''ly\n")
        await look.until("early\r\n")
        await look.type("true end''-1\n")
        await look.type("cd /; echo re''ady\n")
        await look.until(r"ready\r\n[^\r]*[$#]")
        begin = journal.size()
        await look.type("false\n")
        await look.type(" echo hidden\n")
        await look.type("printf '%s' 'a\\n\nc'\n")
        await look.type("echo begu''n; sleep 1000\n")
        await look.until("begun\r\n")
    told = [(one.command, one.cwd, one.exit_code) for one in journal.since(begin)]
    assert told == [
        ("false", "/", 1),
        ("printf '%s' 'a\\n\nc'", "/", 0),
        ("echo begu''n; sleep 1000", "/", None),
    ]
    await house.ask("DELETE", f"/terminals/{terminal}")


def test_a_journal_that_is_none(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert (journal.size(), journal.since(0)) == (0, [])
    path = tmp_path / ".local/state/bunkhouse/commands"
    path.parent.mkdir(parents=True)
    path.symlink_to("/etc/passwd")
    assert journal.since(0) == []
    path.unlink()
    path.write_bytes(b"\xff\xfe\nnonsense\t1\n1\t2\t3\tx\t/\tls\n1\t2\t4\t0\t/\tls\\\\tab\\t.\n")
    assert [one.command for one in journal.since(0)] == ["ls\\tab\t."]
    assert journal.since(10_000)  # it was begun anew meanwhile


def test_escapes_of_control_mode() -> None:
    assert unescaped(rb"a\015\012\134015 \033[m") == b"a\r\n\\015 \x1b[m"


def test_questions_are_taken_out_however_they_are_cut() -> None:
    text = b"a\x1b[6nb\x1b[c\x1b[>c\x1b]11;?\x07c\x1b[31md\x1b]0;title\x07e"
    text += b"\x1bktitle\x1b\\f\x1b[?2026$p"
    left = b"abc\x1b[31md\x1b]0;title\x07ef"
    for cut in range(len(text) + 1):
        questions = Questions()
        assert questions.without(text[:cut]) + questions.without(text[cut:]) == left


class Drawer:
    """A memory."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def get(self, key: str) -> str | None:
        return self.kept.get(key)

    def set(self, key: str, value: str | None) -> None:
        self.kept.pop(key, None)
        if value is not None:
            self.kept[key] = value


async def test_terminals_that_were_put_down_look_as_before_and_go_on(house: House) -> None:
    memory = Drawer()
    async with house.running() as terminals:
        first, second = await house.open(), await house.open()
        async with house.look(first, rows=10, cols=60) as look:
            await look.type("mkdir -p deep/er && cd deep/er && seq -f 'line-%g' 1 4000\r")
            await look.until("line-4000\r\n")
            await look.type("printf 'a \\033[31mred\\033[m word\\n'; echo do''ne\r")
            await look.until("done\r\n")
        async with house.look(second) as look:
            await look.type("echo be''fore; less +G .bashrc\r")
            await look.until("before")
            await look.until("\x1b\\[\\?1049h|END")
        await terminals.put_down(memory)
        assert await terminals.list() == []
    async with house.running() as terminals:
        await terminals.take_up(memory)
        assert memory.kept == {}
        assert [terminal.id for terminal in await terminals.list()] == [first, second]
        async with house.look(first, rows=10, cols=60) as look:
            await look.until("has started again")
            seen = look.seen.decode()
            for n in (1, 2000, 4000):
                assert f"line-{n}\r\n" in seen
            assert "red" in seen
            assert "\x1b[31m" in seen
            await look.type("pwd; echo a''live\r")
            await look.until("alive\r\n")
            assert "/deep/er\r\n" in look.seen.decode()
        async with house.look(second) as look:
            await look.until("has started again")
            # What was there before the program that had the screen to itself.
            assert "before\r\n" in look.seen.decode()
            assert "bashrc" not in look.seen.decode().split("before\r\n", 1)[1]
        # A new one gets a name that nobody has.
        assert await house.open() not in (first, second)
        folder = house.account.home / ".local/state/bunkhouse/terminals"
        assert list(folder.iterdir()) == []
        await terminals.put_down(memory)


async def test_what_can_not_be_opened_again_is_in_nobodys_way(house: House) -> None:
    memory = Drawer()
    memory.set(
        "kept", json.dumps([{"id": "t7", "cwd": "/there/is/no/such", "rows": 24, "cols": 80}])
    )
    async with house.running() as terminals:
        await terminals.take_up(memory)
        async with house.look("t7") as look:
            await look.type("echo he''re\r")
            await look.until("here\r\n")
            assert "has started again" not in look.seen.decode()
        await terminals.put_down(memory)
