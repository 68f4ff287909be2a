"""The wall time of each step of a run."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Clock:
    """Seconds by step: `with clock("noise"): …`."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        """Time the block as this step."""
        start = time.perf_counter()
        yield
        taken = self.seconds.get(step, 0.0) + time.perf_counter() - start  # a step may come twice
        self.seconds[step] = round(taken, 3)
