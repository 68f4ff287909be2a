"""Images in the columns of a table, one column a pixel."""

import math
import re

import numpy as np
import numpy.typing as npt
import pandas as pd

NUMBERED = re.compile(r"(\D*?)[ _.-]?(\d{1,6})")  # a column of many
PIXELS = {"pixel", "pix", "px", "p"}  # what such columns are called
SIZES = (784, 1024, 3072)  # so many columns of bytes are pixels, whatever they are called


def as_images(frame: pd.DataFrame) -> npt.NDArray[np.uint8] | None:
    """Images (n, h, w) or (n, h, w, 3) when the columns are the pixels of squares."""
    n, d = frame.shape
    channels = next((c for c in (1, 3) if math.isqrt(d // c) ** 2 * c == d), 0)
    if not n or d < 64 * channels or not channels or (prefix := _prefix(frame)) is None:
        return None
    pixels = np.empty((d, n), dtype=np.uint8)
    for i in range(d):
        column = frame.iloc[:, i]
        numeric = pd.api.types.is_numeric_dtype(column.dtype)
        values = column.to_numpy(dtype=np.float64, na_value=np.nan) if numeric else np.array([np.nan])
        if not ((values >= 0) & (values <= 255) & (values == np.floor(values))).all():
            return None
        pixels[i] = values
    if prefix not in PIXELS and (d not in SIZES or pixels.max() != 255):
        return None
    side, images = math.isqrt(d // channels), np.ascontiguousarray(pixels.T)
    if channels == 1:
        return images.reshape(n, side, side)
    mixed, planes = images.reshape(n, side, side, 3), images.reshape(n, 3, side, side).transpose(0, 2, 3, 1)
    return min(mixed, planes, key=_roughness)


def _prefix(frame: pd.DataFrame) -> str | None:
    """What the columns are called before their numbers, when these go up by one from 0 or 1."""
    parts = [NUMBERED.fullmatch(str(column)) for column in frame.columns]
    names, numbers = {part[1].lower() for part in parts if part}, [int(part[2]) for part in parts if part]
    counted = numbers in (list(range(len(parts))), list(range(1, len(parts) + 1)))
    return names.pop() if counted and len(names) == 1 else None


def _roughness(images: npt.NDArray[np.uint8]) -> float:
    """How much neighbours differ (n, h, w, c): little, where pixels are where they belong."""
    some = images[:200].astype(np.float32)
    return float(np.abs(np.diff(some, axis=1)).mean() + np.abs(np.diff(some, axis=2)).mean())
