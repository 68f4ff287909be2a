"""Whether the files of a source are what they were when a run read them."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from audit.datasets.lazy_rows import LAZY_BYTES
from audit.errors import DataError, MachineError
from audit.types import Examples, LabeledDataset

# Its number on the disk, bytes, and when it and what the disk knows of it changed, which no program can set.
State: TypeAlias = tuple[int, int, int, int]


@dataclass(frozen=True)
class FileStates:
    """Files and what they were when this value was made."""

    paths: tuple[Path, ...] = ()  # files, and folders for all that is below
    states: Mapping[Path, State] = field(default_factory=dict)

    @classmethod
    def of(cls, paths: Iterable[Path]) -> "FileStates":
        """The files as they are now; those that are not there have no state."""
        paths = tuple(paths)
        return cls(paths, dict(_states(paths)))

    def changed(self) -> Path | None:
        """A file that is not what it was, or is new, or gone; None where there is none."""
        now = dict(_states(self.paths))
        differing = (path for path in {**self.states, **now} if self.states.get(path) != now.get(path))
        return next(differing, None)

    def refuse_changed(self) -> None:
        """Raise DataError when a file changed."""
        changed = self.changed()
        if changed is not None:
            raise changed_error(changed)

    @contextmanager
    def blamed_if_changed(self) -> Iterator[None]:
        """A block whose failures are told as the change of a file, where one changed.

        Reading what a mapped file was cut short by kills a worker, and one on another machine finds a file
        of another size.
        """
        try:
            yield
        except (DataError, MachineError):
            self.refuse_changed()
            raise


def changed_error(path: Path | str) -> DataError:
    """The error to raise for a source that is not what it was."""
    return DataError(
        f"{path} changed while it was audited, expected the same data until the end; what was found is not "
        "kept, only folds that were finished before; leave the data unchanged and run the same command again"
    )


def mapped_file(X: Any) -> Path | None:
    """The file that an array is a map of; None for arrays in memory and anything else."""
    if not isinstance(X, np.memmap) or X.filename is None:
        return None
    return Path(X.filename)


def in_memory(dataset: LabeledDataset) -> LabeledDataset:
    """The data set with examples of few bytes copied from their file, which may be cut short in a run."""
    as_read = dataset.as_read
    if as_read is not None:
        as_read = replace(as_read, X=_copied(as_read.X))
    return replace(dataset, X=_copied(dataset.X), as_read=as_read)


def _copied(X: Examples) -> Examples:
    if mapped_file(X) is None or X.nbytes > LAZY_BYTES:
        return X
    return np.array(X, order="C")


def _states(paths: Iterable[Path]) -> Iterator[tuple[Path, State]]:
    for path in paths:
        below = (Path(folder, name) for folder, _, names in os.walk(path) for name in names)
        for file in (path, *below):
            try:
                found = file.stat()
            except OSError:
                continue
            if not file.is_dir():
                yield file, (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
