"""`export`."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

from cyclopts import Parameter

from bunkhouse.cli.configuration import configure_logs, load_settings
from bunkhouse.cli.hub import connect
from bunkhouse.cli.terminal import stderr
from bunkhouse.errors import Conflict, Unavailable

Format = Literal["markdown", "jsonl"]


def export(
    session: str,
    /,
    *,
    form: Annotated[Format, Parameter(name="--format")] = "markdown",
    output: Path | None = None,
) -> None:
    """Write a session's log to a file, or to stdout.

    Parameters
    ----------
    session
        Id of the session, or enough of its beginning.
    form
        `markdown`, to be read, or `jsonl`: one event a line, below a line that says of what.
    output
        A file that is not there yet, or a folder.
    """
    settings = load_settings()
    configure_logs("warning")
    hub = connect(settings)
    found = hub.session(session)
    with hub.download(f"/api/sessions/{found['id']}/export", format=form) as (name, pieces):
        if output is None:
            for piece in pieces:
                sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
            return
        path = output / name if output.is_dir() else output
        with _new(path) as file:
            for piece in pieces:
                file.write(piece)
    stderr().print(f"Written to {path}", markup=False)


@contextmanager
def _new(path: Path) -> Generator[BinaryIO]:
    """A file that is there whole when the block has ended well, and else not at all."""
    if path.exists():
        raise Conflict(f"{path} is there already.", remedy="Name a new file, or a folder.")
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("xb") as file:
            yield file
        os.link(draft, path)  # unlike a rename it never replaces what came meanwhile
    except OSError as error:
        raise Unavailable(
            f"{path} can't be written: {error.strerror}.",
            remedy="Name a file in a folder that is there and yours.",
        ) from error
    finally:
        draft.unlink(missing_ok=True)
