"""The .npy and .npz formats: headers are compared with the bytes that there are, before any are allocated."""

import math
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from audit.datasets.files import refuse_bomb

ZIP = b"PK"  # how an archive begins
MAGIC = np.lib.format.MAGIC_PREFIX
LAST_LETTER = 0x10FFFF  # of Unicode
SURROGATES = (0xD800, 0xDFFF)  # which stand for no letter
BFLOAT16_BYTES = 2  # the upper half of a float32
UNPACK = "give the arrays as .npy files, with --X and --y"


def load(path: Path, *, mapped: bool) -> Any:
    """Read an .npy or .npz file as numpy.load does, mapped if so asked.

    Raises
    ------
    Exception
        Whatever NumPy raises, and ValueError when the header promises more than the file holds.
    """
    with path.open("rb") as file:
        refuse_lies(file, path.stat().st_size)
        file.seek(0)
        if file.read(len(ZIP)) == ZIP:
            zipfile.ZipFile(file).close()  # raises where it is damaged; NumPy would leave the file open
    loaded: Any = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    refuse_no_text(loaded)
    return loaded


def members(path: Path, archive: Any, names: Sequence[str]) -> list[Any]:
    """Read these of an open .npz archive: each an array, or bytes where it is of another format.

    Raises
    ------
    DataError
        When they unpack to far more than the archive.
    ValueError
        When a header promises more than its member holds, or two members have one name.
    """
    infos = archive.zip.infolist()
    entries = {info.filename.removesuffix(".npy"): info for info in infos}
    called = Counter(info.filename.removesuffix(".npy") for info in infos)
    twice = [name for name, count in called.items() if count > 1]
    if twice:
        raise ValueError(f"it has two arrays called {twice[0]!r}")
    wanted = [entries[name.removesuffix(".npy")] for name in names]
    refuse_bomb(path, sum(info.file_size for info in wanted), UNPACK)
    for info in wanted:
        with archive.zip.open(info) as member:
            refuse_lies(member, info.file_size)
    arrays = [archive[name] for name in names]
    for array in arrays:
        refuse_no_text(array)
    return arrays


def refuse_lies(file: IO[bytes], size: int) -> None:
    """Raise ValueError when an .npy header promises more than a file of this size holds; reads the header."""
    if file.read(len(MAGIC)) != MAGIC:
        return  # another format: NumPy says which
    file.seek(0)
    major, _ = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    if any(side < 0 for side in shape):
        raise ValueError(f"its header has the shape {shape}")
    promised = math.prod(shape) * max(dtype.itemsize, 1)
    left = size - file.tell()
    if promised > left and not dtype.hasobject:
        raise ValueError(f"its header promises {promised:,} bytes, but {left:,} follow")


def with_bfloat16(array: npt.NDArray[Any], name: str) -> tuple[npt.NDArray[Any], tuple[str, ...]]:
    """An array whose type NumPy does not know by itself as float32, with a note; any other one as it is.

    A file of bfloat16 says only that its numbers have two bytes, as no other plain type does. In memory such
    types are those of the package ml_dtypes.
    """
    if array.dtype.kind != "V" or array.dtype.names is not None:
        return array, ()
    if array.dtype.type is not np.void:
        return array.astype(np.float32), ()
    if array.dtype.itemsize != BFLOAT16_BYTES or array.dtype.subdtype is not None:
        return array, ()
    halves = np.ascontiguousarray(array).view("<u2").astype(np.uint32)
    note = f"{name} has numbers of two bytes whose type is not told, which are read as bfloat16"
    return (halves << 16).view(np.float32), (note,)


def refuse_no_text(array: Any) -> None:
    """Raise ValueError for an array of texts that hold numbers which are no letters."""
    if not isinstance(array, np.ndarray) or array.dtype.kind != "U" or not array.size:
        return
    letters: npt.NDArray[Any] = np.ascontiguousarray(array).reshape(-1).view(f"{array.dtype.byteorder}u4")
    low, high = SURROGATES
    if letters.max(initial=0) > LAST_LETTER or ((letters >= low) & (letters <= high)).any():
        raise ValueError("its text has invalid code points")
