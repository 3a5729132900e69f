"""What each role may do: one table, which every route and every WebSocket asks.

`docs/reference/permissions.md` is written from it, and a test walks all routes by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bunkhouse.errors import Forbidden, NotFound, RoleNeeded, ScopeNeeded
from bunkhouse.people.identity import Person, Role, Scope, SessionRole, Visibility
from bunkhouse.store.participants import Standing

Action = Literal[
    "self.own",
    "tokens.own",
    "browsers.own",
    "grants.own",
    "uploads.own",
    "system.read",
    "models.read",
    "repositories.read",
    "repository_settings.manage",
    "people.read",
    "people.manage",
    "github_app.manage",
    "sessions.list",
    "sessions.create",
    "session.read",
    "session.details",
    "session.leave",
    "session.comment",
    "session.type",
    "session.prompt",
    "session.stop",
    "session.answer",
    "session.change",
    "session.sleep",
    "session.rewind",
    "session.fork",
    "session.split",
    "session.drive",
    "session.use",
    "session.exec",
    "session.publish",
    "session.share",
    "session.delete",
]
"""Everything that can be asked of the hub."""


@dataclass(frozen=True, slots=True)
class InInstallation:
    """A rule of those actions that are about no session: the least role that may."""

    role: Role
    scope: Scope
    """Which of its scopes a token needs for it."""
    what: str
    """What it is, for the documentation."""


@dataclass(frozen=True, slots=True)
class InSession:
    """A rule of those that are about one session: the least role in it that may."""

    role: SessionRole
    scope: Scope
    what: str
    public: bool = False
    """Whether it is also for who has a public link, and nothing else."""


Rule = InInstallation | InSession

ACTIONS: dict[Action, Rule] = {
    "self.own": InInstallation("member", "read", "See who one is; sign this browser out."),
    "tokens.own": InInstallation("member", "account", "Make, list and revoke one's own tokens."),
    "browsers.own": InInstallation(
        "member", "account", "See with which browsers one is signed in, and sign them out."
    ),
    "grants.own": InInstallation(
        "member", "account", "Give, see and take back what the hub may do for one at a forge."
    ),
    "uploads.own": InInstallation(
        "member", "sessions", "Upload files for prompts; see and forget one's own."
    ),
    "system.read": InInstallation("member", "read", "See how engine, image and sandboxes are."),
    "models.read": InInstallation("member", "read", "See which models there are."),
    "repositories.read": InInstallation(
        "member",
        "read",
        "See repositories that one used and those that one may see at a forge; list branches, "
        "issues and pull requests of one. Folders of the hub's machine: an admin any, others those "
        "under `BUNKHOUSE_REPOSITORY_ROOTS`.",
    ),
    "repository_settings.manage": InInstallation(
        "admin",
        "admin",
        "See and change what repositories are set up with, and what they may reach besides.",
    ),
    "people.read": InInstallation("member", "read", "See the names of people, to choose from."),
    "people.manage": InInstallation(
        "admin",
        "admin",
        "See everybody with their roles; change roles, deactivate people, "
        "sign their browsers out, invite others.",
    ),
    "github_app.manage": InInstallation(
        "admin", "admin", "See, set up and remove the GitHub App of this installation."
    ),
    "sessions.list": InInstallation(
        "member",
        "read",
        "List sessions and follow the list: those that one may see, and who is in them.",
    ),
    "sessions.create": InInstallation(
        "member", "sessions", "Start a session, whose owner one is then."
    ),
    "session.read": InSession(
        "viewer",
        "read",
        "See the session, its log as pages and streams, pictures and files of the log, changes and "
        "exports.",
        public=True,
    ),
    "session.details": InSession(
        "viewer",
        "read",
        "See what runs in the sandbox, who takes part, and what a pull request would say.",
    ),
    "session.leave": InSession("viewer", "sessions", "Take part no longer."),
    "session.comment": InSession(
        "commenter", "sessions", "Say something to the others, which the agent does not get."
    ),
    "session.type": InSession("commenter", "sessions", "Be seen to type."),
    "session.prompt": InSession(
        "driver", "sessions", "Prompt; change, take back and repeat prompts, those of others too."
    ),
    "session.stop": InSession(
        "driver", "sessions", "Stop the turn or the set-up; set a failed session up again."
    ),
    "session.answer": InSession(
        "driver", "sessions", "Answer the agent's questions and permission requests."
    ),
    "session.change": InSession(
        "driver", "sessions", "Change title, model, and when it goes to sleep."
    ),
    "session.sleep": InSession(
        "driver", "sessions", "Put it to sleep, wake it, end it, bring it back."
    ),
    "session.rewind": InSession(
        "driver", "sessions", "Go back to an earlier prompt, and forward again."
    ),
    "session.fork": InSession(
        "driver",
        "sessions",
        "Make a copy, which is one's own. It has all that is in the sandbox, so who may not look "
        "into that may not copy it.",
    ),
    "session.split": InSession(
        "driver", "sessions", "Start a session within this one, whose owner one is then."
    ),
    "session.drive": InSession(
        "driver", "sessions", "Have the agent rest, work in its place, hand back."
    ),
    "session.use": InSession(
        "driver", "sessions", "Use what is in the sandbox: editor, desktop, terminals, ports."
    ),
    "session.exec": InSession("driver", "sessions", "Run programs in the sandbox."),
    "session.publish": InSession(
        "driver",
        "sessions",
        "Push its branch and open or update its pull request, with one's own rights.",
    ),
    "session.share": InSession(
        "owner", "sessions", "Change who may see it, and the roles of others."
    ),
    "session.delete": InSession("owner", "sessions", "Delete it."),
}

ROLES: tuple[Role, ...] = ("admin", "member")
SESSION_ROLES: tuple[SessionRole, ...] = ("owner", "driver", "commenter", "viewer")
"""From the one who may most; each may what those after it may."""

FLOORS: dict[Visibility, SessionRole | None] = {
    "private": None,
    "visible": "viewer",
    "joinable": "driver",
}
"""The role that everybody has at least in a session that is seen so."""


def role_in(person: Person, standing: Standing) -> SessionRole | None:
    """Say which role a person has in a session; None: it is not there for them.

    An admin is an owner of every session: they could read all of them on the hub's machine anyway,
    and somebody has to be able to end what its owner has left behind.
    """
    if person.role == "public":
        return "viewer" if person.shown == standing.session_id else None
    if person.role not in ROLES:
        return None
    if person.role == "admin" or standing.author_id == person.id:
        return "owner"
    return _higher(standing.roles.get(person.id), FLOORS[standing.visibility])


def roles_of(person: Person, standings: Mapping[str, Standing]) -> dict[str, SessionRole]:
    """Say the same of several sessions; those that are not there for them are left out."""
    found: dict[str, SessionRole] = {}
    for key, standing in standings.items():
        role = role_in(person, standing)
        if role is not None:
            found[key] = role
    return found


def sees_all(person: Person) -> bool:
    """Say whether every session is there for a person."""
    return person.role == "admin"


def refusal(
    person: Person, action: Action, session_id: str | None, standing: Standing | None
) -> Forbidden | NotFound | None:
    """Say why a person may not do this, or None if they may.

    `standing` is that of the session of `session_id`, None where there is none. Who may not see
    it is answered word for word as if it were not there. A token that is not made for this is told
    so first: whether there is such a session is nothing that it may ask.
    """
    rule = ACTIONS[action]
    if person.scopes is not None and rule.scope not in person.scopes:
        return ScopeNeeded(
            f"This token is not made for this, which needs the scope {rule.scope}.",
            scope=rule.scope,
            remedy="Make another token that has it.",
        )
    if isinstance(rule, InInstallation):
        return None if _reaches(ROLES, person.role, rule.role) else _not_here(rule.role)
    role = None if standing is None else role_in(person, standing)
    if role is None:
        return missing(session_id or "")
    if person.role == "public" and not rule.public:
        return RoleNeeded(
            "A public link shows the transcript and nothing else.",
            role=rule.role,
            remedy="Sign in, and ask an owner of the session.",
        )
    if _reaches(SESSION_ROLES, role, rule.role):
        return None
    return RoleNeeded(
        f"You are a {role} of this session, and this needs the role {rule.role}.",
        role=rule.role,
        remedy="Ask an owner of the session.",
    )


def may_here(person: Person, action: Action) -> bool:
    """Say whether a person may do what is about no session."""
    return refusal(person, action, None, None) is None


def missing(session_id: str) -> NotFound:
    """Make the error for a session that is not there, or not for this person."""
    return NotFound(f"There is no session {session_id}.")


def _not_here(needed: Role) -> RoleNeeded:
    return RoleNeeded(
        f"You are signed in, but this needs the role {needed}.",
        role=needed,
        remedy="Ask an admin of this installation.",
    )


def _reaches(roles: tuple[str, ...], role: str, least: str) -> bool:
    return role in roles and roles.index(role) <= roles.index(least)


def _higher(one: SessionRole | None, other: SessionRole | None) -> SessionRole | None:
    held = (one, other)
    return next((role for role in SESSION_ROLES if role in held), None)
