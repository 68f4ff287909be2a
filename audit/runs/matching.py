"""Match the rows of two states of a data set: by their ids, or by content where they have no ids."""

from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audit.runs.folder import RunRecord
from audit.types import Rows

NONE = -1


@dataclass(frozen=True, eq=False)
class KnownRows:
    """What rows can be known by."""

    ids: Sequence[str]  # (n,)
    hashes: npt.NDArray[np.uint64]  # (n,) of the examples
    labels: Sequence[str]  # (n,)
    numbered: bool  # whether the ids are only the numbers of the rows

    @classmethod
    def of(cls, record: RunRecord) -> "KnownRows":
        """The rows of a run with their original labels."""
        names = np.array(record.class_names)
        return cls(
            ids=record.ids.astype(np.str_).tolist(),
            hashes=record.hashes,
            labels=names[record.labels.original].tolist(),
            numbered=has_row_numbers(record),
        )


def has_row_numbers(record: RunRecord) -> bool:
    """Whether the ids of a run are only the numbers of its rows in the source, from whatever number on."""
    if record.ids.dtype.kind not in "iu" or not len(record.ids):
        return False
    return int(np.ptp(record.ids.astype(np.int64) - record.rows)) == 0


def known_by_content(first: KnownRows, second: KnownRows) -> bool:
    """Whether rows have no ids of their own, and examples by which they can be told apart."""
    return first.numbered and second.numbered and len(np.unique(first.hashes)) > 1


def match(first: KnownRows, second: KnownRows) -> Rows:
    """Find the row of the first that each row (n,) of the second is; NONE where it is new.

    Copies are paired in their order; by content those of one label first, so that a copy that was inserted or
    deleted does not change which of them are paired.
    """
    if not known_by_content(first, second):
        return _paired(first.ids, second.ids)
    hashes = first.hashes.tolist()
    hashes_now = second.hashes.tolist()
    labelled = zip(hashes, first.labels, strict=True)
    labelled_now = zip(hashes_now, second.labels, strict=True)
    found = _paired(list(labelled), list(labelled_now))
    left = np.setdiff1d(np.arange(len(hashes)), found)
    left_now = np.flatnonzero(found == NONE)
    again = _paired([hashes[row] for row in left.tolist()], [hashes_now[row] for row in left_now.tolist()])
    relabelled = again != NONE
    found[left_now[relabelled]] = left[again[relabelled]]
    return found


def _paired(first: Sequence[Hashable], second: Sequence[Hashable]) -> Rows:
    """The place in the first of each key of the second, each place once; NONE where none is left."""
    waiting: dict[Hashable, deque[int]] = {}
    for place, key in enumerate(first):
        waiting.setdefault(key, deque()).append(place)
    found = np.full(len(second), NONE)
    for place, key in enumerate(second):
        places = waiting.get(key)
        if places:
            found[place] = places.popleft()
    return found
