"""Images in one form: strokes or things bright on a dark ground, 0 to 1, whatever the data looks like."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audit.types import Examples, Rows, evenly

LOOKED_AT = 500  # images that the range and the ground are taken from
LINES = 0.1  # from 0 to 1; a ground darker than that is a sheet with a drawing on it

Image = npt.NDArray[np.float32]  # (h, w, c)


@dataclass(frozen=True, eq=False)
class Canvas:
    """What black, white and ground are in a data set, found in some of its images."""

    low: float
    high: float
    dark_on_light: bool
    drawings: bool  # lines on an even ground, else photographs and the like
    dtype: np.dtype[np.generic]

    @classmethod
    def of(cls, X: Examples, rows: Rows) -> "Canvas":
        """The canvas of the images (n, h, w, c), by some of these rows."""
        some = np.asarray(X[np.sort(evenly(rows, LOOKED_AT))], dtype=np.float64)
        low, high = float(some.min()), float(some.max())
        values = (some - low) / max(high - low, np.finfo(float).tiny)
        border = np.concatenate([values[:, side].ravel() for side in (0, -1)])
        ground = float(np.median(border))
        dark_on_light = ground > 0.5
        even = min(ground, 1 - ground) < LINES and float(np.abs(border - ground).mean()) < LINES
        return cls(low, high, dark_on_light, even, X.dtype)

    def enter(self, images: Examples) -> Image:
        """Images (…, h, w, c) of the data as 0 to 1 with a dark ground."""
        values = (np.asarray(images, dtype=np.float32) - self.low) / max(self.high - self.low, 1e-12)
        return np.asarray(1 - values if self.dark_on_light else values, dtype=np.float32)

    def leave(self, images: Image) -> Examples:
        """The way back, in the data's own range and dtype."""
        values = np.clip(1 - images if self.dark_on_light else images, 0, 1)
        values = self.low + values * (self.high - self.low)
        return (np.rint(values) if self.dtype.kind in "iu" else values).astype(self.dtype)
