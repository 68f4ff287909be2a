"""Write corrected tables: only fields of the label column change, and dropped rows are left out."""

import csv
import gzip
import io
import re
import shutil
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import numpy as np

from audit.datasets.labels.raw import as_whole_number
from audit.datasets.source import LabelPlace
from audit.datasets.sources.delimited import Dialect
from audit.errors import ReviewError
from audit.review.writers.change import BEFORE, Change, corrected_name

PACKED = {"UNCOMPRESSED": "NONE"}  # how pyarrow calls ways of compression otherwise when it writes


def write_text(place: LabelPlace, change: Change, folder: Path) -> None:
    """Write a CSV or TSV that equals the source byte for byte, except for the label fields that change.

    Raises
    ------
    ReviewError
        When the label fields of the text cannot be told apart safely.
    """
    (path,) = place.paths

    def correct(text: str) -> str:
        return _corrected(text, Dialect.of(path), place, change)

    rewrite(path, folder, correct, label=f"column {place.name!r}", anew="to_csv")


def rewrite(path: Path, folder: Path, correct: Callable[[str], str], *, label: str, anew: str) -> None:
    """Write a text anew, gzipped as before, and copy the original one.

    Parameters
    ----------
    path
        The text.
    folder
        Of corrected labels.
    correct
        Returns the corrected text; raises LookupError, ValueError or csv.Error where it cannot.
    label
        What is changed, for messages.
    anew
        The method of a pandas frame by which such a text can be saved anew.

    Raises
    ------
    ReviewError
        When the text cannot be corrected.
    """
    name = corrected_name(path)
    shutil.copyfile(path, folder / BEFORE / name)
    content = path.read_bytes()
    gzipped = path.suffix.lower() == ".gz"
    if gzipped:
        content = gzip.decompress(content)
    try:
        corrected = correct(content.decode()).encode()
    except (csv.Error, LookupError, ValueError) as error:
        raise ReviewError(
            f"{path} is written in a way that does not let its {label} be changed alone; save it anew, for "
            f"example with pandas.DataFrame.{anew}, and audit that"
        ) from error
    if gzipped:
        corrected = gzip.compress(corrected, mtime=0)
    (folder / name).write_bytes(corrected)


def write_parquet(place: LabelPlace, change: Change, folder: Path) -> None:
    """Write the same table with other labels in the same type, compressed and grouped as before."""
    from pyarrow import parquet  # noqa: PLC0415  optional

    (path,) = place.paths
    name = corrected_name(path)
    shutil.copyfile(path, folder / BEFORE / name)
    table = parquet.read_table(path)
    read_rows = np.arange(table.num_rows)
    if place.kept is not None:
        read_rows = np.array(place.kept)
    donors = np.arange(table.num_rows)
    donors[read_rows] = read_rows[change.donors]
    kept = np.ones(table.num_rows, dtype=bool)
    kept[read_rows[change.dropped]] = False
    column = table.schema.get_field_index(place.name)
    labels = table.column(column).take(donors)
    table = table.set_column(column, table.schema.field(column), labels).filter(kept)
    group = parquet.ParquetFile(path).metadata.row_group(0)
    columns = (group.column(i) for i in range(group.num_columns))
    packed = {each.path_in_schema: PACKED.get(each.compression, each.compression) for each in columns}
    parquet.write_table(table, folder / name, compression=packed, row_group_size=group.num_rows)


def _corrected(text: str, dialect: Dialect, place: LabelPlace, change: Change) -> str:
    """The corrected table as text; LookupError when it or the source does not read back as expected."""
    table = _TextTable(text, dialect, place.name)
    rows = list(range(len(table.labels)))
    if place.kept is not None:
        rows = list(place.kept)
    _refuse_other_labels(table, rows, change)
    expected = list(table.labels)
    dropped = {rows[i] for i in np.flatnonzero(change.dropped).tolist()}
    edits = [Edit(*table.line_span(row), "") for row in dropped]
    for i in np.flatnonzero(change.relabelled & ~change.dropped).tolist():
        row = rows[i]
        donor = rows[change.donors[i]]
        start, end = table.field_span(donor)
        edits.append(Edit(*table.field_span(row), text[start:end]))
        expected[row] = table.labels[donor]
    corrected = edited(text, edits)
    kept = [label for row, label in enumerate(expected) if row not in dropped]
    if _TextTable(corrected, dialect, place.name).labels != kept:
        raise LookupError
    return corrected


def _refuse_other_labels(table: "_TextTable", rows: list[int], change: Change) -> None:
    """LookupError when these rows of the text do not have the labels that the loader read."""
    if len(rows) != len(change.codes):
        raise LookupError
    for row, code in zip(rows, change.codes.tolist(), strict=True):
        if code >= 0 and as_whole_number(table.labels[row]) != as_whole_number(change.class_names[code]):
            raise LookupError


class Edit(NamedTuple):
    """A part of a text, and what replaces it."""

    start: int
    end: int
    new: str


def edited(text: str, edits: list[Edit]) -> str:
    """The text after the edits, which do not overlap."""
    parts = []
    position = 0
    for edit in sorted(edits):
        parts.append(text[position : edit.start])
        parts.append(edit.new)
        position = edit.end
    parts.append(text[position:])
    return "".join(parts)


class _TextTable:
    """A table as text: where its lines and the fields of one column are."""

    def __init__(self, text: str, dialect: Dialect, column: str) -> None:
        self.text = text
        lines = list(io.StringIO(text, newline=""))
        starts = [0, *accumulate(map(len, lines))]
        separator = dialect.separator
        reader = csv.reader(lines, delimiter=separator, skipinitialspace=dialect.spaces_after)
        self.column = -1  # until the header is read
        self.spans: list[tuple[int, int]] = []  # of the header and of each row
        self.labels: list[str] = []
        line = 0
        for record in reader:
            if len(record) > 1 or "".join(record).strip():  # blank lines are not rows
                self.spans.append((starts[line], starts[reader.line_num]))
                if self.column < 0:
                    names = [record[0].removeprefix("\ufeff"), *record[1:]]
                    self.column = [name or f"Unnamed: {i}" for i, name in enumerate(names)].index(column)
                else:
                    self.labels.append(record[self.column])
            line = reader.line_num
        unquoted = f"[^{re.escape(separator)}\r\n]*"
        spaces = " *+" if dialect.spaces_after else ""
        self.one_field = re.compile(f'{spaces}"(?:[^"]|"")*+"{unquoted}|{unquoted}')

    def line_span(self, row: int) -> tuple[int, int]:
        """Where a row begins and ends, with its end of line."""
        return self.spans[row + 1]

    def field_span(self, row: int) -> tuple[int, int]:
        """Where the row's field of the column begins and ends, with its quotes."""
        start, _ = self.line_span(row)
        for _ in range(self.column):
            start = self._field_end(start) + 1
        return start, self._field_end(start)

    def _field_end(self, start: int) -> int:
        found = self.one_field.match(self.text, start)
        assert found is not None  # it may be empty
        return found.end()
