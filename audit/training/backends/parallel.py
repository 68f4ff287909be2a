"""Calls in parallel: on the cluster that is in use, else in processes of this machine."""

from collections.abc import Iterable, Iterator
from typing import Any

from audit.training.backends import dask, processes


def run_parallel(calls: Iterable[Any], workers: int) -> Iterator[Any]:
    """Run joblib's delayed calls, `workers` at a time, and yield results as they end.

    Raises
    ------
    MachineError
        When a process of this machine is killed meanwhile, or the cluster is lost.
    """
    if dask.workers():
        yield from dask.run_in_use(calls, workers)
    else:
        yield from processes.run_in_processes(calls, workers)
