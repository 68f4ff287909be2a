"""The label model: p(true class | x) and the transition matrix T, from noisy labels and probabilities.

A network trained on noisy labels predicts the *given* label, so p(true class | x) has to be read out of its
probabilities. `README.md` in this folder has the model in equations.

p(true class | x) is a softmax of a linear map of the logarithms of the probabilities. It and T are estimated
in turn: the map maximises the likelihood of the given labels under p_true T, and T is counted on rows whose
class p_true is sure of. Once the remaining doubt is found to be ambiguity, each entry of T is recounted on
rows that p_true separates from the other class, and the prior of the map is relaxed in proportion to the
doubtful rows. Where the network has learned the noise, likelihood takes that for ambiguity; p_true is then
sharpened until it expects as many errors as T. Where noise depends on the example, the probabilities
themselves are sharpened.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from threadpoolctl import threadpool_limits

from audit.detectors import class_map, sharpening
from audit.detectors.class_map import FitRows
from audit.detectors.instance_dependence import instance_dependence, resemblance
from audit.detectors.scoring import wilson_interval
from audit.detectors.transition import (
    ambiguous_pairs,
    count_on_anchors,
    count_separated,
    noise_rate,
    p_true_given_label,
    shrink_counts,
    with_prior,
)
from audit.detectors.tuning import TINY, TUNING
from audit.types import Floats, Labels, Probs

BOOTSTRAPS = 1000


@dataclass(frozen=True, eq=False)
class LabelModel:
    """p(true class | x) of every row, and the transition matrix."""

    p_true: Floats  # (n, k) p(true class | x)
    T: Floats  # (k, k) p(given = column | true = row)
    counts: Floats  # (k, k) rows that T was counted on, by believed class and given label
    ambiguous: Floats  # (k, k) how far doubt between two classes is ambiguity, not learned noise, 0 to 1

    def p_true_given_label(self, labels: Labels) -> Floats:
        """Return p(true class | given label, x) (n, k), by Bayes' rule."""
        return p_true_given_label(self.p_true, self.T, labels)

    @property
    def ambiguity(self) -> float:
        """The mean doubt: one less the probability of the most probable class."""
        return float((1 - self.p_true.max(axis=1)).mean())

    @property
    def noise_rate(self) -> float:
        """The share of labels that T says were changed."""
        return noise_rate(self.p_true.mean(axis=0), self.T)

    def noise_interval(self, labels: Labels, rng: np.random.Generator) -> tuple[float, float, float]:
        """Estimate the share of wrong labels (n,), with a 95 % interval: value, low, high.

        Two estimates err on opposite sides. T counts what p_true has wrong as noise. The expected errors give
        the given label the benefit of every doubt. The interval spans both, each with the spread of a
        bootstrap: rows of T are drawn anew from their counts, and wrong labels from their p_error.
        """
        class_shares = self.p_true.mean(axis=0)
        sizes = np.maximum(self.counts.sum(axis=1).astype(np.int64), 1)
        right = rng.binomial(sizes, np.diag(self.T), size=(BOOTSTRAPS, len(sizes)))
        by_counts = (class_shares * (1 - right / sizes)).sum(axis=1)

        p_error = 1 - self.p_true_given_label(labels)[np.arange(len(labels)), labels]
        expected = float(p_error.mean())
        spread = np.sqrt((p_error * (1 - p_error)).sum() + p_error.sum()) / len(labels)
        by_errors = expected + spread * rng.standard_normal(BOOTSTRAPS)

        low, high = np.quantile([by_counts, by_errors], [0.025, 0.975], axis=1)
        return (self.noise_rate + expected) / 2, max(0.0, float(low.min())), float(high.max())

    def transition_interval(self) -> tuple[Floats, Floats]:
        """Return the 95 % interval of every entry of T, low and high (k, k): Wilson's, from the counts."""
        hits = self.counts.astype(np.int64)
        rows = self.counts.sum(axis=1).astype(np.int64)
        low, high = wilson_interval(hits, np.broadcast_to(rows[:, None], hits.shape))
        return np.minimum(low, self.T), np.maximum(high, self.T)


def fit(labels: Labels, pred_probs: Probs, T: Floats) -> LabelModel:
    """Fit the label model to given labels (n,) and out-of-sample predicted probabilities (n, k).

    Parameters
    ----------
    labels, pred_probs
        The given labels and the out-of-sample predicted probabilities.
    T
        A first guess of the transition matrix (k, k), such as that of cleanlab's calibrated joint.
    """
    with threadpool_limits(1):  # these matrices are too small to share between threads
        data = _Data.of(labels, pred_probs, T)
        estimate = _estimate_plainly(data)
        noise = _diagnose(estimate, pred_probs)
        if noise.ambiguous:
            estimate = _estimate_on_separated(estimate, noise.ambiguous)
        p_true = _read_out(estimate, noise)
        return LabelModel(p_true, estimate.T, estimate.counts, ambiguous_pairs(estimate.T, noise.ambiguous))


