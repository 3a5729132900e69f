from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bunkhouse.forges import GitHub
from tests.fakes.github import FakeGitHub, running

from ..conftest import KINDS

_STORED = {"test_app", "test_grants"}


@pytest.fixture
async def fake(tmp_path: Path) -> AsyncGenerator[FakeGitHub]:
    async with running(tmp_path / "github") as fake:
        yield fake


@pytest.fixture
async def github(fake: FakeGitHub) -> AsyncGenerator[GitHub]:
    github = GitHub(fake.url)
    yield github
    await github.aclose()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Grants and the App are kept in both stores; what GitHub answers is in neither."""
    if "stores" in metafunc.fixturenames and metafunc.definition.path.stem in _STORED:
        metafunc.parametrize("stores", KINDS, indirect=True, scope="session")
