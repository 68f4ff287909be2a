"""Features of the user's own, in a file, that models read in place of the examples."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.datasets.examples import in_one_form, refuse_form
from audit.datasets.files import reading
from audit.datasets.sources import npy
from audit.errors import DataError

CHECKED_AT_ONCE = 10_000  # rows


def read_features(path: Path) -> npt.NDArray[Any]:
    """Read the features (n, d) in an .npy file, as a map of it; DataError when it holds none."""
    missing = f"--embed {path}: there is no such file (looked in {Path.cwd()}); check the path"
    with reading(
        path, "cannot be read", ", expected an array of numbers; save it with numpy.save", missing=missing
    ):
        loaded = npy.load(path, mapped=True)
    if not isinstance(loaded, np.ndarray):
        loaded.close()
        raise DataError(f"--embed {path} is an .npz archive, expected one array; save it with numpy.save")
    return checked_features(loaded, f"--embed {path}")


def checked_features(features: npt.ArrayLike, name: str) -> npt.NDArray[Any]:
    """Features (n, d) of numbers; DataError when they are of another shape or type, or not finite."""
    array = np.asanyarray(features)
    if array.ndim != 2:
        raise DataError(
            f"{name} has shape {array.shape}, expected features (n, d), a row for each example; reshape it"
        )
    refuse_form(array, name)
    checked = in_one_form(array, name)
    for start in range(0, len(checked), CHECKED_AT_ONCE):
        gaps = np.isnan(checked[start : start + CHECKED_AT_ONCE]).any(axis=1)
        if gaps.any():
            row = start + int(gaps.argmax())
            raise DataError(
                f"{name} has NaN, expected numbers, first in row {row}; embed it again, or leave it out"
            )
    return checked
