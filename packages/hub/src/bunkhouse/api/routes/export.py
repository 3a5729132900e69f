"""A session's log as a file: JSON lines or Markdown."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from bunkhouse.api.access import Hub, Reader
from bunkhouse.api.routes.sessions import SessionId
from bunkhouse.sessions.export import Format

router = APIRouter(prefix="/sessions", tags=["sessions"])


@router.get(
    "/{session_id}/export",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The log as it is now. One whose transfer broke off is not whole.",
            "content": {
                kind: {"schema": {"type": "string"}}
                for kind in ("application/jsonl", "text/markdown")
            },
        }
    },
)
async def export_session(
    request: Request,
    session_id: SessionId,
    hub: Hub,
    _person: Reader,
    form: Annotated[Format, Query(alias="format")] = "markdown",
) -> StreamingResponse:
    """Give the whole log as a file, with pictures, files and whole outputs named by their address.

    `jsonl`: a line that says which session it is, then one event a line. `markdown`: to be read.
    """
    base = (hub.settings.public_url or str(request.base_url)).rstrip("/")
    blobs = f"{base}/api/sessions/{session_id}/blobs/"
    export = await hub.exports.open(session_id, form, blobs=blobs)
    return StreamingResponse(
        export.pieces,
        media_type=export.media_type,
        headers={"Content-Disposition": f'attachment; filename="{export.name}"'},
    )
