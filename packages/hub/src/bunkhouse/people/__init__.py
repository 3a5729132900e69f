"""People: who they are, how they sign in, and what they may do.

`identity` says who a person is; `people` keeps sign-in links, browser sessions and API tokens;
`directory` everybody's roles, `participants` who takes part in which session. `permissions` holds
the one table of what each role may do, and `rights` asks it.
"""

from bunkhouse.people.directory import Directory
from bunkhouse.people.identity import (
    ApiToken,
    Person,
    Role,
    Scope,
    SessionRole,
    SignedIn,
    Visibility,
)
from bunkhouse.people.participants import Participants
from bunkhouse.people.people import People
from bunkhouse.people.permissions import ACTIONS, Action
from bunkhouse.people.rights import Leave, Question, Rights

__all__ = [
    "ACTIONS",
    "Action",
    "ApiToken",
    "Directory",
    "Leave",
    "Participants",
    "People",
    "Person",
    "Question",
    "Rights",
    "Role",
    "Scope",
    "SessionRole",
    "SignedIn",
    "Visibility",
]
