"""What a loader returns: examples and labels as it read them, not checked yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from audit.datasets.labels import ParsedLabels, parse
from audit.datasets.labels.foreign import is_from, shown
from audit.errors import DataError
from audit.types import AsGiven, Features, Pictures, Votes

__all__ = ["JoinedVotes", "LabelPlace", "LazyArray", "Source", "is_from", "shown"]


class LazyArray(Protocol):
    """Examples whose rows may be read only when asked for; every numpy array and memmap is one too."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, …)."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the numbers."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any) -> npt.NDArray[Any]:
        """The examples of these row numbers (m,) as an array (m, …)."""


@dataclass(frozen=True)
class LabelPlace:
    """Where a source keeps its labels, so that corrected ones can be written in the same form."""

    form: str  # npy, npz, hdf5, idx, text, json, parquet or tree
    paths: tuple[Path, ...]  # the file, the folder of a tree, or files of labels one after the other
    name: str = ""  # of the array or the column
    kept: tuple[int, ...] | None = None  # (n,) the rows of the table that were read; all when None
    depth: int = 0  # of the folder that is the class, in the path of an image below the tree


@dataclass(frozen=True, eq=False)
class JoinedVotes:
    """Labels that several people gave, on the rows of a source."""

    votes: Votes
    class_names: tuple[str, ...]  # of the votes' labels
    name: str  # what they are called in messages


@dataclass(frozen=True, eq=False)
class Source:
    """Examples and labels as a file, a folder or an object holds them."""

    name: str  # what the data set is called in reports and folders
    X: LazyArray | None  # None when there are only labels
    y: Any  # (n,) raw labels or (n, k) one-hot rows: an array, a pandas Series or DataFrame; None without
    ids: npt.NDArray[Any] | None = None  # (n,) what each row is called there; row numbers when None
    names: tuple[str, str] = ("X", "y")  # what X and y are called in messages
    class_names: Sequence[str] | None = None  # the names of the labels 0..k-1, where the source has them
    feature_names: tuple[str, ...] = ()  # (d,) where the source has them
    place: LabelPlace | None = None  # None where the labels are not in a file of the user's
    part: npt.NDArray[Any] | None = None  # (n,) the part that each row is in, where there are parts
    groups: npt.NDArray[Any] | None = None  # (n,) equal for rows that belong together
    order: npt.NDArray[Any] | None = None  # (n,) numbers, dates or texts that put the rows in order
    notes: tuple[str, ...] = ()  # what a person should know of how it was read, a line each
    as_given: AsGiven | None = None  # (n,) the examples as they came, where X is not that already
    votes: JoinedVotes | None = None  # where several people gave labels
    pictures: Pictures | None = None  # (n) the images with all their pixels, where they are files
    features: Features | None = None  # (n, d) that models read in place of the examples
    missing: frozenset[str] = frozenset()  # labels that mean "no label", beside those that always do

    def parsed_labels(self) -> ParsedLabels:
        """The class of each row; DataError when the labels do not hold one each."""
        return parse(self.y, self.names[1], self.class_names, self.missing)

    def row_ids(self, n: int) -> npt.NDArray[Any]:
        """What each of the n rows is called in the source: its id, else its number."""
        if self.ids is None:
            return np.arange(n)
        ids = np.asarray(self.ids)
        if ids.dtype.kind == "O":  # which no run folder holds, as it would have to be unpickled
            return ids.astype(np.str_)
        return ids

    def refuse_other_length(self, n: int) -> None:
        """Raise DataError when there are not as many examples as the n labels."""
        for examples in (self.X, self.as_given):
            if examples is not None and len(examples) != n:
                raise DataError(
                    f"{self.names[1]} has {n:,} entries but {self.names[0]} has {len(examples):,} rows; "
                    "there must be one label for each row, in the same order"
                )
        if self.features is not None and len(self.features) != n:
            raise DataError(
                f"--embed has features of {len(self.features):,} rows but {self.names[0]} has {n:,} rows; "
                "there must be features for each row, in the same order"
            )
