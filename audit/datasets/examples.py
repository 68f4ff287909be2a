"""Check examples and bring them into one form: images (n, h, w, c) or features (n, d)."""

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.datasets.lazy_rows import LAZY_BYTES
from audit.datasets.source import LazyArray
from audit.errors import DataError
from audit.types import Examples, Labels

CHANNELS = (1, 3, 4)
LEAST_SIDE = 8  # pixels
LARGEST = 1e100  # absolute value; models square the numbers and add up the squares
CHUNK_BYTES = 1 << 24
FORMS = "images (n, h, w), (n, h, w, c) or (n, c, h, w), or features (n, d)"


def refuse_form(X: LazyArray, name: str) -> None:
    """Refuse examples by shape and type alone, which do not depend on the rows chosen; reads nothing.

    Raises
    ------
    DataError
        When X holds no numbers or has another shape than images or features.
    """
    shape = tuple(X.shape)
    if X.dtype.kind == "V":
        raise DataError(
            f"{name} has dtype {X.dtype}, expected numbers (uint8 or float), not records or types that NumPy "
            "does not know, such as floats of 8 bits; save it as float32"
        )
    if X.dtype.kind not in "buif":
        raise DataError(
            f"{name} has dtype {X.dtype}, expected numbers (uint8 or float): images of different sizes or "
            "Python objects do not form an array; bring them to one size and use numpy.stack"
        )
    if len(shape) not in (2, 3, 4):
        raise DataError(f"{name} has shape {shape}, expected {FORMS}; reshape it")
    if len(shape) == 4 and shape[-1] not in CHANNELS and shape[1] not in CHANNELS:
        raise DataError(
            f"{name} has shape {shape}, expected {FORMS}; "
            "the channels (1, 3 or 4) must be its last or its second axis"
        )
    if len(shape) > 2 and min(_size(shape)) < LEAST_SIDE:
        height, width = _size(shape)
        raise DataError(
            f"{name} holds images of {height} x {width} pixels (shape {shape}), expected {LEAST_SIDE} x "
            f"{LEAST_SIDE} or more; scale them up, or give numbers that are not pixels as features (n, d)"
        )
    if not shape[0]:
        raise DataError(f"{name} has no rows (shape {shape}); there is nothing to audit")
    if not shape[1]:
        raise DataError(f"{name} has no columns (shape {shape}), expected features (n, d), d from 1 up")


def in_one_form(X: npt.NDArray[Any], name: str) -> Examples:
    """View images as (n, h, w, c); features (n, d) are returned as they are.

    Raises
    ------
    DataError
        When a value is infinite or near it, or a pixel is missing; a missing feature is for the model to
        deal with.
    """
    examples = X
    if X.ndim == 3:
        examples = X[..., np.newaxis]
    elif X.ndim == 4 and X.shape[-1] not in CHANNELS:
        examples = np.moveaxis(X, 1, -1)
    if X.dtype.kind == "f":
        _refuse_non_finite(examples, name)
    is_lazy = isinstance(X, np.memmap) and X.ndim > 2 and X.nbytes > LAZY_BYTES
    if X.dtype == np.float16 and not is_lazy:
        return examples.astype(np.float32)  # squares of such numbers overflow
    return examples


def fingerprint(examples: Examples, labels: Labels, class_names: tuple[str, ...]) -> str:
    """The sha256 of everything an audit reads, as hexadecimal digits."""
    digest = hashlib.sha256(repr((examples.shape, examples.dtype.str, class_names)).encode())
    for chunk in _chunks(examples):
        digest.update(np.ascontiguousarray(chunk).data)
    digest.update(np.ascontiguousarray(labels).data)
    return digest.hexdigest()


def row_hashes(examples: Examples) -> npt.NDArray[np.uint64]:
    """The first 64 bits of the sha256 of each example's bytes, (n,)."""
    if not examples[:1].nbytes:  # nothing tells them apart
        nothing = hashlib.sha256(b"").digest()[:8]
        return np.full(len(examples), int.from_bytes(nothing), dtype=np.uint64)
    digests = b"".join(
        hashlib.sha256(example).digest()[:8]
        for chunk in _chunks(examples)
        for example in np.ascontiguousarray(chunk)
    )
    return np.frombuffer(digests, ">u8").astype(np.uint64)


def _size(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Height and width of images of this shape."""
    channels_second = len(shape) == 4 and shape[-1] not in CHANNELS
    if channels_second:
        return shape[2:4]
    return shape[1:3]


def _chunks(examples: Examples) -> Iterator[Examples]:
    """Views of consecutive rows, of bounded size, so that a memmap is never read whole."""
    step = max(1, CHUNK_BYTES // max(1, examples[:1].nbytes))
    return (examples[start : start + step] for start in range(0, len(examples), step))


def _refuse_non_finite(examples: Examples, name: str) -> None:
    """Refuse infinite values, and pixels that are NaN."""
    are_features = examples.ndim == 2
    chunk_start = 0
    for chunk in _chunks(examples):
        bad = np.isinf(chunk) if are_features else ~np.isfinite(chunk)
        bad_rows = np.flatnonzero(bad.any(axis=tuple(range(1, chunk.ndim))))
        if len(bad_rows):
            first = chunk_start + int(bad_rows[0])
            if are_features:
                raise DataError(
                    f"{name} has infinite values, first in row {first}; expected finite numbers or NaN for a "
                    "missing one; replace them or leave out such rows"
                )
            raise DataError(
                f"{name} has NaN or infinite pixels, first in row {first}; expected finite numbers; "
                "leave out such rows or use numpy.nan_to_num"
            )
        _refuse_large(chunk, chunk_start, name)
        chunk_start += len(chunk)


def _refuse_large(chunk: Examples, chunk_start: int, name: str) -> None:
    """Refuse finite values whose squares are none any more."""
    if float(np.finfo(chunk.dtype).max) < LARGEST:
        return
    large = np.argwhere(np.abs(chunk) > LARGEST)
    if len(large):
        row, *place = large[0].tolist()
        where = f"column {place[0]}" if len(place) == 1 else f"pixel {tuple(place)}"
        raise DataError(
            f"{name} has the value {chunk[row][tuple(place)]:g} in row {chunk_start + row}, {where}, "
            f"expected numbers from {-LARGEST:g} to {LARGEST:g}; give them in a larger unit, or leave them "
            "out"
        )
