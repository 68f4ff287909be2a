"""Tables as text: CSV and TSV, as programs and spreadsheets of any country write them."""

import csv
import gzip
import re
import warnings
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from audit import wording
from audit.datasets.sources.columns import LABELS, named_column, refuse_twice, unreadable, usual_column
from audit.datasets.sources.image_paths import identifies_images
from audit.errors import DataError

MISSING = [  # spellings in features: those of pandas, and more
    "", " ", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>",
    "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null", "na", "none", "?", "-", ".",
]  # fmt: skip
QUOTED = re.compile('"[^"]*"')
NOWHERE = "\x01"  # a separator that no file has
FIRST_LINE: dict[str, Any] = {"encoding": "utf-8-sig", "dtype": "str", "header": None, "nrows": 1}
WITH_COMMAS = r"[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+)(?:,\d+)?"  # 1,5 and 1.234,56


@dataclass(frozen=True)
class Dialect:
    """How the fields of a text are told apart."""

    separator: str
    spaces_after: bool  # whether spaces follow separators, which belong to no field

    @classmethod
    def of(cls, path: Path) -> "Dialect":
        """Find the most frequent separator of the first line, and whether spaces follow there."""
        line = pd.read_csv(path, sep=NOWHERE, quoting=csv.QUOTE_NONE, **FIRST_LINE)
        separators = "\t" if path.suffix.lower() == ".tsv" else ",;\t"
        unquoted = QUOTED.sub("", str(line.iloc[0, 0]))
        separator = max(separators, key=unquoted.count)
        after = unquoted.split(separator)[1:]
        return cls(separator, any(field.startswith(" ") for field in after))


def read_text(path: Path, label: str | None, path_column: str | None) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Read a CSV or TSV; also returns notes on how it was read.

    Labels, paths and ids of images stay texts; in other columns the usual spellings of NaN are missing
    values. Where commas do not separate columns, they are the decimal mark in columns of such numbers.

    Raises
    ------
    DataError
        When the file is not such a table.
    """
    try:
        dialect = Dialect.of(path)
        cells = _first_cells(path, dialect)
        columns = [name or f"Unnamed: {i}" for i, name in enumerate(cells)]  # as pandas calls them
        refuse_twice(str(path), columns)
        named = [named_column(columns, name) for name in (label, path_column) if name is not None]
        if label is None:
            named.append(usual_column(columns, LABELS))
        texts = {name for name in columns if name in named or identifies_images(name)}
        frame = _read_columns(path, dialect, columns, texts)
    except pd.errors.ParserWarning as error:
        _refuse_ragged(path, dialect)
        raise unreadable(path, error, "as many fields in each row as in the first line") from error
    except (OSError, ValueError, EOFError, zlib.error) as error:
        raise unreadable(path, error, "a table in UTF-8 whose first line names the columns") from error
    if frame.iloc[:, -1].isna().any():  # as in a row that is too short, which pandas fills up
        _refuse_ragged(path, dialect)
    if dialect.separator == ",":
        return frame, ()
    return _with_decimal_points(frame, texts)


def _first_cells(path: Path, dialect: Dialect) -> list[str]:
    first: pd.DataFrame = pd.read_csv(
        path,
        sep=dialect.separator,
        skipinitialspace=dialect.spaces_after,
        keep_default_na=False,
        **FIRST_LINE,
    )
    return first.iloc[0].tolist()


def _read_columns(path: Path, dialect: Dialect, columns: list[str], texts: Collection[str]) -> pd.DataFrame:
    """Read all columns, these as texts; ParserWarning when a row has too many fields."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(
            path,
            sep=dialect.separator,
            skipinitialspace=dialect.spaces_after,
            encoding="utf-8-sig",
            keep_default_na=False,
            na_values=dict.fromkeys(columns, MISSING) | {name: [""] for name in texts},
            dtype=dict.fromkeys(texts, "str"),
            index_col=False,
            low_memory=False,
        )


def _with_decimal_points(frame: pd.DataFrame, texts: Collection[str]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Turn columns of numbers with a decimal comma into numbers; also returns a note on them."""
    converted = [name for name in frame.columns if name not in texts and _have_commas(frame[name])]
    if not converted:
        return frame, ()
    for name in converted:
        points = frame[name].str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
        frame[name] = pd.to_numeric(points)
    return frame, (f"columns of numbers with a decimal comma: {wording.some(converted)}",)


def _have_commas(values: "pd.Series[Any]") -> bool:
    """Whether all texts of a column are numbers, and some of them have a decimal comma."""
    if not pd.api.types.is_string_dtype(values):
        return False
    texts = values.dropna()
    return bool(texts.str.fullmatch(WITH_COMMAS).all() and texts.str.contains(",", regex=False).any())


def _refuse_ragged(path: Path, dialect: Dialect) -> None:
    """Refuse the first row with another number of fields than the first line."""
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=dialect.separator, skipinitialspace=dialect.spaces_after)
        rows = (row for row in reader if row)
        expected = len(next(rows))
        for row in rows:
            if len(row) != expected:
                raise DataError(
                    f"{path} has {len(row)} fields in line {reader.line_num}, expected {expected} as in its "
                    "first line; fix that line, or quote texts that hold the separator"
                )
