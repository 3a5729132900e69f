"""Back to before a prompt, forward again, and copies: with a real engine, agent and git."""

from typing import Any

import pytest

from ..hubs import Client, HubProcess, happened, text_of, whole

pytestmark = pytest.mark.engine

LOOK = (
    "cd /workspace && { find . -path ./.git -prune -o -type f -print0 | sort -z"
    " | xargs -0 sha256sum; git symbolic-ref HEAD; git for-each-ref refs/heads refs/tags;"
    " git ls-files --stage; git status --porcelain; git log --format=%s; }"
)
BASH = (
    "rm README.md; git mv beds.py plots.py; echo more >> plots.py; echo late > untracked;"
    " mkdir -p deep/er; echo new > deep/er/file; chmod +x plots.py; printf 'out/\\n' > .gitignore;"
    " mkdir out; echo built > out/it; git add -A; git commit -qm Two; git checkout -qb side;"
    " git branch -f main HEAD; git tag two; echo after > uncommitted"
)


def look(client: Client, session: str) -> str:
    done = client.run(session, LOOK)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rewind(client: Client, session: str, seq: int | None) -> list[dict[str, Any]]:
    """Go back, or forward; returns the events until it is there."""
    after = client.session(session)["last_seq"]
    client.post(f"/api/sessions/{session}/rewind", {"seq": seq}, status=202)
    return client.until(session, happened("session_rewound"), after=after)


def refused(client: Client, session: str, what: str, seq: int | None) -> tuple[int, str]:
    answer = client.http.post(f"/api/sessions/{session}/{what}", json={"seq": seq})
    return answer.status_code, answer.json()["code"]


def started_as_a_copy(log: list[dict[str, Any]]) -> bool:
    """It has been started, or could not be."""
    forked = next((n for n, e in enumerate(log) if e["type"] == "session_forked"), len(log))
    return any(
        e["type"] == "state_changed" and e["state"] in ("idle", "failed") for e in log[forked:]
    )


def said_at(client: Client, session: str, text: str) -> int:
    """The place of a prompt in the log."""
    (place,) = [
        e["seq"] for e in client.log(session) if e["type"] == "prompt_queued" and text in e["text"]
    ]
    return place


def prepared(client: Client, session: str) -> tuple[str, str]:
    """Three turns, of tools and of bash; how it is before the second, and after the third."""
    client.turn(session, "[demo:write path=notes/mine.md text=remembered]")
    client.run(session, "cd /workspace; echo scratch > untracked; echo '# x' >> beds.py")
    before = look(client, session)
    client.turn(session, f'[demo:bash cmd="{BASH}"]')
    client.turn(session, "[demo:write path=notes/mine.md text=overwritten]")
    after = look(client, session)
    assert "side" in after
    assert "README" not in after
    return before, after


def test_back_and_forward_over_tools_bash_and_a_commit(client: Client, fresh: str) -> None:
    begun = look(client, fresh)
    before, after = prepared(client, fresh)
    second = said_at(client, fresh, "demo:bash")
    log = rewind(client, fresh, second)
    assert [e["type"] for e in log if "rew" in e["type"]] == ["rewind_requested", "session_rewound"]
    assert look(client, fresh) == before
    rewound = client.session(fresh)["rewind"]
    assert (rewound["state"], rewound["seq"]) == ("rewound", second)

    rewind(client, fresh, None)
    assert look(client, fresh) == after
    assert client.run(fresh, "cat /workspace/out/it").stdout == "built\n"
    assert client.session(fresh)["rewind"] is None

    rewind(client, fresh, second)
    client.turn(fresh, "[demo:write path=other.md text=another-way]")
    assert refused(client, fresh, "rewind", None) == (409, "not_rewound")
    assert refused(client, fresh, "rewind", second) == (409, "prompt_undone")
    assert "notes/mine.md" in look(client, fresh)
    assert client.run(fresh, "cat /workspace/notes/mine.md").stdout.strip() == "remembered"

    # What sleeps wakes up for it, and has its checkpoints still.
    after_sleep = client.session(fresh)["last_seq"]
    client.post(f"/api/sessions/{fresh}/hibernate", status=202)
    client.until(fresh, happened("state_changed", state="hibernated"), after=after_sleep)
    rewind(client, fresh, said_at(client, fresh, "text=remembered"))
    assert look(client, fresh) == begun
    recalled = text_of(client.turn(fresh, "[demo:recall]"))
    assert "This is the first prompt that I know of." in recalled
    whole(client.log(fresh))


