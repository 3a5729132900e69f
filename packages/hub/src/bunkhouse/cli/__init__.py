"""The command line: `bunkhouse serve`, `run`, `sessions`, `exec`, and the rest.

`program` names the commands and turns errors into sentences; each command has a module, which is
imported when the command is asked for.
"""

from bunkhouse.cli.program import main

__all__ = ["main"]
