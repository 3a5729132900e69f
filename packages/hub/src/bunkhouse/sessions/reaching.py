"""Where a session's sandbox is reached: the paths of its sockets, while it runs."""

from pathlib import Path
from typing import Literal

from bunkhouse.errors import SandboxNotRunning
from bunkhouse.people.permissions import missing
from bunkhouse.sessions import lifecycle
from bunkhouse.sessions.journal import Journal
from bunkhouse.sessions.links import Links
from bunkhouse.settings import Settings
from bunkhouse.store import sessions
from bunkhouse_protocol.places import GATEWAY_SOCKET, STREAMS_SOCKET

Way = Literal["gateway", "streams"]

SOCKETS: dict[Way, str] = {
    "gateway": Path(GATEWAY_SOCKET).name,
    "streams": Path(STREAMS_SOCKET).name,
}
"""Their names in a sandbox's folder."""


class Reaching:
    """Finds the sockets of sandboxes."""

    def __init__(self, journal: Journal, links: Links, settings: Settings) -> None:
        self._journal = journal
        self._links = links
        self._settings = settings

    async def socket(self, session_id: str, way: Way) -> Path:
        """The Unix socket at which a session's sandbox is asked, or gives streams.

        Raises:
            NotFound: there is no such session.
            SandboxNotRunning: it has no sandbox that runs.
        """
        async with self._journal.database.read() as tx:
            row = await sessions.get(tx, session_id)
        if row is None:
            raise missing(session_id)
        if row.sandbox_id is None or not self._links.connected(session_id):
            raise SandboxNotRunning(
                "The session's sandbox is not running.",
                remedy=lifecycle.REMEDIES.get(row.state),
            )
        return self._settings.run_dir / row.sandbox_id / SOCKETS[way]
