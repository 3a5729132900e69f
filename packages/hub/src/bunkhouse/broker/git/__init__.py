"""The git door: the session's one repository, to clone and fetch from, and no other.

- `repositories`: what a person may give as a repository, and what it is.
- `branches`: which branches it has.
- `door`: smart HTTP for sandboxes; `local` serves folders of the hub's machine, `remote` relays
  to the host of a URL.
- `environment`: running git such that neither the operator's nor the repository's configuration
  has a say.
- `refusals`: what can go wrong, in sentences.
"""

from bunkhouse.broker.git.branches import branches
from bunkhouse.broker.git.door import GitDoor
from bunkhouse.broker.git.repositories import RepositoryRef, parse, recall

__all__ = ["GitDoor", "RepositoryRef", "branches", "parse", "recall"]
