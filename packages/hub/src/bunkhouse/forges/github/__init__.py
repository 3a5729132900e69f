"""GitHub: github.com, or GitHub Enterprise at an address of its own.

- `http`: requests and what can go wrong with them.
- `wire`: the parts of GitHub's answers that are read.
- `github`: the calls.
- `webhooks`: what it tells by itself.
- `manifest`, `app`: the GitHub App of this installation, which GitHub makes of a manifest.
"""

from bunkhouse.forges.github.app import GitHubApp
from bunkhouse.forges.github.github import GitHub
from bunkhouse.forges.github.http import api_of

__all__ = ["GitHub", "GitHubApp", "api_of"]
