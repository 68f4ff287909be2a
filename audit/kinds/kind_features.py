"""The features from which the kind of a row is predicted: probabilities, neighbours and statistics."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from audit.kinds import image_statistics, text_statistics
from audit.kinds.defects.image_scale import ImageScale
from audit.kinds.text_statistics import Vocabulary
from audit.types import Examples, Floats, Labels, Mask, OutOfSample, Rows, evenly

if TYPE_CHECKING:
    from sklearn.neighbors import NearestNeighbors

NEIGHBOURS = 10
SPARE_NEIGHBOURS = 2  # searched for beside them, since both sources of a synthetic row are left out
REFERENCE_ROWS = 3000  # whose statistics are compared with
SPACING_ROWS = 500  # of a fold, from which the usual distance to neighbours is estimated
MOST_Z = 20.0
LEAST_SPREAD = 0.005  # of a statistic that is the same in all images
TINY = 1e-6
COPIES = 1e-4  # of the spread of the rows: nearer ones count as copies
UNKNOWN = -1.0  # stands for NaN in the matrix of all features
NEIGHBOUR_FEATURES = (
    "distance",  # to the tenth neighbour, over the usual distance of the rows of its fold
    "same as given",  # share of the neighbours
    "same as first",
    "mixed",  # share of pairs of neighbours whose labels differ (Gini)
    "nearest",  # distance to the nearest neighbour, over the same
)

STATISTICS_OF = {1: text_statistics.STATISTICS, 4: image_statistics.STATISTICS}  # by the axes of examples

FeaturesByName = Mapping[str, Floats]  # features (m,) by name


@dataclass(frozen=True, eq=False)
class QueryRows:
    """Rows whose features are computed: rows of the data, or synthetic ones."""

    X: Examples
    rows: Rows  # (m,) of X and of the predictions
    labels: Labels  # (m,) the label that each is shown with
    predictions: OutOfSample  # for all rows of X
    sources: npt.NDArray[np.int64]  # (m, 2) rows of the data that do not count as neighbours; -1 for none


@dataclass(frozen=True, eq=False)
class ReferenceData:
    """The data set that rows are compared with."""

    X: Examples
    labels: Labels  # (n,) that the models were trained on
    predictions: OutOfSample
    unsuspicious: Mask  # (n,)
    class_names: tuple[str, ...]

    @property
    def statistics(self) -> tuple[str, ...]:
        """The names (s,) of the statistics that examples of this form have; none for features."""
        return STATISTICS_OF.get(self.X.ndim, ())

    def statistics_of(self, X: Examples, rows: Rows) -> Floats:
        """Compute the statistics (m, s) of these rows of examples of the same form."""
        if X.ndim == 4:
            return image_statistics.statistics(X, rows, self.image_scale)
        if X.ndim == 1:
            return text_statistics.statistics(X[rows].tolist(), self.vocabulary)
        return np.empty((len(rows), 0))

    @cached_property
    def image_scale(self) -> ImageScale:
        """The scale of the images."""
        return ImageScale.of(self.X, self.sample)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words of some unsuspicious texts."""
        return Vocabulary.of(self.X[self.sample].tolist())

    @cached_property
    def sample(self) -> Rows:
        """Some unsuspicious rows, evenly spaced; of all rows where none is unsuspicious."""
        rows = np.flatnonzero(self.unsuspicious)
        if not len(rows):
            rows = np.arange(len(self.X))
        return evenly(rows, REFERENCE_ROWS)

    @cached_property
    def usual(self) -> tuple[Floats, Floats]:
        """Median and spread (k, s) of each statistic by class; a class of few rows has those of all."""
        values = self.statistics_of(self.X, self.sample)
        labels = self.labels[self.sample]
        by_class = [values[labels == label] for label in range(len(self.class_names))]
        by_class = [part if len(part) >= NEIGHBOURS else values for part in by_class]
        low, median, high = (
            np.array([np.quantile(part, q, axis=0) for part in by_class]) for q in (0.1, 0.5, 0.9)
        )
        least = np.maximum(values.std(axis=0) / 4, LEAST_SPREAD)
        return median, np.maximum((high - low) / 2, least)


@dataclass(frozen=True, eq=False)
class KindFeatures:
    """The features of some rows (m,)."""

    probability: FeaturesByName
    neighbour: FeaturesByName  # NaN where the model has no features
    names: tuple[str, ...]  # (s,) of the statistics
    values: Floats  # (m, s) of images or texts; no columns for rows of features
    z_scores: Floats  # (m, s) spreads between each statistic and its median in the likeliest class
    top: npt.NDArray[np.int64]  # (m, 2) the two likeliest classes

    @property
    def matrix(self) -> Floats:
        """All features as one matrix (m, e), with UNKNOWN in place of NaN."""
        columns = [*self.probability.values(), *self.neighbour.values()]
        parts = [np.stack(columns, axis=1), self.values, self.z_scores]
        if self.z_scores.shape[1]:
            parts.append(np.abs(self.z_scores).max(axis=1, keepdims=True))
        return np.asarray(np.nan_to_num(np.concatenate(parts, axis=1), nan=UNKNOWN))

    def statistic(self, name: str) -> Floats:
        """A statistic (m,) by name."""
        return self.values[:, self.names.index(name)]


