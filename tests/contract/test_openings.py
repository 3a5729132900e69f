"""The hub gives the openings that the page's fold is tested with."""

import json

from .openings import FILE, contract


async def test_the_hub_gives_what_the_page_is_tested_with() -> None:
    assert json.loads(FILE.read_text()) == await contract(), (
        "write it anew with `python -m tests.contract.openings`, and run the page's tests"
    )
