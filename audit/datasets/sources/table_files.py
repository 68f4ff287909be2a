"""The file of a table as a frame: CSV, TSV, JSON or Parquet."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from audit.datasets import probe
from audit.datasets.files import reading, refuse_bomb
from audit.datasets.sources.columns import refuse_columns
from audit.datasets.sources.delimited import read_text
from audit.datasets.sources.json_records import read_records
from audit.datasets.sources.packed import JSON_TABLES, is_zip, plain_name
from audit.errors import DataError
from audit.settings.data import DataSettings

NUMBER_BYTES = 8
HUGGING_FACE = b"huggingface"  # the key in the metadata of a Parquet file


@dataclass(frozen=True, eq=False)
class Table:
    """A table as a file holds it."""

    frame: pd.DataFrame  # with texts as names of columns, all different
    notes: tuple[str, ...]  # on how it was read
    form: str  # parquet, text or json
    class_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # of columns of class numbers
    packed: bool = False  # whether it is in an archive, which is not written anew


def read_table(path: Path, settings: DataSettings) -> Table:
    """Read the table that a file holds; DataError when it cannot be read, or two columns have one name."""
    if path.suffix.lower() == ".parquet":
        table = read_parquet(path)
    elif _name(path).endswith(JSON_TABLES):
        table = Table(*read_records(path), "json", packed=is_zip(path))
    else:
        read = read_text(path, settings.label_column, settings.path_column)
        table = Table(*read, "text", packed=is_zip(path))
    table.frame.columns = pd.Index([str(column) for column in table.frame.columns])
    refuse_columns(str(path), list(table.frame.columns))
    return table


def _name(path: Path) -> str:
    """The name of the table that a file is or holds."""
    if not is_zip(path):
        return plain_name(path)
    with reading(path, "cannot be read as a zip archive", "; write or copy it again"):
        return plain_name(path)


def read_parquet(path: Path) -> Table:
    """Read the table of a Parquet file; DataError when it cannot be read."""
    try:
        from pyarrow import parquet  # noqa: PLC0415  optional
    except ImportError as error:
        remedy = 'pip install "label-audit[parquet]"'
        raise DataError(f"{path} needs pyarrow, which is not installed; {remedy}") from error
    with reading(path, "cannot be read", ", expected a Parquet file; save it so"):
        probe.tried(path, "parquet")
        with parquet.ParquetFile(path) as file:
            cells = file.metadata.num_rows * file.metadata.num_columns
            metadata = file.schema_arrow.metadata or {}
        refuse_bomb(path, NUMBER_BYTES * cells, "save fewer rows or columns, or arrays as .npy files")
        frame = pd.read_parquet(path, engine="pyarrow")
        return Table(frame, (), "parquet", _class_names(metadata.get(HUGGING_FACE, b"{}")))


def _class_names(metadata: bytes) -> dict[str, tuple[str, ...]]:
    """The names of classes in what Hugging Face's datasets keep beside a table, by the column of numbers."""
    features = json.loads(metadata).get("info", {}).get("features", {})
    named = {}
    for column, feature in features.items():
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel":
            names = feature.get("names")
            if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
                named[column] = tuple(names)
    return named
