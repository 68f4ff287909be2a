"""How long the steps of a run take."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Clock:
    """The wall time of each step: `with clock("noise"): …`."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        """Time the block as this step."""
        start = time.perf_counter()
        yield
        self.seconds[step] = round(time.perf_counter() - start, 3)
