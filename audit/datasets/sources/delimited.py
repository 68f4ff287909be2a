"""Tables as text: CSV and TSV, as programs and spreadsheets of any country write them."""

import csv
import gzip
import re
import warnings
import zlib
from collections.abc import Container
from pathlib import Path
from typing import Any

import pandas as pd

from audit import wording
from audit.datasets.sources.columns import LABELS, refuse_twice, unreadable, usual_column
from audit.errors import DataError

MISSING = [  # in features: what pandas takes for missing, and what others write
    "", " ", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>",
    "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null", "na", "none", "?", "-", ".",
]  # fmt: skip
QUOTED = re.compile('"[^"]*"')
NOWHERE = "\x01"  # a separator that no file has
FIRST_LINE: dict[str, Any] = {"encoding": "utf-8-sig", "dtype": "str", "header": None, "nrows": 1}
WITH_COMMAS = r"[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+)(?:,\d+)?"  # 1,5 and 1.234,56


def read_text(path: Path, label: str | None, path_column: str | None) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """A CSV or TSV, and notes on how it was read.

    Labels and paths stay as they are; elsewhere the usual spellings of NaN are missing. Where commas do
    not separate columns, they are the decimal mark in columns of such numbers.

    Raises
    ------
    DataError
        When the file is no such table.
    """
    try:
        separator = separator_of(path)
        cells = pd.read_csv(path, sep=separator, keep_default_na=False, **FIRST_LINE).iloc[0].tolist()
        columns = [name or f"Unnamed: {i}" for i, name in enumerate(cells)]  # as pandas calls them
        refuse_twice(str(path), columns)
        as_it_is = {usual_column(columns, LABELS) if label is None else label, path_column}
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # fields that have no column
            frame = pd.read_csv(
                path,
                sep=separator,
                encoding="utf-8-sig",
                keep_default_na=False,
                na_values={name: [""] if name in as_it_is else MISSING for name in columns},
                dtype={name: "str" for name in columns if name in as_it_is},
                index_col=False,
                low_memory=False,
            )
    except pd.errors.ParserWarning as error:
        _refuse_ragged(path, separator)
        raise unreadable(path, error, "as many fields in each row as in the first line") from error
    except (OSError, ValueError, EOFError, zlib.error) as error:
        raise unreadable(path, error, "a table in UTF-8 whose first line names the columns") from error
    if frame.iloc[:, -1].isna().any():  # as it is in a row that is too short, which pandas fills up
        _refuse_ragged(path, separator)
    return (frame, ()) if separator == "," else _with_points(frame, as_it_is)


def _with_points(
    frame: pd.DataFrame, as_it_is: Container[str | None]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table with numbers instead of texts that are numbers with a decimal comma, and a note on them."""
    read = [name for name in frame.columns if name not in as_it_is and _have_commas(frame[name])]
    for name in read:
        points = frame[name].str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
        frame[name] = pd.to_numeric(points)
    return frame, (f"columns of numbers with a decimal comma: {wording.some(read)}",) if read else ()


def _have_commas(values: "pd.Series[Any]") -> bool:
    if not pd.api.types.is_string_dtype(values):
        return False
    texts = values.dropna()
    return bool(texts.str.fullmatch(WITH_COMMAS).all() and texts.str.contains(",", regex=False).any())


def separator_of(path: Path) -> str:
    """What stands most often in the first line of a CSV or TSV."""
    line = pd.read_csv(path, sep=NOWHERE, quoting=csv.QUOTE_NONE, **FIRST_LINE)
    separators = "\t" if path.suffix.lower() == ".tsv" else ",;\t"
    return max(separators, key=QUOTED.sub("", str(line.iloc[0, 0])).count)


def _refuse_ragged(path: Path, separator: str) -> None:
    """Refuse the first row with another number of fields than the first line."""
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=separator)
        rows = (row for row in reader if row)
        expected = len(next(rows))
        for row in rows:
            if len(row) != expected:
                raise DataError(
                    f"{path} has {len(row)} fields in line {reader.line_num}, expected {expected} as in its "
                    "first line; fix that line, or quote texts that hold the separator"
                )
