"""Progress as the terminal shows it, on stderr."""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from audit.wording import visible

LINE_SECONDS = 10.0  # between progress lines when stderr is not a terminal
STEPS = {
    "load": "reading the data",
    "embed": "embedding the examples",
    "noise": "changing labels",
    "model": "comparing models",
    "folds": "looking for duplicates",  # training reports its own progress
    "issues": "judging the labels",
    "kinds": "naming the kinds of suspects",
    "report": "drawing the report",
}
ENOUGH = 0.02  # of the work has to be done before the time left is estimated


class ProgressDisplay:
    """A listener that draws a bar in a terminal, and elsewhere prints a line every LINE_SECONDS."""

    def __init__(self, *, quiet: bool = False, unit: str = "folds") -> None:
        self.unit = unit  # what the shares are of, in the plural
        self.console = Console(stderr=True, quiet=quiet, highlight=False)
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            TextColumn("{task.fields[share]}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=quiet or not self.console.is_terminal,
        )
        self.task = self._begun("starting")
        self.start = self.last_line = time.monotonic()
        self.share_before: float | None = None

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()

    def note(self, text: str) -> None:
        """Print one line."""
        self.console.print(visible(text), markup=False, soft_wrap=True)

    def step(self, name: str) -> None:
        """Show which step runs and for how long; the time left is not known."""
        self.progress.remove_task(self.task)
        self.task = self._begun(STEPS[name])
        self.share_before = None

    def training(self, name: str, shares: Sequence[float], share: float) -> None:
        """Show the finished folds of a round, the progress of the others, and the time left for all work."""
        done = sum(s >= 1 for s in shares)
        running = ", ".join(f"{i}: {s:.0%}" for i, s in enumerate(shares) if 0 < s < 1)
        text = f"{name.replace('-', ' ')} · {done} of {len(shares)} {self.unit}"
        if running:
            text += f" · {self.unit[:-1]} {running}"
        self._show(text, share)

    def counted(self, what: str, done: int, total: int) -> None:
        """Show how many of all are done, and the time left; the bar starts again for what comes after."""
        self._show(f"{what} · {done:,} of {total:,}", done / total)
        if done == total:
            self.share_before = None

    def _begun(self, text: str) -> TaskID:
        """Add a bar without a known length."""
        return self.progress.add_task(text, total=None, share="", left="")

    def _show(self, text: str, share: float) -> None:
        if self.share_before is None:
            self.start = time.monotonic()
            self.share_before = share
            self.progress.reset(self.task, start=False, total=None)
        if self.console.is_terminal:
            if share > self.share_before:
                self.progress.start_task(self.task)
            self.progress.update(
                self.task, description=text, total=1.0, completed=share, share=f"{share:4.0%}", left="· left"
            )
        elif time.monotonic() - self.last_line >= LINE_SECONDS and share > self.share_before:
            self.last_line = time.monotonic()
            elapsed = self.last_line - self.start
            gained = share - self.share_before
            line = f"{text} · {share:.0%} · {elapsed:.0f} s"
            if gained >= ENOUGH:
                line += f", about {elapsed * (1 - share) / gained:.0f} s left"
            self.note(line)
