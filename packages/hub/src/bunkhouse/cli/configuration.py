"""Settings as the command line takes them, and where logs go."""

import logging
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog
from pydantic import ValidationError

from bunkhouse.errors import InvalidInput
from bunkhouse.settings import Settings


def load_settings(**given: Any) -> Settings:
    """Read environment and `.env`; what is given and not None wins.

    Raises:
        InvalidInput: a setting has a value that it can't have.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    if isinstance(chosen.get("data_dir"), Path):
        chosen["data_dir"] = chosen["data_dir"].expanduser().absolute()
    try:
        settings = Settings(**chosen)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        variable = name if name.isupper() else f"BUNKHOUSE_{name.upper()}"
        raise InvalidInput(
            f"The setting {variable} can't be taken: {first['msg']}.",
            remedy="Correct it in the environment or in `.env`.",
        ) from error
    settings.data_dir = settings.data_dir.expanduser().absolute()
    return settings


class _Stderr(logging.Handler):
    """Writes to whatever stderr is at the time: a progress line may stand in for it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line. Where none can be written, whoever logs goes on with their work."""
        line = self.format(record)
        with suppress(OSError, ValueError):  # the disk is full, or nobody reads it any more
            print(line, file=sys.stderr)


def configure_logs(level: str) -> None:
    """Send all logs, ours and libraries', to stderr in one format."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    terminal = sys.stderr.isatty()
    handler = _Stderr()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.dev.ConsoleRenderer(
                    colors=terminal, exception_formatter=structlog.dev.plain_traceback
                ),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for noisy in ("uvicorn.error", "httpx2", "httpcore2", "asyncio", "alembic", "websockets"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(root.level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
