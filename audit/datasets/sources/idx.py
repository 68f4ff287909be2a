"""IDX files, the format of MNIST, gzipped or not: a pair, or a folder of them."""

import gzip
import io
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.datasets.files import most_unpacked, reading
from audit.datasets.source import LabelPlace, Source
from audit.errors import DataError
from audit.events import Listener
from audit.settings.data import DataSettings

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
PARTS = {"train": "train", "t10k": "test"}  # in the names of files, and the parts that they hold
IMAGES = "images-idx3"  # the number is that of the axes
LABELS = "labels-idx1"
GZIP = b"\x1f\x8b"
MOST_AXES = 32  # that every NumPy can hold
REMEDY = "get the file again"


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
    return any(_file(folder, prefix, content) for prefix in PARTS for content in (IMAGES, LABELS))


def load_idx_pair(path: Path, settings: DataSettings, _: Listener) -> Source:
    """Load images from one IDX file and labels from another, `settings.y`."""
    labels = settings.y or path
    return Source(
        name=path.name.split(".")[0],
        X=_read(path),
        y=_read(labels),
        names=(str(path), str(labels)),
        place=LabelPlace("idx", (labels,)),
    )


def load_idx_folder(path: Path, _settings: DataSettings, _: Listener) -> Source:
    """Load the training images of a folder, then its test images, where it has them."""
    X: list[npt.NDArray[Any]] = []
    y: list[npt.NDArray[Any]] = []
    label_files: list[Path] = []
    part: list[str] = []
    for prefix, part_name in PARTS.items():
        images = _file(path, prefix, IMAGES)
        labels = _file(path, prefix, LABELS)
        if images is None and labels is None:
            continue
        if images is None or labels is None:
            raise _half(path, prefix, images, labels)
        X.append(_read(images))
        y.append(_read(labels))
        label_files.append(labels)
        part += [part_name] * len(y[-1])
        if len(X[-1]) != len(y[-1]):
            raise DataError(
                f"{labels} has {len(y[-1]):,} labels but {images} has {len(X[-1]):,} images; "
                "expected one for each; get both files again"
            )
    if len({images.shape[1:] for images in X}) > 1:
        shapes = " and ".join(str(images.shape) for images in X)
        raise DataError(f"the parts of {path} have shapes {shapes}; expected images of one size")
    return Source(
        name=path.resolve().name,
        X=np.concatenate(X),
        y=np.concatenate(y),
        names=(str(path), str(path)),
        place=LabelPlace("idx", tuple(label_files)),
        part=np.array(part, dtype=np.str_),
    )


def _half(folder: Path, prefix: str, images: Path | None, labels: Path | None) -> DataError:
    """The error for images without labels, or labels without images."""
    found = images or labels or folder
    missing = IMAGES if images is None else LABELS
    return DataError(
        f"{folder} has {found.name} and no {prefix}-{missing}-ubyte; expected both; "
        f"add the {missing.partition('-')[0]}"
    )


def _file(folder: Path, prefix: str, content: str) -> Path | None:
    """The file of a part, under any of its usual names; None when there is none."""
    for name in (content, content.replace("-", ".")):
        for end in ("", ".gz"):
            path = folder / f"{prefix}-{name}-ubyte{end}"
            if path.is_file():
                return path
    return None


def _read(path: Path) -> npt.NDArray[Any]:
    """The array of an IDX file; DataError when it is damaged."""
    with reading(path, "cannot be read", f"; {REMEDY}"):
        content = unpacked(path.read_bytes())
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in TYPES or content[3] > MOST_AXES:
        raise DataError(
            f"{path} is not an IDX file: it begins with {content[:4].hex(' ') or 'nothing'}, "
            f"expected 00 00, a type from 08 to 0e and the number of axes; {REMEDY}"
        )
    dtype = np.dtype(TYPES[content[2]])
    axes = content[3]
    if not axes:
        raise DataError(f"{path} has no axes, expected one or more; {REMEDY}")
    start = 4 + 4 * axes
    if len(content) < start:
        raise DataError(f"{path} ends within its header, after {len(content)} bytes; {REMEDY}")
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", axes, 4))
    expected = start + prod(shape) * dtype.itemsize
    if len(content) != expected:
        raise DataError(
            f"{path} has {len(content):,} bytes unpacked, expected {expected:,} for its shape {shape}; "
            f"{REMEDY}"
        )
    array = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)


def unpacked(content: bytes) -> bytes:
    """The bytes, decompressed where gzip wrote them; ValueError where that are far too many."""
    if content[:2] != GZIP:
        return content
    most = most_unpacked(len(content))
    with gzip.open(io.BytesIO(content)) as file:
        found = file.read(most + 1)
    if len(found) > most:
        raise ValueError(
            f"it unpacks to more than {most:,} bytes, far more than its own size; unpack it with gunzip"
        )
    return found
