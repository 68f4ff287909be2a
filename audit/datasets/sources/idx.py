"""IDX files, the format of MNIST, gzipped or not: a pair, or a folder of them."""

import gzip
import zlib
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audit import wording
from audit.datasets.source import LabelPlace, Source
from audit.errors import DataError

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
PARTS = {"train": "train", "t10k": "test"}  # in the names of files, and what they are called
KINDS = (("images", 3), ("labels", 1))  # with their numbers of axes
GZIP = b"\x1f\x8b"
MOST_AXES = 32  # that every NumPy can hold


def is_idx(path: Path) -> bool:
    """Whether the file's name or its first bytes are those of an IDX file."""
    if path.suffix == ".npy" or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError:  # the loader says why
        return "idx" in path.name
    if start[:2] == GZIP:
        return "idx" in path.name
    return len(start) == 4 and start[:2] == b"\0\0" and start[2] in TYPES


def is_idx_folder(folder: Path) -> bool:
    """Whether the folder holds a part of a data set under MNIST's names."""
    return any(_file(folder, part, *kind) for part in PARTS for kind in KINDS)


def load_idx(images: Path, labels: Path) -> Source:
    """Images and labels of two IDX files."""
    return Source(
        name=images.name.split(".")[0],
        X=_read(images),
        y=_read(labels),
        names=(str(images), str(labels)),
        place=LabelPlace("idx", (labels,)),
    )


def load_idx_folder(folder: Path) -> Source:
    """The training images of a folder, then its test images, where it has them."""
    X, y, files, names = [], [], [], []
    for part, called in PARTS.items():
        images, labels = (_file(folder, part, *kind) for kind in KINDS)
        if images is None or labels is None:
            _refuse_half(folder, part, images or labels, "images-idx3" if labels else "labels-idx1")
            continue
        X.append(_read(images))
        y.append(_read(labels))
        files.append(labels)
        names += [called] * len(y[-1])
        if len(X[-1]) != len(y[-1]):
            raise DataError(
                f"{labels} has {len(y[-1]):,} labels but {images} has {len(X[-1]):,} images; "
                "expected one for each; get both files anew"
            )
    if len({part.shape[1:] for part in X}) > 1:
        shapes = " and ".join(str(part.shape) for part in X)
        raise DataError(f"the parts of {folder} have shapes {shapes}; expected images of one size")
    return Source(
        name=folder.resolve().name,
        X=np.concatenate(X),
        y=np.concatenate(y),
        names=(str(folder),) * 2,
        place=LabelPlace("idx", tuple(files)),
        part=np.array(names, dtype=np.str_),
    )


def _refuse_half(folder: Path, part: str, found: Path | None, other: str) -> None:
    """Refuse images without labels and labels without images; nothing at all is no mistake."""
    if found is not None:
        raise DataError(
            f"{folder} has {found.name} and no {part}-{other}-ubyte; expected both; add the {other[:6]}"
        )


def _file(folder: Path, part: str, what: str, axes: int) -> Path | None:
    """The file of a part, under any of its usual names."""
    for dot in "-.":
        for end in ("", ".gz"):
            path = folder / f"{part}-{what}{dot}idx{axes}-ubyte{end}"
            if path.is_file():
                return path
    return None


def _read(path: Path) -> npt.NDArray[Any]:
    """The array of an IDX file; DataError when it is damaged."""
    remedy = "get the file anew"
    try:
        content = path.read_bytes()
        if content[:2] == GZIP:
            content = gzip.decompress(content)
    except FileNotFoundError as error:
        raise DataError(wording.no_such_file(path)) from error
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read ({error}); {remedy}") from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in TYPES or content[3] > MOST_AXES:
        raise DataError(
            f"{path} is no IDX file: it begins with {content[:4].hex(' ') or 'nothing'}, "
            f"expected 00 00, a type from 08 to 0e and the number of axes; {remedy}"
        )
    dtype, axes = np.dtype(TYPES[content[2]]), content[3]
    start = 4 + 4 * axes
    if len(content) < start:
        raise DataError(f"{path} ends within its header, after {len(content)} bytes; {remedy}")
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", axes, 4))
    expected = start + prod(shape) * dtype.itemsize
    if len(content) != expected:
        raise DataError(
            f"{path} has {len(content):,} bytes unpacked, expected {expected:,} for its shape {shape}; "
            f"{remedy}"
        )
    array = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)
