"""The door for pictures and files: the bytes of what a session's log names, in and out."""

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from bunkhouse.blobs import Blobs
from bunkhouse.blobs.store import too_large


async def take(request: Request, blobs: Blobs, session_id: str) -> Response:
    """Answer `PUT /sandbox/blobs/{sha256}`: 204 when the hub has it. See `Blobs.put`."""
    data = bytearray()
    try:
        async for chunk in request.stream():
            data += chunk
            if len(data) > blobs.blob_bytes:
                raise too_large(blobs.blob_bytes)
    except ClientDisconnect:
        return Response(status_code=400)
    await blobs.put(session_id, request.path_params["blob"], bytes(data))
    return Response(status_code=204)


async def give(request: Request, blobs: Blobs, session_id: str) -> Response:
    """Answer `GET /sandbox/blobs/{sha256}` with what the sandbox's own session has."""
    found = await blobs.get(session_id, request.path_params["blob"])
    return Response(found.data, media_type="application/octet-stream")
