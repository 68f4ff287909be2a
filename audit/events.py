"""The progress of a run, those who listen to it, and steps that a run can do without."""

import errno
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Protocol

from audit.errors import MachineError

NO_MEMORY = re.compile(r"bad_alloc|out of memory|allocate memory", re.IGNORECASE)  # as torch says it


class Listener(Protocol):
    """Receives a run's progress; every method must return at once."""

    def note(self, text: str) -> None:
        """Take one line worth reading: what is reused, what is recomputed and why."""

    def step(self, name: str) -> None:
        """Take which step of the run begins: load, embed, noise, model, folds, issues, kinds or report."""

    def training(self, name: str, shares: Sequence[float], share: float) -> None:
        """Take the share that each fold of this cross-validation has done, 0 to 1, and that of all work."""

    def counted(self, what: str, done: int, total: int) -> None:
        """Take how many of all are done of what the step works through, such as files that are read."""


class Silent:
    """The listener that says nothing."""

    def note(self, text: str) -> None:
        """Ignore the line."""

    def step(self, name: str) -> None:
        """Ignore the step."""

    def training(self, name: str, shares: Sequence[float], share: float) -> None:
        """Ignore the progress."""

    def counted(self, what: str, done: int, total: int) -> None:
        """Ignore the count."""


@contextmanager
def optional(what: str, note: Callable[[str], object]) -> Iterator[None]:
    """Do something that a run can do without; where it fails, note in one line what is missing, and why."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  a chart or a word on a card must not cost the results
        note(f"missing: {what} ({type(error).__name__}: {' '.join(str(error).split())})")


@contextmanager
def enough_memory(where: str) -> Iterator[None]:
    """Turn errors that mean memory ran out in the block into a MachineError of one line."""
    try:
        yield
    except Exception as error:
        if not ran_out_of_memory(error):
            raise
        why = " ".join(str(error).split()) or type(error).__name__
        raise MachineError(
            f"memory ran out in {where} ({why}); the same command can be run again, and finished folds are "
            "kept; use fewer --jobs, a smaller --limit or smaller images, or free memory"
        ) from error


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether an error of Python, NumPy, torch or the system says that there is no more memory."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and NO_MEMORY.search(str(error)) is not None
    )


@dataclass(frozen=True)
class PartOfWork:
    """A listener's view of one part of the work, which has its own progress from 0 to 1."""

    listener: Listener
    name: str
    begin: float  # share of the whole that is done before this part
    end: float

    def note(self, text: str) -> None:
        """Pass the line on."""
        self.listener.note(f"{self.name}: {text}")

    def step(self, name: str) -> None:
        """Ignore the step: what is shown is how far the whole is."""

    def training(self, name: str, shares: Sequence[float], share: float) -> None:
        """Pass the progress on as a share of the whole."""
        whole = self.begin + (self.end - self.begin) * share
        self.listener.training(f"{self.name}, {name}", shares, whole)

    def counted(self, what: str, done: int, total: int) -> None:
        """Pass the count on."""
        self.listener.counted(what, done, total)


def parts(listener: Listener, weights: Mapping[str, float]) -> list[PartOfWork]:
    """A view for each part of the work, in order, by the name of the part and how much work it is."""
    ends = [0.0, *accumulate(weights.values())]
    return [
        PartOfWork(listener, name, begin / ends[-1], end / ends[-1])
        for name, (begin, end) in zip(weights, pairwise(ends), strict=True)
    ]


class StepTimer:
    """Seconds by step, each told to a listener as it begins: `with timer("noise"): …`."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        """Time the block as this step."""
        self.listener.step(step)
        start = time.perf_counter()
        with enough_memory(f"the step {step}"):
            yield
        taken = self.seconds.get(step, 0.0) + time.perf_counter() - start  # a step may come twice
        self.seconds[step] = round(taken, 3)
