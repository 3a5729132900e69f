"""Exports over HTTP: who may have them, and as what they come."""

import json

from bunkhouse.sessions import NewSession

from .house import House


async def test_an_export_is_a_file_for_whoever_may_read(house: House) -> None:
    view = await house.sessions.create(
        NewSession(prompt="Mend it", title='Dächer "&" ../Türme'), house.admin
    )
    address = f"/api/sessions/{view.id}/export"
    async with house.program() as program:
        lines = await program.get(address, params={"format": "jsonl"})
        told = await program.get(address)
        wrong = await program.get(address, params={"format": "pdf"})
        missing = await program.get("/api/sessions/nobody/export")
    assert lines.status_code == told.status_code == 200
    assert lines.headers["content-type"].startswith("application/jsonl")
    assert told.headers["content-type"] == "text/markdown; charset=utf-8"
    name = f"bunkhouse-{view.id}-dacher-turme"
    assert lines.headers["content-disposition"] == f'attachment; filename="{name}.jsonl"'
    assert told.headers["content-disposition"] == f'attachment; filename="{name}.md"'
    assert told.headers["x-content-type-options"] == "nosniff"
    assert "transfer-encoding" in lines.headers and "content-length" not in lines.headers
    header = json.loads(lines.text.splitlines()[0])
    assert header["blobs"] == f"{house.url}/api/sessions/{view.id}/blobs/"
    assert len(lines.text.splitlines()) == 1 + view.last_seq
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_input")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    async with house.client() as stranger:
        assert (await stranger.get(address)).status_code == 401
