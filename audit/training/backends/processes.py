"""Processes that train side by side: what they tell of their progress, and how they end."""

import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt
from joblib.externals.loky import process_executor

POLL_SECONDS = 0.25

# GNU's OpenMP spins 300,000 times; where something else wants the core, all wait for a thread that does not
# run. GNU's malloc gives a batch's memory back to the system, which clears it for the next; it may keep a GB.
SPINS = {"GOMP_SPINCOUNT": "20000"}
KEPT_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 26), "MALLOC_TRIM_THRESHOLD_": str(1 << 30)}

Progress = Callable[[Sequence[float]], None]


def side_by_side(calls: Iterable[Any], workers: int) -> Generator[Any]:
    """The results of joblib's delayed calls, so many at a time, as they end; the first ones start at once."""
    with worker_environment(), deaf_to_interrupts() if workers > 1 else nullcontext():
        results: Generator[Any] = joblib.Parallel(
            workers,
            return_as="generator_unordered",
            pre_dispatch=workers,
            initializer=prepare,  # in each process of its own, before it waits for work; Dask's have none
            initargs=(os.getpid(),),
        )(calls)
    return results


@contextmanager
def worker_environment() -> Iterator[None]:
    """Start processes in the block with SPINS and KEPT_MEMORY; whoever has set either otherwise keeps it."""
    taken = os.environ.keys()
    waits = {} if taken & {*SPINS, "OMP_WAIT_POLICY"} else SPINS
    keeps = {} if taken & KEPT_MEMORY.keys() else KEPT_MEMORY
    chosen = {**waits, **keeps}
    os.environ.update(chosen)
    try:
        yield
    finally:
        for name in chosen:
            os.environ.pop(name, None)


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Processes started in the block hear no interrupts, which a terminal sends to all; this one, after it.

    Python itself would answer those that come while it starts.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # started with the first worker, it would let interrupts through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def prepare(main: int) -> None:
    """Make this worker process end with the main one, and not before it.

    Where psutil is installed joblib takes memory that a model keeps for a leak, and replaces the process
    by one that imports everything again, without the environment of its own.
    """
    process_executor._USE_PSUTIL = False  # noqa: SLF001  there is no public way
    end_with(main)


def end_with(main: int) -> None:
    """Let this worker end when the main process was killed: it would wait for work for minutes.

    At once, where that was before this is called. Interrupts are left to the main process.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where they cannot be blocked

    def guard() -> None:
        while os.getppid() == main:
            time.sleep(POLL_SECONDS)
        os._exit(1)

    threading.Thread(target=guard, daemon=True).start()


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
