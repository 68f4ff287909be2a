"""Rows of features that are equal but for their last digits."""

import numpy as np

from audit.datasets.duplicates.search import NEIGHBOURS, Pairs, neighbours, parts, unique
from audit.types import Examples, Floats, Rows, evenly

TOLERANCE = 0.01  # of a column's standard deviation, or of the usual distance of a neighbour if smaller
LEAST_FEATURES = 3  # of fewer, numbers are near by chance
MOST_FEATURES = 16  # in which neighbours are sought; more are projected
ASKED = 1000  # rows that tell the usual distance
MISSING = 1e3  # standard deviations away: what is missing is near only what is missing too


def near_features(X: Examples, rows: Rows) -> Pairs:
    """The pairs among these rows (m,) of features (n, d) that differ by TOLERANCE at most in every column."""
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415  slow to import

    if X.shape[1] < LEAST_FEATURES or len(rows) < LEAST_FEATURES:
        return np.empty((0, 2), np.int64)
    scaler = StandardScaler()
    for part in parts(X, len(rows)):
        scaler.partial_fit(X[rows[part]].astype(np.float64))

    def scaled(some: Rows) -> Floats:
        return np.asarray(np.nan_to_num(scaler.transform(X[some].astype(np.float64)), nan=MISSING))

    def apart(pairs: Pairs) -> Floats:
        found = [np.abs(scaled(rows[pairs[p, 0]]) - scaled(rows[pairs[p, 1]])) for p in parts(X, len(pairs))]
        return np.concatenate([np.empty(0), *(part.max(axis=1) for part in found)])

    project = _projection(X.shape[1])
    points = np.concatenate([scaled(rows[part]) @ project for part in parts(X, len(rows))])
    order = np.argsort(points[:, 0], kind="stable")  # an order that is not the rows' own
    some = evenly(order, ASKED)
    usual = float(np.median(apart(_farthest(points, some))))
    most = TOLERANCE * min(1.0, usual)
    pairs = neighbours(points, points, 1.5 * most * np.sqrt(X.shape[1]))
    return unique(rows[pairs[apart(pairs) <= most]])


def _projection(d: int) -> Floats:
    """A fixed random projection (d, MOST_FEATURES) that keeps distances on average; all of few features."""
    if d <= MOST_FEATURES:
        return np.eye(d)
    return np.random.default_rng(0).normal(0, MOST_FEATURES**-0.5, (d, MOST_FEATURES))


def _farthest(points: Floats, some: Rows) -> Pairs:
    """Each of some points with the last of its NEIGHBOURS: the first ones may be its copies."""
    from scipy.spatial import KDTree  # noqa: PLC0415  slow to import

    _, others = KDTree(points).query(points[some], [min(NEIGHBOURS + 1, len(points))])
    return np.stack([some, others[:, 0]], axis=1)
