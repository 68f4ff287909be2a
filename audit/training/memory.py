"""How much memory a cross-validation needs, and how much there is."""

from collections.abc import Iterator
from math import prod
from pathlib import Path

import numpy as np

LIBRARIES = {"cnn": 400_000_000}  # bytes of a process that has imported what the model needs
OTHER_LIBRARIES = 200_000_000
COPIES = {"cnn": 2}  # of the examples of a model, in their own type; scikit-learn's are of eight bytes
OTHER_COPIES = 3
PROBABILITY_BYTES = 64  # of each row and class, in all that detectors hold at a time
CONTROL_GROUPS = Path("/sys/fs/cgroup")
PROC = Path("/proc")


def shortage(
    model: str, shape: tuple[int, ...], dtype: np.dtype[np.generic], k: int, jobs: int
) -> str | None:
    """One line when training would take more memory than there is; None when it fits, or nobody knows.

    Parameters
    ----------
    model
        Its name.
    shape
        Of the examples (n, …).
    dtype
        Of the examples.
    k
        Number of classes.
    jobs
        Processes that train at a time.
    """
    there = available_bytes(jobs)
    needed = needed_bytes(model, shape, dtype, k, jobs)
    if there is None or needed <= there:
        return None
    fewer = [f"--jobs 1 (now {jobs})"] if jobs > 1 else []
    fixed = needed_bytes(model, (0, *shape[1:]), dtype, k, jobs)
    if there > fixed:
        rows = max(1, shape[0] * (there - fixed) // (needed - fixed))
        remedies = [*fewer, f"--limit {rows}", "smaller examples"]
    else:
        remedies = [*fewer, "a machine with more memory"]
    return (
        f"the step folds needs about {needed / 1e9:.1f} GB of memory, but only {there / 1e9:.1f} GB is free; "
        f"if it ends there, use {' or '.join(remedies)}"
    )


def needed_bytes(model: str, shape: tuple[int, ...], dtype: np.dtype[np.generic], k: int, jobs: int) -> int:
    """Estimate the bytes that training takes beside the examples themselves."""
    values = prod(shape)
    width = dtype.itemsize if model in COPIES else max(8, dtype.itemsize)
    of_process = LIBRARIES.get(model, OTHER_LIBRARIES)
    of_process += COPIES.get(model, OTHER_COPIES) * values * width
    return jobs * of_process + shape[0] * k * PROBABILITY_BYTES


def available_bytes(processes: int = 1) -> int | None:
    """The bytes that system, control groups and the limit of each process leave; None where none says."""
    return min([*_of_system(), *_of_control_groups(), *_of_processes(processes)], default=None)


def _of_system() -> Iterator[int]:
    kilobytes = _fields(PROC / "meminfo").get("MemAvailable:")
    if kilobytes is not None:
        yield 1024 * kilobytes


def _of_control_groups() -> Iterator[int]:
    """What each group of version 1 or 2 that the process is in, and those above it, has left."""
    for line in _text(PROC / "self" / "cgroup").splitlines():
        _, controllers, name = line.split(":", 2)
        if controllers not in {"", "memory"}:
            continue
        root = CONTROL_GROUPS / controllers
        group = root / name.lstrip("/")
        limit, usage = ("memory.max", "memory.current")
        if controllers:
            limit, usage = ("memory.limit_in_bytes", "memory.usage_in_bytes")
        for folder in (group, *group.parents):
            most, used = _text(folder / limit).strip(), _text(folder / usage).strip()
            if most.isdecimal() and used.isdecimal():
                stat = _fields(folder / "memory.stat")
                cached = stat.get("total_inactive_file", stat.get("inactive_file", 0))
                yield max(0, int(most) - int(used) + cached)
            if folder == root:
                break


def _of_processes(number: int) -> Iterator[int]:
    """What `ulimit -v` allows this many processes together."""
    try:
        import resource  # noqa: PLC0415  not on Windows
    except ImportError:
        return
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most != resource.RLIM_INFINITY:
        yield number * most


def _fields(path: Path) -> dict[str, int]:
    """The whole numbers of a file of lines `name number …`."""
    lines = (line.split() for line in _text(path).splitlines())
    return {line[0]: int(line[1]) for line in lines if len(line) > 1 and line[1].isdecimal()}


def _text(path: Path) -> str:
    """The text of a file of the system; empty where there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
