"""`bunkhouse run`: a task for an agent, watched from the terminal until its turn ends."""

import contextlib
import subprocess
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
from bunkhouse.cli.usage import WrongUsage
from bunkhouse.cli.waiting import wait_for_sandbox
from bunkhouse.errors import InvalidInput
from bunkhouse.settings import Settings

_EXIT = {"done": 0, "failed": 1, "stopped": 130}


def run(
    prompt: str | None = None,
    /,
    *,
    repo: str | None = None,
    branch: str | None = None,
    issue: int | None = None,
    pull_request: int | None = None,
    model: str | None = None,
    parent: str | None = None,
    attach: Annotated[list[Path] | None, Parameter(negative="")] = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    detach: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Give an agent a task and watch it work. Ctrl+C stops it.

    Exit code: 0 done, 1 failed, 130 stopped. Without a hub running, one is started for this task.

    Parameters
    ----------
    prompt
        What shall be done. May be left out with --issue or --pull-request.
    repo
        Repository: a URL, or a folder of the hub's machine. Without it the repository around the
        current folder, if there is one; `none` for an empty workspace.
    branch
        Branch to begin at; else the repository's default, or that of the pull request.
    issue
        Number of an issue of the repository, to start from: the agent gets it with its discussion.
    pull_request
        Number of a pull request, to start from and on its branch.
    model
        Model, as PROVIDER/MODEL; else the installation's default.
    parent
        Session within which to start it: what is not given, such as the repository, it has from
        there.
    attach
        A picture or a text file for the agent to look at; may be given several times.
    as_json
        Print one event a line, as JSON.
    detach
        Print the session's id and return at once.
    """
    if prompt is None and issue is None and pull_request is None:
        raise WrongUsage(
            "run",
            "Nothing was said that shall be done.",
            remedy="Give a prompt, or --issue or --pull-request with a number.",
        )
    if issue is not None and pull_request is not None:
        raise WrongUsage(
            "run",
            "A session starts from an issue or from a pull request, not from both.",
            remedy="Give one of --issue and --pull-request; name the other in the prompt.",
        )
    settings = load_settings()
    configure_logs("warning")
    files = [(path.name, _read(path)) for path in attach or ()]
    with _some_hub(settings, leave=detach) as hub:
        where = None if repo is None and parent is not None else repository(repo, hub)
        if issue is not None or pull_request is not None:
            where = _at_forge(where)
        session: dict[str, Any] = hub.ask(
            "POST",
            "/api/sessions",
            json={
                "prompt": prompt,
                "repository": where,
                "branch": branch,
                "from_issue": issue,
                "from_pull_request": pull_request,
                "model": model,
                "parent": parent,
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


def _at_forge(where: str | None) -> str:
    """Where an issue's number means something: of a folder, what it was cloned from.

    Raises:
        InvalidInput: it was cloned from nowhere.
    """
    folder = _around(Path.cwd()) if where is None else where
    if folder is not None and not folder.startswith("/"):
        return folder
    if folder is not None:
        asked = ["git", "-C", folder, "remote", "get-url", "origin"]
        found = subprocess.run(asked, capture_output=True, text=True, check=False)
        if found.returncode == 0:
            return found.stdout.strip()
    raise InvalidInput(
        "It is not known of which repository at a forge the number is.",
        remedy="Give --repo OWNER/NAME, or come from a clone whose remote `origin` it is.",
    )


def _around(folder: Path) -> str | None:
    """Find the repository that a folder is in."""
    for each in (folder, *folder.parents):
        if (each / ".git").exists():
            if sys.stderr.isatty():
                stderr().print(f"Repository: {each}", markup=False)
            return str(each)
    return None
