"""The hub gives the openings that the page's fold is tested with."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

from .openings import FILE, contract


def test_the_hub_gives_what_the_page_is_tested_with() -> None:
    with ThreadPoolExecutor(1) as thread:  # a loop of the browser's tests may run in this one
        given = thread.submit(asyncio.run, contract()).result()
    assert json.loads(FILE.read_text()) == given, (
        "write it anew with `python -m tests.contract.openings`, and run the page's tests"
    )
