"""Find the columns of a table by their names."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from audit import wording
from audit.errors import DataError

LABELS = ("label", "labels", "y", "target", "class")  # what the column of labels is usually called


def find_column(
    frame: pd.DataFrame, path: Path, asked: str | None, usual: Sequence[str], flag: str
) -> str | None:
    """Find the column that was asked for, or the first with a usual name; None when there is none."""
    if asked is not None:
        if asked not in frame.columns:
            raise DataError(
                f"{path} has no column {asked!r}, found {wording.some(list(frame.columns))}; check {flag}"
            )
        return asked
    return usual_column(list(frame.columns), usual)


def usual_column(columns: Sequence[str], usual: Sequence[str]) -> str | None:
    """The first column with one of these names, in any case."""
    by_name = {column.lower(): column for column in reversed(columns)}
    return next((by_name[name] for name in usual if name in by_name), None)


def unreadable(path: Path, error: Exception, expected: str) -> DataError:
    """The error for a file that could not be read."""
    if isinstance(error, FileNotFoundError):
        return DataError(wording.no_such_file(path))
    why = wording.one_line(error)
    return DataError(f"{path} cannot be read ({why}), expected {expected}; save it so")


def refuse_twice(name: str, columns: list[str]) -> None:
    """Refuse columns of the same name."""
    index = pd.Index(columns, dtype=object)
    if not index.is_unique:
        twice = str(index[index.duplicated()][0])
        raise DataError(f"{name} has two columns called {twice!r}, expected different names; rename one")
