"""Calls in parallel: on the cluster that is in use, else in processes of this machine."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import joblib

from audit.training.backends import dask, processes

Result = TypeVar("Result")


def run_parallel(
    function: Callable[..., Result], common: Sequence[Any], own: Iterable[Sequence[Any]], workers: int
) -> Iterator[Result]:
    """Call a function, `workers` calls at a time, and yield results as they end.

    Every call gets the arguments that all have in common, and then its own.

    Raises
    ------
    MachineError
        When a process of this machine is killed meanwhile, or the cluster is lost.
    """
    if dask.workers():
        yield from dask.run_in_use(function, common, own, workers)
    else:
        calls = (joblib.delayed(function)(*common, *arguments) for arguments in own)
        yield from processes.run_in_processes(calls, workers)
