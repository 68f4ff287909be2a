"""Labels of any form as numbers of the columns of predicted probabilities."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from audit import wording
from audit.datasets.labels.foreign import is_from, shown
from audit.datasets.labels.no_label import looks_unlabelled, missing_flag
from audit.datasets.labels.parsing import ParsedLabels, parse
from audit.datasets.labels.raw import NO_LABEL
from audit.errors import DataError
from audit.types import Labels, Mask


@dataclass(frozen=True, eq=False)
class ColumnLabels:
    """Labels as numbers of columns, and what each column stands for."""

    codes: Labels  # (n,) 0..k-1, NO_LABEL where there is no label
    values: npt.NDArray[Any]  # (k,) the label of each column, of the type of the labels
    class_names: tuple[str, ...] | None = None  # (k,) None where labels are the numbers of their columns
    notes: tuple[str, ...] = ()

    @property
    def column_names(self) -> tuple[str, ...]:
        """What each column stands for, as text."""
        if self.class_names is not None:
            return self.class_names
        return tuple(map(str, self.values.tolist()))

    @property
    def labelled(self) -> Mask:
        """Which rows (n,) have a label."""
        return np.not_equal(self.codes, NO_LABEL)

    def in_form(self, codes: Labels) -> npt.NDArray[Any]:
        """Class codes as labels of the form that was given; None where there is no label."""
        if (codes != NO_LABEL).all():
            return self.values[codes]
        values = np.append(self.values.astype(object), [None])  # the last is for NO_LABEL, which is -1
        return np.asarray(values[codes])


def fit_to_columns(
    y: Any,
    name: str,
    k: int | None = None,
    missing: Collection[str] = (),
    *,
    expected: str | None = None,
) -> ColumnLabels:
    """Read labels of any form that `parse` takes as numbers of columns.

    Integers 0..k-1 are the numbers of their columns, also where nobody has some of them. Of other labels, the
    sorted classes are the columns.

    Parameters
    ----------
    y
        Raw labels.
    name
        What they are called in messages.
    k
        How many columns there are; one for each class when not given.
    missing
        Labels that mean "no label".
    expected
        What k is called in messages; the number of columns when not given.

    Raises
    ------
    DataError
        When these are no labels, or there are not as many classes as columns.
    """
    numbers = _plain_integers(y)
    if numbers is not None and not missing and _are_columns(numbers, k):
        columns = k or int(numbers.max(initial=-1)) + 1
        return ColumnLabels(numbers.astype(np.int64), np.arange(columns))
    parsed = parse(y, name, missing=missing)
    if k is not None and _are_columns(np.array(parsed.values), k):
        table = np.array([*map(int, parsed.values), NO_LABEL])
        return ColumnLabels(table[parsed.codes], np.arange(k), notes=parsed.notes)
    declared = _declared_classes(y)
    if len(declared) == k and set(parsed.class_names) <= set(map(str, declared)):
        names = tuple(map(str, declared))
        table = np.array([*map(names.index, parsed.class_names), NO_LABEL])
        return ColumnLabels(table[parsed.codes], np.array(declared), names, parsed.notes)
    if k is not None and len(parsed.class_names) != k:
        raise _other_number(parsed, name, k, expected or f"{k}, one for each column")
    return ColumnLabels(parsed.codes, np.array(parsed.values), parsed.class_names, parsed.notes)


def _plain_integers(y: Any) -> npt.NDArray[Any] | None:
    """The labels where they are an array of integers (n,), or a list that makes one."""
    try:
        array = np.asarray(y)
    except (ValueError, TypeError, RuntimeError):  # parse says why
        return None
    if array.ndim == 1 and (array.dtype.kind in "iu" or not array.size):
        return array.astype(np.int64, casting="unsafe")
    return None


def _are_columns(values: npt.NDArray[Any], k: int | None) -> bool:
    """Whether these are integers 0..k-1; without k, integers from 0 up without a gap."""
    if values.dtype.kind not in "iuf":
        return False
    if k is None:
        return np.array_equal(np.unique(values), np.arange(values.max(initial=-1) + 1))
    return not len(values) or bool(values.min() >= 0 and values.max() < k)


def _declared_classes(y: Any) -> list[Any]:
    """The categories of pandas in the order of their classes, also those that no row has; else none."""
    dtype = getattr(y, "dtype", None)
    categories = getattr(dtype, "categories", None)
    if not is_from(dtype, "pandas") or categories is None:
        return []
    classes: list[Any] = categories.tolist()
    if getattr(dtype, "ordered", False) or len({type(each) for each in classes}) > 1:
        return classes
    return sorted(classes)


def _other_number(parsed: ParsedLabels, name: str, k: int, expected: str) -> DataError:
    """The error for labels of more or fewer classes than columns."""
    found = wording.some([shown(each) for each in parsed.class_names])
    remedy = "leave out labels of the other classes, or add what is missing"
    unlabelled = looks_unlabelled(parsed.class_names)
    if unlabelled and len(parsed.class_names) - len(unlabelled) == k:
        means = wording.some([shown(each) for each in unlabelled])
        remedy = f'if {means} means "no label", leave it out with {missing_flag(unlabelled)}'
    return DataError(
        f"{name} have {len(parsed.class_names)} classes ({found}), expected {expected}, or integers 0 to "
        f"{k - 1}; {remedy}"
    )
