"""Tables: a label column, and a column of image paths or columns of features."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from audit import wording
from audit.datasets.given_rows import empty_texts
from audit.datasets.labels import looks_unlabelled
from audit.datasets.labels.no_label import names_in
from audit.datasets.labels.raw import as_whole_number
from audit.datasets.source import LabelPlace, Source, shown
from audit.datasets.sources.columns import (
    LABELS,
    LABELS_OF_TEXTS,
    find_column,
    listed,
    refuse_columns,
    usual_column,
)
from audit.datasets.sources.folders import PictureFiles, image_files
from audit.datasets.sources.held_images import held_images
from audit.datasets.sources.image_paths import (
    NO_COLUMN,
    NamedImages,
    guessed_images,
    identifies_images,
    images_of_column,
    names_one_image_each,
)
from audit.datasets.sources.pixels import as_images
from audit.datasets.sources.table_files import Table, read_table
from audit.datasets.sources.text_columns import NO_COLUMN as NO_TEXTS
from audit.datasets.sources.text_columns import all_texts, asked_columns, sure_texts
from audit.errors import DataError
from audit.events import Listener
from audit.settings.data import DataSettings
from audit.types import AsGiven, taken

ROW_NUMBERS = ("id", "index")
MOST_VALUES = 50  # different texts that a column of categories may have
NUMBERS = (
    "boolean",
    "decimal",
    "integer",
    "floating",
    "mixed-integer-float",
)  # pandas' names of object types
MOMENTS = ("date", "datetime", "datetime64", "time", "timedelta", "timedelta64", "period")
LEFT_OUT = {**dict.fromkeys(MOMENTS, "dates"), "complex": "complex numbers"}
NOT_TEXTS = "neither numbers nor texts"  # why a column is left out, as are these
MANY_TEXTS = "different texts"
WHOLE = (
    r"(?:0|-?[1-9][0-9]{0,17})|-?(?:0|[1-9][0-9]{0,15})(?:\.0+|,0)"  # as a program writes it; 007 is a name
)
DECIMAL = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"
FEW_ROWS = 20  # of fewer, many different numbers do not show that they are measurements


def load_table(path: Path, settings: DataSettings, listener: Listener) -> Source:
    """Load the rows of a CSV, TSV, JSON or Parquet file.

    Raises
    ------
    DataError
        When the file cannot be read, or has no such columns as `source_of_table` finds.
    """
    return source_of_table(read_table(path, settings), path, settings, listener)


def source_of_table(table: Table, path: Path, settings: DataSettings, listener: Listener) -> Source:
    """Turn the table that a file holds into examples and labels.

    The columns of the labels and of image paths are found by their usual names when the settings do not name
    them; the column of parts (training, test) has to be named. Image paths are relative to the file's folder.

    Raises
    ------
    DataError
        When it has no such columns, or no rows.
    """
    frame = table.frame
    target = find_column(frame, path, settings.label_column, LABELS, "--label-column")
    notes = table.notes
    if target is None and settings.annotations is None:
        target, more_notes = _beside_texts(frame, path)
        notes += more_notes
    if target is None and settings.annotations is None:
        raise DataError(
            f"{path} has the columns {listed(frame.columns)}, expected one called "
            f"{wording.either(LABELS)}; name the labels with --label-column"
        )
    if frame.empty:
        raise DataError(f"{path} has no rows below its column names; there is nothing to audit")
    part_column = find_column(frame, path, settings.split, (), "--split")
    group_column = find_column(frame, path, settings.group_column, (), "--group-column")
    order_column = find_column(frame, path, settings.order_column, (), "--order-column")
    labels = None
    class_names = None
    if target is not None:
        labels = frame[target]
        class_names = table.class_names.get(target) if pd.api.types.is_integer_dtype(labels) else None
        if class_names is not None:
            labels = labels.where(labels >= 0)  # there -1 stands for a missing label
        if table.form == "text" and pd.api.types.is_string_dtype(labels):
            labels = in_order(labels, names_in(settings.missing))
    part, groups, order = (
        None if column is None else frame[column].to_numpy()
        for column in (part_column, group_column, order_column)
    )
    used = [target, part_column, group_column, order_column]
    rest = frame.drop(columns=[column for column in used if column is not None])
    source = Source(
        name=path.stem,
        X=None,
        y=labels,
        names=(str(path), f"column {target!r} of {path}"),
        class_names=class_names,
        place=None if table.packed or target is None else LabelPlace(table.form, (path,), target),
        part=part,
        groups=groups,
        order=order,
        notes=notes,
    )
    images = held_images(rest, path, settings.path_column) or _images(rest, path, settings)
    if images is not None:
        return _with_images(replace(source, ids=_ids(rest)), images, path, settings, listener)
    rows = table_rows(rest, str(path), settings.text_column)
    return replace(
        source,
        X=rows.X,
        ids=_ids(rest),
        feature_names=rows.feature_names,
        notes=(*notes, *rows.notes),
        as_given=rows.as_given if rows.X is None else None,
    )


def _beside_texts(frame: pd.DataFrame, path: Path) -> tuple[str | None, tuple[str, ...]]:
    """The column of labels in a table of texts, and a note; None where there are no texts or it is not clear.

    It is the other one of two columns, or is called as labels of texts usually are.

    DataError when it is called as one of its labels: then the first line is a row.
    """
    texts = sure_texts(frame) or all_texts(frame)
    others = [column for column in frame.columns if column not in texts]
    target = usual_column(others, LABELS_OF_TEXTS)
    if len(frame.columns) == 2 and len(others) == 1:
        target = others[0]
    if not texts or target is None:
        return None, ()
    if target in frame[target].tolist():
        raise DataError(
            f"{path} has no names of columns: its first line holds {target!r}, which is one of the labels, "
            "expected names such as label and text; add such a line"
        )
    note = f"column {target!r} is read as the labels of column {texts[0]!r}; --label-column names another"
    return target, (note,)


def _images(frame: pd.DataFrame, path: Path, settings: DataSettings) -> NamedImages | None:
    """The image files that the rows name; None where the columns are features."""
    asked = settings.path_column
    if asked == NO_COLUMN:
        return None
    if asked is None:
        return guessed_images(frame, path.parent)
    column = find_column(frame, path, asked, (), "--path-column")
    assert column is not None
    return images_of_column(frame, column, path.parent)


def _with_images(
    source: Source, images: NamedImages, path: Path, settings: DataSettings, listener: Listener
) -> Source:
    """The source with the images that its rows hold or name; rows of skipped images are left out."""
    rows = len(source.y)
    notes = list(images.notes)
    if not settings.skip_broken:
        images.refuse_gaps(rows, path)
    elif len(images.rows) < rows:
        notes.append(
            f"left out without the path of an image: {wording.count(rows - len(images.rows), 'row')}"
        )
    pixels, kept, more_notes = image_files(
        images.paths, path.parent, skip_broken=settings.skip_broken, listener=listener
    )
    kept_rows = images.rows[kept]
    ids = None
    if images.names is not None:
        ids = images.names[kept]
    elif source.ids is not None or len(kept_rows) < rows:
        ids = source.row_ids(rows)[kept_rows]
    place = source.place
    if place is not None:
        place = replace(place, kept=tuple(kept_rows.tolist()))
    return replace(
        source,
        X=pixels,
        y=None if source.y is None else source.y.iloc[kept_rows],
        ids=ids,
        place=place,
        part=taken(source.part, kept_rows),
        groups=taken(source.groups, kept_rows),
        order=taken(source.order, kept_rows),
        notes=(*source.notes, *notes, *more_notes),
        pictures=PictureFiles([images.paths[i] for i in kept.tolist()]),
    )


class TableRows(NamedTuple):
    """The rows of a table, as numbers and as they came."""

    X: Any  # images or features; None where no column is one of numbers or categories
    feature_names: tuple[str, ...]
    notes: tuple[str, ...]
    as_given: AsGiven | None  # a frame, without the columns that number the rows; None for images


def table_rows(frame: pd.DataFrame, name: str, text_column: str | None = None) -> TableRows:
    """Read a frame as texts, images or features, or as it is where only models of one's own can read it.

    Parameters
    ----------
    frame
        The columns beside the labels.
    name
        What it is called in messages.
    text_column
        The columns of texts, separated by commas; found by their names and what they hold when None.

    Raises
    ------
    DataError
        When there is no column to read.
    """
    refuse_columns(name, [str(column) for column in frame.columns])
    reasons = {column: _why_not(str(column), frame[column]) for column in frame.columns}
    content = [column for column, why in reasons.items() if _is_content(why)]
    features = any(not why and _varies(frame[column]) for column, why in reasons.items())
    texts = _texts(frame[content], name, text_column, features=features)
    if texts:
        return _rows_of_texts(frame[content], texts)
    if content and all(reasons.values()):
        told = wording.some([f"{str(column)!r} ({reasons[column]})" for column in content])
        note = f"columns that only a model of your own can read: {told}"
        return TableRows(None, (), (note,), AsGiven(frame[content]))
    X, feature_names, notes = examples_from_frame(frame, name)
    unread = all_texts(frame[content])
    if unread and text_column is None:
        notes = (*notes, f"to audit texts, name their columns: --text-column {','.join(unread)}")
    if X.ndim > 2:
        return TableRows(X, feature_names, notes, None)
    numeric = feature_names == tuple(map(str, content))
    return TableRows(X, feature_names, notes, AsGiven(frame[content], numeric=numeric))


def _varies(values: "pd.Series[Any]") -> bool:
    """Whether a column has more than one value."""
    return not values.isin(values.iloc[:1]).all()


def _texts(frame: pd.DataFrame, name: str, asked: str | None, *, features: bool) -> tuple[str, ...]:
    """The columns of a frame whose texts are audited; none where its features are."""
    if asked == NO_TEXTS:
        return ()
    if asked is not None:
        return asked_columns(frame, name, asked)
    sure = sure_texts(frame)
    if sure or features:
        return sure
    return all_texts(frame)


def _rows_of_texts(frame: pd.DataFrame, texts: tuple[str, ...]) -> TableRows:
    """The rows of a frame of which these columns are audited."""
    note = f"columns {listed(texts)} hold the texts"
    if len(texts) == 1:
        note = f"column {texts[0]!r} holds the texts"
    others = [str(column) for column in frame.columns if str(column) not in texts]
    if others:
        note += f", which are audited instead of {listed(others)}; --text-column names others, or {NO_TEXTS}"
    given = AsGiven(frame, text_columns=texts)
    return TableRows(None, (), (note, *empty_texts(given)), given)


def _is_content(why: str) -> bool:
    """Whether a column that is left out for this reason may still tell a model something."""
    return why in ("", NOT_TEXTS, *LEFT_OUT.values()) or why.endswith(MANY_TEXTS)


def examples_from_frame(frame: pd.DataFrame, name: str) -> tuple[Any, tuple[str, ...], tuple[str, ...]]:
    """Read a frame as images, where its columns are pixels, else as features.

    Returns the examples, the names of the features, and notes.
    """
    images = as_images(frame)
    if images is None:
        return features_from_frame(frame, name)
    columns = f"columns {shown(frame.columns[0])} to {shown(frame.columns[-1])}"
    size = f"{images.shape[1]} x {images.shape[2]} pixels"
    if images.ndim == 4:
        size += " in colour"
    note = f"{columns}, bytes from 0 to 255, are read as images of {size}"
    return images, (), (note,)


def features_from_frame(
    frame: pd.DataFrame, name: str = "X"
) -> tuple[npt.NDArray[np.float64], tuple[str, ...], tuple[str, ...]]:
    """Turn the columns of a frame into features (n, d); also their names, and notes on what is left out.

    Numbers and booleans are taken as they are, missing ones as NaN; texts and categories of up to
    MOST_VALUES values become a column of 0 and 1 for each value. Columns that number the rows, dates and
    texts of more values are left out.

    Raises
    ------
    DataError
        When no column is left.
    """
    refuse_columns(name, [str(column) for column in frame.columns])
    features: list[pd.DataFrame] = []
    left_out: list[str] = []
    for column in frame.columns:
        values = frame[column]
        why = _why_not(str(column), values)
        if why:
            left_out.append(f"{str(column)!r} ({why})")
        else:
            features.append(_as_numbers(str(column), values))
    if not features:
        found = f"; left out: {wording.some(left_out)}" if left_out else ""
        raise DataError(
            f"{name} has no columns of features beside the labels{found}; add numbers or categories"
        )
    table = pd.concat(features, axis=1)
    notes: tuple[str, ...] = ()
    if left_out:
        notes = (f"columns left out: {wording.some(left_out)}",)
    return table.to_numpy(np.float64), tuple(map(str, table.columns)), notes


def _why_not(column: str, values: "pd.Series[Any]") -> str:
    """Why a column is not a feature; empty when it is one."""
    return _says_nothing(column, values) or _cannot_be_read(values)


def _says_nothing(column: str, values: "pd.Series[Any]") -> str:
    """Why a column says nothing of its row; empty when it may."""
    if column.lower() in ROW_NUMBERS or (column.startswith("Unnamed:") and _count_rows(values)):
        return "numbers the rows"
    if identifies_images(column) or names_one_image_each(values):
        return "identifies images"
    if len(values) and values.isna().all():
        return "empty"
    return ""


def _cannot_be_read(values: "pd.Series[Any]") -> str:
    """Why the values are neither numbers nor a few categories; empty when they are."""
    types = pd.api.types
    inferred = types.infer_dtype(values, skipna=True)
    if inferred in LEFT_OUT:
        return LEFT_OUT[inferred]
    if types.is_numeric_dtype(values) or inferred in NUMBERS:
        return ""
    try:
        different = values.nunique()
    except TypeError:  # lists and the like
        return NOT_TEXTS
    return "" if different <= MOST_VALUES else f"{different:,} {MANY_TEXTS}"


def _as_numbers(column: str, values: "pd.Series[Any]") -> pd.DataFrame:
    """The features that a column becomes: one of numbers, or one of 0 and 1 for each text."""
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


def in_order(texts: "pd.Series[Any]", missing: Collection[str]) -> "pd.Series[Any]":
    """Labels read as texts, with numbers in their order: 2 comes before 10. Whole ones have no decimals.

    Measurements and identifiers become numbers, which the labels' parser refuses with the reason.
    """
    texts = texts.mask(texts.str.strip().isin(missing))
    present = texts.dropna()
    numbers = pd.to_numeric(present, errors="coerce")
    if len(present) >= FEW_ROWS and present.nunique() > len(present) / 2 and numbers.notna().all():
        return pd.Series(pd.to_numeric(texts))
    marks = present.isin(looks_unlabelled(present.unique().tolist())) & numbers.isna()
    present = present[~marks]
    if present.str.fullmatch(WHOLE).all():
        texts = texts.map(as_whole_number, na_action="ignore")
    elif not present.str.fullmatch(DECIMAL).all():
        return texts
    different = texts.dropna().unique().tolist()
    order = sorted(different, key=_number_first)
    return texts.astype(pd.CategoricalDtype(order, ordered=True))


def _number_first(text: str) -> tuple[float, str]:
    """What labels are sorted by: numbers by their values, then the texts that mean "no label"."""
    try:
        return float(text), text
    except ValueError:
        return np.inf, text


def _ids(frame: pd.DataFrame) -> npt.NDArray[Any] | None:
    """The column of ids, where there is one whose values differ."""
    column = next((name for name in frame.columns if str(name).lower() in ROW_NUMBERS), None)
    if column is None or not frame[column].is_unique or frame[column].isna().any():
        return None
    return frame[column].to_numpy()
