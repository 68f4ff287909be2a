"""Rows that are trained on, and rows that are set apart for testing."""

from typing import NamedTuple

import numpy as np

from audit.errors import ConfigError
from audit.types import Labels, Rows


class Parts(NamedTuple):
    """Two sets of rows without a common row or a common example."""

    train: Rows  # (m,) rising
    test: Rows  # (t,) rising


def hold_out(
    labels: Labels, groups: Rows, test_size: float, train_size: float | None, rng: np.random.Generator
) -> Parts:
    """A training and a test part in which every class keeps its share.

    Copies of a test example are left out of the training part.

    Parameters
    ----------
    labels, groups
        (n,) and (n,); a group is a set of exact duplicates.
    test_size, train_size
        A share of the rows below 1, a number of rows from 1 up; all that is left to train on when None.
    rng
        Draws the parts.

    Raises
    ------
    ConfigError
        When a part would be empty, or when there are not as many rows.
    """
    n = len(labels)
    tested = _count("--test-size", test_size, n)
    if tested >= n:
        raise ConfigError(f"--test-size {test_size:g} leaves none of {n:,} rows to train on; lower it")
    test = _stratified(np.arange(n), labels, tested, rng)
    rest = np.flatnonzero(~np.isin(groups, groups[test]))
    trained = len(rest) if train_size is None else _count("--train-size", train_size, n)
    if not 0 < trained <= len(rest):
        raise ConfigError(
            f"{n:,} rows less {tested:,} for testing and their copies leave {len(rest):,} to train on, "
            f"expected {max(1, trained):,}; lower --train-size or --test-size"
        )
    return Parts(_stratified(rest, labels, trained, rng), test)


def _count(flag: str, size: float, n: int) -> int:
    """The number of rows that a size means."""
    count = round(size * n) if 0 < size < 1 else size
    if not (size > 0 and count == int(count) and count >= 1):  # also refuses NaN
        raise ConfigError(
            f"{flag} must be a share of the {n:,} rows below 1 or a whole number of rows, found {size:g}"
        )
    return int(count)


def _stratified(rows: Rows, labels: Labels, size: int, rng: np.random.Generator) -> Rows:
    """So many of the rows: shuffled, sorted by class, and taken at even distances from a random start."""
    shuffled = rng.permutation(rows)
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    places = (np.arange(size) + rng.random()) * (len(rows) / size)
    return np.sort(by_class[np.minimum(places.astype(np.int64), len(rows) - 1)])
