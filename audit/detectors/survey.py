"""What numbers that may be probabilities look like, in one pass over blocks of their rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from audit.detectors.blocks import columns_of, greatest, in_threads, slices
from audit.types import Floats, Labels, Mask

Numbers = npt.NDArray[np.floating[Any]]  # (n, k) of 16, 32 or 64 bits

TOLERANCE = 1e-3  # rows of half precision are that far from a sum of one


@dataclass(frozen=True)
class Faulty:
    """How many rows have a fault, and the first of them."""

    count: int
    first: int

    @classmethod
    def of(cls, rows: Mask, start: int) -> Self:
        """Count the marked rows of a block that begins at this row."""
        return cls(int(rows.sum()), start + int(rows.argmax()))

    @classmethod
    def of_all(cls, blocks: Sequence[Self]) -> Self:
        """Count those of all blocks, which are in their order."""
        first = next((each.first for each in blocks if each.count), 0)
        return cls(sum(each.count for each in blocks), first)


@dataclass(frozen=True, eq=False)
class Survey:
    """Ranges, sums and likeliest classes of numbers (n, k)."""

    gaps: Faulty  # rows with NaN or infinite numbers
    low: Floats  # (k,) of each column
    high: Floats  # (k,)
    likeliest: Labels  # (n,) the column of the greatest number
    confidence: float  # the mean of the greatest numbers
    sums: Floats  # (3,) of the first row, the least and the greatest
    off: Faulty  # rows with a sum other than one
    sum_of_off: float  # of the first such row


def survey(values: Numbers) -> Survey:
    """Look at all numbers once; values (n, k) may lie in a mapped file, n and k are 1 or more."""
    blocks = list(in_threads(lambda rows: _of_block(values[rows], rows.start), slices(*values.shape)))
    sums = np.array([block.sums for block in blocks])
    return Survey(
        gaps=Faulty.of_all([block.gaps for block in blocks]),
        low=np.min([block.low for block in blocks], axis=0),
        high=np.max([block.high for block in blocks], axis=0),
        likeliest=np.concatenate([block.likeliest for block in blocks]),
        confidence=sum(block.confidence * len(block.likeliest) for block in blocks) / len(values),
        sums=np.array([sums[0, 0], sums[:, 1].min(), sums[:, 2].max()]),
        off=Faulty.of_all([block.off for block in blocks]),
        sum_of_off=next((block.sum_of_off for block in blocks if block.off.count), 1.0),
    )


def _of_block(values: Numbers, start: int) -> Survey:
    """Look at the numbers (b, k) of a block that begins at this row."""
    dtype = np.promote_types(values.dtype, np.float32)
    columns = columns_of(values, dtype)
    low = columns.min(axis=1).astype(np.float64)
    high = columns.max(axis=1).astype(np.float64)
    gaps = Faulty(0, start)
    if not np.isfinite([low, high]).all():
        gaps = Faulty.of(~np.isfinite(columns).all(axis=0), start)
    with np.errstate(over="ignore", invalid="ignore"):
        sums = columns.sum(axis=0).astype(np.float64)
        off = ~(np.abs(sums - 1) <= TOLERANCE)
    return Survey(
        gaps=gaps,
        low=low,
        high=high,
        likeliest=greatest(columns),
        confidence=float(columns.max(axis=0).mean(dtype=np.float64)),
        sums=np.array([sums[0], sums.min(), sums.max()]),
        off=Faulty.of(off, start),
        sum_of_off=float(sums[off.argmax()]),
    )


def sums_of_exponentials_are_one(values: Numbers) -> bool:
    """Return whether the exponentials of every row (n, k) sum to one."""

    def sum_to_one(rows: slice) -> bool:
        sums = np.exp(values[rows].astype(np.float64)).sum(axis=1)
        return bool((np.abs(sums - 1) <= TOLERANCE).all())

    return all(in_threads(sum_to_one, slices(*values.shape)))
