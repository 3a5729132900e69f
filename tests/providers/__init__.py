"""Providers to sign in with, that speak the real protocols and refuse what the real ones refuse.

They are served with real HTTP on loopback, from a thread, so that hubs in this process and in
others can be sent to them. Somebody at a browser chooses an account, as on the real pages;
`approve` does it for tests without one.
"""

from tests.fakes.consent import approve

from .github import FakeGitHub, GitHubAccount
from .openid import FakeOpenID, OpenIDAccount
from .serving import served

__all__ = ["FakeGitHub", "FakeOpenID", "GitHubAccount", "OpenIDAccount", "approve", "served"]
