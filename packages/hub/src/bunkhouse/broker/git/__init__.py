"""The git door: the session's one repository, to clone, fetch and push, and no other.

- `repositories`: what a person may give as a repository, and what it is.
- `branches`: which branches it has.
- `door`: smart HTTP for sandboxes; `local` serves folders of the hub's machine, `remote` relays
  to the host of a URL, with the grant of whoever started the session (`credentials`).
- `receiving`: pushes, by the rules of `pushing`; read with `packets`, looked into in a
  `quarantine`.
- `environment`: running git such that neither the operator's nor the repository's configuration
  has a say.
- `refusals`: what can go wrong, in sentences.
"""

from bunkhouse.broker.git.branches import branches
from bunkhouse.broker.git.credentials import Credentials
from bunkhouse.broker.git.door import GitDoor
from bunkhouse.broker.git.pushing import Visitor
from bunkhouse.broker.git.repositories import RepositoryRef, parse, recall

__all__ = [
    "Credentials",
    "GitDoor",
    "RepositoryRef",
    "Visitor",
    "branches",
    "parse",
    "recall",
]
