"""Arrays as bytes and back: what a file says of itself is held against its size before anything is made.

An archive carries the sha256 of itself in its comment, so that one that nothing else vouches for, such as a
fold of a run that was stopped, is known to be whole.
"""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from audit.datasets.sources import npy

Array: TypeAlias = npt.NDArray[Any]
Arrays: TypeAlias = Mapping[str, Array]
DIGITS = 64  # of a sha256
LENGTH = DIGITS.to_bytes(2, "little")  # of the comment, as the end of an archive says it
NO_COMMENT = bytes(2)
COMPRESSION = 1  # of 9 levels, the quickest
MOST_BYTES = 150_000_000  # that an archive may unpack to beside PER_BYTE times its size
PER_BYTE = 4


def archive_of(arrays: Arrays) -> bytes:
    """Pack arrays into a compressed .npz that carries its sha256."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asanyarray(array), allow_pickle=False)
    plain = packed.getvalue()
    return plain.removesuffix(NO_COMMENT) + LENGTH + hashlib.sha256(plain).hexdigest().encode()


def arrays_in(content: bytes, most_bytes: int = MOST_BYTES) -> dict[str, Array]:
    """Unpack the arrays of an archive that `archive_of` packed.

    Raises
    ------
    ValueError
        When it is damaged, or would unpack to more than `most_bytes` and PER_BYTE times its own size.
    """
    plain = content[: -DIGITS - len(LENGTH)] + NO_COMMENT
    if content[-DIGITS - len(LENGTH) :] != LENGTH + hashlib.sha256(plain).hexdigest().encode():
        raise ValueError("its checksum is not that of its content")
    try:
        with zipfile.ZipFile(io.BytesIO(plain)) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > most_bytes + PER_BYTE * len(content):
                raise ValueError("it unpacks to far more than it may hold")  # noqa: TRY301
            return {entry.filename.removesuffix(".npy"): array_in(archive.read(entry)) for entry in entries}
    except Exception as error:  # zipfile raises a dozen kinds, from zlib.error to NotImplementedError
        raise ValueError(str(error) or type(error).__name__) from error


def array_in(content: bytes) -> Array:
    """Read the array of an .npy file; ValueError when it is damaged or holds Python objects."""
    file = io.BytesIO(content)
    try:
        npy.refuse_lies(file, len(content))
        file.seek(0)
        array = np.load(file, allow_pickle=False)
        npy.refuse_no_text(array)
    except Exception as error:  # a header is Python text, which numpy parses
        raise ValueError(f"no array ({error})") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind == "V" or file.read(1):
        raise ValueError("no plain array, or something after it")
    return array
