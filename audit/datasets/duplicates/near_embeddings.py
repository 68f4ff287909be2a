"""Rows whose embeddings are nearly the same: copies of a photo that were encoded or scaled anew.

Distance is that between embeddings less their mean, each of length 1. How near copies are depends on the
embedder, so it is measured against how near different examples are.
"""

import numpy as np
import numpy.typing as npt

from audit.datasets.duplicates.search import (
    NEIGHBOURS,
    Counted,
    Pairs,
    chunks,
    neighbours,
    projection,
    unique,
)
from audit.types import Examples, Floats, Rows, evenly_at_most

APART = 0.35  # of the usual distance to a row's NEIGHBOURS-th neighbour
LEAST_FEATURES = 3  # of fewer, directions are near by chance
SAMPLED_ROWS = 300  # that tell the usual distance
COMPARED_ROWS = 20_000  # among which their neighbours are
WIDER = 1.5  # how much farther apart rows may be where they are projected

Unit = npt.NDArray[np.float32]


def near_embeddings(X: Examples, rows: Rows, counted: Counted) -> Pairs:
    """Find the pairs among these rows (m,) of embeddings (n, d) that are near duplicates."""
    if X.shape[1] < LEAST_FEATURES or len(rows) <= NEIGHBOURS + 1:
        return np.empty((0, 2), np.int64)
    parts = list(chunks(X, len(rows)))
    mean = np.sum([_numbers(X[rows[part]]).sum(axis=0, dtype=np.float64) for part in parts], axis=0) / len(
        rows
    )

    def units(some: Rows) -> Unit:
        away = _numbers(X[some]) - mean
        lengths = np.linalg.norm(away, axis=1, keepdims=True)
        return np.asarray(away / np.where(lengths > 0, lengths, 1), dtype=np.float32)

    project = projection(X.shape[1])
    points = np.concatenate([units(rows[part]) @ project for part in parts])
    ordered = rows[
        np.argsort(points[:, 0], kind="stable")
    ]  # an order that does not depend on that of the rows
    apart = APART * _usual_distance(units(evenly_at_most(ordered, COMPARED_ROWS)))
    pairs = neighbours(points, points, WIDER * apart, lambda done: counted(done, len(rows)))
    near = np.empty(len(pairs), dtype=bool)
    for part in chunks(X, len(pairs)):
        difference = units(rows[pairs[part, 0]]) - units(rows[pairs[part, 1]])
        near[part] = np.linalg.norm(difference, axis=1) <= apart
    return unique(rows[pairs[near]])


def _numbers(X: Examples) -> Floats:
    """Embeddings as numbers of eight bytes; a missing one is 0."""
    return np.nan_to_num(X.astype(np.float64))


def _usual_distance(units: Unit) -> float:
    """The median distance of some rows (m, d) to their NEIGHBOURS-th neighbour: the first may be copies."""
    sample = evenly_at_most(units, SAMPLED_ROWS)
    squares = np.sort(np.maximum(2 - 2 * sample @ units.T, 0), axis=1)
    return float(np.sqrt(np.median(squares[:, NEIGHBOURS])))
