"""Points that are near each other, each pair once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt

from audit.types import Examples

CHUNK_BYTES = 1 << 22  # of examples that are looked at together: they stay in the cache
LEAF = 20  # points that are searched one by one
ASKED_TOGETHER = 2000  # points that a thread asks for: an interrupt waits for so many
NEIGHBOURS = 8  # that are looked at, so that many copies of one image do not make a square of pairs

Pairs = npt.NDArray[np.int64]  # (p, 2) row numbers


def parts(X: Examples, length: int) -> Iterator[slice]:
    """Slices of as many rows as are looked at together, as float32."""
    size = max(1, CHUNK_BYTES // (4 * int(np.prod(X.shape[1:]))))
    return (slice(start, min(length, start + size)) for start in range(0, length, size))


def neighbours(points: npt.NDArray[Any], asking: npt.NDArray[Any], radius: float) -> Pairs:
    """Each of the asking points (m, d) with the nearest of the others, about where it is, in the radius."""
    from scipy.spatial import KDTree  # noqa: PLC0415  slow to import

    if not len(points):
        return np.empty((0, 2), np.int64)
    tree = KDTree(points, leafsize=LEAF)
    nearest = list(range(1, 1 + min(NEIGHBOURS + 1, len(points))))

    def pairs_of(some: npt.NDArray[np.int64]) -> Pairs:
        distances, others = tree.query(asking[some], nearest, distance_upper_bound=radius)
        here, column = np.nonzero(np.isfinite(distances) & (others != some[:, None]))
        return np.stack([some[here], others[here, column]], axis=1)

    order = tree.indices  # near ones one after the other, so that what they meet is still in the cache
    some = (order[start : start + ASKED_TOGETHER] for start in range(0, len(order), ASKED_TOGETHER))
    with ThreadPoolExecutor(joblib.cpu_count()) as threads:  # a tree is asked without the interpreter's lock
        return np.concatenate(list(threads.map(pairs_of, some)))


def unique(pairs: Pairs) -> Pairs:
    """The pairs once each, the smaller row first."""
    once: Pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    return once