@dataclass(frozen=True, eq=False)
class _Data:
    """What the model is fitted to, and what stays fixed in it."""

    labels: Labels  # (n,)
    log_probs: Floats  # (k + 1, n) with a row of ones
    first_rows: FitRows
    T_guess: Floats  # (k, k)
    centre: Floats  # (k + 1, k) mean of the prior of the map's weights

    @classmethod
    def of(cls, labels: Labels, pred_probs: Probs, T_guess: Floats) -> "_Data":
        log_probs = class_map.log_probabilities(pred_probs)
        rows = class_map.spaced_rows(log_probs, labels)
        return cls(labels, log_probs, rows, T_guess, class_map.fit_centre(rows, T_guess))

    @property
    def k(self) -> int:
        return len(self.T_guess)


@dataclass(frozen=True, eq=False)
class _ClassMap:
    """A fitted map, and p_true of all rows under it."""

    data: _Data
    weights: Floats  # (k + 1, k)

    @cached_property
    def p_true(self) -> Floats:
        return class_map.p_true_of(self.weights, self.data.log_probs)

    @cached_property
    def anchor_counts(self) -> Floats:
        return count_on_anchors(self.p_true, self.data.labels)

    @cached_property
    def separated_counts(self) -> Floats:
        return count_separated(self.p_true, self.data.labels)

    @property
    def rows_in_doubt(self) -> float:
        """The doubt, summed over the rows."""
        return float((1 - self.p_true.max(axis=1)).sum())

    def refitted(self, rows: FitRows, T: Floats, tight_precision: float) -> "_ClassMap":
        """Fit the map anew, for this T; with very many classes it stays at its centre."""
        if self.data.k > TUNING.most_mapped_classes:
            return self
        weights = class_map.fit_map(rows, T, self.weights, self.data.centre, tight_precision)
        return replace(self, weights=weights)


@dataclass(frozen=True, eq=False)
class _Estimate:
    """The parameters of the model between two rounds."""

    map: _ClassMap
    T: Floats
    counts: Floats  # that T follows from


@dataclass(frozen=True)
class _Noise:
    """What kind of noise the doubt in p_true speaks for, each 0 to 1."""

    learned: float  # how far the network has learned it
    dependent: float  # how far it depends on the example

    @property
    def ambiguous(self) -> float:
        """How far doubt is ambiguity."""
        return 1 - max(self.learned, self.dependent)


def _estimate_plainly(data: _Data) -> _Estimate:
    """Alternate the map, under its tight prior, and T, counted on all anchor points."""
    fitted = _ClassMap(data, data.centre)
    T = data.T_guess
    for _ in range(TUNING.plain_rounds):
        fitted = fitted.refitted(data.first_rows, T, TUNING.tight_precision)
        T = with_prior(shrink_counts(fitted.anchor_counts), data.T_guess)
    return _Estimate(fitted, T, fitted.anchor_counts)


def _diagnose(estimate: _Estimate, pred_probs: Probs) -> _Noise:
    """Find out whether doubt in p_true is learned noise, noise that depends on the example, or ambiguity."""
    fitted = estimate.map
    labels = fitted.data.labels
    learned = sharpening.learned_share(fitted.p_true, estimate.T, labels)
    p_true = sharpening.without_learned_noise(fitted.p_true, estimate.T, labels, learned)
    p_classes = p_true_given_label(p_true, estimate.T, labels)
    dependent = max(
        instance_dependence(pred_probs, p_classes, labels),
        resemblance(fitted.anchor_counts, fitted.separated_counts, fitted.p_true, labels),
    )
    return _Noise(learned, dependent)


def _estimate_on_separated(estimate: _Estimate, ambiguous: float) -> _Estimate:
    """Alternate T, counted pair by pair on separated anchor points, and the map, under a relaxed prior.

    Both as far as doubt is ambiguity: counts are mixed with the plain ones, and the precision is a geometric
    mean of the tight one and of the free one, which follows the rows in doubt (decisions 0013 and 0014).
    """
    data = estimate.map.data
    tight = TUNING.tight_precision
    free = min(tight, TUNING.free_precision * data.k / max(estimate.map.rows_in_doubt, TINY))
    precision = tight * (free / tight) ** ambiguous
    for _ in range(TUNING.separated_rounds):
        rows = class_map.informative_rows(data.log_probs, data.labels, estimate.map.p_true)
        plain = estimate.map.anchor_counts
        pairs = ambiguous_pairs(estimate.T, ambiguous)
        counts = plain + pairs * (estimate.map.separated_counts - plain)
        counted = TUNING.separated * counts  # no more rows than were looked at
        T = with_prior(shrink_counts(counted), data.T_guess)
        estimate = _Estimate(estimate.map.refitted(rows, T, precision), T, counts)
    return estimate


def _read_out(estimate: _Estimate, noise: _Noise) -> Floats:
    """Return p(true class | x) (n, k) without learned noise.

    As far as noise depends on the example, the map is dropped: p_true is then the predicted probabilities at
    the temperature that expects as many errors as T counts (decision 0015).
    """
    data = estimate.map.data
    p_true = sharpening.without_learned_noise(estimate.map.p_true, estimate.T, data.labels, noise.learned)
    if noise.dependent == 0:
        return p_true
    unmapped = sharpening.matching_noise_rate(data.log_probs[: data.k], estimate.T, data.labels)
    log_p = (1 - noise.dependent) * class_map.log_of(p_true) + noise.dependent * class_map.log_of(unmapped)
    return class_map.softmax(log_p)
