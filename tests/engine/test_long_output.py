"""A tool that prints more than a log should hold, from a real sandbox to whoever reads it."""

import hashlib
import json

import pytest

from ..hubs import Client, ended, whole

pytestmark = pytest.mark.engine

LINES = 320_000
PRINTED = "".join(f"{n}\n" for n in range(1, LINES + 1)).encode()


def test_two_megabytes_are_in_a_blob_and_their_ends_in_the_log(client: Client) -> None:
    assert len(PRINTED) > 2_000_000
    session = client.create(f'[demo:bash cmd="seq 1 {LINES}"]')
    log = client.until(session, ended())
    whole(log)
    (done,) = [e for e in log if e["type"] == "tool_call_update" and e["whole_output"]]
    kept = done["whole_output"]
    where = f"/api/sessions/{session}/blobs/{kept['blob']}"
    got = client.until_there(where)
    # A busy OpenCode stops reading when the command ends, and misses what it had not read yet.
    assert PRINTED.startswith(got.content) and len(got.content) > 1_000_000
    assert kept == {
        "blob": hashlib.sha256(got.content).hexdigest(),
        "size": len(got.content),
        "lost": 0,
    }
    gap = f"\n… {done['output_left_out']:,} bytes left out …\n"
    head, _, tail = done["output"].partition(gap)
    assert got.content.startswith(head.encode()) and got.content.endswith(tail.encode())
    assert len(head) + len(tail) + done["output_left_out"] == len(got.content)
    assert len(done["output"]) < 70_000
    assert got.headers["content-type"] == "text/plain; charset=utf-8"

    lines = client.http.get(f"/api/sessions/{session}/export", params={"format": "jsonl"}).text
    header, *exported = [json.loads(line) for line in lines.splitlines()]
    assert header["blobs"].endswith(f"/api/sessions/{session}/blobs/")
    assert [each for each in exported if each.get("whole_output")] == [done]
    told = client.hub.command("export", session, "--format", "markdown").stdout
    assert where in told and gap.strip() in told and len(told) < 200_000
    client.delete(session)
