"""Rows that come in groups of near rows with one label, such as those of one patient or one video."""

from typing import Any

import numpy as np
import numpy.typing as npt

from audit.datasets.duplicates.search import chunks
from audit.types import Examples, Floats, Groups, Labels, Rows, evenly_spaced
from audit.wording import percent

LEAST_ROWS = 120
LEAST_FEATURES = 3  # in fewer dimensions, gaps between neighbours come by chance
MOST_ROWS = 20_000  # among which neighbours are searched
QUERIES = 300  # rows whose neighbours are searched
NEIGHBOURS = 100
OF_CLASS = 3  # of a class, groups are smaller parts: one that makes up most of it may be the class itself
BEYOND = 5  # neighbours after the gap, whose labels are compared with those before it
GAP = 1.5  # times as far as the neighbour before it, where a group ends
IN_GROUPS = 0.6  # share of rows in a group from which on the data is said to come in groups
ONE_LABEL = 0.98  # share of neighbours in the group with the label of the row
LESS_ALIKE = 0.02  # by how much that share falls beyond the gap
LINES = 8  # a side, to which images are shrunk
SAMPLED = 1000  # rows by which a column is seen to be continuous
CONTINUOUS = 10  # rows for each different value, from which on a column is one of few values
DIMENSIONS = 64  # to which features are projected


def caution_of_near_rows(X: Examples, labels: Labels, duplicates: Groups) -> str:
    """Warn of groups of near rows with one label, which folds would split; empty where there are none.

    The neighbours of a row in a group are near, and the next one is GAP times as far. Rows of one sample lie
    at every distance. Of duplicates, which folds hold together anyway, one row counts.

    Parameters
    ----------
    X, labels
        (n, …) and (n,).
    duplicates
        (n,) equal for duplicates.
    """
    _, first = np.unique(duplicates, return_index=True)
    if len(first) < LEAST_ROWS:
        return ""
    rows = np.random.default_rng(0).permutation(first)[:MOST_ROWS]
    points = _shrunk(X, rows) if X.ndim == 4 else _standardised(X[rows])
    if points.shape[1] < LEAST_FEATURES:
        return ""
    nearest, distances = _neighbours(points)
    ends = distances[:, 1:-BEYOND] / np.maximum(distances[:, : -BEYOND - 1], np.finfo(float).tiny)
    classes = np.bincount(labels[rows])[labels[rows][: len(ends)]]
    ends[np.arange(ends.shape[1]) + 2 > classes[:, None] / OF_CLASS] = 0
    last = ends.argmax(axis=1)  # the place of the last neighbour before the widest gap
    queries = np.arange(len(nearest))
    grouped = ends[queries, last] >= GAP
    if grouped.mean() < IN_GROUPS:
        return ""
    alike = labels[rows][nearest] == labels[rows][queries, None]
    place = np.arange(nearest.shape[1])
    inside = (place <= last[:, None]) & grouped[:, None]
    beyond = (place > last[:, None]) & (place <= last[:, None] + BEYOND) & grouped[:, None]
    share = float(alike[inside].mean())
    if share < ONE_LABEL or share - alike[beyond].mean() < LESS_ALIKE:
        return ""
    return (
        f"{percent(float(grouped.mean()), 0)} % of the rows have near neighbours that share their label in "
        f"{percent(share, 0)} % of the cases, about {2 + int(np.median(last[grouped]))} rows together: if "
        "they are of one patient, document or video, errors in the label of all of them are not found; name "
        "the groups with --group-column, in Python groups="
    )


def _shrunk(X: Examples, rows: Rows) -> Floats:
    """These images (m, …) in grey, shrunk to a few numbers (m, d) each."""
    down = evenly_spaced(X.shape[1], LINES + 1)[:-1]
    across = evenly_spaced(X.shape[2], LINES + 1)[:-1]
    shrunk = []
    for some in chunks(X, len(rows)):
        grey = X[rows[some]].mean(axis=3, dtype=np.float64)
        small = np.add.reduceat(np.add.reduceat(grey, down, axis=1), across, axis=2)
        shrunk.append(small.reshape(len(small), -1))
    return np.concatenate(shrunk)


def _standardised(X: npt.NDArray[Any]) -> Floats:
    """The columns of most different values as points (m, d) whose distances are comparable."""
    values = X[:, [i for i in range(X.shape[1]) if _is_continuous(X[:SAMPLED, i])]].astype(np.float64)
    spread = np.nanstd(values, axis=0)
    points = np.nan_to_num((values - np.nanmean(values, axis=0)) / np.where(spread > 0, spread, 1))
    if points.shape[1] > DIMENSIONS:
        points = points @ np.random.default_rng(0).normal(size=(points.shape[1], DIMENSIONS))
    return np.asarray(points)


def _is_continuous(column: npt.NDArray[Any]) -> bool:
    """Whether most values (m,) of a column differ; the cells of a table of few values are no groups."""
    return len(np.unique(column)) > len(column) / CONTINUOUS


def _neighbours(points: Floats) -> tuple[Rows, Floats]:
    """The NEIGHBOURS (q, …) of the first QUERIES points (m, d), nearest first, and their distances."""
    queries = points[:QUERIES]
    squares = np.einsum("md,md->m", points, points)
    distances = squares + squares[:QUERIES, None] - 2 * queries @ points.T
    np.fill_diagonal(distances, np.inf)
    nearest = np.argpartition(distances, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    of_nearest = np.take_along_axis(distances, nearest, axis=1)
    order = of_nearest.argsort(axis=1)
    sorted_distances = np.take_along_axis(of_nearest, order, axis=1)
    return np.take_along_axis(nearest, order, axis=1), np.sqrt(np.maximum(sorted_distances, 0))
