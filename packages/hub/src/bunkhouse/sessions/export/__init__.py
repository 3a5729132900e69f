"""A session's log as a file to take away: JSON lines, or Markdown to read."""

from bunkhouse.sessions.export.exports import Export, Exports, Format

__all__ = ["Export", "Exports", "Format"]
