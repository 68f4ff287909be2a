"""Rows of features that are equal but for their last digits."""

import numpy as np

from audit.datasets.duplicates.search import (
    NEIGHBOURS,
    Counted,
    Pairs,
    chunks,
    neighbours,
    projection,
    unique,
)
from audit.types import Examples, Floats, Rows, evenly

TOLERANCE = 0.01  # of a column's standard deviation, or of the typical distance of neighbours if smaller
LEAST_FEATURES = 3  # of fewer, numbers are near by chance
SAMPLED_ROWS = 1000  # that tell the typical distance of neighbours
MISSING = 1e3  # standard deviations away: a missing value is near only another missing one


def near_features(X: Examples, rows: Rows, counted: Counted) -> Pairs:
    """Find the pairs among these rows (m,) of features (n, d) that nearly agree in every column."""
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415  slow to import

    if X.shape[1] < LEAST_FEATURES or len(rows) < LEAST_FEATURES:
        return np.empty((0, 2), np.int64)
    scaler = StandardScaler()
    for chunk in chunks(X, len(rows)):
        scaler.partial_fit(X[rows[chunk]].astype(np.float64))

    def standardised(some: Rows) -> Floats:
        return np.asarray(np.nan_to_num(scaler.transform(X[some].astype(np.float64)), nan=MISSING))

    def largest_differences(pairs: Pairs) -> Floats:
        largest = [np.empty(0)]
        for chunk in chunks(X, len(pairs)):
            left = standardised(rows[pairs[chunk, 0]])
            right = standardised(rows[pairs[chunk, 1]])
            largest.append(np.abs(left - right).max(axis=1))
        return np.concatenate(largest)

    project = projection(X.shape[1])
    points = np.concatenate([standardised(rows[chunk]) @ project for chunk in chunks(X, len(rows))])
    ordered = np.argsort(points[:, 0], kind="stable")  # an order that does not depend on that of the rows
    sample = evenly(ordered, SAMPLED_ROWS)
    typical = float(np.median(largest_differences(_farthest_neighbours(points, sample))))
    tolerance = TOLERANCE * min(1.0, typical)
    radius = 1.5 * tolerance * np.sqrt(X.shape[1])
    pairs = neighbours(points, points, radius, lambda done: counted(done, len(rows)))
    return unique(rows[pairs[largest_differences(pairs) <= tolerance]])


def _farthest_neighbours(points: Floats, sample: Rows) -> Pairs:
    """Each point of the sample with the last of its NEIGHBOURS: the first ones may be copies of it."""
    from scipy.spatial import KDTree  # noqa: PLC0415  slow to import

    _, others = KDTree(points).query(points[sample], [min(NEIGHBOURS + 1, len(points))])
    return np.stack([sample, others[:, 0]], axis=1)
