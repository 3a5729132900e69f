"""Files on their way from a person's uploads into a session's blobs.

    uploads ──take──▶ blobs of the session ──transaction: prompt, log──▶ uploads forgotten

The bytes are there before the transaction that names them, and an upload is forgotten only after
it: whatever is killed when, no log names a file that is not there, and whoever asks again finds
what they uploaded.
"""

from collections.abc import Sequence

from bunkhouse.blobs import Blobs, Uploads
from bunkhouse.errors import InvalidInput, NotFound
from bunkhouse.people.identity import Person
from bunkhouse.settings import Settings
from bunkhouse_protocol.events import Attachment


class Attaching:
    """Gives sessions what people attach to their prompts."""

    def __init__(self, blobs: Blobs, uploads: Uploads, settings: Settings) -> None:
        self.blobs = blobs
        self.uploads = uploads
        self._most = settings.prompt_attachments

    @classmethod
    def of(cls, settings: Settings) -> "Attaching":
        """In the data folder of these settings."""
        return cls(
            Blobs(
                settings.data_dir / "blobs",
                blob_bytes=settings.blob_bytes,
                output_bytes=settings.whole_output_bytes,
                session_bytes=settings.session_blobs_bytes,
                session_blobs=settings.session_blobs,
            ),
            Uploads(
                settings.data_dir / "uploads",
                picture_bytes=settings.attachment_bytes,
                text_bytes=settings.attachment_text_bytes,
                person_bytes=settings.session_blobs_bytes,
                hours=settings.upload_hours,
            ),
            settings,
        )

    async def take(
        self,
        session_id: str,
        person: Person,
        names: Sequence[str],
        held: Sequence[Attachment] = (),
    ) -> list[Attachment]:
        """Copy uploads into the session and say what they are, in this order.

        A name may also be the blob of a file of `held`, which the prompt has already.

        Raises:
            InvalidInput: more than a prompt may have; no such upload of this person's.
            TooLarge, StorageFull: there is no room.
        """
        if len(names) > self._most:
            raise InvalidInput(
                f"A prompt may have at most {self._most} files.",
                remedy="Send them with several prompts, or raise BUNKHOUSE_PROMPT_ATTACHMENTS.",
                code="too_many_attachments",
            )
        here = {attachment.blob: attachment for attachment in held}
        found: list[Attachment] = []
        for name in dict.fromkeys(names):
            found.append(here.get(name) or await self._take(session_id, person, name))
        return found

    async def forget(self, person: Person, names: Sequence[str]) -> None:
        """The prompt is stored: these uploads wait no longer."""
        for name in names:
            await self.uploads.remove(person.id, name)

    async def _take(self, session_id: str, person: Person, name: str) -> Attachment:
        try:
            upload, data = await self.uploads.get(person.id, name)
        except NotFound as error:
            raise InvalidInput(error.message, remedy=error.remedy, code=error.reason) from error
        blob = await self.blobs.add(session_id, data)
        return Attachment(blob=blob, name=upload.name, mime=upload.mime, size=upload.size)
