"""Blobs: the pictures of sessions, each a file named by what is in it."""

from bunkhouse.blobs.pictures import mime_of
from bunkhouse.blobs.store import Blob, Blobs

__all__ = ["Blob", "Blobs", "mime_of"]
