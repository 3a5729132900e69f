"""The sandbox image's progress: a bar where a person looks, else a line for each step."""

import sys
from dataclasses import dataclass
from types import TracebackType
from typing import Any, cast

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn

from bunkhouse.cli.terminal import seconds


@dataclass(frozen=True, slots=True)
class Image:
    """How far the image is. The rooms below, and the API, have the same fields."""

    state: str
    step: str | None
    progress: float | None
    seconds: float | None
    error: str | None
    remedy: str | None

    @classmethod
    def of(cls, status: object) -> "Image":
        """From an object with these attributes, or from the API's JSON."""
        if isinstance(status, dict):
            told = cast("dict[str, Any]", status)
            return cls(**{name: told[name] for name in cls.__slots__})
        return cls(**{name: getattr(status, name) for name in cls.__slots__})


class ImageProgress:
    """Shows one status after the other; says nothing of an image that was there from the start."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._step: str | None = None
        self._building = False
        self._failed: str | None = None

    def __enter__(self) -> "ImageProgress":
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._end_bar()

    def show(self, status: Image) -> None:
        """Show how far it is now."""
        if status.state == "building":
            self._building, self._failed = True, None
            self._show_step(status.step or "Building", status.progress)
            return
        self._end_bar()
        if status.state == "ready" and self._building:
            took = f" ({seconds(status.seconds)})" if status.seconds else ""
            self._console.print(f"Sandbox image: ready{took}")
        elif status.state == "failed" and status.error != self._failed:
            self._failed = status.error
            self._console.print(f"Sandbox image: {status.error}", markup=False)
            if status.remedy:
                self._console.print(status.remedy, markup=False)
        self._building = False

    def _show_step(self, step: str, progress: float | None) -> None:
        if not self._console.is_terminal:
            if step != self._step:
                part = "" if progress is None else f" ({progress:.0%})"
                self._console.print(f"Sandbox image: {step}{part}", markup=False)
                sys.stdout.flush()
            self._step = step
            return
        if self._bar is None or self._task is None:
            self._bar = Progress(
                TextColumn("Sandbox image:"),
                BarColumn(bar_width=24),
                TaskProgressColumn(),
                TextColumn("{task.description}", markup=False),
                console=self._console,
                transient=True,
                refresh_per_second=4,
            )
            self._task = self._bar.add_task(step, total=1.0)
            self._bar.start()
        self._bar.update(self._task, description=step, completed=progress or 0.0)

    def _end_bar(self) -> None:
        if self._bar is not None:
            self._bar.stop()
        self._bar = self._task = self._step = None
