"""Terminals that people share: they outlive who looks at them, and the runner too.

A tmux server holds them (`tmux`), run as the agent's user. To each terminal that somebody looks at,
the runner is attached once in tmux's *control mode* (`control`): so it gets what the program prints
as the program printed it, and the scroll-back of who looks is whole, which it is not where tmux
draws. Who comes late, or was too slow, is sent a picture of the terminal as it is (`painting`).

They end with the sandbox's processes. A runner that is told to stop puts them down before, and the
next one opens them again as they looked (`shelf`).
"""

from bunkhouse_runner.terminals.terminals import Terminals

__all__ = ["Terminals"]
