"""The door: arrays become a LabeledDataset, or one line says why they cannot."""

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.errors import DataError
from audit.types import Images, LabeledDataset, Labels

CHANNELS = (1, 3, 4)
LEAST_SIDE = 8  # pixels
CHUNK_BYTES = 1 << 24


def from_arrays(
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    name: str = "arrays",
    ids: npt.ArrayLike | None = None,
    names: tuple[str, str] = ("X", "y"),
) -> LabeledDataset:
    """Check a user's arrays and give them the one form that the rest of the package reads.

    Parameters
    ----------
    X
        Images (n, h, w), (n, h, w, c) or (n, c, h, w), c in 1, 3, 4, sides from 8 pixels up;
        uint8, other integers, bool or float of any range. Not copied.
    y
        (n,) integers or strings.
    name
        What the data set is called in reports and folders.
    ids
        (n,) what each row is called at its source; row numbers when not given.
    names
        What X and y are called in error messages.

    Raises
    ------
    DataError
        When the arrays do not fit together or cannot be audited.
    """
    images = _images(np.asanyarray(X), names[0])
    labels, class_names = _labels(np.asarray(y), names[1])
    if len(labels) != len(images):
        raise DataError(
            f"{names[1]} has {len(labels):,} entries but {names[0]} has {len(images):,} rows; "
            "there must be one label for each image, in the same order"
        )
    return LabeledDataset(
        name=name,
        images=images,
        labels=labels,
        class_names=class_names,
        ids=np.arange(len(labels)) if ids is None else np.asarray(ids),
        fingerprint=fingerprint(images, labels, class_names),
    )


def fingerprint(images: Images, labels: Labels, class_names: tuple[str, ...]) -> str:
    """The sha256 of everything an audit reads, as hexadecimal digits."""
    digest = hashlib.sha256(repr((images.shape, images.dtype.str, class_names)).encode())
    for chunk in _chunks(images):
        digest.update(np.ascontiguousarray(chunk).data)
    digest.update(np.ascontiguousarray(labels).data)
    return digest.hexdigest()


def _chunks(images: Images) -> list[Images]:
    """Views of consecutive rows, of bounded size, so that a memmap is never read whole."""
    step = max(1, CHUNK_BYTES // max(1, images[:1].nbytes))
    return [images[start : start + step] for start in range(0, len(images), step)]


def _images(X: npt.NDArray[Any], name: str) -> Images:
    """The images as a view (n, h, w, c)."""
    if X.dtype.kind not in "buif":
        raise DataError(
            f"{name} has dtype {X.dtype}, expected numbers (uint8 or float): images of different sizes or "
            "Python objects do not form an array; bring them to one size and use numpy.stack"
        )
    images = _channels_last(X, name)
    _, height, width, _ = images.shape
    if min(height, width) < LEAST_SIDE:
        raise DataError(
            f"{name} holds images of {height} x {width} pixels (shape {X.shape}), expected "
            f"{LEAST_SIDE} x {LEAST_SIDE} or more; scale them up, or reshape {name} if this is not (n, h, w)"
        )
    if not len(images):
        raise DataError(f"{name} has no rows (shape {X.shape}); there is nothing to audit")
    if X.dtype.kind == "f":
        _refuse_non_finite(images, name)
    return images


def _channels_last(X: npt.NDArray[Any], name: str) -> Images:
    if X.ndim == 3:
        return X[..., np.newaxis]
    if X.ndim == 4 and X.shape[-1] in CHANNELS:
        return X
    if X.ndim == 4 and X.shape[1] in CHANNELS:
        return np.moveaxis(X, 1, -1)
    remedy = f"reshape it, for example {name}.reshape(-1, height, width)"
    if X.ndim == 4:
        remedy = "the channels (1, 3 or 4) must be its last or its second axis"
    raise DataError(f"{name} has shape {X.shape}, expected (n, h, w), (n, h, w, c) or (n, c, h, w); {remedy}")


def _refuse_non_finite(images: Images, name: str) -> None:
    row = 0
    for chunk in _chunks(images):
        bad = ~np.isfinite(chunk).all(axis=(1, 2, 3))
        if bad.any():
            first = row + int(bad.argmax())
            raise DataError(
                f"{name} has NaN or infinite pixels, first in row {first}; expected finite numbers; "
                "leave out such rows or use numpy.nan_to_num"
            )
        row += len(chunk)


def _labels(y: npt.NDArray[Any], name: str) -> tuple[Labels, tuple[str, ...]]:
    """The labels as 0..k-1 and the names of the classes, in sorted order."""
    if y.ndim != 1:
        raise DataError(f"{name} has shape {y.shape}, expected (n,): one label for each image")
    if y.dtype.kind == "O":
        raise DataError(
            f"{name} is an array of Python objects, expected integers or strings; "
            f"convert it: {name}.astype(str) or {name}.astype(int)"
        )
    if y.dtype.kind == "f":
        raise DataError(f"{name} has dtype {y.dtype}, expected integers or strings{_float_remedy(y, name)}")
    if y.dtype.kind not in "buiU":
        raise DataError(f"{name} has dtype {y.dtype}, expected integers or strings; use {name}.astype(str)")
    classes, labels = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        found = f"only {str(classes[0])!r}" if len(classes) else "none"
        raise DataError(f"{name} must hold two classes or more, found {found}; there is nothing to confuse")
    return labels.astype(np.int64), tuple(str(c) for c in classes)


def _float_remedy(y: npt.NDArray[Any], name: str) -> str:
    missing = int((~np.isfinite(y)).sum())
    if missing:
        first = int((~np.isfinite(y)).argmax())
        return f"; {missing:,} of them are NaN or infinite, first in row {first}: drop those rows first"
    if (y == np.round(y)).all():
        return f"; if these are class numbers, use {name}.astype(int)"
    return "; these look like measurements: an audit needs classes, not a regression target"
