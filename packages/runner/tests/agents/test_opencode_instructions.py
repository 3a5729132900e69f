"""What a repository tells agents (AGENTS.md) reaches the model."""

import json
from pathlib import Path

import pytest

from .bench import Bench
from .model_server import Finish, Text

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_agents_md_is_in_the_request_to_the_model(bench: Bench, workspace: Path) -> None:
    instructions = workspace / "AGENTS.md"
    instructions.write_text("Water the marigolds before each commit.\n")
    try:
        result = await bench.turn((Text("Done."), Finish()))
    finally:
        instructions.unlink()
    assert result.outcome == "done"
    (request,) = bench.model.requests
    first = request["messages"][0]
    assert first["role"] == "system"
    assert "Water the marigolds before each commit." in json.dumps(first)


async def test_without_one_nothing_is_said_of_it(bench: Bench) -> None:
    await bench.turn((Text("Done."), Finish()))
    assert "marigolds" not in json.dumps(bench.model.requests)
