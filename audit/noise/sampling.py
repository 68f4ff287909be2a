"""Which rows change, in exact numbers or each by chance, and to what."""

import numpy as np

from audit.types import Floats, Labels, Rows


def rows_all_alike(n: int, rate: float, rng: np.random.Generator) -> Rows:
    """Exactly round(rate * n) of n rows, without replacement."""
    return rng.choice(n, size=round(rate * n), replace=False)


def rows_by_class(true: Labels, flip: Floats, rng: np.random.Generator) -> Rows:
    """An exact number of rows of each class, in all round(sum of the probabilities flip (k,) of all rows)."""
    counts = np.bincount(true, minlength=len(flip))
    values, same = np.unique(flip, return_inverse=True)  # so that e of each class is e of all to the last bit
    total = round(float(values @ np.bincount(same, weights=counts)))
    rows = [
        rng.choice(np.flatnonzero(true == label), quota, replace=False)
        for label, quota in enumerate(largest_remainder(flip * counts, total))
    ]
    return np.concatenate(rows)


def rows_by_chance(true: Labels, flip: Floats, rng: np.random.Generator) -> Rows:
    """Each row by itself, with its class's probability in flip (k,)."""
    return np.flatnonzero(rng.random(len(true)) < flip[true])


def largest_remainder(expected: Floats, total: int) -> Rows:
    """Whole numbers (k,) that add up to the total, each less than 1 away from what is expected.

    Hamilton's method: everything is rounded down, and the largest fractions get the units that are left,
    ties in the order of the classes.
    """
    whole = np.floor(expected).astype(np.int64)
    short = total - int(whole.sum())
    whole[np.argsort(whole - expected, kind="stable")[:short]] += 1
    return whole


def other_class(true: Labels, T: Floats, rng: np.random.Generator) -> Labels:
    """A class for each label from its row of T without the diagonal."""
    off_diagonal = T * (1 - np.eye(len(T)))
    cumulative = np.cumsum(off_diagonal, axis=1)
    return classes_at(cumulative[true], rng.random(len(true)))


def classes_at(cumulative: Floats, draws: Floats) -> Labels:
    """The class (m,) at which each cumulative sum (m, k) passes its draw from [0, 1) of the last."""
    passed: Labels = np.sum(cumulative <= (draws * cumulative[:, -1])[:, None], axis=1, dtype=np.int64)
    return passed
