"""Some rows of an array that may be larger than memory, read when they are asked for."""

import mmap
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.types import Examples, Rows

LAZY_BYTES = 1 << 27  # fewer are copied, which is a little faster


def read_rows(X: Examples, rows: Rows) -> npt.NDArray[Any]:
    """The rows (m,) of X (n, …) as an array.

    Those of a mapped file are asked of the disk together: one after the other, as they are touched, would
    take six times as long.
    """
    mapped = X
    while isinstance(mapped.base, np.memmap):
        mapped = mapped.base
    file = mapped.base
    if isinstance(file, mmap.mmap) and X.flags.c_contiguous and hasattr(mmap, "MADV_WILLNEED"):
        before = X.ctypes.data - mapped.ctypes.data + mapped.offset % mmap.ALLOCATIONGRANULARITY
        size = X[:1].nbytes
        starts = (before + rows * size) // mmap.PAGESIZE * mmap.PAGESIZE
        ends = before + (rows + 1) * size
        with suppress(OSError):  # it is a hint
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
                file.madvise(mmap.MADV_WILLNEED, start, end - start)
    return np.asarray(X[rows])


class LazyRows:
    """Rows of an array, in their order; indexing reads, nothing else does."""

    def __init__(self, X: Examples, rows: Rows) -> None:
        self.X, self.rows = X, rows
        self.shape, self.dtype, self.ndim = (len(rows), *X.shape[1:]), X.dtype, X.ndim

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: Any) -> npt.NDArray[Any]:
        """These of the rows, by number or slice."""
        return read_rows(self.X, self.rows[rows])


def lazy_rows(X: Examples, rows: Rows, *, lazily: bool) -> Any:
    """The rows as an array, or unread where they are many bytes and the reader can do with that."""
    if lazily and isinstance(X, np.memmap) and len(rows) * X[:1].nbytes > LAZY_BYTES:
        return LazyRows(X, rows)
    return X[rows]
