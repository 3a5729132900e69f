"""Logs as long as one likes: what a hub would have written, had so many turns happened."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bunkhouse.bus.memory import MemoryBus
from bunkhouse.sessions import Journal
from bunkhouse.store import Database
from bunkhouse_protocol.events import (
    AgentMessageChunk,
    PromptQueued,
    ToolCall,
    ToolCallUpdate,
    TurnEnded,
    TurnStarted,
)

EVENTS_A_TURN = 102


async def fill(database_path: Path, session: str, turns: int) -> int:
    """Write `turns` long turns into a session's log; give the `seq` of the last event."""
    last = 0
    database = await Database.open(database_path)
    journal = Journal(database, MemoryBus())
    for turn in range(turns):
        async with journal.change(session) as change:
            change.record(PromptQueued(prompt_id=f"p{turn}", text=f"prompt-{turn}", author="Ada"))
            change.record(TurnStarted(turn_id=f"p{turn}", model="demo/demo"))
            for n in range(30):
                call = f"{turn}-{n}"
                change.record(
                    ToolCall(tool_call_id=call, tool="bash", kind="execute", title=f"make {n}")
                )
                done = ToolCallUpdate(tool_call_id=call, status="completed", output="ok", ms=5)
                change.record(done)
                change.record(AgentMessageChunk(message_id=f"m{call}", text=f"said-{n}"))
            for word in range(9):
                change.record(AgentMessageChunk(message_id=f"m{turn}", text=f"word-{word} "))
            change.record(TurnEnded(turn_id=f"p{turn}", outcome="done", ms=1000))
            last = change.last_seq
    await database.close()
    return last


def filled(database_path: Path, session: str, turns: int) -> int:
    """Do the same where a loop runs already (Playwright's does)."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, fill(database_path, session, turns)).result()
