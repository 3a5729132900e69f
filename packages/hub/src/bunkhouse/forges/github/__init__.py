"""GitHub: github.com, or GitHub Enterprise at an address of its own.

- `http`: requests and what can go wrong with them.
- `wire`: the parts of GitHub's answers that are read.
- `github`: the calls.
"""

from bunkhouse.forges.github.github import GitHub
from bunkhouse.forges.github.http import api_of

__all__ = ["GitHub", "api_of"]
