"""JSON is stored as it is, but for NUL."""

import json
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from bunkhouse.store import encoding

_TEXT = st.text(st.sampled_from('a\0\\u0ü"\n') | st.characters(exclude_categories=["Cs"]))
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(_TEXT, inner),
)


@given(_JSON)
def test_all_but_nul_comes_back(value: Any) -> None:
    stored = encoding.dumps(value)
    assert json.loads(stored) == _without_nul(value)


def _without_nul(value: Any) -> Any:
    match value:
        case str():
            return value.replace("\0", "\ufffd")
        case list():
            return [_without_nul(each) for each in cast("list[Any]", value)]
        case dict():
            items = cast("dict[str, Any]", value).items()
            return {_without_nul(name): _without_nul(each) for name, each in items}
        case _:
            return value
