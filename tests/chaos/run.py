"""A run: sessions at work, damage at random points, and afterwards every check."""

import json
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from ..hubs import Client, HubProcess
from . import checks
from .actor import PATIENCE, Actor
from .damage import KINDS, TO_ALL, Damage, Ground
from .podman import Engine
from .script import JOURNAL, Model

_GONE_SECONDS = 120.0
_MISSES = 100

Say = Callable[[str], None]


@dataclass
class Outcome:
    """What came of a run."""

    seed: int
    damages: list[Damage] = field(default_factory=list[Damage])
    sessions: int = 0
    turns: int = 0
    retries: int = 0
    failures: list[str] = field(default_factory=list[str])


def run(
    folder: Path,
    repository: str,
    *,
    seed: int,
    kills: int,
    sessions: int = 3,
    kinds: list[str] | None = None,
    together: float = 0.25,
    logs: Path | None = None,
    say: Say = print,
) -> Outcome:
    """Run, and give what came of it.

    Ctrl+C ends the damage early; what was done until then is checked all the same.

    `kinds`: each in its turn; else at random. `together`: how often damage follows on damage before
    all have recovered. `logs`: a folder for what was written down.
    """
    random = Random(seed)
    outcome = Outcome(seed, sessions=sessions)
    with ExitStack() as stack:
        model = Model()
        stack.callback(model.close)
        engine = Engine(folder)
        stack.callback(engine.close)
        hub = HubProcess(folder / "hub", _settings(model, engine))
        hub.start()
        stack.callback(_end, hub)
        actors = [
            Actor(hub, number, repository, Random(seed * 1000 + number))
            for number in range(1, sessions + 1)
        ]
        for actor in actors:
            actor.calm()
        say(f"{sessions} sessions work; seed {seed}")
        for actor in actors:
            actor.start()
        ground = Ground(hub, engine, random)
        try:
            _damage(ground, actors, outcome, kills, kinds, together, say)
        except KeyboardInterrupt:
            say("No more damage; what there is is checked.")
        for actor in actors:
            try:
                actor.finish()
            except AssertionError as error:
                outcome.failures.append(str(error))
        if logs is not None:
            _write(logs, hub, actors, outcome)
        _look(hub, actors, model, outcome)
        _leave(hub, engine, actors, outcome)
    return outcome


def _settings(model: Model, engine: Engine) -> dict[str, str]:
    return {
        "OPENAI_BASE_URL": model.url,
        "BUNKHOUSE_ENGINE": engine.address,
        "BUNKHOUSE_DEMO": "false",
        # What is damaged less than fatally comes back long before these.
        "BUNKHOUSE_TURN_STALL_SECONDS": "90",
        "BUNKHOUSE_CONNECT_SECONDS": "60",
    }


def _damage(
    ground: Ground,
    actors: list[Actor],
    outcome: Outcome,
    kills: int,
    kinds: list[str] | None,
    together: float,
    say: Say,
) -> None:
    random = ground.random
    possible = [k for k in KINDS if k != "engine restarted" or ground.engine.own]
    began, missed = time.monotonic(), 0
    while len(outcome.damages) < kills:
        time.sleep(random.uniform(0.2, 2.5))  # a random point is what this is about
        if kinds is None:
            kind = random.choice(possible)
        else:
            kind = kinds[len(outcome.damages) % len(kinds)]
        victim = random.choice(actors)
        hit = actors if kind in TO_ALL else [victim]
        damage = Damage(kind, [actor.session for actor in hit], time.time())
        told = KINDS[kind](ground, victim.session)
        if told is None:  # there was nothing to do it to: it is down already
            missed += 1
            assert missed < _MISSES, f"{kind}: there is never anything to do it to"
            continue
        missed = 0
        damage.over, damage.detail = time.time(), told
        outcome.damages.append(damage)
        number = len(outcome.damages)
        say(f"{number:4} {time.monotonic() - began:7.1f} s  {kind:18} {_who(hit, actors)}  {told}")
        if number == kills or random.random() >= together:
            _recover(damage, hit, outcome)
        if any(actor.trouble for actor in actors):
            return


def _recover(damage: Damage, hit: list[Actor], outcome: Outcome) -> None:
    for actor in hit:
        seconds = actor.heard_after(damage.over, PATIENCE)
        if seconds is None:
            outcome.failures.append(
                f"session {actor.number} did not recover from: {damage.kind} {damage.detail}\n"
                f"{actor.tail()}"
            )
        else:
            damage.recovered.append(seconds)


def _write(folder: Path, hub: HubProcess, actors: list[Actor], outcome: Outcome) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(hub.data_dir / "output.log", folder / "hub.log")
    done = "".join(f"{damage}\n" for damage in outcome.damages)
    (folder / "damages.txt").write_text(done)
    for actor in actors:
        log = "".join(
            f"{json.dumps({**event, 'arrived': came})}\n"
            for event, came in zip(actor.log, actor.arrived, strict=True)
        )
        (folder / f"session-{actor.number}.jsonl").write_text(log)


def _look(hub: HubProcess, actors: list[Actor], model: Model, outcome: Outcome) -> None:
    client = Client(hub)
    for actor in actors:
        outcome.turns += len(actor.turns)
        outcome.retries += sum(len(turn.prompts) - 1 for turn in actor.turns)
        if actor.trouble is not None:
            continue
        log = client.log(actor.session)
        journal = client.run(actor.session, f"cat /workspace/{JOURNAL}").stdout
        notes = client.run(actor.session, "ls /workspace/notes").stdout
        complaints = [
            *checks.all_of(actor, log, model.record, outcome.damages),
            *checks.workspace(actor, journal, notes, log),
        ]
        outcome.failures += [f"session {actor.number}: {complaint}" for complaint in complaints]
    outcome.failures += [f"a strange request: {request}" for request in model.record.strange]


def _leave(hub: HubProcess, engine: Engine, actors: list[Actor], outcome: Outcome) -> None:
    """End one, delete all, and see that nothing is left."""
    client = Client(hub)
    labels = (engine.containers(session=actors[0].session) or [{"Labels": {}}])[0]["Labels"]
    installation = labels.get("bunkhouse.installation", "")
    client.post(f"/api/sessions/{actors[0].session}/end")
    client.await_no_sandbox(actors[0].session)
    for actor in actors:
        client.delete(actor.session)
    deadline = time.monotonic() + _GONE_SECONDS
    while left := _left(hub, engine, installation):
        if time.monotonic() > deadline:
            outcome.failures.append(f"left behind: {left}")
            return
        time.sleep(0.2)  # the engine tells of an end when it is asked


def _left(hub: HubProcess, engine: Engine, installation: str) -> list[str]:
    return [
        *(str(path.name) for path in (hub.data_dir / "run").iterdir()),
        *(str(each["Names"]) for each in engine.containers(installation=installation)),
        *(str(each["Id"]) for each in engine.images(installation=installation)),
    ]


def _end(hub: HubProcess) -> None:
    """End it as Ctrl+C does, or at least end it: what failed is told already."""
    try:
        hub.stop()
    finally:
        if hub.process is not None and hub.process.poll() is None:
            hub.kill()


def _who(hit: list[Actor], actors: list[Actor]) -> str:
    return "all" if len(hit) == len(actors) else f"session {hit[0].number}"
