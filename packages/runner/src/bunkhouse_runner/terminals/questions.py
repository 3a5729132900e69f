"""What programs ask of their terminal: tmux answers, so nobody else must be asked.

A browser's terminal would answer too, one for each who looks, and the program would take the second
answer for something that was typed.
"""

import re

_QUESTION = re.compile(
    rb"\x1b\[[>=]?[0-9;]*c"  # what are you? (device attributes)
    rb"|\x1b\[\??[0-9;]*n"  # how are you, where is the cursor? (status reports)
    rb"|\x1b\[>[0-9]*q"  # your version?
    rb"|\x1b\[\??[0-9;]*\$p"  # is this mode set?
    rb"|\x1b\[\?u"  # which keyboard protocol?
    rb"|\x1b\[(?:1[1-9]|2[01])(?:;[0-9]*)*t"  # how large is the window?
    rb"|\x1b\](?:4;[0-9]+|1[0-9]);\?(?:\x07|\x1b\\)"  # which colours?
    rb"|\x1bP[$+]q[^\x1b]*\x1b\\"  # which settings and capabilities?
    rb"|\x1bk[^\x1b\x07]{0,256}\x1b\\"  # no question: a title, as tmux alone understands it
)
_BEGUN = re.compile(rb"\x1b(?:\[[>=?]?[0-9;]*\$?|[\]Pk][^\x07\x1b]{0,64}\x1b?)?\Z")
"""The beginning of what may become a question."""


class Questions:
    """Takes the questions out of a stream that comes in pieces."""

    def __init__(self) -> None:
        self._begun = b""

    def without(self, data: bytes) -> bytes:
        """Return the next piece without its questions.

        The beginning of a sequence at its end is kept back until the rest of it comes.
        """
        if self._begun:
            data, self._begun = self._begun + data, b""
        if b"\x1b" not in data:
            return data
        data = _QUESTION.sub(b"", data)
        if begun := _BEGUN.search(data, max(0, len(data) - 80)):
            self._begun = data[begun.start() :]
            data = data[: begun.start()]
        return data
