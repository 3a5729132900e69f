"""`make bench`: how long people wait. A real hub, the engine, the image, and the demo model.

Times are from the outside, by the API: from the request to the event. They depend on the machine
and on what else it does; compare runs on the same one.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts import bench_gateway, bench_load  # noqa: E402 - found by the line above
from tests.hubs import Client, HubProcess, ended  # noqa: E402

RESULT = ROOT / "build" / "bench.json"
SETTINGS = {"BUNKHOUSE_DEMO_WORDS_PER_SECOND": "400"}
PROMPT = "[demo:hello]"

MIB = 1024 * 1024

Times = dict[str, list[float]]


def main() -> None:
    """Measure and print medians in milliseconds; all numbers go to build/bench.json."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--sessions", type=int, default=5, help="one after the other")
    parser.add_argument("--together", type=int, default=4, help="at the same time")
    options = parser.parse_args()
    times: Times = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="bh") as folder:
        hub = HubProcess(Path(folder) / "hub", SETTINGS)
        took(times, "hub answers", hub.start)
        try:
            client = Client(hub)
            one_session(client, defaultdict(list))  # caches fill
            for _ in range(options.sessions):
                one_session(client, times)
            several(client, options.together, times)
            memory = environment(client, options.sessions, times)
        finally:
            hub.stop()
    report(times, memory, bench_gateway.measure(), bench_load.measure())


def one_session(client: Client, times: Times) -> None:
    """A session on the project's own repository, and a second turn in it."""
    began = time.monotonic()
    session = client.create(PROMPT, repository=str(ROOT))
    log = timed_turn(client, session, began, times, kind="cold")
    for event in log:
        if event["type"] == "stage" and event["status"] == "done":
            times[f"stage {event['name']}"].append(event["ms"] or 0)
    began = time.monotonic()
    client.post(f"/api/sessions/{session}/prompts", {"text": PROMPT}, status=202)
    timed_turn(client, session, began, times, kind="warm", after=log[-1]["seq"])
    client.delete(session)


def timed_turn(
    client: Client, session: str, began: float, times: Times, *, kind: str, after: int = 0
) -> list[dict[str, Any]]:
    """Read the stream until the turn has ended; note the first text and the end."""
    first: list[float] = []

    def seen(log: list[dict[str, Any]]) -> bool:
        if log[-1]["type"] == "agent_message_chunk" and not first:
            first.append(since(began))
        return ended()(log)

    log = client.until(session, seen, after=after)
    times[f"{kind}: first text"] += first
    times[f"{kind}: turn ended"].append(since(began))
    return log


def several(client: Client, count: int, times: Times) -> None:
    """Sessions that are started at once."""

    def run(_: int) -> str:
        session = client.create(PROMPT, repository=str(ROOT))
        client.until(session, ended())
        return session

    began = time.monotonic()
    with ThreadPoolExecutor(count) as threads:
        sessions = list(threads.map(run, range(count)))
    times[f"{count} at once: all turns ended"].append(since(began))
    for session in sessions:
        client.delete(session)


def environment(client: Client, rounds: int, times: Times) -> dict[str, float]:
    """Start and stop what stands beside the agent; gives the MiB that each part holds."""
    session = client.create(PROMPT, repository=str(ROOT))
    client.until(session, ended())
    path = f"/api/sessions/{session}"
    parts: dict[str, Any] = {}
    for round_ in range(rounds + 1):  # the first start in a sandbox takes longest, and stands alone
        again = "" if round_ == 0 else " again"
        for service in ("editor", "desktop"):
            start = partial(client.post, f"{path}/services/{service}", {})
            took(times, f"{service}: ready{again}", start)
        took(times, f"terminal: opened{again}", partial(client.post, f"{path}/terminals", {}))
        parts = client.get(f"{path}/services")
        for service in parts["services"]:
            client.http.delete(f"{path}/services/{service['name']}").raise_for_status()
    client.delete(session)
    held: dict[str, int] = {service["name"]: service["memory"] for service in parts["services"]}
    held |= {"agent": parts["agent_memory"], "terminals": parts["terminals_memory"]}
    return {name: number / MIB for name, number in held.items()}


def took(times: Times, name: str, action: Callable[[], object]) -> None:
    """Note how long an action takes."""
    began = time.monotonic()
    action()
    times[name].append(since(began))


def since(began: float) -> float:
    """Milliseconds."""
    return (time.monotonic() - began) * 1000


def report(
    times: Times, memory: dict[str, float], ratios: dict[str, float], load: dict[str, float]
) -> None:
    """Print medians, memory, what the gateway leaves of a direct connection, and the load."""
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(
        json.dumps({**times, "memory": memory, "gateway": ratios, "load": load}, indent=2)
    )
    width = max(map(len, times))
    for name, values in times.items():
        spread = f"  ({min(values):.0f} to {max(values):.0f})" if len(values) > 1 else ""
        print(f"{name:<{width}}  {statistics.median(values):>7.0f} ms{spread}")
    for name, held in memory.items():
        print(f"{f'memory: {name}':<{width}}  {held:>7.0f} MiB")
    for name, ratio in ratios.items():
        print(f"{f'gateway: {name}':<{width}}  {ratio:>7.2f} of direct")
    for name, number in load.items():
        print(f"{f'load: {name}':<{width}}  {number:>7.0f}")


if __name__ == "__main__":
    main()
