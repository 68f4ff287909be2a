"""Labels of every form that people keep them in become class numbers."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from audit.datasets.source import is_from, shown
from audit.errors import DataError
from audit.types import Labels, Mask

MISSING = -1
_NOTHING = np.array(None, dtype=object)
EXPECTED = "expected classes: integers, strings or booleans, one for each row"
ONE_HOT = f"{EXPECTED}, or one-hot rows with exactly one 1"
FEW_ROWS = 20  # of fewer, many different integers say nothing
MOST_PAIRS, MOST_COMPARED = 3, 20_000  # of alike class names, in a note
MOST_EXACT = 2**53  # whole floats above are rounded
NUMBERS = ("floating", "mixed-integer-float", "integer", "boolean")  # pandas' words for Python objects
PLAIN = ("string", "integer", "boolean", "bytes", "empty")
MOMENTS = ("M", "m", "datetime64", "datetime", "date", "time", "period", "timedelta64", "timedelta")
ONE_EACH = "give one label, not several, for each row"
PLAINLY = "give plain strings or integers"
REMEDIES = dict.fromkeys(MOMENTS, "make classes of these moments, for example the year as a string")


@dataclass(frozen=True, eq=False)
class ParsedLabels:
    """Class numbers with the names of the classes."""

    codes: Labels  # (n,) 0..k-1, MISSING where there is no label
    class_names: tuple[str, ...]  # (k,) in sorted order
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Opened:
    """Labels as an array, with what their container said of the classes."""

    array: npt.NDArray[Any]
    names: Sequence[Any] | None = None  # the column names of one-hot rows
    rank: dict[Any, int] | None = None  # the order of the categories, where they have one
    declared: bool = False  # whether somebody said that these are classes


@dataclass(frozen=True, eq=False)
class _Distinct:
    """Every different label once, and which of them each row holds."""

    codes: Labels  # (n,) into labels; MISSING where there is none
    labels: list[Any]


def parse(y: Any, name: str, class_names: Any = None) -> ParsedLabels:
    """Class numbers of the labels y, whatever they are kept in.

    Parameters
    ----------
    y
        (n,) integers, strings, booleans, whole floats or categories, in a list, an array or a column of a
        frame; or one-hot rows (n, k). None, NaN, empty and blank strings and rows of zeros are no label.
    name
        What y is called in messages.
    class_names
        What the labels 0..k-1 are called, when they are such numbers.

    Raises
    ------
    DataError
        When y does not hold one class for each row, or fewer than two classes.
    """
    opened = _open(y, name)
    found = _distinct(opened.array, name) if opened.array.ndim == 1 else _one_hot(opened.array, name)
    names = opened.names if class_names is None else class_names
    if names is None and not opened.declared and opened.array.ndim == 1:
        _refuse_too_many(found, name)
    texts = _texts(found, name) if names is None else _named(found, name, [str(each) for each in names])
    places = [opened.rank[value] for value in found.labels] if opened.rank else found.labels
    place = dict(zip(texts, texts if _are_strings(places) else places, strict=True))
    classes = tuple(sorted(place, key=place.__getitem__))
    number = {text: i for i, text in enumerate(classes)}
    table = [*(number[text] for text in texts), MISSING]  # the last is for MISSING itself
    codes = np.array(table, dtype=np.int64)[found.codes]
    if len(classes) < 2:
        only = f"only {shown(classes[0])}" if classes else f"none in {len(codes):,} rows"
        raise DataError(f"{name} must hold two classes or more, found {only}; there is nothing to confuse")
    return ParsedLabels(codes, classes, (*_missing_note(codes), *_alike_note(classes)))


def _open(y: Any, name: str) -> _Opened:
    """The array in any container."""
    if hasattr(y, "columns") and hasattr(y, "to_numpy"):  # a frame of pandas or polars
        return _Opened(y.to_numpy(), names=list(y.columns))
    if is_from(y, "pandas") and (opened := _of_pandas(y)):
        return opened
    if isinstance(y, np.ma.MaskedArray):
        return _Opened(np.where(np.ma.getmaskarray(y), _NOTHING, y.astype(object).data))
    try:  # numpy would make strings of a list of 1 and "1"
        values = np.asarray(y) if hasattr(y, "__array__") else np.array(y, dtype=object)
    except (ValueError, TypeError, RuntimeError) as error:
        what = f"{name} is no array ({shown(str(error))})"
        raise DataError(f"{what}, {EXPECTED}; give one plain label for each row") from error
    if not values.shape:
        remedy = "use its toarray()" if hasattr(y, "toarray") else "give a list, an array or a Series"
        what = "has shape ()" if isinstance(y, np.ndarray | np.generic) else f"is of type {type(y).__name__}"
        raise DataError(f"{name} {what}, {EXPECTED}; {remedy}")
    return _Opened(values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values)


def _of_pandas(y: Any) -> _Opened | None:
    """The labels in a series, an index or an array of pandas; None where they are several for each row."""
    import pandas as pd  # noqa: PLC0415  slow to import

    array = y.array if isinstance(y, pd.Series | pd.Index) and not isinstance(y, pd.MultiIndex) else y
    if isinstance(array, pd.Categorical):
        rank = {value: i for i, value in enumerate(array.categories.tolist())} if array.ordered else None
        return _Opened(np.asarray(array.astype(object)), rank=rank, declared=True)
    if isinstance(array, pd.api.extensions.ExtensionArray):
        return _Opened(np.asarray(y) if isinstance(y.dtype, np.dtype) else array.to_numpy(dtype=object))
    return None


def _distinct(values: npt.NDArray[Any], name: str) -> _Distinct:
    """The different labels of an array (n,)."""
    if values.dtype.kind in "OT":
        values = _uniform(values.astype(object), name)
    kind, fields = values.dtype.kind, values.dtype.names
    if kind not in "buifUSO":
        remedy = REMEDIES.get(kind, f"give its field {fields[0]!r}" if fields else PLAINLY)
        raise DataError(f"{name} has dtype {shown(str(values.dtype))[1:-1]}, {EXPECTED}; {remedy}")
    if kind == "f":
        with np.errstate(over="ignore"):  # what a double cannot hold becomes infinite and is refused
            values = _whole(values.astype(np.float64), name)
    if kind in "buif":
        labels, codes = np.unique(values, return_inverse=True)
        known = labels[~np.isnan(labels)]  # NaN is last
        return _Distinct(np.where(codes < len(known), codes, MISSING), known.tolist())
    # Not numpy.unique: it takes strings that differ in a NUL behind them for one.
    rows = values.tolist()
    kept = [v for v in dict.fromkeys(rows) if v is not None and (not isinstance(v, str | bytes) or v.strip())]
    number = {value: code for code, value in enumerate(kept)}
    codes = np.fromiter((number.get(value, MISSING) for value in rows), np.int64, len(rows))
    return _Distinct(codes, kept)


def _uniform(values: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    """Python objects of one type, None where they are missing; as floats when some of them are."""
    import pandas as pd  # noqa: PLC0415  slow to import

    missing = pd.isna(values)
    kind = pd.api.types.infer_dtype(values[~missing], skipna=False)
    if kind in PLAIN:
        return np.where(missing, _NOTHING, values) if missing.any() else values
    if kind not in NUMBERS:
        _refuse_objects(values, missing, name)
    numbers = np.full(len(values), np.nan)
    try:
        numbers[~missing] = values[~missing].astype(np.float64)
    except OverflowError:
        _refuse_objects(values, missing, name)
    return numbers


def _refuse_objects(values: npt.NDArray[Any], missing: Mask, name: str) -> NoReturn:
    from pandas.api.types import infer_dtype  # noqa: PLC0415  slow to import

    rows: dict[str, int] = {}  # of each type, the first
    for row in np.flatnonzero(~missing).tolist():
        kind = infer_dtype(values[row : row + 1], skipna=False)
        rows.setdefault("integer" if kind == "floating" else kind, row)
        if len(rows) > 1:
            break
    found = [f"{shown(values[row])} (row {row})" for row in rows.values()]
    what, remedy = " beside ".join(found), "give all labels the same type, for example with str(label)"
    if len(found) == 1:
        ((kind, row),) = rows.items()
        what = f"objects of type {type(values[row]).__name__} such as {found[0]}"
        remedy = REMEDIES.get(kind, ONE_EACH if np.iterable(values[row]) else PLAINLY)
    raise DataError(f"{name} holds {what}, {EXPECTED}; {remedy}")


def _whole(values: npt.NDArray[np.float64], name: str) -> npt.NDArray[np.float64]:
    """The floats, which stand for integers: pandas makes floats of integers where some are missing."""
    odd, large = (values != np.round(values)) & ~np.isnan(values), np.abs(values) > MOST_EXACT
    bad = large if large.any() else odd
    if not bad.any():
        return values
    row = int(bad.argmax())
    what, remedy = f"{values[row]} in row {row}", "give labels of this size as strings, missing ones as NaN"
    if bad is odd:
        different = np.unique(values[~np.isnan(values)])
        what = f"{len(different):,} different measurements such as {values[row]:.6g} (row {row})"
        remedy = "a regression target cannot be audited; if these are classes, give them as strings"
    raise DataError(f"{name} holds {what}, {EXPECTED}; {remedy}")


def _one_hot(rows: npt.NDArray[Any], name: str) -> _Distinct:
    """The labels that one-hot rows (n, k) stand for; rows of zeros or NaN have none."""
    import pandas as pd  # noqa: PLC0415  slow to import

    missing = pd.isna(rows)
    objects = rows.dtype.kind == "O" and pd.api.types.infer_dtype(rows[~missing], skipna=False)
    numeric = rows.dtype.kind in "buif" or objects in (*NUMBERS, "empty")
    if rows.ndim != 2 or rows.shape[1] < 2 or not numeric:
        remedy = "give one of its columns" if rows.ndim == 2 and rows.shape[1] else "reshape it"
        raise DataError(f"{name} has shape {rows.shape}, {ONE_HOT}; {remedy}")
    filled = np.where(missing, 0, rows)
    ones = filled == 1
    count = ones.sum(axis=1)
    bad = (~ones & (filled != 0)).any(axis=1) | (count > 1) | ((count == 1) & missing.any(axis=1))
    if bad.any():
        row = int(bad.argmax())
        remedy = "rows of several labels cannot be audited: give one of its columns"
        if not count[row] and all(0 <= value <= 1 for value in filled[row]):
            remedy = "soft labels are not audited: give the most probable class of each row (argmax)"
        found = shown(rows[row].tolist())
        raise DataError(f"{name} has shape {rows.shape}, {ONE_HOT}, but row {row} is {found}; {remedy}")
    return _distinct(np.where(count == 1, ones.argmax(axis=1), np.nan), name)


def _texts(found: _Distinct, name: str) -> list[str]:
    """What each different label is called."""
    texts = []
    for i, label in enumerate(found.labels):
        try:
            texts.append(_text(label))
        except ValueError as error:  # UnicodeError is one
            row = (found.codes == i).argmax()
            what, remedy = (
                f"{shown(label)} in row {row}, which is no UTF-8 text",
                "decode it, or give strings",
            )
            raise DataError(f"{name} holds {what}, {EXPECTED}; {remedy}") from error
    return texts


def _text(label: Any) -> str:
    if isinstance(label, bytes):
        return label.decode()
    if isinstance(label, str):
        return str.__str__(label).encode().decode()  # half of a surrogate pair is no text
    return str(bool(label) if isinstance(label, bool | np.bool_) else int(label))


def _named(found: _Distinct, name: str, names: list[str]) -> list[str]:
    """What the labels are called where they are numbers of these names."""
    if len(set(names)) < len(names):
        twice = next(each for each in names if names.count(each) > 1)
        raise DataError(f"two classes of {name} are called {shown(twice)}, rename one of them")
    for i, value in enumerate(found.labels):
        if isinstance(value, str | bytes) or not 0 <= value < len(names):
            row = (found.codes == i).argmax()
            raise DataError(
                f"{name} holds {shown(value)} in row {row}, expected integers 0 to {len(names) - 1} "
                f"for {len(names):,} class names; correct the labels or the names"
            )
    return [names[int(value)] for value in found.labels]


def _are_strings(values: list[Any]) -> bool:
    return bool(values) and isinstance(values[0], str | bytes)


def _refuse_too_many(found: _Distinct, name: str) -> None:
    n = np.count_nonzero(found.codes != MISSING)
    if n >= FEW_ROWS and len(found.labels) > n / 2 and not _are_strings(found.labels):
        raise DataError(
            f"{name} holds {len(found.labels):,} different numbers in {n:,} rows, {EXPECTED}; it looks "
            "like an identifier or a regression target; if these are classes, give them as strings"
        )


def _missing_note(codes: Labels) -> tuple[str, ...]:
    missing = codes == MISSING
    count, n, first = int(missing.sum()), len(codes), int(missing.argmax())
    rows = f"{count:,} of {n:,} rows have no label (first row {first}); they are left out of the audit, and"
    if count == 1:
        rows = f"1 of {n:,} rows has no label (row {first}); it is left out of the audit, and"
    return (f"{rows} get{'s'[: count == 1]} a suggested label at the end",) if count else ()


def _alike_note(classes: tuple[str, ...]) -> tuple[str, ...]:
    """A warning of names that a person may have meant to be one."""
    groups: dict[str, list[str]] = {}
    for each in classes[:MOST_COMPARED]:
        composed = unicodedata.normalize("NFC", each)
        groups.setdefault(" ".join(composed.casefold().split()), []).append(each)
    pairs = [pair for group in groups.values() for pair in pairwise(group)]
    # Combining signs are escaped: they look like a letter of their own.
    listed = [
        " and ".join(shown(each) if unicodedata.is_normalized("NFC", each) else ascii(each) for each in pair)
        for pair in pairs[:MOST_PAIRS]
    ]
    more = f" and {len(pairs) - MOST_PAIRS:,} pairs more" if len(pairs) > MOST_PAIRS else ""
    what = f"classes {', '.join(listed)}{more}"
    return (f"{what} differ only in spaces, case or Unicode form: are they the same?",) if pairs else ()
