"""Split a data set into rows to train on and rows held out for testing."""

from math import isfinite
from typing import NamedTuple

import numpy as np

from audit.errors import ConfigError
from audit.types import Groups, Labels, Rows


class Holdout(NamedTuple):
    """Two sets of rows without a common row or a common example."""

    train: Rows  # (m,) rising
    test: Rows  # (t,) rising


def hold_out(
    labels: Labels,
    groups: Groups,
    test_size: float,
    train_size: float | None,
    rng: np.random.Generator,
    *,
    whole_groups: bool = False,
) -> Holdout:
    """Draw a training and a test part in which every class keeps its share.

    Copies of a test example are left out of the training part. Whole groups, such as the rows of a patient,
    are drawn by the label of their first row.

    Parameters
    ----------
    labels, groups
        (n,) and (n,); a group is a set of exact duplicates.
    test_size, train_size
        A share of the rows below 1, or a number of rows from 1 up; train_size None takes all remaining rows.
    rng
        Draws the parts.

    Raises
    ------
    ConfigError
        When a part would be empty, or when there are too few rows.
    """
    n = len(labels)
    if whole_groups:
        return _hold_out_groups(labels, groups, test_size, train_size, rng)
    test_rows = _row_count("--test-size", test_size, n)
    if test_rows >= n:
        raise ConfigError(f"--test-size {test_size:g} leaves none of {n:,} rows to train on; lower it")
    test = _draw_stratified(np.arange(n), labels, test_rows, rng)
    rest = np.flatnonzero(~np.isin(groups, groups[test]))
    train_rows = len(rest)
    if train_size is not None:
        train_rows = _row_count("--train-size", train_size, n)
    if not 0 < train_rows <= len(rest):
        raise ConfigError(
            f"{n:,} rows less {test_rows:,} for testing and their copies leave {len(rest):,} to train on, "
            f"expected {max(1, train_rows):,}; lower --train-size or --test-size"
        )
    return Holdout(_draw_stratified(rest, labels, train_rows, rng), test)


def _hold_out_groups(
    labels: Labels, groups: Groups, test_size: float, train_size: float | None, rng: np.random.Generator
) -> Holdout:
    """Draw the groups of both parts, whose rows are about as many as were asked for."""
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    sizes = [size if size is None or size < 1 else size / len(labels) for size in (test_size, train_size)]
    drawn = hold_out(labels[first], np.arange(len(first)), sizes[0] or test_size, sizes[1], rng)
    train, test = (np.flatnonzero(np.isin(group, some)) for some in drawn)
    return Holdout(train, test)


def _row_count(flag: str, size: float, n: int) -> int:
    """The number of rows that a size means; ConfigError when it means none."""
    count = size
    if 0 < size < 1:
        count = round(size * n)
    if not (isfinite(size) and size > 0 and count == int(count) and count >= 1):
        raise ConfigError(
            f"{flag} must be a share below 1 of the {n:,} rows or a whole number of rows, found {size:g}"
        )
    return int(count)


def _draw_stratified(rows: Rows, labels: Labels, size: int, rng: np.random.Generator) -> Rows:
    """Draw rows at even distances from a random start, from the shuffled rows sorted by class."""
    shuffled = rng.permutation(rows)
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    places = (np.arange(size) + rng.random()) * (len(rows) / size)
    return np.sort(by_class[np.minimum(places.astype(np.int64), len(rows) - 1)])
