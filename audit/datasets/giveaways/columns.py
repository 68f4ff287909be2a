"""The columns of a table as a person knows them, and how well each one tells the labels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.types import Examples, Floats, Labels, Rows

VALUE_SIGN = " = "  # between the name of a column of categories and one of its values, in names of features
MOST_SAMPLED = 750_000  # numbers that are sorted
LEAST_SAMPLED = 500  # rows, however many columns there are
MISSING = np.finfo(np.float64).max  # stands for missing values, which may tell the label as well


@dataclass(frozen=True)
class Column:
    """A column of numbers, or of categories, which are one feature for each value."""

    name: str
    places: tuple[int, ...]  # in the examples

    @property
    def categorical(self) -> bool:
        """Whether it holds categories."""
        return len(self.places) > 1

    def values(self, X: Examples) -> Floats:
        """Its values (n,) as numbers; categories as theirs."""
        numbers = np.asarray(X[:, list(self.places)], dtype=np.float64)
        if self.categorical:
            return np.where(numbers.any(axis=1), numbers.argmax(axis=1), MISSING)
        return np.nan_to_num(numbers[:, 0], nan=MISSING)


@dataclass(frozen=True)
class Telling:
    """How well columns (c,) tell the labels, each alone: 0 as chance does, 1 without an error.

    Rows are put in the order of a column, those of equal value in a random order. Where the column tells the
    label, neighbours have the same label: their share, corrected for chance, is the measure.
    """

    along: Floats  # by neighbours in the order; the changes that k classes need do not count against it
    within: Floats  # by neighbours of equal value
    repeated: Floats  # share of the rows that follow one of equal value


def columns_of(feature_names: tuple[str, ...], X: Examples) -> list[Column]:
    """List the columns; features that stand for the values of one column of categories are one column."""
    names = feature_names or tuple(str(number) for number in range(X.shape[1]))
    columns = []
    for stem, places in _runs(names):
        if len(places) > 1 and _are_indicators(X[:, places]):
            columns.append(Column(stem, tuple(places)))
        else:
            columns += [Column(names[place], (place,)) for place in places]
    return columns


def sample_rows(n: int, d: int) -> Rows:
    """Draw rows in a random order, as many as are sorted quickly; the same for the same shape."""
    size = max(LEAST_SAMPLED, MOST_SAMPLED // max(1, d))
    return np.random.default_rng(0).permutation(n)[:size]


def telling(values: npt.NDArray[Any], labels: Labels) -> Telling:
    """Measure how well each of these columns (m, c) tells the labels (m,) of rows in random order."""
    return tellings(values, [labels])[0]


def tellings(values: npt.NDArray[Any], questions: Sequence[Labels]) -> list[Telling]:
    """As `telling`, for several questions about the same rows, each of which has labels (m,) of its own."""
    order = np.argsort(values, axis=0, kind="stable")
    in_order = np.take_along_axis(values, order, axis=0)
    equal = in_order[1:] == in_order[:-1]
    return [_telling(labels, order, equal) for labels in questions]


def _telling(labels: Labels, order: Rows, equal: npt.NDArray[np.bool_]) -> Telling:
    """How well columns tell labels (m,), from their order (m, c) and which values equal the one before."""
    m = len(labels)
    sorted_labels = labels[order]
    differ = sorted_labels[1:] != sorted_labels[:-1]
    shares = np.bincount(labels) / m
    chance = 1 - float(shares @ shares)
    classes = np.count_nonzero(shares)
    if not chance:
        nothing = np.zeros(order.shape[1])
        return Telling(nothing, nothing, nothing)
    changes = np.maximum(differ.sum(axis=0) - (classes - 1), 0)
    pairs = equal.sum(axis=0)
    differing_pairs = (differ & equal).sum(axis=0)
    return Telling(
        along=1 - changes / (m - 1) / chance,
        within=1 - (differing_pairs / np.maximum(pairs, 1)) / chance,
        repeated=pairs / (m - 1),
    )


def _runs(names: tuple[str, ...]) -> Iterator[tuple[str, list[int]]]:
    """Places that follow each other and whose names are alike up to the last VALUE_SIGN."""
    stems = [name.rpartition(VALUE_SIGN)[0] or name for name in names]
    for stem, places in groupby(range(len(names)), key=stems.__getitem__):
        yield stem, list(places)


def _are_indicators(values: npt.NDArray[np.floating]) -> bool:
    """Whether every row has a 1 in one of these columns at most, and 0 elsewhere."""
    ones = values == 1
    return bool((ones | (values == 0)).all() and (ones.sum(axis=1) <= 1).all())
