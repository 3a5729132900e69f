"""Forges: the hosts of repositories, where people have accounts.

- `forge`: what a forge is asked for, and the shapes of its answers.
- `github`: GitHub, also as GitHub Enterprise.
- `grants`: what people let the hub do for them there; tokens are sealed in the store.
- `topics`: issues and pull requests with what is said on them, for sessions to start from.
"""

from bunkhouse.forges.forge import (
    Account,
    Application,
    Branch,
    CheckRun,
    Comment,
    Forge,
    Heard,
    Issue,
    PullRequest,
    Repository,
    Review,
    Said,
    Tokens,
)
from bunkhouse.forges.github import GitHub, GitHubApp
from bunkhouse.forges.grants import Grant, Grants
from bunkhouse.forges.topics import Topic, TopicKind, Topics

__all__ = [
    "Account",
    "Application",
    "Branch",
    "CheckRun",
    "Comment",
    "Forge",
    "GitHub",
    "GitHubApp",
    "Grant",
    "Grants",
    "Heard",
    "Issue",
    "PullRequest",
    "Repository",
    "Review",
    "Said",
    "Tokens",
    "Topic",
    "TopicKind",
    "Topics",
]
