"""The reference page of the settings says what the settings are."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from bunkhouse.cli.configuration import load_settings
from bunkhouse.settings import Settings

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "reference" / "settings.md"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """`scripts/settings_reference.py`, which is no part of a package."""
    spec = importlib.util.spec_from_file_location(
        "settings_reference", ROOT / "scripts" / "settings_reference.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_as_the_settings_are(script: ModuleType) -> None:
    page = PAGE.read_text()
    assert script.rewritten(page) == page, "run `.venv/bin/python scripts/settings_reference.py`"


def test_every_setting_stands_there_with_default_and_meaning(script: ModuleType) -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE.read_text(), re.MULTILINE))
    for name, field in Settings.model_fields.items():
        row = rows.get(script.variable(name, field))
        assert row is not None, f"{name} is missing from docs/reference/settings.md"
        assert script.default(name, field) in row
        assert field.description, f"{name} has no description"
        assert field.description.replace("|", "\\|") in row


def test_every_setting_belongs_to_a_group(script: ModuleType) -> None:
    grouped = {name for _, names in script.GROUPS for name in names}
    assert grouped == set(Settings.model_fields)


def test_every_variable_that_the_hub_reads_is_on_the_page() -> None:
    page = PAGE.read_text()
    sources = (ROOT / "packages" / "hub" / "src").rglob("*.py")
    read = {
        name for path in sources for name in re.findall(r"BUNKHOUSE_[A-Z_]*[A-Z]", path.read_text())
    }
    missing = sorted(name for name in read if f"`{name}`" not in page)
    assert not missing


def test_lists_are_read_as_the_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUNKHOUSE_REPOSITORY_ROOTS", "/srv/one:/srv/two")
    monkeypatch.setenv("BUNKHOUSE_EGRESS_ALLOW", "example.org,*.example.com")
    settings = load_settings()
    assert settings.repository_roots == [Path("/srv/one"), Path("/srv/two")]
    assert settings.egress_allow == ["example.org", "*.example.com"]
