"""Defects of rows of features: each function takes rows (m, d) and returns changed ones."""

from dataclasses import dataclass

import numpy as np

from audit.types import Examples, Floats, Mask, Rows, evenly

SAMPLED_ROWS = 5000  # from which medians and quartiles are estimated
FAR = (3.0, 6.0)  # interquartile ranges that an atypical value is moved by
CHANGED_SHARE = (0.15, 0.4)  # of the columns
MISTAKES = (0.0, 0.01, 0.1, 10.0, 100.0)  # factors: a lost value, or one in another unit


@dataclass(frozen=True, eq=False)
class ColumnStatistics:
    """Median and interquartile range of every column (d,); the standard deviation where that is 0."""

    median: Floats
    spread: Floats

    @classmethod
    def of(cls, X: Examples) -> "ColumnStatistics":
        """Estimate them from features (n, d), leaving missing values out."""
        sample = np.asarray(evenly(X, SAMPLED_ROWS), dtype=np.float64)
        known = ~np.isnan(sample).all(axis=0)
        low, median, high = np.zeros((3, X.shape[1]))
        low[known], median[known], high[known] = np.nanpercentile(sample[:, known], [25, 50, 75], axis=0)
        deviation = np.zeros(X.shape[1])
        deviation[known] = np.nanstd(sample[:, known], axis=0)
        spread = high - low
        return cls(median, np.where(spread > 0, spread, deviation))


def blended(X: Floats, others: Floats, rng: np.random.Generator) -> Floats:
    """Rows about half way between two rows."""
    weight = rng.uniform(0.45, 0.55, (len(X), 1))
    return np.asarray(weight * X + (1 - weight) * others)


def far_off(X: Floats, usual: ColumnStatistics, rng: np.random.Generator) -> Floats:
    """Rows with some values far from where they were."""
    move = rng.uniform(*FAR, X.shape) * rng.choice([-1, 1], X.shape) * usual.spread
    return np.where(_some_cells(X, rng), X + move, X)


def mistaken(X: Floats, rng: np.random.Generator) -> Floats:
    """Rows with some values lost or in another unit."""
    return np.where(_some_cells(X, rng), X * rng.choice(MISTAKES, (len(X), 1)), X)


def disordered(X: Floats, usual: ColumnStatistics, rng: np.random.Generator) -> Floats:
    """Rows whose values, in interquartile ranges from the median, are shuffled over the columns.

    Missing values stay missing.
    """
    away = (X - usual.median) / np.where(usual.spread > 0, usual.spread, 1)
    moved = usual.median + rng.permuted(np.nan_to_num(away), axis=1) * usual.spread
    return np.where(np.isnan(X), X, moved)


def as_floats(X: Examples, rows: Rows) -> Floats:
    """These rows as floats."""
    return np.asarray(X[rows], dtype=np.float64)


def as_dtype(X: Floats, dtype: np.dtype[np.generic]) -> Examples:
    """Rows in the dtype of the data, rounded and clipped to its range where that is integer."""
    if dtype.kind not in "iu":
        return X.astype(dtype)
    limits = np.iinfo(dtype.name)
    return np.clip(np.rint(X), limits.min, limits.max).astype(dtype)


def _some_cells(X: Floats, rng: np.random.Generator) -> Mask:
    """Which cells (m, d) to change: some columns of each row, at least one."""
    ranks = rng.permuted(np.tile(np.arange(X.shape[1]), (len(X), 1)), axis=1)
    count = np.maximum(1, rng.uniform(*CHANGED_SHARE, (len(X), 1)) * X.shape[1])
    return np.asarray(ranks < count)
