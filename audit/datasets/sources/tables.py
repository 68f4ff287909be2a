"""Tables: a label column, and a column of image paths or columns of features."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from audit import wording
from audit.datasets.source import LabelPlace, Source, shown
from audit.datasets.sources.columns import (
    LABELS,
    column_called,
    find_column,
    refuse_twice,
    unreadable,
)
from audit.datasets.sources.delimited import read_text
from audit.datasets.sources.folders import ENDINGS, image_files
from audit.datasets.sources.pixels import as_images
from audit.errors import DataError
from audit.events import Listener, Silent

PATHS = ("path", "file", "filename", "image", "image_path")
ROW_NUMBERS = ("id", "index")
MOST_VALUES = 50  # different texts that a column of categories may have
NUMBERS = ("boolean", "decimal", "integer", "floating", "mixed-integer-float")  # pandas' words for objects
MOMENTS = ("date", "datetime", "datetime64", "time", "timedelta", "timedelta64", "period")
LEFT_OUT = {**dict.fromkeys(MOMENTS, "dates"), "complex": "complex numbers"}
INTEGER = "0|-?[1-9][0-9]{0,17}"  # as a program writes it; 007 is a name
FEW_ROWS = 20  # of fewer, many different numbers say nothing


def load_table(
    path: Path,
    *,
    label: str | None,
    path_column: str | None,
    split: str | None = None,
    skip_broken: bool,
    listener: Listener | None = None,
) -> Source:
    """The rows of a CSV, TSV or Parquet file.

    Parameters
    ----------
    path
        The file; paths of images in it are relative to its folder.
    label, path_column, split
        The columns of the labels, of image paths and of the parts (training, test) that rows are in; the
        first two are found by their usual names when None.
    skip_broken
        Whether images that cannot be read are left out.

    Raises
    ------
    DataError
        When the file cannot be read, or has no such columns.
    """
    parquet = path.suffix.lower() == ".parquet"
    frame, said = (_read_parquet(path), ()) if parquet else read_text(path, label, path_column)
    frame.columns = pd.Index([str(column) for column in frame.columns])
    refuse_twice(str(path), list(frame.columns))
    target = find_column(frame, path, label, LABELS, "--label-column")
    if target is None:
        raise DataError(
            f"{path} has the columns {wording.some(list(frame.columns))}, expected one called "
            f"{', '.join(LABELS)}; name the labels with --label-column"
        )
    if frame.empty:
        raise DataError(f"{path} has no rows below its column names; there is nothing to audit")
    part = find_column(frame, path, split, (), "--split")
    parts = None if part is None else frame[part].to_numpy()
    names = (str(path), f"column {target!r} of {path}")
    place = LabelPlace("parquet" if parquet else "text", (path,), target)
    y = frame[target] if parquet else _in_order(frame[target])
    rest = frame.drop(columns=[target, *([part] if part else [])])
    paths_like = [name for name in PATHS if path_column is not None or _are_paths(column_called(rest, name))]
    files = find_column(rest, path, path_column, paths_like, "--path-column")
    if files is not None:
        paths = [path.parent / str(name) for name in rest[files]]
        images, kept, notes = image_files(
            paths, path.parent, skip_broken=skip_broken, listener=listener or Silent()
        )
        ids, place = rest[files].to_numpy(dtype=str)[kept], replace(place, kept=tuple(kept.tolist()))
        return Source(
            name=path.stem,
            X=images,
            y=y.iloc[kept],
            ids=ids,
            names=names,
            place=place,
            notes=(*said, *notes),
            part=None if parts is None else parts[kept],
        )
    X, features, notes = examples_from_frame(rest, str(path))
    return Source(
        path.stem,
        X,
        y,
        ids=_ids(rest),
        names=names,
        feature_names=features,
        place=place,
        notes=(*said, *notes),
        part=parts,
    )


def examples_from_frame(frame: pd.DataFrame, name: str) -> tuple[Any, tuple[str, ...], tuple[str, ...]]:
    """The images that the columns are the pixels of, or features; the features' names, and notes."""
    images = as_images(frame)
    if images is None:
        return features_from_frame(frame, name)
    first, last = frame.columns[0], frame.columns[-1]
    size = f"{images.shape[1]} x {images.shape[2]} pixels" + (" in colour" if images.ndim == 4 else "")
    note = f"columns {shown(first)} to {shown(last)}, bytes from 0 to 255, are read as images of {size}"
    return images, (), (note,)


