"""`bunkhouse run`: a task for an agent, watched from the terminal until its turn ends."""

import contextlib
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from bunkhouse.cli.configuration import configure_logs, load_settings
from bunkhouse.cli.hub import Hub, find
from bunkhouse.cli.own_hub import own_hub
from bunkhouse.cli.terminal import interactive, stderr
from bunkhouse.cli.turn import Turn
from bunkhouse.cli.waiting import wait_for_sandbox
from bunkhouse.errors import InvalidInput
from bunkhouse.settings import Settings

_EXIT = {"done": 0, "failed": 1, "stopped": 130}


def run(
    prompt: str,
    /,
    *,
    repo: str | None = None,
    branch: str | None = None,
    model: str | None = None,
    attach: Annotated[list[Path] | None, Parameter(negative="")] = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    detach: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Give an agent a task and watch it work. Ctrl+C stops it.

    Exit code: 0 done, 1 failed, 130 stopped. Without a hub running, one is started for this task.

    Parameters
    ----------
    prompt
        What shall be done.
    repo
        Repository: a URL, or a folder of the hub's machine. Without it the repository around the
        current folder, if there is one; `none` for an empty workspace.
    branch
        Branch to begin at; else the repository's default.
    model
        Model, as PROVIDER/MODEL; else the installation's default.
    attach
        A picture or a text file for the agent to look at; may be given several times.
    as_json
        Print one event a line, as JSON.
    detach
        Print the session's id and return at once.
    """
    settings = load_settings()
    configure_logs("warning")
    files = [(path.name, _read(path)) for path in attach or ()]
    with _some_hub(settings, leave=detach) as hub:
        session: dict[str, Any] = hub.ask(
            "POST",
            "/api/sessions",
            json={
                "prompt": prompt,
                "repository": repository(repo, hub),
                "branch": branch,
                "model": model,
                "attachments": [_upload(hub, name, data) for name, data in files],
            },
            once=True,
        )
        if detach:
            print(session["id"])
            return 0
        return _EXIT[_watch(hub, session["id"], as_json=as_json)]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(
            f"{path} can't be read: {error.strerror}.", remedy="Give a file that is there."
        ) from error


def _upload(hub: Hub, name: str, data: bytes) -> str:
    # An upload that is repeated is one too many, which the hub forgets by itself.
    upload: dict[str, Any] = hub.ask("POST", "/api/uploads", content=data, once=True, name=name)
    return upload["id"]


def _watch(hub: Hub, session_id: str, *, as_json: bool) -> str:
    turn = Turn(hub, session_id, as_json=as_json, interactive=interactive() and not as_json)
    try:
        stderr().print(f"Session {session_id} · {hub.page(session_id)}", markup=False)
        wait_for_sandbox(hub, session_id)
        return turn.watch()
    except KeyboardInterrupt:
        stderr().print("Stopping. (Ctrl+C again leaves it.)")
        return turn.stop()


@contextlib.contextmanager
def _some_hub(settings: Settings, *, leave: bool) -> Generator[Hub]:
    hub = find(settings)
    if hub is not None:
        yield hub
        return
    console = stderr()
    console.print("No hub runs: starting one for this task.")
    with own_hub(settings, leave=leave) as started:
        yield started
    if leave:
        console.print(
            f"The hub goes on running at {started.url}; stop it with SIGTERM.", markup=False
        )


def repository(given: str | None, hub: Hub) -> str | None:
    """Say which repository is meant: a local folder becomes absolute, for the hub to find.

    Raises:
        InvalidInput: a folder that is not there.
    """
    if given == "none":
        return None
    if given is None:
        return _around(Path.cwd()) if hub.is_local else None
    if "://" in given or not hub.is_local:
        return given
    folder = Path(given).expanduser().absolute()
    if folder.is_dir():
        return str(folder)
    if given.startswith(("/", ".", "~")):
        raise InvalidInput(
            f"There is no folder {folder}.", remedy="Give a folder with a repository, or a URL."
        )
    return given


def _around(folder: Path) -> str | None:
    """Find the repository that a folder is in."""
    for each in (folder, *folder.parents):
        if (each / ".git").exists():
            if sys.stderr.isatty():
                stderr().print(f"Repository: {each}", markup=False)
            return str(each)
    return None
