"""`make chaos`: a long run, a line for each damage, and a table at the end."""

import argparse
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .damage import KINDS
from .run import Outcome, run


def main() -> int:
    """Returns 0 if nothing failed."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="how much damage is done")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100_000)
    parser.add_argument("--sessions", type=int, default=3, help="that work at the same time")
    parser.add_argument("--only", choices=list(KINDS), action="append", help="this kind alone")
    parser.add_argument("--logs", type=Path, help="a folder for the sessions' and the hub's logs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bh") as folder:
        outcome = run(
            Path(folder),
            repository(Path(folder)),
            seed=options.seed,
            kills=options.kills,
            sessions=options.sessions,
            kinds=options.only,
            logs=options.logs,
            say=lambda line: print(line, flush=True),
        )
    report(outcome)
    return 1 if outcome.failures else 0


def repository(folder: Path) -> str:
    """A small repository; gives its path."""
    path = folder / "garden"
    path.mkdir()
    (path / "README.md").write_text("# Garden\n")
    who = ["-c", "user.name=Test", "-c", "user.email=test@bunkhouse.invalid"]
    for command in (["init", "-qb", "main"], ["add", "-A"], [*who, "commit", "-qm", "Begin"]):
        subprocess.run(["git", *command], cwd=path, check=True)
    return str(path)


def report(outcome: Outcome) -> None:
    """The table; times are until the agent was heard anew, in seconds."""
    print(f"\n{'damage':20} {'done':>5} {'recovered':>10} {'p50':>7} {'p95':>7} {'max':>7}")
    rows = [*KINDS, "all"]
    for kind in rows:
        done = [d for d in outcome.damages if kind in (d.kind, "all")]
        times = sorted(seconds for d in done for seconds in d.recovered)
        if not done:
            continue
        figures = "".join(f"{_at(times, part):8.1f}" for part in (0.5, 0.95, 1.0)) if times else ""
        print(f"{kind:20} {len(done):5} {len(times):10}{figures}")
    print(
        f"\n{outcome.sessions} sessions checked, {outcome.turns} turns, "
        f"{outcome.retries} of them said again. Recoveries are measured where no other damage "
        "followed at once, in each session."
    )
    for failure in outcome.failures:
        print(f"✗ {failure}")
    repeat = f"make chaos ARGS='--kills {len(outcome.damages)} --seed {outcome.seed}'"
    print(f"{len(outcome.failures)} failures. Again: {repeat}")


def _at(times: list[float], part: float) -> float:
    """The time within which this part of them was over (nearest rank)."""
    return times[math.ceil(part * len(times)) - 1]


if __name__ == "__main__":
    sys.exit(main())
