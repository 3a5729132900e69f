"""A GitHub on loopback, over real HTTP and real git, at the addresses of GitHub Enterprise.

- `description`: GitHub's own OpenAPI, to which every request and every answer is held.
- `world`: accounts, tokens, repositories (real ones, bare), issues, pull requests, checks.
- `rest`: the calls; `git`: smart HTTP; `server`: all behind one port.
- `oauth`: signing in, as an OAuth App and as a GitHub App; `apps`: making one of a manifest.
- `hooks`: webhooks, held to the description too.

It refuses what GitHub refuses. What is not as GitHub describes it is answered with 500, kept in
`FakeGitHub.violations`, and fails the test when the block ends.
"""

from tests.fakes.github.hooks import SECRET, Hook, Hooks
from tests.fakes.github.server import FakeGitHub, in_thread, running
from tests.fakes.github.world import App, Application, Person, Repository, World

__all__ = [
    "SECRET",
    "App",
    "Application",
    "FakeGitHub",
    "Hook",
    "Hooks",
    "Person",
    "Repository",
    "World",
    "in_thread",
    "running",
]
