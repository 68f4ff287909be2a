"""Tables as JSON: a list of records, or a record in each line."""

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd

from audit import wording
from audit.datasets.files import reading, refuse_bomb, refuse_dense
from audit.datasets.sources.columns import listed
from audit.datasets.sources.packed import content_of, plain_name

AS_JSON = "cannot be read as JSON"
EXPECTED = (
    ", expected a list of records, or a record in each line; save it so, for example with "
    'pandas.DataFrame.to_json(orient="records")'
)
COSTS = {b"{": 400, b"[": 100, b",": 60}  # bytes that a part takes while records become a table
SPACES = re.compile(r"[ \t\n\r]*+")
COPIES = 4  # of the text, while it is read
NUMBER_BYTES = 8
MOST_DIGITS = 18  # of a whole number that stays one


def read_records(path: Path) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Read records as a table, a column for each field; also returns notes on how it was read.

    The fields of an object in a record become columns, such as `meta.age`; what is nested deeper stays as it
    is. Fields that a record lacks are missing values.

    Raises
    ------
    DataError
        When the file holds no records.
    """
    with reading(path, AS_JSON, EXPECTED):
        content = content_of(path, COPIES)
        refuse_dense(content, COSTS)
        text = content.decode("utf-8-sig")
        records = list_of_records(text)
        if not records:
            raise ValueError("it has no records")
        if len(records) == 1 and not text.lstrip().startswith("[") and plain_name(path).endswith(".json"):
            raise ValueError(f"it holds one object, with {listed(records[0])}")
        flat = [flattened(record) for record in records]
        columns = dict.fromkeys(name for record in flat for name in record)
        fewer = "save fewer fields, or only those that most records have"
        refuse_bomb(path, NUMBER_BYTES * len(flat) * len(columns), fewer)
        frame = pd.DataFrame(flat, columns=list(columns))
    notes: tuple[str, ...] = ()
    of_objects = dict.fromkeys(
        f"{name}.{inner}"
        for record in records
        for name, value in record.items()
        if isinstance(value, dict)
        for inner in value
    )
    if of_objects:
        notes = (f"fields of objects, read as columns: {wording.writable(wording.some(list(of_objects)))}",)
    return frame, notes


def list_of_records(text: str) -> list[dict[str, Any]]:
    """The records of a JSON text, one after the other or in a list; ValueError for anything else."""
    decoder = json.JSONDecoder(parse_int=_number)
    start = skip_spaces(text, 0)
    values: list[Any] = []
    if text.startswith("[", start):
        values = decoder.decode(text)
    else:
        while start < len(text):
            value, end = decoder.raw_decode(text, start)
            values.append(value)
            start = skip_spaces(text, end)
    for number, value in enumerate(values):
        if not isinstance(value, dict):
            raise ValueError(f"record {number} is not an object but {wording.one_line(value)[:40]}")  # noqa: TRY004
    return values


def skip_spaces(text: str, start: int) -> int:
    """The place of the first character from here on that is no white space of JSON."""
    found = SPACES.match(text, start)
    assert found is not None  # it may be empty
    return found.end()


def flattened(record: dict[str, Any]) -> dict[str, Any]:
    """A record with the fields of its objects beside its own; ValueError where two have one name."""
    flat: dict[str, Any] = {}
    for name, value in record.items():
        fields = {name: value}
        if isinstance(value, dict):
            fields = {f"{name}.{inner}": each for inner, each in value.items()}
        twice = next((field for field in fields if field in flat), None)
        if twice is not None:
            raise ValueError(f"a record has two fields {twice!r}")
        flat |= fields
    return flat


def _number(digits: str) -> int | float:
    """A whole number; one of more digits than an array can hold as a float."""
    if len(digits) <= MOST_DIGITS:
        return int(digits)
    return float(digits)
