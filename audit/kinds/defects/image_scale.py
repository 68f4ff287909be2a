"""The scale of a data set's images: between its own values and brightness 0 to 1 on a dark background."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audit.types import Examples, Rows, evenly

SAMPLED_IMAGES = 500  # from which the range and the background are estimated
EVEN_BACKGROUND = 0.1  # brightness from black or white, and mean deviation, up to which images are drawings

Image = npt.NDArray[np.float32]  # (h, w, c)


@dataclass(frozen=True, eq=False)
class ImageScale:
    """The range and the background of a data set's images, estimated from some of them."""

    low: float
    high: float
    dark_on_light: bool
    drawings: bool  # lines on an even background; otherwise photographs and the like
    dtype: np.dtype[np.generic]

    @classmethod
    def of(cls, X: Examples, rows: Rows) -> "ImageScale":
        """Estimate the scale of images (n, h, w, c) from some of these rows."""
        sample = np.asarray(X[np.sort(evenly(rows, SAMPLED_IMAGES))], dtype=np.float64)
        low = float(sample.min())
        high = float(sample.max())
        values = (sample - low) / _range(low, high)
        border = np.concatenate([values[:, side].ravel() for side in (0, -1)])
        background = float(np.median(border))
        deviation = float(np.abs(border - background).mean())
        drawings = min(background, 1 - background) < EVEN_BACKGROUND and deviation < EVEN_BACKGROUND
        return cls(low, high, background > 0.5, drawings, X.dtype)

    def to_unit(self, images: Examples) -> Image:
        """Scale images (…, h, w, c) of the data to 0 to 1 on a dark background."""
        values = (np.asarray(images, dtype=np.float32) - self.low) / _range(self.low, self.high)
        if self.dark_on_light:
            values = 1 - values
        return np.asarray(values, dtype=np.float32)

    def from_unit(self, images: Image) -> Examples:
        """Scale images back to the range and dtype of the data."""
        if self.dark_on_light:
            images = 1 - images
        values = self.low + np.clip(images, 0, 1) * (self.high - self.low)
        if self.dtype.kind in "iu":
            values = np.rint(values)
        return values.astype(self.dtype)


def _range(low: float, high: float) -> float:
    """The distance between two values; 1 where they are the same, so that it can be divided by."""
    return high - low or 1.0
