"""Tables: a label column, and a column of image paths or columns of features."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from audit.datasets.folders import ENDINGS, image_files
from audit.datasets.labels import shown
from audit.datasets.pixels import as_images
from audit.datasets.source import Source
from audit.errors import DataError

LABELS = ("label", "labels", "y", "target", "class")
PATHS = ("path", "file", "filename", "image", "image_path")
ROW_NUMBERS = ("id", "index")
MOST_VALUES = 50  # different texts that a column of categories may have
MOST_NAMED = 5  # columns in a line
MISSING = ["", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "<NA>", "?", "-"]  # in features
NOWHERE = "\x01"  # a separator that no file has


def load_table(path: Path, *, label: str | None, path_column: str | None, skip_broken: bool) -> Source:
    """The rows of a CSV, TSV or Parquet file.

    Parameters
    ----------
    path
        The file; paths of images in it are relative to its folder.
    label, path_column
        The columns of the labels and of image paths; found by their usual names when None.
    skip_broken
        Whether images that cannot be read are left out.

    Raises
    ------
    DataError
        When the file cannot be read, or has no such columns.
    """
    plain = tuple(name for name in (label, path_column) if name is not None)
    frame = _read_parquet(path) if path.suffix.lower() == ".parquet" else _read_text(path, plain)
    frame.columns = pd.Index([str(column) for column in frame.columns])
    target = _column(frame, path, label, LABELS, "--label-column")
    if target is None:
        raise DataError(
            f"{path} has the columns {_some(list(frame.columns))}, expected one called {', '.join(LABELS)}; "
            "name the labels with --label-column"
        )
    names = (str(path), f"column {target!r} of {path}")
    y, rest = frame[target], frame.drop(columns=target)
    files = _column(rest, path, path_column, PATHS, "--path-column")
    if files is not None and (path_column is not None or _are_paths(rest[files])):
        paths = [path.parent / str(name) for name in rest[files]]
        images, kept, notes = image_files(paths, path.parent, skip_broken=skip_broken)
        ids = rest[files].to_numpy(dtype=str)[kept]
        return Source(name=path.stem, X=images, y=y.iloc[kept], ids=ids, names=names, notes=notes)
    X, feature_names, notes = examples_from_frame(rest, str(path))
    return Source(
        name=path.stem, X=X, y=y, ids=_ids(rest), names=names, feature_names=feature_names, notes=notes
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
    parts, left_out = [], []
    for column in frame.columns:
        values = frame[column]
        why = _why_not(str(column), values)
        if why:
            left_out.append(f"{str(column)!r} ({why})")
        else:
            parts.append(_as_numbers(str(column), values))
    if not parts:
        found = f"; left out: {', '.join(left_out[:MOST_NAMED])}" if left_out else ""
        raise DataError(
            f"{name} has no columns of features beside the labels{found}; add numbers or categories"
        )
    table = pd.concat(parts, axis=1)
    notes = (f"columns left out: {_some(left_out)}",) if left_out else ()
    return table.to_numpy(np.float64), tuple(map(str, table.columns)), notes


def _why_not(column: str, values: "pd.Series[Any]") -> str:
    """Why a column is no feature; empty when it is one."""
    types = pd.api.types
    if column.lower() in ROW_NUMBERS or column.startswith("Unnamed:"):
        return "numbers the rows"
    if types.is_datetime64_any_dtype(values) or types.is_timedelta64_dtype(values):
        return "dates"
    if types.is_numeric_dtype(values) and not types.is_complex_dtype(values):
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
    dummies = pd.get_dummies(values.reset_index(drop=True), prefix=column, prefix_sep=" = ", dtype=np.float64)
    return pd.DataFrame(dummies)


def _read_text(path: Path, plain: tuple[str, ...]) -> pd.DataFrame:
    """A CSV or TSV; plain columns as they are, in the others the usual spellings of NaN are missing."""
    options: dict[str, Any] = {"encoding": "utf-8-sig", "dtype": "str", "header": None, "nrows": 1}
    try:
        line = pd.read_csv(path, sep=NOWHERE, **options)
        separator = max(",;\t", key=str(line.iloc[0, 0]).count)
        columns = pd.read_csv(path, sep=separator, keep_default_na=False, **options).iloc[0].tolist()
        _refuse_twice(path, columns)
        as_it_is = [name for name in columns if name in plain or name.lower() in (*LABELS, *PATHS)]
        return pd.read_csv(
            path,
            sep=separator,
            encoding="utf-8-sig",
            keep_default_na=False,
            na_values={name: [""] if name in as_it_is else MISSING for name in columns},
            dtype=dict.fromkeys(as_it_is, "str"),
            index_col=False,
            low_memory=False,
        )
    except (OSError, ValueError, EOFError) as error:
        raise _unreadable(path, error, "a table in UTF-8 whose first line names the columns") from error


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except ImportError as error:
        remedy = 'pip install "label-audit[parquet]"'
        raise DataError(f"{path} needs pyarrow, which is not installed; {remedy}") from error
    except (OSError, ValueError) as error:  # pyarrow's own errors are of these kinds
        raise _unreadable(path, error, "a Parquet file") from error


def _unreadable(path: Path, error: Exception, expected: str) -> DataError:
    if isinstance(error, FileNotFoundError):
        return DataError(f"{path} does not exist (looked in {Path.cwd()}); check the path")
    why = " ".join(str(error).split())
    return DataError(f"{path} cannot be read ({why}), expected {expected}; save it so")


def _refuse_twice(path: Path, columns: list[str]) -> None:
    twice = next((name for name in columns if columns.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{path} has two columns called {twice!r}, expected different names; rename one")


def _column(
    frame: pd.DataFrame, path: Path, asked: str | None, usual: tuple[str, ...], flag: str
) -> str | None:
    """The column that was asked for, or the first with a usual name."""
    if asked is not None:
        if asked not in frame.columns:
            raise DataError(
                f"{path} has the columns {_some(list(frame.columns))}, not {asked!r}; check {flag}"
            )
        return asked
    by_name = {str(column).lower(): str(column) for column in reversed(frame.columns)}
    return next((by_name[name] for name in usual if name in by_name), None)


def _are_paths(values: "pd.Series[Any]") -> bool:
    """Whether the texts end like names of image files."""
    texts = values.dropna().astype(str)
    return len(texts) > 0 and bool(texts.map(lambda text: Path(text).suffix.lower() in ENDINGS).all())


def _ids(frame: pd.DataFrame) -> npt.NDArray[Any] | None:
    """The column of ids, where there is one whose values differ."""
    column = next((name for name in frame.columns if str(name).lower() in ROW_NUMBERS), None)
    return frame[column].to_numpy() if column is not None and frame[column].is_unique else None


def _some(names: list[str]) -> str:
    return ", ".join(names[:MOST_NAMED]) + (", …" if len(names) > MOST_NAMED else "")
