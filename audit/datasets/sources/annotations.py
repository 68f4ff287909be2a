"""Files of labels that several people gave: tables, and arrays with a column for each person."""

from pathlib import Path
from typing import Any

from audit.datasets.files import reading
from audit.datasets.sources import npy
from audit.datasets.sources.delimited import read_texts
from audit.datasets.sources.table_files import read_parquet
from audit.errors import DataError

TEXTS = (".csv", ".csv.gz", ".tsv")
SUFFIXES = f"{', '.join(TEXTS)}, .parquet or .npy"


def read_annotations(path: Path) -> Any:
    """Read a table, whose cells are texts but in Parquet, or an array; DataError for other files."""
    name = path.name.lower()
    if name.endswith(".npy"):
        missing = f"{path} does not exist, expected a file of annotations ({SUFFIXES})"
        with reading(path, "cannot be read as a NumPy file", "; save it with numpy.save", missing=missing):
            return npy.load(path, mapped=False)
    if name.endswith(".parquet"):
        return read_parquet(path).frame
    if name.endswith(TEXTS):
        return read_texts(path)
    raise DataError(f"{path} is not a file of annotations, expected one that ends in {SUFFIXES}; save it so")
