"""Points that are near each other, each pair once."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.types import Examples

CHUNK_BYTES = 1 << 25  # of examples that are looked at together
LEAF = 20  # points that are searched one by one
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
    tree = KDTree(points, leafsize=LEAF)  # asked on one thread: others would outlive an interrupt
    nearest = list(range(1, 1 + min(NEIGHBOURS + 1, len(points))))
    order = tree.indices  # near ones one after the other, so that what they meet is still in the cache
    distances, others = tree.query(asking[order], nearest, distance_upper_bound=radius)
    here, column = np.nonzero(np.isfinite(distances))
    pairs = np.stack([order[here], others[here, column]], axis=1)
    others_only: Pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    return others_only


def unique(pairs: Pairs) -> Pairs:
    """The pairs once each, the smaller row first."""
    once: Pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    return once
