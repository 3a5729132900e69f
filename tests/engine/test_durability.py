"""Killed in the middle: the hub, the runner, the agent. The transcript has no gap and no repeat."""

import re

import pytest

from ..hubs import Client, HubProcess, Seen, ended, happened, text_of, whole

pytestmark = pytest.mark.engine


def words(log: list[dict[str, object]]) -> list[int]:
    return [int(n) for n in re.findall(r"word-(\d+)", text_of(log))]


def some_more(count: int, turn_id: str) -> Seen:
    return lambda log: len(log) >= count or ended(turn_id)(log)


def test_a_hub_killed_mid_stream_takes_the_turn_up_again(hub: HubProcess) -> None:
    mine = HubProcess(hub.data_dir.parent / "killed", dict(hub.settings))
    mine.start()
    try:
        client = Client(mine)
        session = client.create("[demo:long n=600 speed=100]")
        seen = client.until(session, lambda log: "word-150 " in text_of(log))
        mine.kill()
        mine.start()
        client = Client(mine)
        log = [*seen, *client.until(session, ended(), after=seen[-1]["seq"])]
        whole(log)
        assert log[-1]["outcome"] == "done", log[-1]
        assert words(log) == list(range(1, 601))
        again = client.log(session)
        assert words(again) == list(range(1, 601))
        assert client.turn(session, "[demo:hello]")[-1]["outcome"] == "done"
    finally:
        mine.stop()


def test_a_reader_that_comes_back_gets_exactly_what_it_lacks(client: Client, fresh: str) -> None:
    prompt = client.post(f"/api/sessions/{fresh}/prompts", {"text": "[demo:long n=400 speed=200]"})
    log = client.until(fresh, lambda log: "word-50 " in text_of(log))
    while not ended(prompt["id"])(log):
        log += client.until(fresh, some_more(25, prompt["id"]), after=log[-1]["seq"])
    whole(log)
    assert words(log) == list(range(1, 401))
    folded = client.get(f"/api/sessions/{fresh}/events", folded=True, limit=500)["items"]
    assert text_of(folded) == text_of(client.log(fresh))
    assert len(folded) < len(log)


@pytest.mark.parametrize("victim", ["opencode serve", "bunkhouse_runner"])
def test_what_dies_in_the_sandbox_comes_back_and_the_session_goes_on(
    victim: str, client: Client, fresh: str
) -> None:
    client.post(f"/api/sessions/{fresh}/prompts", {"text": "[demo:slow seconds=300]"})
    client.until(fresh, happened("tool_output_chunk"))
    client.run(fresh, f"sudo pkill -9 -f '{victim}'")
    log = client.until(fresh, ended())
    assert log[-1]["outcome"] == "failed"
    assert log[-1]["message"]
    end = client.turn(fresh, "[demo:hello]")[-1]
    assert end["outcome"] == "done", end
    whole(client.log(fresh))