def test_a_copy_of_an_earlier_moment_and_one_of_now(
    client: Client, hub: HubProcess, fresh: str
) -> None:
    before, after = prepared(client, fresh)
    second = said_at(client, fresh, "demo:bash")
    length = client.session(fresh)["last_seq"]
    made = client.post(f"/api/sessions/{fresh}/fork", {"seq": second}, status=201)
    assert made["forked_from"]["session_id"] == fresh
    early = made["id"]
    printed = hub.command("fork", fresh[:9]).stdout.split()
    late = printed[0]
    assert printed[1].endswith(f"/sessions/{late}")
    try:
        for copy in (early, late):
            log = client.until(copy, started_as_a_copy)
            assert log[-1]["state"] == "idle", log[-1]["reason"]
        # The original stood still for a moment, and that is all.
        assert look(client, fresh) == after
        assert client.session(fresh)["last_seq"] == length

        assert "remembered" in text_of(client.turn(early, "[demo:recall]"))
        assert look(client, early) == before
        log = client.log(early)
        whole(log)
        assert [e["text"][:12] for e in log if e["type"] == "prompt_queued"] == [
            "[demo:write ",
            "[demo:recall",
        ]
        assert look(client, late) == after
        assert "remembered" in text_of(client.turn(late, "[demo:recall]"))
        whole(client.log(late))

        # A copy can go back as the original can, and changes nothing of it.
        rewind(client, late, said_at(client, late, "demo:bash"))
        assert look(client, late) == before
        assert look(client, fresh) == after
        client.turn(fresh, "[demo:write path=on.md text=on]")

        token = "cat ~/.config/bunkhouse/token"
        tokens = {client.run(each, token).stdout for each in (fresh, early, late)}
        assert len(tokens) == 3
        ask = (
            "curl -s -o /dev/null -w '%{http_code}' -H \"Authorization: Bearer TOKEN\""
            " http://127.0.0.1:3128/sandbox/models/demo/v1/models"
        )
        others = client.run(fresh, token).stdout
        assert client.run(early, ask.replace("TOKEN", f"$({token})")).stdout == "200"
        assert client.run(early, ask.replace("TOKEN", others)).stdout == "401"
        assert others not in client.run(early, "cat ~/.config/bunkhouse/*").stdout
    finally:
        for copy in (early, late):
            client.delete(copy)


def test_what_can_not_be_gone_back_to_is_said(client: Client, fresh: str) -> None:
    client.turn(fresh, "[demo:hello]")
    last = client.session(fresh)["last_seq"]
    for what in ("rewind", "fork"):
        assert refused(client, fresh, what, last + 1) == (404, "unknown_seq")
        assert refused(client, fresh, what, 1) == (422, "not_a_prompt")
    assert refused(client, fresh, "rewind", None) == (409, "not_rewound")
    running = client.post(f"/api/sessions/{fresh}/prompts", {"text": "[demo:slow seconds=60]"})
    client.until(fresh, happened("turn_started", turn_id=running["id"]))
    first = said_at(client, fresh, "demo:hello")
    assert refused(client, fresh, "rewind", first) == (409, "busy")
    assert refused(client, fresh, "fork", None) == (409, "busy")
    client.post(f"/api/sessions/{fresh}/stop", status=202)
    client.until(fresh, happened("turn_ended", outcome="stopped"))
    rewind(client, fresh, first)
