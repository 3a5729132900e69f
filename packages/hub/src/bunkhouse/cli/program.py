"""The commands, and what every one of them does with an error."""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from cyclopts import App, CycloptsError, UnknownCommandError

from bunkhouse.cli.usage import WrongUsage
from bunkhouse.errors import BunkhouseError
from bunkhouse.version import version

FAILED = 1
USAGE = 2
INTERRUPTED = 130

_RUN = """Give an agent a task and watch it work.

Ctrl+C stops it. Exit code: 0 done, 1 failed, 130 stopped. Without a hub running, one is started
for this task.
"""
_EXEC = """Run a program in a sandbox, or a shell.

It runs as the agent's user in `/workspace`; its exit code is ours. Give it after `--`.
"""
_OPEN = """Open a session in the browser, or its editor, or a port of its sandbox.

The address is printed as well.
"""

_END = """End a session: its files are kept for a while.

Until they are removed, `bunkhouse wake` brings it back.
"""

_REWIND = """Put a session's chat and files to just before a prompt, or forward again.

Forward again is possible until something new is said in it.
"""
_PR = """Push a session's work and open a pull request of it, or bring the open one up to it.

What is not committed is committed in your name. The address of the pull request is printed.
"""

_COMMENT = "Say something in a session that the agent does not get."

_FORK = """Make a new session of one, with chat and files as they were just before a prompt.

The original stays as it is. The new one's id and address are printed.
"""

_ROTATE = "Make a new key for what is encrypted in the store."

app = App(
    name="bunkhouse",
    help="Coding agents in sandboxes of their own.",
    version=version(),
    version_flags=["--version"],
    result_action="return_value",
    help_format="markdown",
)
_token = App(name="token", help="Tokens, with which programs reach the hub.")
_admin = App(name="admin", help="What only the hub's own machine may do.")
_image = App(name="image", help="The image that sandboxes are made from.")

app.command("bunkhouse.cli.serve:serve", name="serve", help="Run the hub.")
app.command("bunkhouse.cli.run:run", name="run", help=_RUN)
app.command("bunkhouse.cli.sessions:sessions", name="sessions", help="List sessions.")
app.command("bunkhouse.cli.sessions:stop", name="stop", help="Stop what a session's agent does.")
app.command("bunkhouse.cli.sessions:hibernate", name="hibernate", help="Put a session to sleep.")
app.command("bunkhouse.cli.sessions:wake", name="wake", help="Wake a session up.")
app.command("bunkhouse.cli.sessions:end", name="end", help=_END)
app.command("bunkhouse.cli.rewinding:rewind", name="rewind", help=_REWIND)
app.command("bunkhouse.cli.rewinding:fork", name="fork", help=_FORK)
app.command("bunkhouse.cli.pull_requests:pull_request", name="pr", help=_PR)
app.command("bunkhouse.cli.comments:comment", name="comment", help=_COMMENT)
app.command("bunkhouse.cli.export:export", name="export", help="Write a session to a file.")
app.command("bunkhouse.cli.sessions:delete", name="delete", help="Delete a session.")
app.command("bunkhouse.cli.open:open_session", name="open", help=_OPEN)
app.command("bunkhouse.cli.execute:execute", name="exec", help=_EXEC)
app.command("bunkhouse.cli.machine:doctor", name="doctor", help="Say what works here.")
app.command("bunkhouse.cli.machine:version", name="version", help="Print the version.")
_image.command("bunkhouse.cli.machine:build", name="build", help="Build it, if need be.")
_token.command("bunkhouse.cli.tokens:create", name="create", help="Make a token.")
_token.command("bunkhouse.cli.tokens:list_tokens", name="list", help="List tokens.")
_token.command("bunkhouse.cli.tokens:revoke", name="revoke", help="Make a token worthless.")
_admin.command("bunkhouse.cli.people:link", name="link", help="Make a one-time sign-in link.")
_admin.command("bunkhouse.cli.people:invite", name="invite", help="Make a link for others.")
_admin.command("bunkhouse.cli.backup:backup", name="backup", help="Write a backup.")
_admin.command("bunkhouse.cli.backup:restore", name="restore", help="Restore a backup.")
_admin.command("bunkhouse.cli.vault:rotate_key", name="rotate-key", help=_ROTATE)
for group in (_image, _token, _admin):
    app.command(group)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and exit: 0 done, 1 failed (with a sentence on stderr), 2 wrong usage."""
    try:
        result = app(arguments, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        _say(_what_is_wrong(error))
        _try_help(*(error.command_chain or ()))
        code = USAGE
    except WrongUsage as error:
        _say(f"{error.message}\n{error.remedy}")
        _try_help(error.command)
        code = USAGE
    except BunkhouseError as error:
        _say(error.message)
        if error.remedy:
            _say(error.remedy)
        code = FAILED
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; flushing at exit must not complain about it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = FAILED
    else:
        code = result if isinstance(result, int) else 0
    sys.exit(code)


def _what_is_wrong(error: CycloptsError) -> str:
    if isinstance(error, UnknownCommandError) and error.unused_tokens:
        # Its own words name every command, and would import each for that.
        return f"There is no command {error.unused_tokens[0]!r}."
    return str(error)


def _try_help(*command: str) -> None:
    _say(" ".join(("Try: bunkhouse", *command, "--help")))


def _say(text: str) -> None:
    print(text, file=sys.stderr)
