"""Tables as text: CSV and TSV, as programs and spreadsheets of any country write them."""

import csv
import io
import re
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from audit import wording
from audit.datasets.files import BLOCK_BYTES, SPARE_BYTES, TIMES, reading, refuse_bomb
from audit.datasets.sources.columns import LABELS, named_column, refuse_columns, usual_column
from audit.datasets.sources.image_paths import identifies_images
from audit.datasets.sources.packed import opened, plain_name, unpack
from audit.datasets.sources.text_columns import is_usual
from audit.errors import DataError

MISSING = [  # spellings in features: those of pandas, and more
    "", " ", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>",
    "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null", "na", "none", "?", "-", ".",
]  # fmt: skip
QUOTED = re.compile('"[^"]*"')
NAMED_COLUMNS = ", expected a table in UTF-8 whose first line names the columns; save it so"
MARKS = (b",", b";", b"\t")  # between fields
MOST_FIELDS = 100_000  # of a line
TEXT_COPIES = 7  # bytes in memory for each of a text, while it is read as a table
CELL_BYTES = 24  # that a field takes while it is read
LEAST_LETTERS = 0.5  # of a field, on average, below which a large table is all but empty
LONGEST_FIELD = (1 << 31) - 1  # letters, instead of 131,072
FIRST_LINE: dict[str, Any] = {"encoding": "utf-8-sig", "dtype": "str", "header": None, "nrows": 1}
WITH_COMMAS = r"[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+)(?:,\d+)?"  # 1,5 and 1.234,56


@dataclass(frozen=True)
class Dialect:
    """How the fields of a text are told apart."""

    separator: str
    spaces_after: bool  # whether spaces follow separators, which belong to no field

    @classmethod
    def of(cls, path: Path) -> "Dialect":
        """Find the most frequent separator of the names of columns, and whether spaces follow there."""
        separators = "\t" if plain_name(path).endswith(".tsv") else ",;\t"
        unquoted = QUOTED.sub("", _header(path))
        separator = max(separators, key=unquoted.count)
        after = unquoted.split(separator)[1:]
        return cls(separator, any(field.startswith(" ") for field in after))


def _header(path: Path) -> str:
    """The first line that is not blank, with those after it where a quoted name has line breaks."""
    with opened(path) as binary, io.TextIOWrapper(binary, "utf-8-sig") as file:
        text = next((line for line in file if line.strip()), "")
        while text.count('"') % 2 and len(text) < BLOCK_BYTES and (line := file.readline()):
            text += line
    return text


def read_text(path: Path, label: str | None, path_column: str | None) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Read a CSV or TSV; also returns notes on how it was read.

    Labels, paths and ids of images stay texts; in other columns the usual spellings of NaN are missing
    values. Where commas do not separate columns, they are the decimal mark in columns of such numbers.

    Raises
    ------
    DataError
        When the file is not such a table.
    """
    with reading(path, "cannot be read", NAMED_COLUMNS):
        refuse_misshapen(path)
        dialect = Dialect.of(path)
        cells = _first_cells(path, dialect)
        columns = [name or f"Unnamed: {i}" for i, name in enumerate(cells)]  # as pandas calls them
        refuse_columns(str(path), columns)
        named = [named_column(columns, name) for name in (label, path_column) if name is not None]
        if label is None:
            named.append(usual_column(columns, LABELS))
        texts = {name for name in columns if name in named or identifies_images(name) or is_usual(name)}
        frame = _read_columns(path, dialect, columns, texts)
        if frame.iloc[:, -1].isna().any():  # as in a row that is too short, which pandas fills up
            _refuse_ragged(path, dialect)
    if dialect.separator == ",":
        return frame, ()
    return _with_decimal_points(frame, texts)


def read_texts(path: Path) -> pd.DataFrame:
    """Read a CSV or TSV of which all cells are texts; empty ones are missing. DataError when it is none."""
    with reading(path, "cannot be read", NAMED_COLUMNS):
        refuse_misshapen(path)
        dialect = Dialect.of(path)
        columns = [name or f"Unnamed: {i}" for i, name in enumerate(_first_cells(path, dialect))]
        refuse_columns(str(path), columns)
        frame = _read_columns(path, dialect, columns, columns)
        if frame.iloc[:, -1].isna().any():
            _refuse_ragged(path, dialect)
    return frame


def _first_cells(path: Path, dialect: Dialect) -> list[str]:
    with opened(path) as file:
        first: pd.DataFrame = pd.read_csv(
            file,
            sep=dialect.separator,
            skipinitialspace=dialect.spaces_after,
            keep_default_na=False,
            **FIRST_LINE,
        )
    return first.iloc[0].tolist()


def _read_columns(path: Path, dialect: Dialect, columns: list[str], texts: Collection[str]) -> pd.DataFrame:
    """Read all columns, these as texts; DataError or ParserWarning when a row has too many fields."""
    with warnings.catch_warnings(), opened(path) as file:
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            return pd.read_csv(
                file,
                sep=dialect.separator,
                skipinitialspace=dialect.spaces_after,
                encoding="utf-8-sig",
                keep_default_na=False,
                na_values=dict.fromkeys(columns, MISSING) | {name: [""] for name in texts},
                dtype=dict.fromkeys(texts, "str"),
                index_col=False,
                low_memory=False,
            )
        except pd.errors.ParserWarning:
            _refuse_ragged(path, dialect)
            raise


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
    with opened(path) as binary, io.TextIOWrapper(binary, "utf-8-sig", newline="") as file, long_fields():
        reader = csv.reader(file, delimiter=dialect.separator, skipinitialspace=dialect.spaces_after)
        rows = (row for row in reader if row)
        expected = len(next(rows))
        for row in rows:
            if len(row) != expected:
                raise DataError(
                    f"{path} has {len(row)} fields in line {reader.line_num}, expected {expected} as in its "
                    "first line; fix that line, or quote texts that hold the separator"
                )


def refuse_misshapen(path: Path) -> None:
    """Refuse a text whose fields take far more memory than its bytes, or that unpacks to far more.

    Raises
    ------
    DataError
        When it unpacks to far more bytes than it has.
    ValueError
        When a line has more than MOST_FIELDS fields, or a large table has all but empty fields.
    """
    size = 0
    fields = 0
    with opened(path) as file:
        while block := file.read(BLOCK_BYTES):
            lines = block.count(b"\n") + block.count(b"\r")
            marks = max(map(block.count, MARKS))
            size += len(block)
            fields += lines + marks
            refuse_bomb(path, size, unpack(path), TEXT_COPIES)
            if marks > MOST_FIELDS * (lines + 1):
                raise ValueError(f"it has a line of more than {MOST_FIELDS:,} fields")
    if CELL_BYTES * fields > TIMES * size + SPARE_BYTES and size < (1 + LEAST_LETTERS) * fields:
        raise ValueError(f"it has {fields:,} fields in {size:,} bytes, nearly all of them empty")


@contextmanager
def long_fields() -> Iterator[None]:
    """Let Python's reader of CSV take fields of any length in the block."""
    before = csv.field_size_limit(LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)
