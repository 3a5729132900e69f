"""What the gateway needs of the rooms below: streams into sandboxes."""

from asyncio import StreamReader, StreamWriter
from typing import Protocol


class Streams(Protocol):
    """`bunkhouse.sessions.Sessions`, as far as the gateway calls it."""

    async def open_stream(
        self, session_id: str, target: str, /
    ) -> tuple[StreamReader, StreamWriter]:
        """Connect to `editor`, or to a port, of a session's sandbox.

        Raises:
            NotFound: there is no such session.
            SandboxNotRunning: it has no running sandbox.
            NotListening: nothing listens there, or the service is stopped.
        """
        ...
