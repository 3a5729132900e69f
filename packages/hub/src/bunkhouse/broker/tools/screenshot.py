"""Showing people a picture."""

import base64
import binascii
import hashlib

from bunkhouse.blobs.kinds import mime_of
from bunkhouse.blobs.store import too_large
from bunkhouse.broker.tools.arguments import PostScreenshot
from bunkhouse.broker.tools.work import Call, Told
from bunkhouse.errors import InvalidInput
from bunkhouse.sessions import sandbox_gateway
from bunkhouse_protocol.events import Picture

_IHDR = slice(16, 24)
"""Width and height in a PNG, four bytes each."""


async def post(call: Call, given: PostScreenshot) -> Told:
    """Keep a picture and show it in the transcript.

    Raises:
        InvalidInput: it is none, or can't be read.
        TooLarge: it is, or the session has too many.
    """
    data = await _bytes(call, given)
    mime = mime_of(data)
    if mime is None:
        raise InvalidInput(
            "This is no PNG, JPEG, WebP or GIF.",
            remedy="Make a screenshot of it and post that.",
            code="blob_type",
        )
    name = hashlib.sha256(data).hexdigest()
    await call.rooms.blobs.put(call.session_id, name, data)
    width = height = None
    if mime == "image/png" and len(data) >= _IHDR.stop:
        size = data[_IHDR]
        width, height = int.from_bytes(size[:4], "big"), int.from_bytes(size[4:], "big")
    picture = Picture(blob=name, mime=mime, size=len(data), width=width, height=height)
    return Told(
        "It is shown in the transcript now.",
        "A screenshot was posted.",
        picture=picture,
        caption=given.caption.strip(),
    )


async def _bytes(call: Call, given: PostScreenshot) -> bytes:
    limit = call.rooms.blobs.blob_bytes
    if given.path is not None:
        socket = await call.rooms.reaching.socket(call.session_id, "gateway")
        return await sandbox_gateway.read_file(socket, given.path, limit=limit)
    try:
        data = base64.b64decode(given.png or "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput("`png` is no base64.", code="invalid_arguments") from error
    if len(data) > limit:
        raise too_large(limit)
    return data
