"""People: who they are, how they sign in, and what they may do.

`identity` says who a person is; `people` keeps sign-in links, browser sessions and API tokens;
`permissions` holds the one table of what each role may do.
"""

from bunkhouse.people.identity import ApiToken, Person, Role, SignedIn
from bunkhouse.people.people import People
from bunkhouse.people.permissions import ACTIONS, Action, require

__all__ = ["ACTIONS", "Action", "ApiToken", "People", "Person", "Role", "SignedIn", "require"]
