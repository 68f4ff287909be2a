"""Examples as an argument of work in another process: of a mapped file, only the path is sent."""

from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from audit.errors import DataError
from audit.types import Examples


class MappedExamples:
    """Examples (n, …) that a file holds; another process opens the file under the same path."""

    def __init__(self, X: "np.memmap[Any, Any]") -> None:
        self.X = X

    def __reduce__(self) -> tuple[Any, ...]:
        mapped: Any = self.X
        while isinstance(mapped.base, np.memmap):
            mapped = mapped.base
        offset = mapped.offset + self.X.ctypes.data - mapped.ctypes.data
        path = Path(str(mapped.filename))
        return _opened, (path, path.stat().st_size, self.X.dtype, self.X.shape, offset)


SharedExamples: TypeAlias = Examples | MappedExamples


def shared(X: Examples) -> SharedExamples:
    """The examples as an argument of work in another process, which calls `examples_of` on it."""
    if isinstance(X, np.memmap) and X.filename is not None and X.flags.c_contiguous:
        return MappedExamples(X)
    return X


def examples_of(sent: SharedExamples) -> Examples:
    """The examples that were sent."""
    if isinstance(sent, MappedExamples):
        return sent.X
    return sent


def _opened(path: Path, size: int, dtype: Any, shape: tuple[int, ...], offset: int) -> MappedExamples:
    """The same part of the file as it is known here; DataError where it is another file, or none."""
    found = path.stat().st_size if path.is_file() else None
    if found != size:
        has = "is missing" if found is None else f"has {found:,} bytes"
        raise DataError(
            f"{path} {has} where a model is trained, expected {size:,} bytes as here; give every worker of "
            "--cluster the data at the same path"
        )
    return MappedExamples(np.memmap(path, dtype, "r", offset, shape))
