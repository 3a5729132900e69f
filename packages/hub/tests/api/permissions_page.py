"""The page and the routes that the permission table is shown with; for tests."""

import importlib.util
from pathlib import Path
from types import ModuleType

from bunkhouse.api.application import bare_api

ROOT = Path(__file__).parents[4]
PAGE = ROOT / "docs" / "reference" / "permissions.md"


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "permissions_reference", ROOT / "scripts" / "permissions_reference.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT = _script()
ROUTES = list(SCRIPT.routes(bare_api()))
