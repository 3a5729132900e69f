"""What each role may do: one table, which every route and every WebSocket asks."""

from typing import Literal, get_args

import structlog

from bunkhouse.errors import Forbidden
from bunkhouse.people.identity import Person, Role

Action = Literal[
    "system.read",
    "models.read",
    "repositories.read",
    "sessions.read",
    "sessions.create",
    "sessions.change",
    "sessions.delete",
    "sessions.prompt",
    "sessions.stop",
    "sessions.sleep",
    "sessions.rewind",
    "sessions.answer",
    "sessions.exec",
    "sessions.use",
    "sessions.drive",
    "tokens.own",
]
"""Everything that can be asked of the hub.

`sessions.sleep`: put a session to sleep, wake it up, end it, bring it back. `sessions.rewind`:
go back to an earlier prompt, and forward again; to fork is to create. `sessions.use`: editor,
desktop, terminals and ports of a sandbox. `sessions.drive`: have the agent rest, work in its place,
and hand back. `tokens.own`: make, list and revoke one's own tokens.
"""

_EVERYBODY: frozenset[Role] = frozenset({"admin", "member"})

ACTIONS: dict[Action, frozenset[Role]] = dict.fromkeys(get_args(Action), _EVERYBODY)
"""Who may do what. Folders of the hub's machine are decided where repositories are resolved: an
admin may use any, others those under `BUNKHOUSE_REPOSITORY_ROOTS`."""

_audit = structlog.get_logger("bunkhouse.audit")


def require(person: Person, action: Action) -> None:
    """Return if `person` may do `action`; what is refused is written to the audit log.

    Raises:
        Forbidden: their role does not allow it.
    """
    if person.role not in ACTIONS[action]:
        _audit.warning("refused", person=person.id, role=person.role, action=action)
        raise Forbidden(
            "You are signed in, but your role does not allow this.",
            remedy="Ask an admin of this installation.",
        )
