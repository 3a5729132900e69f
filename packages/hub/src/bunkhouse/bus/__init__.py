"""Publish and subscribe of pointers: "(session, something) is there". Readers then read the store.

`Bus` is the port; `memory` serves one hub. `presence` is who is there.
"""

from contextlib import AbstractContextManager
from typing import Literal, Protocol

Topic = Literal["log", "outbox", "state", "presence", "access"]
"""What is new: events in a session's log (or its summary), commands for its runner, its state; who
is there (see `presence`); or what somebody may do: the pointer is then a session or a person."""


class Subscription(Protocol):
    """What a reader waits on. Pointers that come while it is busy are kept as one."""

    async def wait(self) -> None:
        """Until something was published since the last return; at once if it was already."""
        ...

    def sessions(self) -> set[str]:
        """The sessions that were published since the last call."""
        ...


class Bus(Protocol):
    """Carries pointers between whoever writes and whoever reads."""

    def publish(self, session_id: str, topic: Topic = "log") -> None:
        """Something new is there. Never blocks."""
        ...

    def subscribe(
        self, session_id: str | None = None, topic: Topic = "log"
    ) -> AbstractContextManager[Subscription]:
        """Hear of one session, or of all."""
        ...
