"""The reference pages name everything that there is: commands, routes, events, codes."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from cyclopts import App

from bunkhouse import errors
from bunkhouse.api.application import bare_api
from bunkhouse.cli.program import app
from bunkhouse_protocol.events import Event, EventBase

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
CLI = (DOCS / "reference" / "cli.md").read_text()
API = (DOCS / "reference" / "api.md").read_text()

EVENT_TYPES: tuple[type[EventBase], ...] = get_args(get_args(Event)[0])
PAGES = [*DOCS.rglob("*.md"), *(ROOT / "decisions").glob("*.md"), ROOT / "README.md"]


def commands(group: App, *words: str) -> Iterator[tuple[str, App]]:
    """Every command, by the words that one types."""
    for name in group:
        if name.startswith("-"):
            continue
        command = group[name]
        if command.default_command is None:
            yield from commands(command, *words, name)
        else:
            yield " ".join((*words, name)), command


COMMANDS = dict(commands(app))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_described_with_its_options(name: str) -> None:
    found = re.search(rf"^## `bunkhouse {name}\b.*?(?=^## |\Z)", CLI, re.MULTILINE | re.DOTALL)
    assert found, f"docs/reference/cli.md has no section `bunkhouse {name}`"
    for argument in COMMANDS[name].assemble_argument_collection():
        for option in argument.names:
            assert not option.startswith("--") or f"`{option}" in found[0], option


def test_no_command_is_described_that_is_not_there() -> None:
    described = re.findall(r"^## `bunkhouse ([a-z]+(?: [a-z-]+)?)", CLI, re.MULTILINE)
    assert sorted(described) == sorted(COMMANDS)


@pytest.mark.parametrize("event", EVENT_TYPES, ids=lambda event: event.__name__)
def test_every_event_is_described_with_its_fields(event: type[EventBase]) -> None:
    name = event.model_fields["type"].default
    row = re.search(rf"^\| `{name}` \| (.+?) \|", API, re.MULTILINE)
    assert row, f"docs/reference/api.md has no row for `{name}`"
    own = set(event.model_fields) - set(EventBase.model_fields) - {"type"}
    assert set(re.findall(r"`(\w+)`", row[1])) == own


def test_every_route_is_listed() -> None:
    described: dict[str, dict[str, Any]] = bare_api().openapi()["paths"]
    listed = re.findall(r"^\| `([A-Z]+) ([^`?]+)", API, re.MULTILINE)
    missing = [
        f"{method.upper()} {path}"
        for path, operations in described.items()
        for method in operations
        if (method.upper(), path) not in listed
    ]
    assert not missing


def test_every_kind_of_error_is_listed() -> None:
    kinds = [errors.BunkhouseError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    ours = {kind.code for kind in kinds if kind.__module__ == errors.__name__}
    assert {code for code in ours if f"`{code}`" not in API} == set()


def test_every_code_in_the_log_is_listed() -> None:
    said = {
        keyword.value.value
        for package in ("hub", "runner")
        for file in (ROOT / "packages" / package / "src").rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in ("Problem", "Notice")
        for keyword in call.keywords
        if keyword.arg == "code" and isinstance(keyword.value, ast.Constant)
    }
    assert "set_up_failed" in said
    assert {code for code in said if f"`{code}`" not in API} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"(?<!!)\[[^]]*\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        path, _, section = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), target
        if section:
            headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
            assert section in {_anchor(heading) for heading in headings}, target


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
