"""What is stored of settings is tested on both stores."""

import pytest

from ...conftest import KINDS


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "stores" in metafunc.fixturenames:
        metafunc.parametrize("stores", KINDS, indirect=True, scope="session")
