"""Corrected tables: only fields of the label column change, and the rows that are dropped leave."""

import csv
import gzip
import io
import re
import shutil
from itertools import accumulate
from pathlib import Path

import numpy as np

from audit.datasets.source import LabelPlace
from audit.datasets.sources.delimited import separator_of
from audit.errors import ReviewError
from audit.review.writers.change import BEFORE, Change, corrected_name


def write_text(place: LabelPlace, change: Change, folder: Path) -> None:
    """A CSV or TSV that is equal to the source byte for byte, but for the label fields that change."""
    (path,) = place.paths
    name = corrected_name(path)
    shutil.copyfile(path, folder / BEFORE / name)
    packed = path.suffix.lower() == ".gz"
    content = gzip.decompress(path.read_bytes()) if packed else path.read_bytes()
    try:
        new = _corrected(content.decode(), separator_of(path), place, change)
    except (csv.Error, LookupError, ValueError) as error:
        raise ReviewError(
            f"{path} is written in a way that does not let its column {place.name!r} be changed alone; save "
            "it anew, for example with pandas.DataFrame.to_csv, and audit that"
        ) from error
    (folder / name).write_bytes(gzip.compress(new.encode(), mtime=0) if packed else new.encode())


def write_parquet(place: LabelPlace, change: Change, folder: Path) -> None:
    """The same table with other labels in the same type; compressed and grouped as before."""
    from pyarrow import parquet  # noqa: PLC0415  optional

    (path,) = place.paths
    name = corrected_name(path)
    shutil.copyfile(path, folder / BEFORE / name)
    table, form = parquet.read_table(path), parquet.ParquetFile(path).metadata
    kept = np.arange(table.num_rows) if place.kept is None else np.array(place.kept)
    take, left = np.arange(table.num_rows), np.ones(table.num_rows, dtype=bool)
    take[kept] = kept[change.take]
    left[kept[change.dropped]] = False
    column = table.schema.get_field_index(place.name)
    labels = table.column(column).take(take)
    table = table.set_column(column, table.schema.field(column), labels).filter(left)
    group = form.row_group(0)
    parquet.write_table(
        table, folder / name, compression=group.column(0).compression.lower(), row_group_size=group.num_rows
    )


def _corrected(text: str, separator: str, place: LabelPlace, change: Change) -> str:
    """The table as text; LookupError unless both it and the corrected one read as they must."""
    table = _Text(text, separator, place.name)
    names = [*change.class_names, ""]  # the last is for no label
    rows = range(len(table.labels)) if place.kept is None else place.kept
    if len(rows) != len(change.codes) or any(
        code >= 0 and table.labels[row] != names[code]
        for row, code in zip(rows, change.codes.tolist(), strict=True)
    ):
        raise LookupError
    edits = [(*table.record(rows[row]), "") for row in np.flatnonzero(change.dropped).tolist()]
    expected = list(table.labels)
    for row in np.flatnonzero((change.take != np.arange(len(rows))) & ~change.dropped).tolist():
        here, other = rows[row], rows[change.take[row]]
        start, end = table.field(other)
        edits.append((*table.field(here), text[start:end]))
        expected[here] = table.labels[other]
    new = _edited(text, edits)
    dropped = {rows[row] for row in np.flatnonzero(change.dropped).tolist()}
    if _Text(new, separator, place.name).labels != [
        each for i, each in enumerate(expected) if i not in dropped
    ]:
        raise LookupError
    return new


def _edited(text: str, edits: list[tuple[int, int, str]]) -> str:
    """The text with other parts between these places, which do not overlap."""
    parts, at = [], 0
    for start, end, new in sorted(edits):
        parts += [text[at:start], new]
        at = end
    return "".join([*parts, text[at:]])


class _Text:
    """A table as text: where its rows and the fields of one column are."""

    def __init__(self, text: str, separator: str, column: str) -> None:
        self.text, self.separator = text, separator
        lines = list(io.StringIO(text, newline=""))
        starts = [0, *accumulate(map(len, lines))]
        reader = csv.reader(lines, delimiter=separator)
        self.column = -1  # until the names of the columns are read
        self.bounds: list[tuple[int, int]] = []
        self.labels: list[str] = []
        line = 0
        for record in reader:
            if len(record) > 1 or "".join(record).strip():  # blank lines are no rows
                self.bounds.append((starts[line], starts[reader.line_num]))
                if self.column < 0:
                    names = [record[0].removeprefix("\ufeff"), *record[1:]]
                    self.column = [name or f"Unnamed: {i}" for i, name in enumerate(names)].index(column)
                else:
                    self.labels.append(record[self.column])
            line = reader.line_num
        end = f"[^{re.escape(separator)}\r\n]*"
        self.one_field = re.compile(f'"(?:[^"]|"")*+"{end}|{end}')

    def record(self, row: int) -> tuple[int, int]:
        """Where a row begins and ends, with its end of line."""
        return self.bounds[row + 1]

    def field(self, row: int) -> tuple[int, int]:
        """Where the field of the column begins and ends, with its quotes."""
        start = self.record(row)[0]
        for _ in range(self.column):
            start = self._end(start) + 1
        return start, self._end(start)

    def _end(self, start: int) -> int:
        found = self.one_field.match(self.text, start)
        assert found is not None  # it may be empty
        return found.end()
