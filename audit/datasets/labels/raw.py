"""Take raw labels out of any container and find the different ones.

What is not one class for each row is refused with the reason: measurements, moments, several labels for a
row, mixed types.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from audit.datasets.labels.foreign import is_from, shown
from audit.datasets.labels.no_label import looks_unlabelled, missing_flag
from audit.errors import DataError
from audit.types import Mask

NO_LABEL = -1
_NOTHING = np.array(None, dtype=object)
EXPECTED = "expected classes: integers, strings or booleans, one for each row"
ONE_HOT = f"{EXPECTED}, or one-hot rows with exactly one 1"
WHOLE_FLOAT = re.compile(
    r"-?(?:0|[1-9][0-9]{0,15})(?:\.0+|,0)"
)  # as pandas writes integers beside missing values
MOST_EXACT = 2**53  # whole floats above are rounded
NUMBERS = ("floating", "mixed-integer-float", "integer", "boolean")  # pandas' names of object types
PLAIN = ("string", "integer", "boolean", "bytes", "empty")
MOMENTS = ("M", "m", "datetime64", "datetime", "date", "time", "period", "timedelta64", "timedelta")
ONE_EACH = "give one label, not several, for each row"
PLAINLY = "give plain strings or integers"
REMEDIES = dict.fromkeys(MOMENTS, "make classes of these moments, for example the year as a string")


@dataclass(frozen=True, eq=False)
class RawLabels:
    """Raw labels as an array, with what their container tells about the classes."""

    array: npt.NDArray[Any]  # (n,) or one-hot rows (n, k)
    names: Sequence[Any] | None = None  # the column names of one-hot rows
    rank: dict[Any, int] | None = None  # the order of ordered categories
    are_classes: bool = False  # whether the container declares them classes


@dataclass(frozen=True, eq=False)
class DistinctLabels:
    """Every different raw label once, and which of them each row holds."""

    values: list[Any]
    position: npt.NDArray[np.int64]  # (n,) into values; NO_LABEL where a row has no label

    def first_row(self, i: int) -> int:
        """The first row that holds the label i."""
        return int((self.position == i).argmax())

    @property
    def are_strings(self) -> bool:
        """Whether the labels are strings or bytes, else numbers."""
        return bool(self.values) and isinstance(self.values[0], str | bytes)

    def only(self, kept: Sequence[int]) -> "DistinctLabels":
        """These labels; rows of others have none."""
        if len(kept) == len(self.values):
            return self
        table = np.full(len(self.values) + 1, NO_LABEL)  # the last entry is for NO_LABEL itself, which is -1
        table[np.array(kept, dtype=np.int64)] = np.arange(len(kept))
        return DistinctLabels([self.values[i] for i in kept], table[self.position])


def open_labels(y: Any, name: str) -> RawLabels:
    """Take the array of labels out of any container; DataError when there is none."""
    if hasattr(y, "columns") and hasattr(y, "to_numpy"):  # a frame of pandas or polars
        if len(y.columns) == 1:
            return open_labels(y[next(iter(y.columns))], name)
        return RawLabels(y.to_numpy(), names=list(y.columns))
    if is_from(y, "pandas") and (opened := _from_pandas(y)):
        return opened
    if isinstance(y, np.ma.MaskedArray):
        return RawLabels(np.where(np.ma.getmaskarray(y), _NOTHING, y.astype(object).data))
    try:
        # As objects, because numpy would make strings of a list of 1 and "1".
        values = np.asarray(y) if hasattr(y, "__array__") else np.array(y, dtype=object)
    except (ValueError, TypeError, RuntimeError) as error:
        what = f"{name} cannot be read as an array ({shown(str(error))})"
        raise DataError(f"{what}, {EXPECTED}; give one plain label for each row") from error
    if not values.shape:
        _refuse_one_value(y, name)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    return RawLabels(values)


def _refuse_one_value(y: Any, name: str) -> NoReturn:
    """Refuse what is one value to numpy, as an object of an unknown type is."""
    what = f"is of type {type(y).__name__}"
    if isinstance(y, np.ndarray | np.generic):
        what = "has shape ()"
    remedy = "give a list, an array or a Series"
    if hasattr(y, "toarray"):
        remedy = "use its toarray()"
    raise DataError(f"{name} {what}, {EXPECTED}; {remedy}")


def distinct_labels(array: npt.NDArray[Any], name: str, missing: Collection[str] = ()) -> DistinctLabels:
    """Find the different labels of an array (n,) or of one-hot rows (n, k); these are missing."""
    if array.dtype.kind == "V":  # records, of any shape
        _refuse_dtype(array.dtype, name)
    if array.ndim != 1:
        array = _column_numbers(array, name)
        return _distinct(array, name)
    if array.dtype.kind in "OT":
        array = array.astype(object)  # a copy
        if missing:  # before they are seen to be of another type than the labels
            array[[_means(each, missing) for each in array]] = None
        array = _uniform(array, name)
    found = _distinct(array, name)
    return found.only([i for i, value in enumerate(found.values) if not _means(value, missing)])


def _distinct(array: npt.NDArray[Any], name: str) -> DistinctLabels:
    """Find the different labels of an array (n,)."""
    _refuse_dtype(array.dtype, name)
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):  # what a double cannot hold becomes infinite and is refused
            array = array.astype(np.float64)
        _refuse_fractions(array, name)
    if array.dtype.kind in "buif":
        values, position = np.unique(array, return_inverse=True)
        known = values[~np.isnan(values)]  # NaN is last
        return DistinctLabels(known.tolist(), np.where(position < len(known), position, NO_LABEL))
    # A dict, because numpy.unique and pandas.factorize do not tell "a" from "a\0".
    rows = array.tolist()
    kept = [value for value in dict.fromkeys(rows) if not _is_blank(value)]
    position_of = {value: i for i, value in enumerate(kept)}
    position = np.fromiter((position_of.get(value, NO_LABEL) for value in rows), np.int64, len(rows))
    return DistinctLabels(kept, position)


def _from_pandas(y: Any) -> RawLabels | None:
    """The labels in a series, an index or an array of pandas; None where each row has several."""
    import pandas as pd  # noqa: PLC0415  slow to import

    array = y
    if isinstance(y, pd.Series | pd.Index) and not isinstance(y, pd.MultiIndex):
        array = y.array
    if isinstance(array, pd.Categorical):
        objects = np.asarray(array.astype(object))
        if not array.ordered:
            return RawLabels(objects, are_classes=True)
        rank = {value: i for i, value in enumerate(array.categories.tolist())}
        return RawLabels(objects, rank=rank, are_classes=True)
    if not isinstance(array, pd.api.extensions.ExtensionArray):
        return None
    if isinstance(y.dtype, np.dtype):
        return RawLabels(np.asarray(y))
    return RawLabels(array.to_numpy(dtype=object))


def _means(value: Any, missing: Collection[str]) -> bool:
    """Whether a label, as it is written, is one of those that are missing."""
    if not missing or not isinstance(value, str | bytes | bool | int | float | np.generic):
        return False
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    try:
        text = str(value).strip()
    except ValueError:  # an integer of thousands of digits
        return False
    return text in missing or as_whole_number(text) in missing


def as_whole_number(text: str) -> str:
    """A whole number without the zeros after its point, as 10 for 10.0; any other text as it is."""
    if not WHOLE_FLOAT.fullmatch(text):
        return text
    return str(int(re.split("[.,]", text)[0]))


def class_called(text: str, class_names: Sequence[str]) -> str:
    """The class that a text of another file means: spaces around it and zeros after a point aside."""
    if text in class_names:
        return text
    name_of = {as_whole_number(name.strip()): name for name in class_names}
    return name_of.get(as_whole_number(text.strip()), text)


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str | bytes) and not value.strip())


def _refuse_dtype(dtype: np.dtype[Any], name: str) -> None:
    if dtype.kind in "buifUSO":
        return
    remedy = REMEDIES.get(dtype.kind, PLAINLY)
    if dtype.names:
        remedy = f"give its field {dtype.names[0]!r}"
    raise DataError(f"{name} has dtype {shown(str(dtype))[1:-1]}, {EXPECTED}; {remedy}")


def _refuse_fractions(values: npt.NDArray[np.float64], name: str) -> None:
    """Refuse floats that do not stand for integers, as pandas makes them where some are missing."""
    too_large = np.abs(values) > MOST_EXACT
    if too_large.any():
        row = int(too_large.argmax())
        remedy = "give labels of this size as strings, missing ones as NaN"
        raise DataError(f"{name} holds {values[row]} in row {row}, {EXPECTED}; {remedy}")
    fractions = (values != np.round(values)) & ~np.isnan(values)
    if fractions.any():
        row = int(fractions.argmax())
        different = len(np.unique(values[~np.isnan(values)]))
        raise DataError(
            f"{name} holds {different:,} different measurements such as {values[row]:.6g} (row {row}), "
            f"{EXPECTED}; a regression target cannot be audited; if these are classes, give them as strings"
        )


def missing_values(values: npt.NDArray[Any]) -> Mask:
    """Which values are missing, of any shape and type; a signalling NaN, which refuses to be compared, is."""
    import pandas as pd  # noqa: PLC0415  slow to import

    try:
        return np.asarray(pd.isna(values), dtype=bool)
    except InvalidOperation:
        missing = [(isinstance(each, Decimal) and each.is_nan()) or pd.isna(each) for each in values.flat]
        return np.reshape(np.array(missing, dtype=bool), values.shape)


def _uniform(values: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    """Python objects of one type, None where they are missing; as floats when some of them are."""
    import pandas as pd  # noqa: PLC0415  slow to import

    missing = missing_values(values)
    inferred = pd.api.types.infer_dtype(values[~missing], skipna=False)
    if inferred in PLAIN:
        return np.where(missing, _NOTHING, values)
    if inferred not in NUMBERS:
        _refuse_objects(values, missing, name)
    numbers = np.full(len(values), np.nan)
    try:
        numbers[~missing] = values[~missing].astype(np.float64)
    except OverflowError:
        _refuse_objects(values, missing, name)
    return numbers


def _refuse_objects(values: npt.NDArray[Any], missing: Mask, name: str) -> NoReturn:
    """Refuse objects of two types, or of one that cannot be a class."""
    from pandas.api.types import infer_dtype  # noqa: PLC0415  slow to import

    first_rows: dict[str, int] = {}  # of each type
    for row in np.flatnonzero(~missing).tolist():
        inferred = infer_dtype(values[row : row + 1], skipna=False)
        first_rows.setdefault("integer" if inferred == "floating" else inferred, row)
        if len(first_rows) > 1:
            break
    examples = [f"{shown(values[row])} (row {row})" for row in first_rows.values()]
    if len(examples) > 1:
        remedy = "give all labels the same type, for example with str(label)"
        texts = [values[row] for row in first_rows.values() if isinstance(values[row], str)]
        marks = looks_unlabelled(texts)
        if marks:
            remedy = f'if {shown(marks[0])} means "no label", leave it out with {missing_flag(marks[:1])}'
        raise DataError(f"{name} holds {' beside '.join(examples)}, {EXPECTED}; {remedy}")
    ((inferred, row),) = first_rows.items()
    remedy = REMEDIES.get(inferred, ONE_EACH if np.iterable(values[row]) else PLAINLY)
    what = f"objects of type {type(values[row]).__name__} such as {examples[0]}"
    raise DataError(f"{name} holds {what}, {EXPECTED}; {remedy}")


def _column_numbers(rows: npt.NDArray[Any], name: str) -> npt.NDArray[np.float64]:
    """The column of the 1 in each one-hot row (n, k); NaN for rows of zeros or NaN."""
    import pandas as pd  # noqa: PLC0415  slow to import

    missing = missing_values(rows)
    numeric = rows.dtype.kind in "buif"
    if rows.dtype.kind == "O":
        numeric = pd.api.types.infer_dtype(rows[~missing], skipna=False) in (*NUMBERS, "empty")
    if rows.ndim != 2 or rows.shape[1] < 2 or not numeric:
        remedy = "reshape it"
        if rows.ndim == 2 and rows.shape[1]:
            remedy = "give one of its columns"
        raise DataError(f"{name} has shape {rows.shape}, {ONE_HOT}; {remedy}")
    filled = np.where(missing, 0, rows)
    ones = filled == 1
    count = ones.sum(axis=1)
    other_values = (~ones & (filled != 0)).any(axis=1)
    wrong = other_values | (count > 1) | ((count == 1) & missing.any(axis=1))
    if wrong.any():
        row = int(wrong.argmax())
        remedy = "rows of several labels cannot be audited: give one of its columns"
        if not count[row] and all(0 <= value <= 1 for value in filled[row]):
            remedy = "soft labels are not audited: give the most probable class of each row (argmax)"
        found = shown(rows[row].tolist())
        raise DataError(f"{name} has shape {rows.shape}, {ONE_HOT}, but row {row} is {found}; {remedy}")
    return np.where(count == 1, ones.argmax(axis=1), np.nan)
