import asyncio
import os

from bunkhouse_runner.environment.memory import Memory

HOLDS = 32 * 1024 * 1024
PROGRAM = (
    "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', "
    f"\"x = b'x' * {HOLDS}; print('held', flush=True); input()\"]); child.wait()"
)


async def test_what_a_tree_of_processes_holds() -> None:
    process = await asyncio.create_subprocess_exec(
        "python3", "-c", PROGRAM, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert await process.stdout.readline() == b"held\n"
    memory = Memory()
    tree = memory.below([process.pid])
    assert process.pid in tree
    assert len(tree) == 2
    assert HOLDS <= memory.held(tree) < 3 * HOLDS
    assert os.getpid() not in memory.rest(tree)
    assert not tree & memory.rest(tree)
    process.stdin.write(b"\n")
    assert await process.wait() == 0
    assert process.pid not in Memory().below([process.pid])
