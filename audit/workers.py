"""Processes that train side by side: what they tell of their progress, and how they end."""

import os
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

POLL_SECONDS = 0.25
GUARD = "end-with-main"

Progress = Callable[[Sequence[float]], None]


def end_with(main: int) -> None:
    """Let this worker end when the main process was killed: it would wait for more work for minutes."""
    if os.getppid() != main or any(thread.name == GUARD for thread in threading.enumerate()):
        return

    def guard() -> None:
        while os.getppid() == main:
            time.sleep(POLL_SECONDS)
        os._exit(1)

    threading.Thread(target=guard, name=GUARD, daemon=True).start()


@contextmanager
def progress_board(
    parts: int, done: Collection[int], progress: Progress
) -> Iterator[npt.NDArray[np.float32]]:
    """Shared memory in which workers note their progress, and a thread that passes it on."""
    with tempfile.TemporaryDirectory(prefix="audit-", ignore_cleanup_errors=True) as folder:
        board = np.memmap(Path(folder) / "progress", dtype=np.float32, mode="w+", shape=(parts,))
        board[list(done)] = 1
        stop = threading.Event()

        def pass_on() -> None:
            while not stop.wait(POLL_SECONDS):
                progress(board.tolist())

        thread = threading.Thread(target=pass_on, daemon=True)
        thread.start()
        try:
            yield board
            progress(board.tolist())
        finally:
            stop.set()
            thread.join()
