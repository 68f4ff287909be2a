"""Images in the columns of a table, a column for each pixel."""

import math
import re

import numpy as np
import numpy.typing as npt
import pandas as pd

NUMBERED = re.compile(r"(\D*?)[ _.-]?(\d{1,6})")  # such as pixel12
PIXELS = {"pixel", "pix", "px", "p"}  # what such columns are called
SIZES = (784, 1024, 3072)  # numbers of columns that hold pixels, if bytes, whatever they are called


def as_images(frame: pd.DataFrame) -> npt.NDArray[np.uint8] | None:
    """Images (n, h, w) or (n, h, w, 3) when the columns are pixels of square images; else None."""
    n, d = frame.shape
    channels = next((c for c in (1, 3) if math.isqrt(d // c) ** 2 * c == d), 0)
    prefix = _prefix(frame)
    if not n or not channels or d < 64 * channels or prefix is None:
        return None
    pixels = np.empty((d, n), dtype=np.uint8)
    for i in range(d):
        values = frame.iloc[:, i]
        if not pd.api.types.is_numeric_dtype(values.dtype):
            return None
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        if not ((numbers >= 0) & (numbers <= 255) & (numbers == np.floor(numbers))).all():
            return None
        pixels[i] = numbers
    if prefix not in PIXELS and (d not in SIZES or pixels.max() != 255):
        return None
    side = math.isqrt(d // channels)
    images = np.ascontiguousarray(pixels.T)
    if channels == 1:
        return images.reshape(n, side, side)
    interleaved = images.reshape(n, side, side, 3)
    planes = images.reshape(n, 3, side, side).transpose(0, 2, 3, 1)
    return min(interleaved, planes, key=_roughness)


def _prefix(frame: pd.DataFrame) -> str | None:
    """What the columns are called before their numbers, when these go up by one from 0 or 1."""
    matches = [NUMBERED.fullmatch(str(column)) for column in frame.columns]
    found = [match for match in matches if match]
    if len(found) < len(matches):
        return None
    numbers = [int(match[2]) for match in found]
    names = {match[1].lower() for match in found}
    counted = any(numbers == list(range(first, first + len(found))) for first in (0, 1))
    if not counted or len(names) != 1:
        return None
    return names.pop()


def _roughness(images: npt.NDArray[np.uint8]) -> float:
    """How much neighbouring pixels (n, h, w, c) differ: least when pixels are at their right places."""
    some = images[:200].astype(np.float32)
    down = np.abs(np.diff(some, axis=1)).mean()
    across = np.abs(np.diff(some, axis=2)).mean()
    return float(down + across)
