"""Known defects of rows of features: each takes rows (m, d) with what is usual, and gives others."""

from dataclasses import dataclass

import numpy as np

from audit.types import Examples, Floats, Rows, evenly

LOOKED_AT = 5000  # rows that medians and quartiles are taken of
FAR = (3.0, 6.0)  # quartile ranges that an atypical value is moved by
SOME = (0.15, 0.4)  # share of the columns that a defect is in
MISTAKES = (0.0, 0.01, 0.1, 10.0, 100.0)  # what a value is multiplied by: lost, or in another unit


@dataclass(frozen=True, eq=False)
class Usual:
    """The median and the quartile range of every column (d,)."""

    median: Floats
    spread: Floats

    @classmethod
    def of(cls, X: Examples) -> "Usual":
        """What is usual in features (n, d), missing values left out."""
        some = np.asarray(evenly(X, LOOKED_AT), dtype=np.float64)
        full = some[:, ~np.isnan(some).all(axis=0)]
        low, median, high = np.zeros((3, X.shape[1]))
        known = ~np.isnan(some).all(axis=0)
        low[known], median[known], high[known] = np.nanpercentile(full, [25, 50, 75], axis=0)
        spread = high - low
        wide = np.zeros(X.shape[1])
        wide[known] = np.nanstd(full, axis=0)
        return cls(median, np.where(spread > 0, spread, wide))


def between(X: Floats, others: Floats, rng: np.random.Generator) -> Floats:
    """Half way between two rows."""
    weight = rng.uniform(0.45, 0.55, (len(X), 1))
    return np.asarray(weight * X + (1 - weight) * others)


def far_off(X: Floats, usual: Usual, rng: np.random.Generator) -> Floats:
    """Some columns far from their median."""
    far = rng.uniform(*FAR, X.shape) * rng.choice([-1, 1], X.shape) * usual.spread
    return np.where(_some_columns(X, rng), X + far, X)


def mistaken(X: Floats, _: Usual, rng: np.random.Generator) -> Floats:
    """Some columns lost or in another unit."""
    return np.where(_some_columns(X, rng), X * rng.choice(MISTAKES, (len(X), 1)), X)


def disordered(X: Floats, usual: Usual, rng: np.random.Generator) -> Floats:
    """Every value moved to another column, at as many quartile ranges from its median; missing ones stay."""
    away = (X - usual.median) / np.where(usual.spread > 0, usual.spread, 1)
    moved = usual.median + rng.permuted(np.nan_to_num(away), axis=1) * usual.spread
    return np.where(np.isnan(X), X, moved)


def back(X: Floats, dtype: np.dtype[np.generic]) -> Examples:
    """Rows in the dtype of the data."""
    if dtype.kind not in "iu":
        return X.astype(dtype)
    limits = np.iinfo(dtype.name)
    return np.clip(np.rint(X), limits.min, limits.max).astype(dtype)


def _some_columns(X: Floats, rng: np.random.Generator) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Which cells to change: of each row some columns, at least one."""
    ranks = rng.permuted(np.tile(np.arange(X.shape[1]), (len(X), 1)), axis=1)
    return np.asarray(ranks < np.maximum(1, rng.uniform(*SOME, (len(X), 1)) * X.shape[1]))


def rows_of(X: Examples, rows: Rows) -> Floats:
    """These rows as numbers."""
    return np.asarray(X[rows], dtype=np.float64)
