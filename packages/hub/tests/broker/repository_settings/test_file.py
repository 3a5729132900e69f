"""A repository's own file: what counts of it, and what is said of the rest."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bunkhouse.broker.repository_settings import Limits, Values
from bunkhouse.broker.repository_settings.file import Found, parse
from bunkhouse_protocol.configuring import ConfigFile

from ...settled import settled

LIMITS = Limits.of(settled())

WHOLE = """
model = "demo/demo"

[setup]
commands = ["uv sync", "npm ci"]
seconds = 600

[environment]
DATABASE_URL = "sqlite:///dev.db"

[egress]
allow = ["api.example.org", "*.example.com", "10.1.0.0/16", "api.example.org"]
"""


def read(text: str, limits: Limits = LIMITS) -> Found:
    return parse(ConfigFile(text=text), limits)


def said(text: str, limits: Limits = LIMITS) -> list[str]:
    return [str(trouble) for trouble in read(text, limits).troubles]


def test_all_that_can_be_said() -> None:
    found = read(WHOLE)
    assert (found.status, found.troubles) == ("read", ())
    assert found.values == Values(
        model="demo/demo",
        commands=("uv sync", "npm ci"),
        seconds=600,
        environment={"DATABASE_URL": "sqlite:///dev.db"},
        egress=("api.example.org", "*.example.com", "10.1.0.0/16"),
    )


def test_no_file_and_an_empty_one_say_nothing() -> None:
    assert parse(ConfigFile(), LIMITS) == Found(Values(), "absent")
    assert read("") == Found(Values(), "read")
    assert read("# nothing\n[setup]\n").values == Values()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("moodel = 'demo/demo'", "line 1: `moodel` is not known; there are `model`"),
        ("\n\nmodel = 3", "line 3: `model` is not a text; put it in quotation marks."),
        ("[setup]\ncomands = []", "line 2: `setup.comands` is not known."),
        ("[setup]\n\ncommands = 'npm ci'", "line 3: `setup.commands` is not a list."),
        ("[setup]\ncommands = ['a', 7]", "line 2: `setup.commands[1]` is not a text"),
        ("[setup]\ncommands = ['a', '']", "line 2: `setup.commands[1]` is empty."),
        ("[setup]\ncommands = [' ']", "line 2: `setup.commands` has a command (number 1) that is"),
        ("[setup]\nseconds = -1", "line 2: `setup.seconds` does not fit: input should be greater"),
        ("[setup]\nseconds = nan", "line 2: `setup.seconds` does not fit"),
        ("setup = 'npm ci'", "line 1: `setup` is not a table."),
        ("[environment]\nA = 1", "line 2: `environment.A` is not a text; put it in quotation"),
        ("[environment.A]\nB = '1'", "line 1: `environment.A` is not a text"),
        ("[environment]\n'1A' = 'x'", "line 2: `environment.1A` is not the name of a variable"),
        ("environment = 3", "line 1: `environment` is not a table"),
        ("[egress]\n", "line 1: `egress.allow` is missing."),
        ("[egress]\nallow = ['a b']", "line 2: `egress.allow` has “a b”, which is neither a name"),
        ("[egress]\nallow = ['*']", "line 2: `egress.allow` has “*”, which is neither a name"),
        ("b = \na = 1", "line 1: the file is not TOML (Invalid value)."),
        ("a = 1\na = 1\n", "line 2: the file is not TOML (Cannot overwrite a value)."),
        ("a." * 200 + "b = 1", "the file has a key of a hundred parts or more."),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, expected: str) -> None:
    (only,) = said(text)
    assert only.startswith("`.bunkhouse/config.toml`")
    assert expected in only


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [
        ("too_large", "is larger than 65,536 bytes"),
        ("no_file", "is not a plain file"),
        ("no_text", "is not a text in UTF-8"),
    ],
)
def test_what_is_no_file_is_said(trouble: str, expected: str) -> None:
    found = parse(ConfigFile.model_validate({"trouble": trouble}), LIMITS)
    assert found.status == "unusable"
    assert [str(each) for each in found.troubles] == [
        f"`.bunkhouse/config.toml`: the file {expected}."
    ]


def test_the_rest_counts() -> None:
    found = read(
        "model = 1\nwhat = 2\n[setup]\ncommands = ['a', 1]\nseconds = 3\n"
        "[environment]\nPATH = '/evil'\nGOOD = 'yes'\n"
        "[egress]\nallow = ['a.example.org', '!', 'b.example.org']\n"
    )
    assert found.status == "in_part"
    assert len(found.troubles) == 5
    assert found.values == Values(
        environment={"GOOD": "yes"}, egress=("a.example.org", "b.example.org")
    )


@pytest.mark.parametrize(
    "name",
    [
        *("PATH", "Path", "HOME", "LD_PRELOAD", "ld_preload", "BASH_ENV", "GIT_SSH_COMMAND"),
        *("BUNKHOUSE_SANDBOX_TOKEN", "OPENCODE_CONFIG_CONTENT", "ANTHROPIC_BASE_URL"),
        *("OPENAI_API_KEY", "https_proxy", "NODE_OPTIONS", "SSL_CERT_FILE", "XDG_DATA_HOME"),
    ],
)
def test_variables_that_the_sandbox_relies_on_are_refused(name: str) -> None:
    found = read(f"[environment]\n{name} = 'x'")
    assert found.values.environment == {}
    assert "the sandbox's own programs rely on it" in str(found.troubles[0])


def test_limits() -> None:
    limits = Limits(1024, 2, 10, 2, 10, 2, 60)
    for text, expected in {
        "#" * 1025: "the file is larger than 1,024 bytes",
        "[setup]\ncommands = ['a', 'b', 'c']": "has 3 commands; 2 are the most",
        "[setup]\ncommands = ['a', '12345678901']": "of 11 characters; 10 are the most",
        "[environment]\nA = '1'\nB = '2'\nC = '3'": "has 3 variables; 2 are the most",
        "[environment]\nA = '12345678901'": "has 11 characters; 10 are the most",
        "[egress]\nallow = ['a.b', 'c.d', 'e.f']": "has 3 entries; 2 are the most",
    }.items():
        (only,) = said(text, limits)
        assert expected in only


def test_of_many_troubles_some_are_told() -> None:
    troubles = said("\n".join(f"key{n} = 1" for n in range(1000)))
    assert len(troubles) == 13
    assert "988 more" in troubles[-1]


def test_what_is_shown_of_names_is_short_and_in_one_line() -> None:
    (only,) = said(f'"{"x" * 500}\\u0007`" = 1')
    assert "\x07" not in only
    assert "x" * 81 not in only


_NAMES = st.sampled_from(["model", "setup", "environment", "egress", "commands", "allow", "A", "é"])
_VALUES = st.recursive(
    st.sampled_from(['"x"', "1", "1.5", "true", "2020-01-01", "inf", "'''\n'''", '"\\u0000"']),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: f"[{', '.join(parts)}]"),
        st.dictionaries(_NAMES, inner, max_size=3).map(
            lambda parts: "{" + ", ".join(f'"{k}" = {v}' for k, v in parts.items()) + "}"
        ),
    ),
    max_leaves=6,
)
_LINES = st.one_of(
    st.tuples(_NAMES, _VALUES).map(lambda pair: f'"{pair[0]}" = {pair[1]}'),
    _NAMES.map(lambda name: f'["{name}"]'),
    st.text(max_size=20),
)


@settings(deadline=None)
@given(st.lists(_LINES, max_size=8).map("\n".join))
@example("[" * 5000)
@example("a=" + "[" * 3000 + "]" * 3000)
@example("a=" + "9" * 5000)
@example("a." * 5000 + "b=1")
@example("environment." * 300 + "b='1'")
@example('[environment]\nA = "\\u0000"')
@example('[environment]\n"" = "x"')
def test_whatever_stands_there_is_read_or_told(text: str) -> None:
    found = read(text)
    values = found.values
    assert (found.status in ("read", "absent")) == (not found.troubles)
    assert len(values.commands or ()) <= LIMITS.commands
    assert all(each.strip() and "\0" not in each for each in values.commands or ())
    assert values.seconds is None or values.seconds > 0
    for name, value in (values.environment or {}).items():
        assert name.isascii() and "=" not in name and "\0" not in value
    for each in found.troubles:
        assert "\n" not in str(each)
        assert len(str(each)) < 600
