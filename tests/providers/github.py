"""GitHub as a provider to sign in with: the fake of `tests.fakes.github`, from a thread.

Its other parts are there too, and so is its conscience: what it is asked and what it answers has to
be as GitHub describes it.
"""

import contextlib
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from tests.fakes import github as fake
from tests.fakes.github.world import Person as GitHubAccount

__all__ = ["FakeGitHub", "GitHubAccount"]


class FakeGitHub:
    """`tokens` changes the answer with a token, to tell lies; `allows` what people allow."""

    def __init__(self, whole: fake.FakeGitHub) -> None:
        self._whole = whole
        self._application = whole.world.application()
        self.url = whole.url
        self.client_id = self._application.client_id

    @classmethod
    @contextlib.contextmanager
    def running(cls, *accounts: GitHubAccount) -> Generator["FakeGitHub"]:
        """Serve one until the block ends."""
        with tempfile.TemporaryDirectory() as folder, fake.in_thread(Path(folder)) as whole:
            for each in accounts:
                whole.world.add(each)
            yield cls(whole)

    @property
    def client_secret(self) -> str:
        return self._application.client_secret

    @client_secret.setter
    def client_secret(self, secret: str) -> None:
        self._application.client_secret = secret

    @property
    def callback(self) -> str:
        return self._application.callbacks[0]

    @callback.setter
    def callback(self, address: str) -> None:
        self._application.callbacks = [address]

    @property
    def tokens(self) -> Callable[[dict[str, Any]], None]:
        return self._whole.oauth.answers

    @tokens.setter
    def tokens(self, lie: Callable[[dict[str, Any]], None]) -> None:
        self._whole.oauth.answers = lie

    @property
    def allows(self) -> Callable[[str], str]:
        return self._whole.oauth.allows

    @allows.setter
    def allows(self, what: Callable[[str], str]) -> None:
        self._whole.oauth.allows = what

    @property
    def given(self) -> dict[str, fake.Person]:
        """Tokens that it gave, and of whom they are."""
        return {each.secret: each.person for each in self._whole.world.tokens.values()}
