"""Commands that only talk to a hub start quickly: they don't load what a hub is made of."""

import subprocess
import sys

import pytest

HEAVY = ("alembic", "fastapi", "sqlalchemy", "uvicorn", "aiodocker", "mcp")


@pytest.mark.parametrize("command", ["execute", "open", "run", "sessions"])
def test_a_command_loads_no_hub(command: str) -> None:
    code = f"import sys, bunkhouse.cli.{command}; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
