import asyncio
import os
import signal
from pathlib import Path

import pytest

from bunkhouse_protocol.places import ENV_TOKEN
from bunkhouse_runner import processes
from bunkhouse_runner.processes import Account

from ..ends import gone
from .fake_hub import TOKEN

PIPE = asyncio.subprocess.PIPE


async def output(account: Account, *argv: str, cwd: Path = Path("/")) -> str:
    process = await processes.start(argv, account, cwd=cwd, stdout=PIPE)
    out, _ = await process.communicate()
    return out.decode().strip()


async def first_line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), 60)).decode().strip()


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"  # nobody need reap orphans where the tests run


async def test_programs_run_as_the_account(account: Account) -> None:
    assert await output(account, "id", "-u") == str(account.uid)
    assert await output(account, "id", "-G") == " ".join(map(str, account.groups))
    assert await output(account, "sh", "-c", "echo $HOME $USER") == f"{account.home} {account.name}"


async def test_programs_start_in_the_folder_and_in_a_session_of_their_own(
    account: Account, room: Path
) -> None:
    assert await output(account, "sh", "-c", "pwd; echo $PWD", cwd=room) == f"{room}\n{room}"
    process = await processes.start(
        ["sh", "-c", "ps -o sid= -p $$"], account, cwd=room, stdout=PIPE
    )
    assert await first_line(process) == str(process.pid)
    await process.wait()


async def test_the_token_is_nowhere_to_be_seen(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENV_TOKEN, TOKEN)
    assert TOKEN not in await output(account, "env")
    if account.uid != os.getuid():
        look = f"cat /proc/{os.getpid()}/environ || echo refused"
        assert await output(account, "sh", "-c", look) == "refused"


async def test_the_images_own_variables_are_handed_on(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/etc/ca.pem")
    assert await output(account, "sh", "-c", "echo $SSL_CERT_FILE") == "/etc/ca.pem"


async def test_a_program_is_ended_with_its_children(account: Account) -> None:
    script = "sleep 1000 & echo $!; wait"
    process = await processes.start(["sh", "-c", script], account, cwd=Path("/"), stdout=PIPE)
    child = int(await first_line(process))
    assert alive(child)
    assert await processes.end(process) == -signal.SIGTERM
    assert not alive(child)


async def test_what_ignores_sigterm_is_killed(account: Account) -> None:
    script = "trap '' TERM; sleep 1000 & echo $!; wait; wait"
    process = await processes.start(["sh", "-c", script], account, cwd=Path("/"), stdout=PIPE)
    child = int(await first_line(process))
    assert await processes.end(process, grace=0.3) == -signal.SIGKILL
    await gone(child)


async def test_children_in_groups_of_their_own_are_ended_too(account: Account) -> None:
    script = "setsid sh -c 'echo $$; exec sleep 1000' & wait"
    process = await processes.start(["sh", "-c", script], account, cwd=Path("/"), stdout=PIPE)
    child = int(await first_line(process))
    assert os.getpgid(child) != process.pid
    await processes.end(process)
    assert not alive(child)


async def test_what_has_ended_can_be_ended_again(account: Account) -> None:
    process = await processes.start(["sh", "-c", "exit 3"], account, cwd=Path("/"))
    await process.wait()
    assert await processes.end(process) == 3


async def test_a_program_that_is_not_there(account: Account) -> None:
    with pytest.raises(FileNotFoundError):
        await processes.start(["no-such-program"], account, cwd=Path("/"))
