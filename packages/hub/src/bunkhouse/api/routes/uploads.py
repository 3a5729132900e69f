"""Files that people attach to prompts: uploaded first, then named by `POST …/prompts`."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.requests import ClientDisconnect

from bunkhouse.api.access import Hub, Uploader
from bunkhouse.api.routes.blobs import HEADERS
from bunkhouse.api.schemas import UploadOut
from bunkhouse.api.services import Services
from bunkhouse.blobs import Uploads
from bunkhouse.errors import InvalidInput, Unavailable

router = APIRouter(prefix="/uploads", tags=["uploads"])

UploadId = Annotated[str, Path(max_length=64)]

_BYTES = {"content": {"application/octet-stream": {"schema": {"type": "string"}}}}


@router.post(
    "",
    status_code=201,
    openapi_extra={"requestBody": {"required": True, **_BYTES}},
)
async def create_upload(
    request: Request, hub: Hub, person: Uploader, name: Annotated[str, Query(max_length=1024)] = ""
) -> UploadOut:
    """Upload a picture (PNG, JPEG, WebP, GIF) or a text in UTF-8; the body is the file.

    What it is, is told by its bytes. It waits for a prompt that names it, for a day by default.
    """
    uploads = _uploads(hub)
    data = bytearray()
    try:
        async for chunk in request.stream():
            data += chunk
            if len(data) > uploads.largest:
                raise uploads.refuse(name)
    except ClientDisconnect:
        raise InvalidInput("The upload broke off.", remedy="Send it again.") from None
    added = await uploads.add(person.id, name, bytes(data))
    return UploadOut(id=added.id, name=added.name, mime=added.mime, size=added.size)


@router.get("/{upload_id}", response_class=Response, responses={200: _BYTES})
async def get_upload(upload_id: UploadId, hub: Hub, person: Uploader) -> Response:
    """Give an upload of yours back."""
    upload, data = await _uploads(hub).get(person.id, upload_id)
    return Response(data, media_type=upload.mime, headers=HEADERS)


@router.delete("/{upload_id}", status_code=204)
async def delete_upload(upload_id: UploadId, hub: Hub, person: Uploader) -> None:
    """Forget an upload of yours. Prompts that have it keep it."""
    await _uploads(hub).remove(person.id, upload_id)


def _uploads(hub: Services) -> Uploads:
    if hub.uploads is None:
        raise Unavailable("This hub keeps no files.")
    return hub.uploads