def features_from_frame(
    frame: pd.DataFrame, name: str = "X"
) -> tuple[npt.NDArray[np.float64], tuple[str, ...], tuple[str, ...]]:
    """The columns of a frame as features (n, d), the names of the features, and notes on what is left out.

    Numbers and booleans are taken as they are, missing ones as NaN; texts and categories of up to
    MOST_VALUES values become a column of 0 and 1 for each. Columns that number the rows, dates and texts of
    more values are left out.

    Raises
    ------
    DataError
        When no column is left.
    """
    refuse_twice(name, [str(column) for column in frame.columns])
    parts, left_out = [], []
    for column in frame.columns:
        values = frame[column]
        why = _why_not(str(column), values)
        if why:
            left_out.append(f"{str(column)!r} ({why})")
        else:
            parts.append(_as_numbers(str(column), values))
    if not parts:
        found = f"; left out: {wording.some(left_out)}" if left_out else ""
        raise DataError(
            f"{name} has no columns of features beside the labels{found}; add numbers or categories"
        )
    table = pd.concat(parts, axis=1)
    notes = (f"columns left out: {wording.some(left_out)}",) if left_out else ()
    return table.to_numpy(np.float64), tuple(map(str, table.columns)), notes


def _why_not(column: str, values: "pd.Series[Any]") -> str:
    """Why a column is no feature; empty when it is one."""
    types = pd.api.types
    if column.lower() in ROW_NUMBERS or (column.startswith("Unnamed:") and _count_rows(values)):
        return "numbers the rows"
    if len(values) and values.isna().all():
        return "empty"
    kind = types.infer_dtype(values, skipna=True)
    if kind in LEFT_OUT:
        return LEFT_OUT[kind]
    if types.is_numeric_dtype(values) or kind in NUMBERS:
        return ""
    try:
        different = values.nunique()
    except TypeError:  # lists and the like
        return "no numbers and no texts"
    return "" if different <= MOST_VALUES else f"{different:,} different texts"


def _as_numbers(column: str, values: "pd.Series[Any]") -> pd.DataFrame:
    if pd.api.types.is_numeric_dtype(values):
        numbers = values.astype("Float64").to_numpy(np.float64, na_value=np.nan)
        return pd.DataFrame({column: numbers})
    if values.dtype == object and pd.api.types.infer_dtype(values, skipna=True) in NUMBERS:
        return pd.DataFrame({column: [np.nan if pd.isna(value) else float(value) for value in values]})
    dummies = pd.get_dummies(values.reset_index(drop=True), prefix=column, prefix_sep=" = ", dtype=np.float64)
    return pd.DataFrame(dummies)


def _count_rows(values: "pd.Series[Any]") -> bool:
    """Whether the numbers go up by one from 0 or 1."""
    counted = np.arange(len(values))
    return any(np.array_equal(values.to_numpy(), counted + first) for first in (0, 1))


def _in_order(texts: "pd.Series[Any]") -> "pd.Series[Any]":
    """The labels as they stand there, but integers in the order of numbers: 2 comes before 10.

    Measurements and identifiers are given as numbers, which the labels' parser refuses with the reason.
    """
    present = texts.dropna()
    numbers = pd.to_numeric(present, errors="coerce")
    if len(present) >= FEW_ROWS and present.nunique() > len(present) / 2 and numbers.notna().all():
        return pd.Series(pd.to_numeric(texts))
    if not present.str.fullmatch(INTEGER).all():
        return texts
    return texts.astype(pd.CategoricalDtype(sorted(present.unique(), key=int), ordered=True))


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except ImportError as error:
        remedy = 'pip install "label-audit[parquet]"'
        raise DataError(f"{path} needs pyarrow, which is not installed; {remedy}") from error
    except (OSError, ValueError, KeyError, TypeError, NotImplementedError) as error:  # also pyarrow's own
        raise unreadable(path, error, "a Parquet file") from error


def _are_paths(values: "pd.Series[Any]") -> bool:
    """Whether the texts end like names of image files."""
    texts = values.dropna().astype(str)
    return len(texts) > 0 and bool(texts.map(lambda text: Path(text).suffix.lower() in ENDINGS).all())


def _ids(frame: pd.DataFrame) -> npt.NDArray[Any] | None:
    """The column of ids, where there is one whose values differ."""
    column = next((name for name in frame.columns if str(name).lower() in ROW_NUMBERS), None)
    return frame[column].to_numpy() if column is not None and _names_rows(frame[column]) else None


def _names_rows(values: "pd.Series[Any]") -> bool:
    return bool(values.is_unique and values.notna().all())
