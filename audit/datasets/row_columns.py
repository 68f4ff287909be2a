"""What belongs to each row beside its example and its label: its part, its group, its place in time."""

from typing import Any

import numpy as np
import numpy.typing as npt

from audit.errors import DataError
from audit.types import Groups, Rows


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
    from pandas import isna  # noqa: PLC0415  slow to import

    one, some, such = words
    if column.shape != (n,):
        raise DataError(f"{name} has shape {column.shape}, expected ({n},); give {one} for each row")
    missing = np.flatnonzero(isna(column))
    if len(missing):
        raise DataError(
            f"{name} is missing in {len(missing):,} of {n:,} rows, first in row {missing[0]}, expected "
            f"{some} for every row, {such}; fill it in"
        )
