"""Find the columns of a table by their names."""

import string
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from audit import wording
from audit.errors import DataError

INVISIBLE = string.whitespace + "\u00a0\u200b\ufeff"
LABELS = ("label", "labels", "y", "target", "class")  # what the column of labels is usually called
LABELS_OF_TEXTS = ("category", "intent", "sentiment", "topic")  # and what else it may be called beside texts


def find_column(
    frame: pd.DataFrame, path: Path, asked: str | None, usual: Sequence[str], flag: str
) -> str | None:
    """Find the column that was asked for, or the first with a usual name; None when there is none."""
    if asked is None:
        return usual_column(list(frame.columns), usual)
    column = named_column(list(frame.columns), asked)
    if column is None:
        remedy = f"check {flag}"
        near = [name for name in frame.columns if bare(name).casefold() == bare(asked).casefold()]
        if near:
            remedy = f"did you mean {near[0]!r}? check {flag}"
        raise DataError(f"{path} has no column {asked!r}, found {listed(frame.columns)}; {remedy}")
    return column


def named_column(columns: Sequence[str], asked: str) -> str | None:
    """The column of this name, or the only one whose name differs in spaces around it; None when none is."""
    if asked in columns:
        return asked
    alike = [column for column in columns if bare(column) == bare(asked)]
    if len(alike) != 1:
        return None
    return alike[0]


def usual_column(columns: Sequence[str], usual: Sequence[str]) -> str | None:
    """The first column with one of these names, in any case and with any spaces around it."""
    by_name = {bare(column).lower(): column for column in reversed(columns)}
    by_name |= {column.lower(): column for column in reversed(columns)}
    return next((by_name[name] for name in usual if name in by_name), None)


def bare(column: str) -> str:
    """The name of a column without what is around it and cannot be seen."""
    return column.strip(INVISIBLE)


def listed(columns: Iterable[str]) -> str:
    """The names of the first columns; quoted where there are spaces around them."""
    return wording.some([name if name == bare(name) else repr(name) for name in columns])


def refuse_columns(name: str, columns: list[str]) -> None:
    """Refuse columns of the same name, or of one that no file can hold."""
    found = wording.unwritable(columns)
    if found is not None:
        raise DataError(f"{name} has the column '{found}', which is not UTF-8 text; rename it")
    index = pd.Index(columns, dtype=object)
    if not index.is_unique:
        twice = str(index[index.duplicated()][0])
        raise DataError(f"{name} has two columns called {twice!r}, expected different names; rename one")
