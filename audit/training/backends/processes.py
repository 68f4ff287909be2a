"""Processes that train in parallel: how they start, report their progress, and end."""

import os
import re
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

from audit.errors import MachineError

POLL_SECONDS = 0.25
MOST_WAIT_SECONDS = 5.0  # for a pool to take up work, which takes it milliseconds

# GNU's OpenMP spins 300,000 times; where something else wants the core, all wait for a thread that does not
# run. GNU's malloc gives a batch's memory back to the system, which clears it for the next; it may keep a GB.
SPINS = {"GOMP_SPINCOUNT": "20000"}
KEPT_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 26), "MALLOC_TRIM_THRESHOLD_": str(1 << 30)}
# Workers start with `python -m`, which would import modules of the current folder, the user's data, first.
SAFE_PATH = {"PYTHONSAFEPATH": "1"}
# What joblib runs to clear up after a process that was killed would also tell the user, at length.
UNTOLD = {"PYTHONWARNINGS": "ignore:resource_tracker:UserWarning"}

Progress = Callable[[Sequence[float]], None]


def run_in_processes(calls: Iterable[Any], workers: int) -> Generator[Any]:
    """Run joblib's delayed calls in worker processes, `workers` at a time, and yield results as they end.

    The first calls start at once, not when the first result is asked for. MachineError when a worker is
    killed meanwhile.
    """
    return _told(start_parallel(calls, workers), workers)


def _told(results: Generator[Any], workers: int) -> Generator[Any]:
    with a_killed_worker_told(workers):
        yield from results


def start_parallel(calls: Iterable[Any], workers: int) -> Generator[Any]:
    """As `run_in_processes`, for a caller that closes it, and tells what happens to workers."""
    with worker_environment(), block_sigint() if workers > 1 else nullcontext():
        results: Generator[Any] = joblib.Parallel(
            workers,
            return_as="generator_unordered",
            pre_dispatch=workers,
            initializer=prepare_worker,  # in each local process, before it waits for work; Dask's have none
            initargs=(os.getpid(),),
        )(calls)
    return results


@contextmanager
def a_killed_worker_told(workers: int) -> Iterator[None]:
    """Raise MachineError in place of joblib's error when one of these workers ends in the block."""
    try:
        yield
    except process_executor.TerminatedWorkerError as error:
        signals = ", ".join(sorted(set(re.findall(r"SIG[A-Z]+", str(error)))))
        raise MachineError(
            f"a worker process was killed ({signals or 'no signal is known'}) while models were trained, as "
            "systems do when memory runs out; finished folds are kept, and the same command resumes; use "
            f"fewer --jobs (there were {workers}), or free memory"
        ) from error


class TakenUp:
    """An argument of a call in `run_in_processes` that tells this process when the pool has taken it up.

    joblib's pool fails, and prints a traceback, when it is closed with a call that it has not taken up. It
    pickles a call just after taking it up, and this argument notes that it is pickled.
    """

    def __init__(self) -> None:
        self._pickled = threading.Event()

    def wait(self) -> None:
        """Wait until the call is taken up, MOST_WAIT_SECONDS at most."""
        self._pickled.wait(MOST_WAIT_SECONDS)

    def __reduce__(self) -> tuple[type["TakenUp"], tuple[()]]:
        self._pickled.set()
        return TakenUp, ()


@contextmanager
def worker_environment() -> Iterator[None]:
    """Start processes in it with SAFE_PATH, UNTOLD, SPINS and KEPT_MEMORY, unless a user has such."""
    taken = os.environ.keys()
    chosen = {name: value for name, value in (SAFE_PATH | UNTOLD).items() if name not in taken}
    if not taken & {*SPINS, "OMP_WAIT_POLICY"}:
        chosen |= SPINS
    if not taken & KEPT_MEMORY.keys():
        chosen |= KEPT_MEMORY
    os.environ.update(chosen)
    try:
        yield
    finally:
        for name in chosen:
            os.environ.pop(name, None)


@contextmanager
def block_sigint() -> Iterator[None]:
    """Block interrupts in processes that are started in the block; this one answers them when it ends.

    A terminal sends an interrupt to all processes; it is for the main one alone. Python itself would answer
    those that come while a worker starts. What the main thread blocks another thread of the process may get,
    and Python has the main one answer it in the middle of a start, which leaves a worker half made.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # started with the first worker, it would let interrupts through again
    with _put_off((signal.SIGINT, signal.SIGTERM, signal.SIGHUP)):
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _put_off(numbers: Sequence[int]) -> Iterator[None]:
    """Have signals that come in the block answered after it, by whoever answers them now."""
    if threading.current_thread() is not threading.main_thread():  # Python answers in the main one alone
        yield
        return
    came: list[int] = []
    answers = {number: signal.getsignal(number) for number in numbers}
    answers = {number: answer for number, answer in answers.items() if callable(answer)}
    for number in answers:
        signal.signal(number, lambda each, _: came.append(each))
    try:
        yield
    finally:
        for number, answer in answers.items():
            signal.signal(number, answer)
        for number in came:
            signal.raise_signal(number)


def prepare_worker(main: int) -> None:
    """Make this worker process end with the main one, whose process id this is, and not before it."""
    keep_worker()
    exit_with_parent(main)


def keep_worker() -> bool:
    """Keep joblib from replacing this worker when its memory grows; return whether joblib would have.

    Where psutil is installed, joblib takes memory that a model keeps for a leak. The process that replaces
    the worker imports everything again, and lacks SPINS and KEPT_MEMORY. joblib has no setting for it;
    in a version without this variable workers are replaced, which is slower and changes no result.
    """
    if not hasattr(process_executor, "_USE_PSUTIL"):
        return False
    process_executor._USE_PSUTIL = False  # noqa: SLF001  there is no public way
    return True


def exit_with_parent(parent: int) -> None:
    """End this worker soon after its parent was killed; it would wait for work for minutes.

    Interrupts are left to the parent.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where they cannot be blocked

    def guard() -> None:
        while os.getppid() == parent:
            time.sleep(POLL_SECONDS)
        os._exit(1)

    threading.Thread(target=guard, daemon=True).start()


@contextmanager
def progress_board(size: int, done: Collection[int], progress: Progress) -> Iterator[npt.NDArray[np.float32]]:
    """Share memory in which workers note their progress, and report it a few times a second."""
    with tempfile.TemporaryDirectory(prefix="audit-", ignore_cleanup_errors=True) as folder:
        board = np.memmap(Path(folder) / "progress", dtype=np.float32, mode="w+", shape=(size,))
        board[list(done)] = 1
        stop = threading.Event()

        def report() -> None:
            while not stop.wait(POLL_SECONDS):
                progress(board.tolist())

        thread = threading.Thread(target=report, daemon=True)
        thread.start()
        try:
            yield board
            progress(board.tolist())
        finally:
            stop.set()
            thread.join()
