"""A short run: each kind of damage once, in two sessions at work. `make chaos` is the long one."""

import os
from pathlib import Path

import pytest

from .damage import KINDS
from .run import run

SEED = 11


@pytest.mark.engine
@pytest.mark.timeout(1200)
def test_nothing_is_lost_and_nothing_is_run_twice(place: Path, repository: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("what runs in sandboxes can be killed by root alone")
    folder = place / "chaos"
    folder.mkdir()
    kinds = [kind for kind in KINDS if kind != "engine restarted"]
    outcome = run(
        folder, str(repository), seed=SEED, kills=len(kinds), sessions=2, kinds=kinds, together=0
    )
    assert not outcome.failures, "\n".join([*outcome.failures, f"seed {SEED}"])
    assert sorted(damage.kind for damage in outcome.damages) == sorted(kinds)
    assert all(damage.recovered for damage in outcome.damages)
