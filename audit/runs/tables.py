"""Tables as CSV in which no cell is a formula, read back to the same values; and as Parquet."""

import csv
import io
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.datasets.files import refuse_dense
from audit.datasets.sources.delimited import long_fields

if TYPE_CHECKING:
    import pandas as pd

# What a spreadsheet would run: = + - @ in their usual and their full width; and tabs and line ends.
FORMULA = re.compile("'*[-=+@\t\r\n\uff1d\uff0b\uff0d\uff20]")
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
COSTS = {b",": 16, b"\n": 400}  # bytes that a field and a line take in memory


def csv_text(table: "pd.DataFrame") -> str:
    """Write a table as CSV; before texts and names of columns that a spreadsheet would run is an apostrophe.

    Numbers, such as -1, stay numbers.
    """
    safe = table.rename(columns=_safe)
    for i, kind in enumerate(table.dtypes):
        if kind.kind not in "biufcmM":
            safe.isetitem(i, [_safe(cell) for cell in table.iloc[:, i]])
    text = safe.to_csv(index=False, lineterminator="\n")
    if "\r" not in text:
        return text
    # Python leaves a carriage return without quotes, and readers take it for the end of a line.
    return safe.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)


def parquet_bytes(table: "pd.DataFrame") -> bytes | None:
    """Write a table as Parquet; None where pyarrow is not installed."""
    if find_spec("pyarrow") is None:
        return None
    content: bytes = table.to_parquet(engine="pyarrow", index=False)
    return content


def csv_rows(path: Path) -> tuple[list[str], Iterator[tuple[int, dict[str, str]]]]:
    """Read a CSV file as `csv_text` writes it: its columns, and its rows, each with the line where it ends.

    Cells that are missing are empty; those beyond the columns are left out.

    Raises
    ------
    ValueError, csv.Error
        When it is no such table, also while the rows are read.
    """
    content = path.read_bytes()
    refuse_dense(content, COSTS)
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", newline=""))
    with long_fields():
        columns = [plain(name) for name in next(reader, [])]
    return columns, _rows(reader, columns)


def _rows(reader: Any, columns: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    with long_fields():
        for cells in reader:
            if cells:
                missing = [""] * (len(columns) - len(cells))
                values = [*map(plain, cells), *missing][: len(columns)]
                yield reader.line_num, dict(zip(columns, values, strict=True))


def _safe(cell: Any) -> Any:
    """A cell as it may stand in a spreadsheet."""
    if isinstance(cell, str) and is_formula(cell):
        return f"'{cell}"
    return cell


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would run a text, or a reader of these tables would take an apostrophe off it."""
    return FORMULA.match(text) is not None and NUMBER.fullmatch(text) is None


def plain(cell: str) -> str:
    """The text of a cell without the apostrophe that keeps it from being run."""
    if cell.startswith("'") and FORMULA.match(cell):
        return cell[1:]
    return cell
