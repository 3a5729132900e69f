"""Memory, processes and processors of a sandbox end where its limits are."""

import pytest

from .ground import MEBIBYTE, Engine, build_from

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
def _limits(engine: Engine) -> None:
    if not engine.ground.engine.limits:
        pytest.skip("this engine enforces no limits")


async def test_a_memory_hog_ends_and_its_sandbox_lives(engine: Engine) -> None:
    spec = await engine.run(engine.spec(memory=256 * MEBIBYTE))
    hog = await engine.sh(spec, "python3 -c 'bytearray(600 << 20)'; echo $?", user="agent")
    assert hog.out.split()[-1] == "137", hog.out
    assert (await engine.sh(spec, "echo alive")).out == "alive\n"
    assert (await engine.provider.status(spec.sandbox_id)).state == "running"


async def test_shared_memory_counts_as_memory(engine: Engine) -> None:
    spec = await engine.run(engine.spec(memory=256 * MEBIBYTE))
    fill = await engine.sh(spec, "head -c 400M /dev/zero > /dev/shm/x; echo $?", user="agent")
    assert fill.out.split()[-1] != "0"


async def test_a_fork_bomb_is_bounded_and_others_do_not_feel_it(engine: Engine) -> None:
    spec, other = await engine.run(engine.spec(pids=48)), await engine.run(engine.spec())
    bomb = "n=0; while [ $n -lt 300 ]; do sleep 60 & n=$((n+1)); done"
    # The shell gives up at its first fork that fails; what it had begun stays.
    tried = await engine.sh(spec, f"timeout 20 sh -c '{bomb}'", user="agent")
    assert "fork" in tried.out.lower(), tried.out
    assert (await engine.sh(other, "echo alive")).out == "alive\n"
    await engine.provider.stop(spec.sandbox_id, grace=0)
    assert (await engine.provider.status(spec.sandbox_id)).state == "exited"


async def test_processors(engine: Engine) -> None:
    spec = await engine.run(engine.spec(cpus=0.5))
    shown = await engine.inspect(spec)
    host = shown["HostConfig"]
    assert isinstance(host, dict)
    assert host["NanoCpus"] == 500_000_000 or host["CpuQuota"] == 50_000
    # One busy process gets about half a second of processor time in a second of the clock.
    used = await engine.sh(
        spec,
        "python3 -c 'import time\n"
        "t = time.monotonic()\n"
        "while time.monotonic() - t < 1: pass\n"
        "print(time.process_time())'",
    )
    assert float(used.out) < 0.8


async def test_when_the_machine_is_out_of_memory_sandboxes_go_first(engine: Engine) -> None:
    spec = await engine.run(engine.spec())
    assert int((await engine.sh(spec, "cat /proc/1/oom_score_adj")).out) > 0


async def test_a_runner_that_is_out_of_memory_is_told_apart(engine: Engine) -> None:
    image = f"bunkhouse/test-hog:{engine.ground.image.rpartition(':')[2]}"
    recipe = f'FROM {engine.ground.image}\nENTRYPOINT ["python3", "-c", "bytearray(600 << 20)"]\n'
    await build_from(engine.docker, recipe, image)
    spec = engine.spec(image=image, memory=256 * MEBIBYTE)
    await engine.provider.create(spec)
    await engine.provider.start(spec.sandbox_id)
    await engine.ended(spec)
    status = await engine.provider.status(spec.sandbox_id)
    assert (status.state, status.exit_code) == ("exited", 137)
    assert status.oom_killed or "memory" in (status.detail or "")
