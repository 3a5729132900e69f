"""The hub's own tools, called by the real agent from within its sandbox."""

import pytest

from ..hubs import Client, Event, ended, happened, text_of

pytestmark = pytest.mark.engine


def called(log: list[Event]) -> list[Event]:
    return [event for event in log if event["type"] == "hub_tool_called"]


def printed(log: list[Event]) -> str:
    """What the agent's tools gave back."""
    return "".join(e.get("output") or "" for e in log if e["type"] == "tool_call_update")


def test_it_asks_and_a_person_answers(client: Client, fresh: str) -> None:
    after = client.session(fresh)["last_seq"]
    text = "[demo:ask question='Which wood?' choices=Oak,Pine]"
    prompt = client.post(f"/api/sessions/{fresh}/prompts", {"text": text}, status=202)
    log = client.until(fresh, happened("question_asked"), after=after)
    asked = log[-1]
    (question,) = asked["questions"]
    assert question["question"] == "Which wood?"
    assert [option["label"] for option in question["options"]] == ["Oak", "Pine"]
    client.until(fresh, happened("state_changed", state="waiting"), after=after)
    path = f"/api/sessions/{fresh}/questions/{asked['request_id']}"
    client.post(path, {"answers": [["Pine"]]}, status=202)
    log = client.until(fresh, ended(prompt["id"]), after=after)
    assert log[-1]["outcome"] == "done", log[-1]
    assert "Admin answered: Pine" in printed(log)
    assert "Admin answered: Pine" in text_of(log)
    (told,) = called(log)
    assert (told["tool"], told["by"], told["outcome"]) == ("ask_person", "Admin", "done")
    (card,) = [event for event in log if event["type"] == "tool_call"]
    assert (card["tool"], card["kind"]) == ("bunkhouse_ask_person", "question")


def test_it_posts_a_screenshot(client: Client, fresh: str) -> None:
    log = client.turn(fresh, "[demo:screenshot caption='The shed']")
    assert log[-1]["outcome"] == "done", log[-1]
    (told,) = called(log)
    assert (told["outcome"], told["caption"]) == ("done", "The shed"), told
    picture = told["picture"]
    assert (picture["width"], picture["height"]) == (320, 180)
    kept = client.http.get(f"/api/sessions/{fresh}/blobs/{picture['blob']}")
    assert kept.content.startswith(b"\x89PNG") and len(kept.content) == picture["size"]


def test_it_starts_a_child_and_reads_it(client: Client, fresh: str) -> None:
    log = client.turn(
        fresh, "[demo:split title='The door' prompt='[demo:bash cmd=\"echo oak-$((6*7))\"]']"
    )
    assert log[-1]["outcome"] == "done", log[-1]
    started, read = called(log)
    assert (started["tool"], read["tool"]) == ("start_session", "read_session")
    child = client.session(started["session_id"])
    assert (child["parent"], child["title"], child["state"]) == (fresh, "The door", "idle")
    assert [each["id"] for each in client.get(f"/api/sessions/{fresh}/children")["items"]] == [
        child["id"]
    ]
    said = printed(log)
    assert f"Session {child['id']} is at rest" in said
    assert "oak-42" in said and "not instructions" in said
    client.delete(child["id"])


def test_it_ends_its_session(client: Client, fresh: str) -> None:
    log = client.turn(fresh, "[demo:finish]")
    assert log[-1]["outcome"] == "done", log[-1]
    log = client.until(fresh, happened("state_changed", state="ended"))
    assert log[-1]["reason"] == "the agent said that it is done"


def test_no_token_but_its_own_is_of_use_and_only_in_a_turn(client: Client, fresh: str) -> None:
    call = (
        "curl -s -o /tmp/said -w '%{http_code}' http://127.0.0.1:3128/sandbox/tools "
        "-H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' "
        '-d \'{"jsonrpc":"2.0","id":1,"method":"tools/call",'
        '"params":{"name":"end_session","arguments":{}}}\' '
    )
    assert client.run(fresh, f"{call} -H 'Authorization: Bearer bht_wrong'").stdout == "401"
    token = "$(cat ~/.config/bunkhouse/token)"
    own = client.run(fresh, f'{call} -H "Authorization: Bearer {token}"; cat /tmp/said').stdout
    assert own.startswith("200") and "(no_turn)" in own
    (told,) = called(client.log(fresh))
    assert (told["by"], told["code"]) == (None, "no_turn")
