"""Files that came with a prompt, fetched from the hub (`GET /blobs/{sha256}`) as it begins."""

import asyncio
from collections.abc import Sequence

import httpx2
import structlog

from bunkhouse_protocol.events import Attachment
from bunkhouse_runner.agents.base import AttachedFile
from bunkhouse_runner.errors import AttachmentUnavailable
from bunkhouse_runner.hub import Hub
from bunkhouse_runner.pictures import name_of

_log = structlog.get_logger("bunkhouse.runner.attachments")

FETCH_SECONDS = 30.0
PATIENCE_SECONDS = 120.0
"""How long a hub that restarts is waited for."""
PAUSE_SECONDS = 0.5
_PASSING = {408, 425, 429}


class Attachments:
    """Fetches files; the hub has them before it names them."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def fetch(self, attachments: Sequence[Attachment]) -> list[AttachedFile]:
        """Get the bytes of these files.

        Raises:
            AttachmentUnavailable: the hub has one no more, or is away for too long.
        """
        if not attachments:
            return []
        async with self._hub.http_client(timeout=FETCH_SECONDS) as client:
            return [await self._file(client, attachment) for attachment in attachments]

    async def _file(self, client: httpx2.AsyncClient, attachment: Attachment) -> AttachedFile:
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE_SECONDS
        while True:
            try:
                answer = await client.get(f"/blobs/{attachment.blob}")
            except httpx2.TransportError as error:
                said = str(error)
            else:
                if answer.is_success and name_of(answer.content) == attachment.blob:
                    return AttachedFile(attachment.name, attachment.mime, answer.content)
                said = f"the hub answered {answer.status_code}"
                if answer.status_code < 500 and answer.status_code not in _PASSING:
                    raise _unavailable(attachment, said)
            _log.info("attachment_not_fetched", blob=attachment.blob, said=said)
            if loop.time() > until:
                raise _unavailable(attachment, said)
            await asyncio.sleep(PAUSE_SECONDS)


def _unavailable(attachment: Attachment, said: str) -> AttachmentUnavailable:
    return AttachmentUnavailable(
        "attachment_unavailable",
        f"The attached file {attachment.name} could not be fetched from the hub. "
        "Send the prompt again with the file attached anew.",
        detail=said,
    )
