"""The reference of the file names every key, limit and refused variable, and no other."""

import re
from pathlib import Path

from pydantic import BaseModel

from bunkhouse.broker.repository_settings.file import parse
from bunkhouse.broker.repository_settings.shape import (
    REFUSED,
    REFUSED_PREFIXES,
    ConfigToml,
    EgressPart,
    Limits,
    SetupPart,
)
from bunkhouse_protocol.configuring import ConfigFile

from ...settled import settled

DOCS = Path(__file__).parents[5] / "docs"
PAGE = (DOCS / "reference" / "repository-file.md").read_text()
HOW_TO = (DOCS / "how-to" / "repository-settings.md").read_text()
PARTS: dict[str, type[BaseModel]] = {"setup": SetupPart, "egress": EgressPart}


def test_every_key_is_described_as_the_model_says() -> None:
    expected = {"model": ConfigToml.model_fields["model"].description}
    expected["environment.NAME"] = ConfigToml.model_fields["environment"].description
    for part, model in PARTS.items():
        for name, field in model.model_fields.items():
            expected[f"{part}.{name}"] = field.description
    assert {*expected} == {
        "model",
        "environment.NAME",
        "setup.commands",
        "setup.seconds",
        "egress.allow",
    }
    assert {*ConfigToml.model_fields} == {"model", "environment", *PARTS}
    found = dict(re.findall(r"^\| `([a-zA-Z.]+)` \| [a-z ]+ \| (.+?) \|$", PAGE, re.MULTILINE))
    assert found == expected


def test_refused_variables_are_listed() -> None:
    section = PAGE.partition("## Variables that can't be set")[2].partition("A tool that needs")[0]
    found = re.findall(r"`([A-Z_]+)`", section)
    assert sorted(found) == sorted([*REFUSED, *REFUSED_PREFIXES])


def test_what_the_pages_show_can_be_read() -> None:
    for page in (PAGE, HOW_TO):
        for example in re.findall(r"```toml\n(.*?)```", page, re.DOTALL):
            found = parse(ConfigFile(text=example), Limits.of(settled()))
            assert found.status == "read", found.troubles
