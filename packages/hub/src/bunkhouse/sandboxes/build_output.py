"""What an engine says while it builds, made into progress for people.

Docker prints `Step 3/18 : RUN …`, Podman `STEP 3/18: RUN …`; a step counts the more, the longer it
usually takes. Inside a step apt alone tells how far it is.
"""

import re
from collections import deque
from collections.abc import Sequence

from bunkhouse.sandboxes.recipe import Step

BASE = Step("Getting Debian", 25)
_STEP = re.compile(r"STEP (\d+)/(\d+) ?:", re.IGNORECASE)
_APT_COUNT = re.compile(r"\d+ upgraded, (\d+) newly installed")
_APT_PART = re.compile(r"(?:Unpacking|Setting up) \S+ ")
_BASE_PART = re.compile(r"I: ")
_BASE_PARTS = 14
"""About as many parts mmdebstrap names."""
_KEPT = 40
_NOISE = re.compile(r"exit (?:status|code)|^(?:-->|STEP |Step )", re.IGNORECASE)


class BuildOutput:
    """Reads the lines of a build and knows where it is."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self._total = sum(step.weight for step in steps) + BASE.weight
        self._now: int | None = None
        self._apt_wanted = 0
        self._apt_done = 0
        self._base_done = 0
        self._last: deque[str] = deque(maxlen=_KEPT)

    @property
    def title(self) -> str:
        """What is being done, for people."""
        return BASE.title if self._now is None else self._steps[self._now].title

    @property
    def progress(self) -> float:
        """From 0 to 1; never falls."""
        if self._now is None:
            return BASE.weight * min(1.0, self._base_done / _BASE_PARTS) / self._total
        done: float = BASE.weight + sum(step.weight for step in self._steps[: self._now])
        if self._apt_wanted:
            inside = min(1.0, self._apt_done / (2 * self._apt_wanted))
            done += self._steps[self._now].weight * inside
        return done / self._total

    def feed(self, line: str) -> None:
        """Take one line."""
        line = line.rstrip()
        if line:
            self._last.append(line)
        if match := _STEP.match(line):
            # Engines differ in whether an ARG before FROM counts; from the end they agree.
            index = len(self._steps) - 1 - (int(match[2]) - int(match[1]))
            self._now = max(self._now or 0, 0, min(index, len(self._steps) - 1))
            self._apt_wanted = self._apt_done = 0
        elif match := _APT_COUNT.search(line):
            self._apt_wanted = int(match[1])
        elif _APT_PART.match(line):
            self._apt_done += 1
        elif self._now is None and _BASE_PART.match(line):
            self._base_done += 1

    def complaint(self) -> str:
        """The line that most likely says why it failed; empty where there is none."""
        told = [line for line in self._last if not _NOISE.search(line)]
        for line in reversed(told):
            if re.search(r"\berror\b|^E: |\bfailed\b|could not|not found", line, re.IGNORECASE):
                return line.strip()[:300]
        return told[-1].strip()[:300] if told else ""
