"""Where logs go, and what becomes of whoever logs when nothing can be written there."""

import errno
import io
import logging
import sys
from collections.abc import Generator
from typing import NoReturn

import pytest
import structlog

from bunkhouse.cli.configuration import configure_logs


@pytest.fixture
def configured() -> Generator[None]:
    root = logging.getLogger()
    before = root.handlers, root.level
    configure_logs("info")
    yield
    root.handlers, root.level = before[0], before[1]
    structlog.reset_defaults()


class Full(io.StringIO):
    def write(self, s: str, /) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.usefixtures("configured")
def test_a_full_disk_under_the_log_breaks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    log = structlog.get_logger("bunkhouse.test")
    monkeypatch.setattr(sys, "stderr", Full())
    log.warning("told_to_nobody", session="s")
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    log.warning("told_to_nobody", session="s")
    there = io.StringIO()
    monkeypatch.setattr(sys, "stderr", there)
    log.warning("told_again", session="s")
    assert "told_again" in there.getvalue()
