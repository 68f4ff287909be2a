"""What speaks for one kind of suspect or another: probabilities, neighbours, and statistics of the image."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from audit.kinds.defects.canvas import Canvas
from audit.kinds.statistics import statistics
from audit.types import Examples, Floats, Labels, Mask, OutOfSample, Rows, evenly

NEIGHBOURS = 10
REFERENCE = 3000  # rows that statistics are compared with
SPACING_ROWS = 500  # of a fold, from which the usual distance to neighbours is taken
MOST_SPREADS = 20.0  # that a statistic is counted away from the median
LEAST_SPREAD = 0.005  # of a statistic that is the same in all images
TINY = 1e-6
OPINIONS = (
    "given",  # probability of the given label
    "first",  # of the likeliest class
    "second",
    "both",  # of the two likeliest
    "lead",  # logarithm of the first over the second
    "entropy",
    "given over best other",  # logarithm
    "rank of given",
)
SURROUNDINGS = (
    "distance",  # to the tenth neighbour, over the median of the rows of its fold
    "same as given",  # share of the neighbours
    "same as first",
    "mixed",  # share of pairs of them whose labels differ (Gini)
    "nearest",  # distance to the nearest, over the same median
)


@dataclass(frozen=True, eq=False)
class Rowset:
    """Rows to judge: those of the data, or planted ones."""

    X: Examples
    rows: Rows  # (m,) of X, and of what is said of them
    labels: Labels  # (m,) that they claim to have
    said: OutOfSample  # of all rows of X
    sources: npt.NDArray[np.int64]  # (m, 2) rows of the data that are no neighbours of theirs


@dataclass(frozen=True, eq=False)
class Data:
    """The data set that rows are compared with."""

    X: Examples
    labels: Labels  # (n,) that the models were trained on
    said: OutOfSample
    clean: Mask  # (n,) rows that nothing speaks against
    class_names: tuple[str, ...]

    @cached_property
    def canvas(self) -> Canvas | None:
        """That of images; None for features."""
        return Canvas.of(self.X, self.reference) if self.X.ndim == 4 else None

    @cached_property
    def reference(self) -> Rows:
        """Some clean rows, spread evenly."""
        rows = np.flatnonzero(self.clean)
        rows = rows if len(rows) else np.arange(len(self.X))
        return evenly(rows, REFERENCE)

    @cached_property
    def usual(self) -> tuple[Floats, Floats]:
        """Median and spread of each statistic (k, s) in each class, in all where a class has few rows."""
        assert self.canvas is not None
        values = statistics(self.X, self.reference, self.canvas)
        labels = self.labels[self.reference]
        parts = [values[labels == label] for label in range(len(self.class_names))]
        parts = [part if len(part) >= NEIGHBOURS else values for part in parts]
        low, middle, high = (
            np.array([np.quantile(part, q, axis=0) for part in parts]) for q in (0.1, 0.5, 0.9)
        )
        least = np.maximum(values.std(axis=0) / 4, LEAST_SPREAD)
        return middle, np.maximum((high - low) / 2, least)


@dataclass(frozen=True, eq=False)
class Evidence:
    """The evidence of some rows."""

    opinions: Floats  # (m, 8)
    surroundings: Floats  # (m, 5), NaN without features
    measures: Floats  # (m, 22) statistics as found; no columns for features
    away: Floats  # (m, 22) spreads that each is away from the median of the likeliest class
    top: npt.NDArray[np.int64]  # (m, 2) the two likeliest classes

    @property
    def columns(self) -> Floats:
        """All of it, (m, e), with -1 for what is unknown."""
        overall = np.abs(self.away)
        worst = overall.max(axis=1, keepdims=True) if overall.shape[1] else np.empty((len(overall), 0))
        parts = [self.opinions, self.surroundings, self.measures, self.away, worst]
        return np.asarray(np.nan_to_num(np.concatenate(parts, axis=1), nan=-1.0))


def gather(of: Rowset, data: Data) -> Evidence:
    """The evidence of these rows of images or features."""
    probs = of.said.pred_probs[of.rows].astype(np.float64)
    top = np.argsort(-probs, axis=1, kind="stable")[:, :2]
    measures = away = np.empty((len(of.rows), 0))
    if data.canvas is not None:
        measures = statistics(of.X, of.rows, data.canvas)
        middle, spread = data.usual
        away = (measures - middle[top[:, 0]]) / spread[top[:, 0]]
        away = np.clip(away, -MOST_SPREADS, MOST_SPREADS)
    return Evidence(_opinions(probs, of.labels), _surroundings(of, data, top), measures, away, top)


def _opinions(probs: Floats, labels: Labels) -> Floats:
    here = np.arange(len(probs))
    given = probs[here, labels]
    others = probs.copy()
    others[here, labels] = 0
    first, second = -np.sort(-probs, axis=1)[:, :2].T
    logs = np.log(np.maximum(probs, TINY))
    return np.stack(
        [
            given,
            first,
            second,
            first + second,
            np.log((first + TINY) / (second + TINY)),
            -(probs * logs).sum(axis=1),
            np.log((given + TINY) / (others.max(axis=1) + TINY)),
            (probs > given[:, None]).sum(axis=1),
        ],
        axis=1,
    )


def _surroundings(of: Rowset, data: Data, top: npt.NDArray[np.int64]) -> Floats:
    """Distances to the rows of the same fold that nothing speaks against, and the labels of the nearest."""
    found = np.full((len(of.rows), len(SURROUNDINGS)), np.nan)
    seen, here = data.said.features, of.said.features
    if seen is None or here is None:
        return found
    from sklearn.neighbors import NearestNeighbors  # noqa: PLC0415  slow to import

    fold = of.said.fold[of.rows]
    for number in np.unique(fold):
        near = np.flatnonzero((data.said.fold == number) & data.clean)
        asking = np.flatnonzero(fold == number)
        if len(near) < NEIGHBOURS + 3:
            continue
        search = NearestNeighbors(n_neighbors=NEIGHBOURS + 2, algorithm="brute").fit(
            seen[near].astype(np.float32)
        )
        distance, index = search.kneighbors(here[of.rows[asking]].astype(np.float32))
        distance, rows = _without(distance, near[index], of.sources[asking])
        usual = _usual_distance(search, seen[evenly(near, SPACING_ROWS)].astype(np.float32))
        labels = data.labels[rows]
        same = (labels == of.labels[asking, None]).mean(axis=1)
        first = (labels == top[asking, :1]).mean(axis=1)
        pairs = (labels[:, :, None] == labels[:, None, :]).mean(axis=(1, 2))
        columns = [distance[:, -1] / usual, same, first, 1 - pairs, distance[:, 0] / usual]
        found[asking] = np.stack(columns, axis=1)
    return found


def _without(
    distance: Floats, rows: npt.NDArray[np.int64], sources: npt.NDArray[np.int64]
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """The NEIGHBOURS nearest of each row that are no sources of it, (m, NEIGHBOURS)."""
    own = (rows[:, :, None] == sources[:, None, :]).any(axis=2)
    order = np.argsort(own, axis=1, kind="stable")[:, :NEIGHBOURS]
    return np.take_along_axis(distance, order, axis=1), np.take_along_axis(rows, order, axis=1)


def _usual_distance(search: object, some: npt.NDArray[np.float32]) -> float:
    """The median distance of rows to their tenth neighbour beside themselves."""
    distance, _ = search.kneighbors(some)  # type: ignore[attr-defined]  # of scikit-learn
    return max(float(np.median(distance[:, NEIGHBOURS])), float(np.finfo(np.float32).tiny))
