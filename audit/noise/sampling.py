"""Which rows change, in exact numbers or by chance, and to which class."""

import numpy as np

from audit.types import Floats, Labels, Rows, largest_remainder


def rows_all_alike(n: int, rate: float, rng: np.random.Generator) -> Rows:
    """Draw exactly round(rate * n) of n rows without replacement."""
    return rng.choice(n, size=round(rate * n), replace=False)


def rows_by_class(original: Labels, flip: Floats, rng: np.random.Generator) -> Rows:
    """Draw an exact number of rows of each class, by the probability flip (k,) that its labels change.

    In all, round(sum of the probabilities of all rows) are drawn.
    """
    counts = np.bincount(original, minlength=len(flip))
    values, same = np.unique(flip, return_inverse=True)  # so that equal rates add up to the bit
    total = round(float(values @ np.bincount(same, weights=counts)))
    rows = [
        rng.choice(np.flatnonzero(original == label), quota, replace=False)
        for label, quota in enumerate(largest_remainder(flip * counts, total))
    ]
    return np.concatenate(rows)


def rows_by_chance(original: Labels, flip: Floats, rng: np.random.Generator) -> Rows:
    """Draw each row independently, with the probability of its class in flip (k,)."""
    return np.flatnonzero(rng.random(len(original)) < flip[original])


def other_class(original: Labels, T: Floats, rng: np.random.Generator) -> Labels:
    """Draw another class for each label from its row of T, without the diagonal."""
    off_diagonal = T * (1 - np.eye(len(T)))
    cumulative = np.cumsum(off_diagonal, axis=1)
    return classes_at(cumulative[original], rng.random(len(original)))


def classes_at(cumulative: Floats, draws: Floats) -> Labels:
    """Return the class (m,) at which each cumulative sum (m, k) exceeds its draw, a share of the last."""
    passed: Labels = np.sum(cumulative <= (draws * cumulative[:, -1])[:, None], axis=1, dtype=np.int64)
    return passed
