"""Pictures over HTTP: shown to who may read the session, and as nothing but pictures."""

import hashlib

from bunkhouse.blobs import Blobs
from bunkhouse.sessions import NewSession

from .house import House

GIF = b"GIF89a" + b"\0" * 20


async def test_a_picture_is_given_as_what_it_is(house: House) -> None:
    session = (await house.sessions.create(NewSession(), house.admin)).id
    other = (await house.sessions.create(NewSession(), house.admin)).id
    folder = house.services.settings.data_dir / "blobs"
    house.services.blobs = Blobs(folder, blob_bytes=1000, session_bytes=1000)
    name = hashlib.sha256(GIF).hexdigest()
    await house.services.blobs.put(session, name, GIF)
    async with house.program() as program:
        got = await program.get(f"/api/sessions/{session}/blobs/{name}")
        assert (got.status_code, got.content) == (200, GIF)
        assert got.headers["content-type"] == "image/gif"
        assert got.headers["cache-control"].startswith("private")
        assert "immutable" in got.headers["cache-control"]
        assert got.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in got.headers["content-security-policy"]
        for address in (
            f"{session}/blobs/{'0' * 64}",
            f"{session}/blobs/x",
            f"{other}/blobs/{name}",
        ):
            assert (await program.get(f"/api/sessions/{address}")).status_code == 404
    async with house.client() as stranger:
        assert (await stranger.get(f"/api/sessions/{session}/blobs/{name}")).status_code == 401


async def test_an_output_is_shown_as_text_and_never_run(house: House) -> None:
    session = (await house.sessions.create(NewSession(), house.admin)).id
    folder = house.services.settings.data_dir / "blobs"
    house.services.blobs = Blobs(folder, blob_bytes=1000, session_bytes=1000)
    printed = b"<script>alert(1)</script>\0\xff"
    name = hashlib.sha256(printed).hexdigest()
    await house.services.blobs.put_output(session, name, printed)
    async with house.program() as program:
        got = await program.get(f"/api/sessions/{session}/blobs/{name}")
    assert (got.status_code, got.content) == (200, printed)
    assert got.headers["content-type"] == "text/plain; charset=utf-8"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in got.headers["content-security-policy"]
    said = got.headers["content-disposition"]
    assert said == f'inline; filename="bunkhouse-{session}-{name[:12]}.txt"'
