"""Blobs: the pictures and files of sessions, each a file named by what is in it; and uploads."""

from bunkhouse.blobs.kinds import kind_of, mime_of
from bunkhouse.blobs.store import Blob, Blobs
from bunkhouse.blobs.uploads import Upload, Uploads

__all__ = ["Blob", "Blobs", "Upload", "Uploads", "kind_of", "mime_of"]
