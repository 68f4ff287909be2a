"""Find points that are near each other, each pair once."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt

from audit.types import Examples, Floats

CHUNK_BYTES = 1 << 22  # of examples that are processed together: they stay in the cache
LEAF = 20  # points in a leaf of the tree, which are searched one by one
QUERIED_TOGETHER = 2000  # points of one query: an interrupt waits until it has ended
NEIGHBOURS = 8  # of each point at most, so that many copies of one image do not make a square of pairs

MOST_FEATURES = 16  # in which neighbours are searched; more are projected

Pairs = npt.NDArray[np.int64]  # (p, 2) row numbers
Counted = Callable[[int, int], object]  # takes how many of all rows have been searched


def chunks(X: Examples, length: int) -> Iterator[slice]:
    """Slices that cover 0 to length, each of as many rows of X as make CHUNK_BYTES of float32."""
    size = max(1, CHUNK_BYTES // (4 * int(np.prod(X.shape[1:]))))
    return (slice(start, min(length, start + size)) for start in range(0, length, size))


def projection(d: int) -> Floats:
    """A fixed random projection (d, MOST_FEATURES) that keeps distances on average; small d stay."""
    if d <= MOST_FEATURES:
        return np.eye(d)
    return np.random.default_rng(0).normal(0, MOST_FEATURES**-0.5, (d, MOST_FEATURES))


def neighbours(
    points: npt.NDArray[Any], queries: npt.NDArray[Any], radius: float, searched: Callable[[int], object]
) -> Pairs:
    """Pair each query point (m, d) with its NEIGHBOURS nearest points (m, d) in the radius, itself apart.

    Query i stands for the same example as point i, moved a little. `searched` is told of how many queries are
    done.
    """
    from scipy.spatial import KDTree  # noqa: PLC0415  slow to import

    if not len(points):
        return np.empty((0, 2), np.int64)
    tree = KDTree(points, leafsize=LEAF)
    nearest = list(range(1, 1 + min(NEIGHBOURS + 1, len(points))))

    def pairs_of(some: npt.NDArray[np.int64]) -> Pairs:
        distances, others = tree.query(queries[some], nearest, distance_upper_bound=radius)
        row, column = np.nonzero(np.isfinite(distances) & (others != some[:, None]))
        return np.stack([some[row], others[row, column]], axis=1)

    order = tree.indices  # near points follow each other, so that their leaves are still in the cache
    batches = [order[start : start + QUERIED_TOGETHER] for start in range(0, len(order), QUERIED_TOGETHER)]
    found = []
    with ThreadPoolExecutor(joblib.cpu_count()) as threads:  # a query releases the interpreter's lock
        for number, pairs in enumerate(threads.map(pairs_of, batches), start=1):
            found.append(pairs)
            searched(min(number * QUERIED_TOGETHER, len(order)))
    return np.concatenate(found)


def unique(pairs: Pairs) -> Pairs:
    """Each pair once, with its smaller row first."""
    once: Pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    return once
