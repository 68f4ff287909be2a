"""Arrays as arguments of work in another process: of a mapped file, only the path is sent."""

import mmap
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from audit.errors import DataError

Array: TypeAlias = npt.NDArray[Any]


class MappedArray:
    """An array (n, …) that a file holds; another process opens the file under the same path."""

    def __init__(self, array: Array, mapped: "np.memmap[Any, Any]") -> None:
        self.array = array
        self.mapped = mapped  # the file from its own offset on

    def __reduce__(self) -> tuple[Any, ...]:
        offset = self.mapped.offset + self.array.ctypes.data - self.mapped.ctypes.data
        path = Path(str(self.mapped.filename))
        return _opened, (path, path.stat().st_size, self.array.dtype, self.array.shape, offset)


SharedArray: TypeAlias = Array | MappedArray


def shared(array: Array) -> SharedArray:
    """The array as an argument of work in another process, which calls `array_of` on it.

    Of a map that may be written to, memory may hold other numbers than the file, so these are sent.
    """
    mapped = _mapped_under(array)
    is_the_file = mapped is not None and mapped.mode == "r" and mapped.filename is not None
    if mapped is not None and is_the_file and array.flags.c_contiguous:
        return MappedArray(array, mapped)
    return array


def array_of(sent: SharedArray) -> Array:
    """The array that was sent."""
    if isinstance(sent, MappedArray):
        return sent.array
    return sent


def _mapped_under(array: Any) -> "np.memmap[Any, Any] | None":
    """The mapped file that an array is a view of; None where it is in memory."""
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap) and isinstance(array.base, mmap.mmap):
            return array
        array = array.base
    return None


def _opened(path: Path, size: int, dtype: Any, shape: tuple[int, ...], offset: int) -> MappedArray:
    """The same part of the file as it is known here; DataError where it is another file, or none."""
    found = path.stat().st_size if path.is_file() else None
    if found != size:
        has = "is missing" if found is None else f"has {found:,} bytes"
        raise DataError(
            f"{path} {has} where a worker reads it, expected {size:,} bytes as here; give every worker of "
            "--cluster the data at the same path"
        )
    mapped = np.memmap(path, dtype, "r", offset, shape)
    return MappedArray(mapped, mapped)
