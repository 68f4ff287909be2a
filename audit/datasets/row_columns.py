"""What belongs to each row beside its example and its label: its part, group, place in time and votes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from audit import wording
from audit.datasets.labels.raw import missing_values
from audit.datasets.source import JoinedVotes
from audit.errors import DataError
from audit.types import Groups, Rows, Votes


def row_parts(part: npt.NDArray[Any], n: int) -> npt.NDArray[np.str_]:
    """The name of the part that each row (n,) is in."""
    _refuse_incomplete("split", part, n, ("one part", "a part", "such as train or test"))
    return part.astype(np.str_)


def row_groups(groups: npt.NDArray[Any], n: int) -> Groups:
    """A number for the group of each row (n,), counted in the order in which they come."""
    from pandas import factorize  # noqa: PLC0415  slow to import

    _refuse_incomplete("groups", groups, n, ("one group", "a group", "such as a patient or a document"))
    codes, _ = factorize(groups)
    return np.asarray(codes, dtype=np.int64)


def row_ranks(order: npt.NDArray[Any], n: int) -> Rows:
    """The place of each row (n,) in the order; equal for equal values. Texts of numbers or dates are read."""
    import pandas as pd  # noqa: PLC0415  slow to import

    _refuse_incomplete("order", order, n, ("one value", "a value", "such as a time"))
    values = pd.Series(order)
    if not (pd.api.types.is_numeric_dtype(values) or pd.api.types.is_datetime64_any_dtype(values)):
        values = _read_texts(values.astype(str))
    return np.asarray(values.rank(method="dense"), dtype=np.int64) - 1


def order_note(order: npt.NDArray[Any]) -> str:
    """A line where the values of the order are neither numbers nor dates, and so sorted as texts."""
    import pandas as pd  # noqa: PLC0415  slow to import

    values = pd.Series(order)
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_datetime64_any_dtype(values):
        return ""
    texts = values.astype(str)
    if not pd.api.types.is_string_dtype(_read_texts(texts)):
        return ""
    return (
        f"the order is sorted as texts, from {texts.min()!r} to {texts.max()!r}; for times give numbers, or "
        "dates such as 2020-01-31"
    )


def votes_on(
    joined: JoinedVotes, rows: Rows, n: int, class_names: Sequence[str]
) -> tuple[Votes | None, tuple[str, ...]]:
    """The votes on these rows (m,) of n, for classes by their numbers among the names, if any, and notes.

    DataError when no vote is for one of these classes.
    """
    class_of = np.full(len(joined.class_names), -1)
    for code, name in enumerate(joined.class_names):
        if name in class_names:
            class_of[code] = list(class_names).index(name)
    if (class_of < 0).all():
        found, expected = (wording.some(list(names)) for names in (joined.class_names, class_names))
        raise DataError(
            f"{joined.name} has the labels {found}, expected those of the data: {expected}; spell them alike"
        )
    lost = class_of[joined.votes.labels] < 0
    notes: tuple[str, ...] = ()
    if lost.any():
        others = [name for name, code in zip(joined.class_names, class_of.tolist(), strict=True) if code < 0]
        what = f"{joined.name}: {int(lost.sum()):,} labels of classes that are not audited left out"
        notes = (f"{what}: {wording.some(others)}",)
    votes = joined.votes.among(rows, n, class_of)
    if not len(votes.rows):
        return None, (*notes, f"{joined.name}: no labels on the rows that are audited")
    return votes, notes


def _read_texts(texts: Any) -> Any:
    """Texts as numbers, else as dates, else as they are."""
    import pandas as pd  # noqa: PLC0415  slow to import

    numbers = pd.to_numeric(texts, errors="coerce")
    if numbers.notna().all():
        return numbers
    dates = pd.to_datetime(texts, errors="coerce", format="ISO8601", utc=True)
    if dates.notna().all():
        return dates
    return texts


def _refuse_incomplete(name: str, column: npt.NDArray[Any], n: int, words: tuple[str, str, str]) -> None:
    """Refuse a column that has not one value for each of the n rows."""
    one, some, such = words
    if column.shape != (n,):
        raise DataError(f"{name} has shape {column.shape}, expected ({n},); give {one} for each row")
    missing = np.flatnonzero(missing_values(column))
    if len(missing):
        raise DataError(
            f"{name} is missing in {len(missing):,} of {n:,} rows, first in row {missing[0]}, expected "
            f"{some} for every row, {such}; fill it in"
        )
