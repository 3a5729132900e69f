"""Pictures and long outputs that the agent's tools gave, and files that people attached."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from bunkhouse.api.access import Hub, Reader
from bunkhouse.errors import NotFound

router = APIRouter(prefix="/sessions", tags=["sessions"])

HEADERS = {
    # Its name is its content, so it never changes.
    "Cache-Control": "private, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}


@router.get(
    "/{session_id}/blobs/{blob}",
    response_class=Response,
    responses={
        200: {
            "content": {
                kind: {"schema": {"type": "string", "format": "binary"}}
                for kind in ("image/*", "text/plain")
            }
        }
    },
)
async def get_blob(
    session_id: Annotated[str, Path(max_length=64)],
    blob: Annotated[str, Path(max_length=64)],
    hub: Hub,
    _person: Reader,
) -> Response:
    """Give a picture, a file or a whole output of the log; 404 until the sandbox has sent it.

    What is no picture is `text/plain`, whatever its bytes are; a browser shows it as that, or saves
    it, and never runs it.
    """
    await hub.sessions.get(session_id)
    if hub.blobs is None:
        raise NotFound("There is no such picture or file.")
    found = await hub.blobs.get(session_id, blob)
    headers = dict(HEADERS)
    if found.mime == "text/plain":
        name = f"bunkhouse-{session_id}-{blob[:12]}.txt"
        headers["Content-Disposition"] = f'inline; filename="{name}"'
    return Response(found.data, media_type=found.mime, headers=headers)
