"""Columns that cannot be features: they number the rows, or say the label in other words."""

import numpy as np

from audit.datasets.giveaways.columns import MISSING, telling
from audit.datasets.giveaways.sampled_table import REPEATED, SampledTable
from audit.types import Floats, Labels
from audit.wording import percent

NEAR_PERFECT = 0.99  # of `Telling`: about one error in three hundred labels of three classes
STRONG = 0.95
ROW_NUMBERS = 2.0  # times as many whole numbers as rows, among which numbers of rows lie
FEW_ROWS = 50  # of fewer, whole numbers differ by chance, unless there are
FEW_ROW_NUMBERS = 1.2  # times as many at most
ANOTHER_LABEL = (
    0.98  # share of rows with the value of their class, from which three values or more are labels
)
LEAST_FILLED = 5  # rows for each class in which a column that says the label is filled in
MANY_VALUES = 20  # of which more are names of something
NO_SCALE = 0.5  # of `Telling`, up to which the order of a column's values means nothing


def no_features(table: SampledTable) -> dict[int, str]:
    """Say why columns, by their place among all, cannot be features."""
    found = dict.fromkeys(_marks_of_classes(table), "together they say the label in other words")
    for i in np.flatnonzero(table.few_values).tolist():
        if _says_label(table.values[:, i], table.sampled):
            found[i] = _says_label(table.columns[i].values(table.X), table.labels)
    for i in np.flatnonzero(table.tells(STRONG) | table.whole_and_distinct).tolist():
        distinct = np.unique(table.columns[i].values(table.X))
        if len(distinct) == len(table.labels):
            found[i] = _numbers_rows(table, i, distinct)
        elif not found.get(i):
            found[i] = _names_groups(table, i, distinct)
    return {i: why for i, why in found.items() if why}


def _numbers_rows(table: SampledTable, i: int, distinct: Floats) -> str:
    """Why a column of n different values numbers the rows; empty when it may be a measurement."""
    n = len(distinct)
    most = (ROW_NUMBERS if n >= FEW_ROWS else FEW_ROW_NUMBERS) * n
    if table.columns[i].categorical or (_are_whole(distinct) and np.ptp(distinct) < most):
        return f"it numbers the rows, with {n:,} different values"
    if _are_whole(distinct) and table.tells(STRONG)[i]:
        return f"it numbers the rows class by class, with {n:,} different values"
    return ""


def _says_label(values: Floats, labels: Labels) -> str:
    """Why a column of these values (n,) says the label in other words; empty when it does not.

    Missing values do not count: a column may say the label only where somebody filled it in.
    """
    there = values != MISSING
    distinct, code = np.unique(values[there], return_inverse=True)
    k = len(np.unique(labels))
    if len(distinct) != k or there.sum() < LEAST_FILLED * k:
        return ""
    counts = np.zeros((k, labels.max() + 1), dtype=np.int64)
    np.add.at(counts, (code, labels[there]), 1)
    counts = counts[:, counts.any(axis=0)]
    if counts.shape[1] < k or len(np.unique(counts.argmax(axis=0))) < k:
        return ""
    alike = float(counts.max(axis=0).sum() / there.sum())
    if alike == 1:
        return "it says the label in other words, with one value for each class"
    if k > 2 and alike >= ANOTHER_LABEL:
        return f"it says the label in other words in {percent(alike)} % of the rows"
    return ""


def _names_groups(table: SampledTable, i: int, distinct: Floats) -> str:
    """Why the values of a column name groups of rows of one label; empty when they may be a measurement."""
    k = len(np.unique(table.labels))
    many = max(MANY_VALUES, 2 * k) < len(distinct) <= len(table.labels) / 2
    pure = table.telling.repeated[i] >= REPEATED and table.telling.within[i] >= NEAR_PERFECT
    categorical = table.columns[i].categorical
    if not (many and pure and (categorical or (_are_whole(distinct) and _has_no_scale(table, i)))):
        return ""
    return (
        f"each of its {len(distinct):,} values has one label; if the rows of a value belong together, name "
        "it with --group-column"
    )


def _has_no_scale(table: SampledTable, i: int) -> bool:
    """Whether neighbouring values, one row of each, have different labels."""
    _, first = np.unique(table.values[:, i], return_index=True)
    one_each = telling(table.values[first][:, [i]], table.sampled[first])
    return bool(one_each.along[0] < NO_SCALE)


def _are_whole(values: Floats) -> bool:
    return bool((values == np.floor(values)).all())


def _marks_of_classes(table: SampledTable) -> list[int]:
    """The columns of two values that together mark each class, or each but one."""
    values = table.values
    low = values.min(axis=0)
    high = values.max(axis=0)
    two_values = ((values == low) | (values == high)).all(axis=0) & (low < high)
    binary = np.flatnonzero(two_values)
    classes, label = np.unique(table.sampled, return_inverse=True)
    k = len(classes)
    if k < 3 or not len(binary):
        return []
    ones = (values[:, binary] == high[binary]).astype(np.float64)
    shares = (
        np.eye(k)[label].T @ ones / np.bincount(label)[:, None]
    )  # (k, b) of each class with the high value
    full = (shares == 1).sum(axis=0)
    none = (shares == 0).sum(axis=0)
    marks_one = (full + none == k) & ((full == 1) | (none == 1))
    marked = np.where(full == 1, shares.argmax(axis=0), shares.argmin(axis=0))
    if len(np.unique(marked[marks_one])) < k - 1:
        return []
    places: list[int] = binary[marks_one].tolist()
    return places
