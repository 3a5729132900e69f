"""The pull request of a session's branch.

- `pull_requests`: opened, updated and looked at with the rights of the person who asks.
- `hearing`: what the forge tells of it, into the session's log; told twice, once.
- `draft`: title and body before somebody has written them.
"""

from bunkhouse.sessions.pull_requests.draft import Draft
from bunkhouse.sessions.pull_requests.pull_requests import PullRequests, Wanted

__all__ = ["Draft", "PullRequests", "Wanted"]
