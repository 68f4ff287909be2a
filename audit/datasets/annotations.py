"""Labels that several people gave, in a table or an array, brought to the rows of a source as votes."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from audit import wording
from audit.datasets.labels import NO_LABEL, looks_unlabelled, parse
from audit.datasets.labels.foreign import is_from, shown
from audit.datasets.labels.raw import as_whole_number, missing_values
from audit.datasets.majority import majority
from audit.datasets.source import JoinedVotes, Source
from audit.errors import DataError
from audit.types import Rows, Votes

if TYPE_CHECKING:
    import pandas as pd

# What the columns of such tables are usually called.
ROWS = (
    "row", "row_id", "id", "index", "example", "example_id", "item", "item_id", "sample", "sample_id", "task",
    "task_id", "path", "file", "filename", "file_name", "image", "image_id", "image_path",
)  # fmt: skip
ANNOTATORS = (
    "annotator", "annotator_id", "annotated_by", "worker", "worker_id", "rater", "rater_id", "labeler",
    "labeler_id", "labeller", "coder", "coder_id", "user", "user_id",
)  # fmt: skip
LABELS = ("label", "labels", "vote", "annotation", "answer", "y", "target", "class")
MOST_LETTERS = 1000  # of an annotator's name
MOST_DIGITS = 15  # of a row's number
GAP = "-1"  # that an array of numbers has where somebody gave no label
DIGITS = re.compile(r"(\d+)")
LONG = "a line for each label, with the columns row, annotator and label"
WIDE = "a column for each annotator"


@dataclass(frozen=True, eq=False)
class Annotations:
    """Labels that several people gave, before they are brought to rows and classes: one entry a label."""

    name: str  # what they are called in messages
    keys: npt.NDArray[Any]  # (v,) the row of each: its number (integers), or what a table calls it (objects)
    annotators: npt.NDArray[np.int64]  # (v,) index into names
    names: tuple[str, ...]
    labels: Any  # (v,) raw, also missing ones
    rows: int | None = None  # of a table with a line for each row; None where they are named


def join(source: Source, given: Any, name: str) -> Source:
    """Bring annotations to the rows of a source, whose labels their majority is where it has none.

    Parameters
    ----------
    source
        Examples, perhaps with labels.
    given
        A frame or an array: a line for each label, with columns called row, annotator and label, or a line
        for each row, with a column for each annotator and gaps where somebody gave no label. Rows are known
        by number or by the ids of the source.
    name
        What the annotations are called in messages.

    Raises
    ------
    DataError
        When they are neither, or do not fit the source.
    """
    annotations = _opened(given, name)
    _refuse_names(annotations)
    n = _length(source, annotations)
    rows, note = _rows_of(annotations, source, n)
    votes, class_names, notes = _votes(annotations, rows, source)
    told = (
        f"{name}: {wording.count(len(votes.rows), 'label')} of {wording.count(len(votes.names), 'person')}"
        f" ({wording.some(votes.names)}) on {wording.count(len(np.unique(votes.rows)), 'row')}"
    ).replace("persons", "people")
    source = replace(
        source, votes=JoinedVotes(votes, class_names, name), notes=(*source.notes, told, *note, *notes)
    )
    if source.y is not None and not _are_other_folders(source, class_names):
        return source
    told = f"labels are the majority of {name}; name a column of labels with --label-column to use it instead"
    return _labelled(replace(source, notes=(*source.notes, told)), votes, class_names, n, name)


def _are_other_folders(source: Source, class_names: Collection[str]) -> bool:
    """Whether the labels are names of folders, none of which is a class that somebody gave, as of batches."""
    is_tree = source.place is not None and source.place.form == "tree"
    return is_tree and not set(class_names) & set(source.y.tolist())


def _refuse_names(annotations: Annotations) -> None:
    """Refuse people whose names no file can hold, or that are whole texts."""
    found = wording.unwritable(annotations.names)
    if found is not None:
        raise DataError(f"{annotations.name} has the annotator '{found}', which is not UTF-8 text; rename it")
    longest = max(annotations.names, key=len, default="")
    if len(longest) > MOST_LETTERS:
        raise DataError(
            f"{annotations.name} has an annotator of {len(longest):,} letters ({shown(longest)}), expected "
            f"names of {MOST_LETTERS:,} or fewer; shorten them"
        )


def _labelled(source: Source, votes: Votes, class_names: tuple[str, ...], n: int, name: str) -> Source:
    """The source with the majority of the votes as its labels."""
    import pandas as pd  # noqa: PLC0415  slow to import

    codes: npt.NDArray[np.int64] = majority(votes, n, len(class_names))
    labels = pd.Categorical.from_codes(codes, pd.Index(class_names), ordered=True)
    names = (source.names[0], f"the majority of {name}")
    return replace(source, y=pd.Series(labels), names=names, class_names=None, place=None)


def _opened(given: Any, name: str) -> Annotations:
    """Take annotations out of a frame, in either form, or out of an array."""
    if is_from(given, "polars", "DataFrame"):
        import pandas as pd  # noqa: PLC0415  slow to import

        given = pd.DataFrame({column: given[column].to_numpy() for column in given.columns})
    if is_from(given, "pandas", "DataFrame"):
        return _from_frame(_with_index(given), name)
    try:
        masked = np.ma.asarray(given)
        array = np.where(np.ma.getmaskarray(masked), np.array(None), masked.data.astype(object))
    except (ValueError, TypeError) as error:
        raise DataError(
            f"{name} cannot be read as an array ({shown(str(error))}), expected {WIDE} or {LONG}; give a "
            "frame or an array"
        ) from error
    if array.ndim != 2:
        raise DataError(
            f"{name} has shape {array.shape}, expected (n, annotators), or a frame with {LONG}; reshape it"
        )
    names = tuple(f"annotator {i}" for i in range(array.shape[1]))
    return _from_columns(np.arange(len(array)), list(array.T), names, name, rows=len(array))


def _with_index(frame: "pd.DataFrame") -> "pd.DataFrame":
    """The frame with its index as columns where that has a name, as after pivot."""
    if any(level is not None for level in frame.index.names):
        frame = frame.reset_index()
    return frame.set_axis([str(column) for column in frame.columns], axis=1)


def _from_frame(frame: "pd.DataFrame", name: str) -> Annotations:
    """Read a frame whose columns tell which of both forms it has."""
    from audit.datasets.sources.columns import (  # noqa: PLC0415  it imports pandas, which is slow
        listed,
        refuse_columns,
        usual_column,
    )

    columns = list(frame.columns)
    refuse_columns(name, columns)
    row, annotator = usual_column(columns, ROWS), usual_column(columns, ANNOTATORS)
    label = usual_column([column for column in columns if column not in (row, annotator)], LABELS)
    people = [column for column in columns if column != row]
    if annotator is None and people not in ([], [label]):
        counted = row if row is not None else _numbering(frame, people[0])
        people = [column for column in people if column != counted]
        keys = np.arange(len(frame)) if counted is None else _keys(frame[counted], counted, name)
        cells = [frame[column].to_numpy(dtype=object) for column in people]
        return _from_columns(keys, cells, people, name, rows=len(frame) if counted is None else None)
    if row is None or annotator is None or label is None:
        raise DataError(
            f"{name} has the columns {listed(columns)}, expected {LONG}, or {WIDE}; rename its columns"
        )
    who, names = _numbered(_keys(frame[annotator], annotator, name))
    return Annotations(name, _keys(frame[row], row, name), who, names, frame[label])


def _numbering(frame: "pd.DataFrame", column: str) -> str | None:
    """The first column where it has no name and numbers the rows, as pandas writes an index."""
    if not column.startswith("Unnamed:") or len(frame.columns) < 2:
        return None
    return column


def _from_columns(
    keys: npt.NDArray[Any],
    cells: Sequence[npt.NDArray[Any]],
    names: Sequence[str],
    name: str,
    rows: int | None,
) -> Annotations:
    """Annotations of a column (n,) for each annotator."""
    people = np.arange(len(cells)).repeat(len(keys))
    labels = np.concatenate([*cells, np.empty(0, dtype=object)])
    order = _natural_order(names)
    return Annotations(
        name,
        np.tile(keys, len(cells)),
        np.argsort(order)[people],
        tuple(names[i] for i in order),
        labels,
        rows,
    )


def _keys(column: "pd.Series[Any]", title: str, name: str) -> npt.NDArray[Any]:
    """What each line says of its row or its annotator, as text; DataError where one says nothing."""
    missing = np.flatnonzero(missing_values(column.to_numpy(dtype=object)))
    if len(missing):
        raise DataError(
            f"{name} has nothing in column {title!r} in {wording.count(len(missing), 'line')}, first in line "
            f"{missing[0] + 1} below the names of columns, expected {LONG}; fill it in"
        )
    return np.array([as_whole_number(str(each).strip()) for each in column.tolist()], dtype=object)


def _numbered(texts: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """A number for each text (v,), in the order of the different ones, and these."""
    different = list(dict.fromkeys(texts.tolist()))
    names = tuple(different[i] for i in _natural_order(different))
    number = {each: i for i, each in enumerate(names)}
    return np.array([number[each] for each in texts.tolist()], dtype=np.int64), names


def _natural_order(names: Sequence[str]) -> list[int]:
    """The names in order, numbers in them by their value: annotator 2 comes before annotator 10."""

    def key(i: int) -> tuple[list[tuple[int, int, str]], str]:
        parts = DIGITS.split(names[i])
        return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts], names[i]

    return sorted(range(len(names)), key=key)


def _length(source: Source, annotations: Annotations) -> int:
    """How many rows the source has, or where it has neither examples nor labels, the annotations."""
    for rows in (source.X, source.as_given, source.y):
        if rows is not None:
            return len(rows)
    if annotations.rows is not None:
        return annotations.rows
    return max(map(_number, annotations.keys.tolist()), default=-1) + 1


def _rows_of(annotations: Annotations, source: Source, n: int) -> tuple[Rows, tuple[str, ...]]:
    """The row of the source (v,) that each entry is about, and notes; DataError where there is none."""
    name = annotations.name
    if annotations.rows is not None:
        if annotations.rows != n:
            lines = wording.count(annotations.rows, "line")
            raise DataError(
                f"{name} has {lines} but {source.names[0]} has {n:,} rows, expected one for each, or a "
                "column that says which row each line is about; call it row, id or path"
            )
        return annotations.keys, ()
    keys = annotations.keys.tolist()
    ids = source.row_ids(n).astype(np.str_).tolist()
    by_id = _placed(keys, ids)
    if by_id is not None:
        return by_id, ()
    if source.ids is not None and ids:
        by_name = _placed(list(map(_file_name, keys)), list(map(_file_name, ids)))
        if by_name is not None and len(set(map(_file_name, keys))) == len(set(keys)):
            return by_name, (f"{name}: rows are found by the names of their files",)
    rows = np.array(list(map(_number, keys)), dtype=np.int64)
    if len(rows) and rows.min() >= 0 and rows.max() < n:
        return rows, (f"{name}: rows are known by their numbers, counted from 0",)
    unknown = _first_unknown(keys, set(ids), n)
    such = f" or an id such as {shown(ids[0])}" if source.ids is not None and ids else ""
    raise DataError(
        f"{name} names the row {shown(unknown)}, expected a row number from 0 to {n - 1:,}{such}; correct "
        "it, or leave such lines out"
    )


def _number(key: str) -> int:
    """The number of a row that a text says; -1 where it says none."""
    if not key.isdecimal() or len(key) > MOST_DIGITS:
        return -1
    return int(key)


def _placed(keys: Sequence[str], ids: Sequence[str]) -> Rows | None:
    """The place of each key (v,) among the ids (n,); None where one is not there, or two ids are the same."""
    place = {each: i for i, each in enumerate(ids)}
    if len(place) < len(ids) or not place.keys() >= set(keys):
        return None
    return np.array([place[key] for key in keys], dtype=np.int64)


def _file_name(path: str) -> str:
    return PurePosixPath(path.replace("\\", "/")).name


def _first_unknown(keys: Sequence[str], ids: Collection[str], n: int) -> str:
    """The first key that is no id, and no number of a row either where there is such a one."""
    unknown = [key for key in keys if key not in ids]
    return next((key for key in unknown if not 0 <= _number(key) < n), unknown[0])


def _votes(
    annotations: Annotations, rows: Rows, source: Source
) -> tuple[Votes, tuple[str, ...], tuple[str, ...]]:
    """The votes, the names of their classes, and notes."""
    name = annotations.name
    labels, given = _present(annotations.labels, source.missing)
    if not len(given):
        raise DataError(f"{name} has no labels, expected {LONG}, or {WIDE}; fill it in")
    texts = isinstance(labels.iloc[0], str)
    if texts:
        from audit.datasets.sources.tables import in_order  # noqa: PLC0415  only texts need it

        labels = in_order(labels.astype("str"), ())
    parsed = parse(labels, name, None if texts else source.class_names)
    kept = np.flatnonzero(parsed.codes != NO_LABEL)
    given, codes = given[kept], parsed.codes[kept]
    cells = rows[given] * len(annotations.names) + annotations.annotators[given]
    last = len(cells) - 1 - np.unique(cells[::-1], return_index=True)[1]  # of each row and annotator
    notes = list(parsed.notes)
    revised = _revised(cells, codes, last)
    if revised:
        notes.append(f"{name}: {revised:,} times one person gave a row different labels; the last one counts")
    given, codes = given[last], codes[last]
    votes = Votes.of(rows[given], annotations.annotators[given], codes, annotations.names)
    return votes, parsed.class_names, tuple(notes)


def _present(labels: Any, missing: frozenset[str]) -> tuple["pd.Series[Any]", Rows]:
    """The labels that are none of those which mean that there is no label, and where they stand."""
    import pandas as pd  # noqa: PLC0415  slow to import

    series = pd.Series(labels).reset_index(drop=True)
    try:
        code, different = pd.factorize(series)
    except TypeError:  # lists and the like, which the parser refuses with the reason
        return series, np.arange(len(series))
    texts = [as_whole_number(str(each).strip()) for each in different]
    if GAP in looks_unlabelled(texts):
        missing |= {GAP}
    absent = np.array([not text or text in missing for text in texts] + [True])  # the last is for -1
    given = np.flatnonzero(~absent[code])
    return series.iloc[given], given


def _revised(cells: npt.NDArray[np.int64], codes: npt.NDArray[np.int64], last: Rows) -> int:
    """How many cells, each of a row and an annotator, have entries of another class than their last one."""
    different = np.unique(np.stack([cells, codes]), axis=1)[0]
    return len(different) - len(last)


def votes_of_file(source: Source, path: Path) -> Source:
    """Bring the annotations in a file to the rows of a source; DataError where they do not fit."""
    from audit.datasets.sources.annotations import read_annotations  # noqa: PLC0415  it imports pandas

    return join(source, read_annotations(path), str(path))
