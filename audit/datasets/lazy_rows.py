"""Some rows of an array that may be larger than memory, read when they are asked for."""

import mmap
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.types import Examples, Rows

LAZY_BYTES = 1 << 27  # fewer are copied, which is a little faster


def read_rows(X: Examples, rows: Rows) -> npt.NDArray[Any]:
    """Read the rows (m,) of X (n, …) into an array.

    The pages of a mapped file are requested from the disk all at once: read one after the other, as they are
    touched, they would take six times as long.
    """
    mapped = X
    while isinstance(mapped.base, np.memmap):
        mapped = mapped.base
    file = mapped.base
    if isinstance(file, mmap.mmap) and X.flags.c_contiguous and hasattr(mmap, "MADV_WILLNEED"):
        first_byte = X.ctypes.data - mapped.ctypes.data + mapped.offset % mmap.ALLOCATIONGRANULARITY
        row_bytes = X[:1].nbytes
        starts = (first_byte + rows * row_bytes) // mmap.PAGESIZE * mmap.PAGESIZE
        ends = first_byte + (rows + 1) * row_bytes
        with suppress(OSError):  # it is a hint
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
                file.madvise(mmap.MADV_WILLNEED, start, end - start)
    return np.asarray(X[rows])


class LazyRows:
    """Rows of an array, in their order; only indexing reads them."""

    def __init__(self, X: Examples, rows: Rows) -> None:
        self.X = X
        self.rows = rows
        self.shape = (len(rows), *X.shape[1:])
        self.dtype = X.dtype
        self.ndim = X.ndim

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: Any) -> npt.NDArray[Any]:
        """Read these of the rows, by number or slice."""
        return read_rows(self.X, self.rows[rows])


def lazy_rows(X: Examples, rows: Rows, *, lazily: bool) -> Any:
    """The rows as an array, or as LazyRows where they are many bytes of a file and the reader allows it."""
    if lazily and isinstance(X, np.memmap) and len(rows) * X[:1].nbytes > LAZY_BYTES:
        return LazyRows(X, rows)
    return X[rows]