def kind_features(query: QueryRows, reference: ReferenceData) -> KindFeatures:
    """Compute the features of these rows in comparison with the reference data."""
    probs = query.predictions.pred_probs[query.rows].astype(np.float64)
    top = np.argsort(-probs, axis=1, kind="stable")[:, :2]
    values = reference.statistics_of(query.X, query.rows)
    z_scores = values
    if reference.statistics:
        median, spread = reference.usual
        likeliest = top[:, 0]
        z_scores = np.clip((values - median[likeliest]) / spread[likeliest], -MOST_Z, MOST_Z)
    return KindFeatures(
        probability=probability_features(probs, query.labels),
        neighbour=neighbour_features(query, reference, top),
        names=reference.statistics,
        values=values,
        z_scores=z_scores,
        top=top,
    )


def probability_features(probs: Floats, labels: Labels) -> FeaturesByName:
    """What predicted probabilities (m, k) say about labels (m,)."""
    every = np.arange(len(probs))
    given = probs[every, labels]
    others = probs.copy()
    others[every, labels] = 0
    first, second = -np.sort(-probs, axis=1)[:, :2].T
    return {
        "given": given,
        "first": first,  # of the likeliest class
        "second": second,
        "both": first + second,
        "lead": np.log((first + TINY) / (second + TINY)),
        "entropy": -(probs * np.log(np.maximum(probs, TINY))).sum(axis=1),
        "given over best other": np.log((given + TINY) / (others.max(axis=1) + TINY)),
        "rank of given": (probs > given[:, None]).sum(axis=1).astype(np.float64),
    }


def neighbour_features(
    query: QueryRows, reference: ReferenceData, top: npt.NDArray[np.int64]
) -> FeaturesByName:
    """Distances to the nearest unsuspicious rows of the same fold, and their labels; NaN where unknown."""
    found = {name: np.full(len(query.rows), np.nan) for name in NEIGHBOUR_FEATURES}
    reference_features = reference.predictions.features
    query_features = query.predictions.features
    if reference_features is None or query_features is None:
        return found
    from sklearn.neighbors import NearestNeighbors  # noqa: PLC0415  slow to import

    fold = query.predictions.fold[query.rows]
    for number in np.unique(fold):
        near = np.flatnonzero((reference.predictions.fold == number) & reference.unsuspicious)
        if len(near) <= NEIGHBOURS + SPARE_NEIGHBOURS:
            continue
        search = NearestNeighbors(n_neighbors=NEIGHBOURS + SPARE_NEIGHBOURS, algorithm="brute")
        search.fit(reference_features[near].astype(np.float32))
        asking = np.flatnonzero(fold == number)
        distance, index = search.kneighbors(query_features[query.rows[asking]].astype(np.float32))
        distance, rows = _without_sources(distance, near[index], query.sources[asking])
        spacing = _spacing(search, reference_features[evenly(near, SPACING_ROWS)].astype(np.float32))
        labels = reference.labels[rows]
        found["distance"][asking] = distance[:, -1] / spacing
        found["same as given"][asking] = (labels == query.labels[asking, None]).mean(axis=1)
        found["same as first"][asking] = (labels == top[asking, :1]).mean(axis=1)
        found["mixed"][asking] = 1 - (labels[:, :, None] == labels[:, None, :]).mean(axis=(1, 2))
        found["nearest"][asking] = distance[:, 0] / spacing
    return found


def _without_sources(
    distance: Floats, rows: npt.NDArray[np.int64], sources: npt.NDArray[np.int64]
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Distances and rows (m, NEIGHBOURS) of the nearest neighbours of each row that are not its sources."""
    is_source = (rows[:, :, None] == sources[:, None, :]).any(axis=2)
    order = np.argsort(is_source, axis=1, kind="stable")[:, :NEIGHBOURS]
    return np.take_along_axis(distance, order, axis=1), np.take_along_axis(rows, order, axis=1)


def _spacing(search: "NearestNeighbors", rows: npt.NDArray[np.float32]) -> float:
    """The usual distance from a row to its tenth neighbour beside itself: the median.

    Where most rows have ten copies, and the median says nothing, it is the spread of the rows.
    """
    distance, _ = search.kneighbors(rows)
    median = float(np.median(distance[:, NEIGHBOURS]))
    spread = float(np.sqrt(rows.var(axis=0, dtype=np.float64).sum()))
    if median > COPIES * spread:
        return median
    return spread or 1.0  # of rows that are all the same
