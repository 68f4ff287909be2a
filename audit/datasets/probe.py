"""Try a file of HDF5 or Parquet in a process of its own, whose time and memory are limited.

Their libraries are written in C: nothing in Python can end them when a damaged file sends them round in
circles. So another process reads the file first.
"""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

SECONDS = 5  # of processor time
PATIENCE = 60  # seconds on the clock
WHOLE_BYTES = 1 << 26  # that are read; of more, only the first and the last rows
SPARE_BYTES = 1 << 29  # of address space, beside four times the file
TOO_LARGE = 3  # exit status


def tried(path: Path, form: str) -> None:
    """Read a file of this form, hdf5 or parquet, in another process; only Linux limits one well enough.

    Raises
    ------
    ValueError
        When that process had to be ended or broke down. Any other failure is left to the reader in this one.
    """
    if sys.platform != "linux":
        return
    child = os.fork()
    if not child:
        _try(path, form)
    try:
        _, status = os.waitpid(child, 0)
    except BaseException:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise
    code = os.waitstatus_to_exitcode(status)
    if code == TOO_LARGE:
        raise ValueError("reading it takes far more memory than the file")
    if code == -signal.SIGXCPU:
        raise ValueError(f"reading it takes longer than {SECONDS} seconds")
    if code == -signal.SIGALRM:
        raise ValueError(f"reading it was not done after {PATIENCE} seconds")
    if code < 0:
        raise ValueError(f"its reader was ended by the signal {-code}")


def _try(path: Path, form: str) -> None:
    """Read the file and leave this process, whatever happens."""
    code = 0
    try:
        for number in (
            signal.SIGALRM,
            signal.SIGINT,
            signal.SIGXCPU,
            signal.SIGSEGV,
            signal.SIGABRT,
            signal.SIGBUS,
        ):
            signal.signal(number, signal.SIG_DFL)
        signal.alarm(PATIENCE)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        _limit(path)
        {"hdf5": _try_hdf5, "parquet": _try_parquet}[form](path)
    except MemoryError:
        code = TOO_LARGE
    finally:
        os._exit(code)


def _limit(path: Path) -> None:
    import resource  # noqa: PLC0415  not on Windows

    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + 4 * path.stat().st_size + SPARE_BYTES
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(ValueError):  # a limit that is lower already
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _try_hdf5(path: Path) -> None:
    import h5py  # noqa: PLC0415  optional

    found: list[Any] = []
    with h5py.File(path, "r") as file:
        file.visititems(lambda _, value: found.append(value))
        left = WHOLE_BYTES
        for dataset in found:
            if isinstance(dataset, h5py.Dataset) and dataset.shape and not reads_others(dataset):
                left -= dataset.nbytes
                _read(dataset, whole=left >= 0)


def reads_others(dataset: Any) -> bool:
    """Whether the rows of an HDF5 data set are in other files, which would be any that the file names."""
    return bool(dataset.external) or dataset.is_virtual


def _read(dataset: Any, *, whole: bool) -> None:
    try:
        if whole:
            dataset[:]
        else:
            dataset[0], dataset[-1]
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001, S110  it may not be among those that are wanted
        pass


def _try_parquet(path: Path) -> None:
    from pyarrow import parquet  # noqa: PLC0415  optional

    with parquet.ParquetFile(path) as file:
        groups = file.num_row_groups
        if path.stat().st_size > WHOLE_BYTES:
            groups = min(groups, 1)
        for group in range(groups):
            file.read_row_group(group, use_threads=False)
