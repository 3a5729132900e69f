"""The door for pictures, files and outputs: the bytes of what a session's log names."""

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from bunkhouse.blobs import Blobs
from bunkhouse.blobs.store import too_large


async def take(request: Request, blobs: Blobs, session_id: str) -> Response:
    """Answer `PUT /sandbox/blobs/{sha256}`: 204 when the hub has it.

    What comes as `text/plain` is the output of a tool, all else a picture: see `Blobs`.
    """
    output = request.headers.get("content-type", "").partition(";")[0].strip() == "text/plain"
    limit = blobs.output_bytes if output else blobs.blob_bytes
    data = bytearray()
    try:
        async for chunk in request.stream():
            data += chunk
            if len(data) > limit:
                raise too_large(limit, output=output)
    except ClientDisconnect:
        return Response(status_code=400)
    put = blobs.put_output if output else blobs.put
    await put(session_id, request.path_params["blob"], bytes(data))
    return Response(status_code=204)


async def give(request: Request, blobs: Blobs, session_id: str) -> Response:
    """Answer `GET /sandbox/blobs/{sha256}` with what the sandbox's own session has."""
    found = await blobs.get(session_id, request.path_params["blob"])
    return Response(found.data, media_type="application/octet-stream")
