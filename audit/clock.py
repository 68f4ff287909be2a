"""The wall time of each step of a run."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from audit.events import Listener


class Clock:
    """Seconds by step, each told to a listener as it begins: `with clock("noise"): …`."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        """Time the block as this step."""
        self.listener.step(step)
        start = time.perf_counter()
        yield
        taken = self.seconds.get(step, 0.0) + time.perf_counter() - start  # a step may come twice
        self.seconds[step] = round(taken, 3)
