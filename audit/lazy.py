"""Some rows of an array that may be larger than memory, read when they are asked for."""

from typing import Any

import numpy as np
import numpy.typing as npt

from audit.types import Examples, Rows

LAZY_BYTES = 1 << 27  # fewer are copied, which is a little faster


class SomeRows:
    """Rows of an array, in their order; indexing reads, nothing else does."""

    def __init__(self, X: Examples, rows: Rows) -> None:
        self.X, self.rows = X, rows
        self.shape, self.dtype, self.ndim = (len(rows), *X.shape[1:]), X.dtype, X.ndim

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: Any) -> npt.NDArray[Any]:
        """These of the rows, by number or slice."""
        return np.asarray(self.X[self.rows[rows]])


def some_rows(X: Examples, rows: Rows, *, lazily: bool) -> Any:
    """The rows as an array, or unread where they are many bytes and the reader can do with that."""
    if lazily and isinstance(X, np.memmap) and len(rows) * X[:1].nbytes > LAZY_BYTES:
        return SomeRows(X, rows)
    return X[rows]
