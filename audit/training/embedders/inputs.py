"""Examples in the form that an embedder reads: as they came, as images in colour, or as texts."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from audit.errors import DataError
from audit.training.backends.shared import SharedArray, array_of, shared
from audit.types import AsGiven, Examples, LabeledDataset, Pictures, Rows, Unlabelled, content_of

CHUNK_BYTES = 1 << 24

Reads: TypeAlias = Literal["examples", "images", "texts"]


@dataclass(frozen=True, eq=False)
class Inputs:
    """Examples of a data set, as embedders may want them."""

    X: Examples
    as_given: AsGiven | None
    pictures: Pictures | None
    pixel_range: tuple[float, float] | None  # black and white of images of an array; None of 8 bits
    first: int = 0  # the number of the first row, for messages

    @classmethod
    def of(cls, dataset: LabeledDataset, part: LabeledDataset | Unlabelled) -> "Inputs":
        """The examples of a data set that have a label, or its part without one."""
        return cls(part.X, part.as_given, part.pictures, _pixel_range(dataset.X))

    def __len__(self) -> int:
        return len(self.X)

    def __reduce__(self) -> tuple[Any, ...]:
        return _of_shared, (shared(self.X), self.as_given, self.pictures, self.pixel_range, self.first)

    def part(self, start: int, stop: int) -> "Inputs":
        """The examples from one row to before another; a part of a mapped file is mapped, too."""
        rows = np.arange(start, stop)
        return Inputs(
            self.X[start:stop],
            None if self.as_given is None else self.as_given[rows],
            None if self.pictures is None else self.pictures[rows],
            self.pixel_range,
            start,
        )

    def take(self, rows: Rows, reads: Reads, side: int) -> Any:
        """The examples of these rows (m,); of image files, both sides stay `side` pixels where they can.

        Raises
        ------
        DataError
            When they have no such form.
        """
        if self._content.ndim == 1 and reads != "images":
            return self._content[rows].tolist()
        if reads == "texts":
            raise DataError(f"expected texts, found {self._found}; choose another embedder")
        if self.pictures is not None:
            return self.pictures[rows].read(side)
        if reads == "images":
            return self._in_colour(rows)
        return self.X[rows] if self.as_given is None else self.as_given[rows].examples

    @property
    def _found(self) -> str:
        """What the examples are, for messages."""
        if self.X.ndim == 4:
            return f"images of shape {self.X.shape[1:]}"
        if self._content.ndim == 1:
            return "texts"
        return f"features of shape {self.X.shape}" if self.X.shape[1] else "records"

    @cached_property
    def _content(self) -> Examples:
        """What the examples hold."""
        return content_of(self.X, self.as_given)

    def _in_colour(self, rows: Rows) -> list[npt.NDArray[np.uint8]]:
        """Images of an array, each in colour (h, w, 3) and 8 bits."""
        if self.X.ndim != 4:
            raise DataError(f"expected images, found {self._found}; choose another embedder")
        images = self.X[rows][..., :3]  # a fourth channel is opacity
        if self.pixel_range is not None:
            low, high = self.pixel_range
            images = np.clip((images.astype(np.float64) - low) * (255 / (high - low or 1.0)), 0, 255)
        return list(np.broadcast_to(images.astype(np.uint8), (*images.shape[:3], 3)))


def _pixel_range(X: Examples) -> tuple[float, float] | None:
    """The numbers that are black and white in images that are not of 8 bits; 1 is white among shares."""
    if X.ndim != 4 or X.dtype == np.uint8:
        return None
    step = max(1, CHUNK_BYTES // max(1, X[:1].nbytes))
    parts = [X[start : start + step] for start in range(0, len(X), step)]
    low = min(float(part.min()) for part in parts)
    high = max(float(part.max()) for part in parts)
    if low >= 0:
        low = 0.0
        high = 1.0 if X.dtype.kind == "f" and high <= 1 else high
    return low, high


def _of_shared(
    sent: SharedArray,
    as_given: AsGiven | None,
    pictures: Pictures | None,
    pixel_range: tuple[float, float] | None,
    first: int,
) -> Inputs:
    """The same examples in another process."""
    return Inputs(array_of(sent), as_given, pictures, pixel_range, first)
