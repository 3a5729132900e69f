"""Wrong usage that only a command itself can see: options that do not go together."""

from bunkhouse.errors import InvalidInput


class WrongUsage(InvalidInput):
    """The command line makes no sense; the exit code is that of wrong usage."""

    def __init__(self, command: str, message: str, *, remedy: str) -> None:
        super().__init__(message, remedy=remedy)
        self.command = command
