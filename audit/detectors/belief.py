"""The belief about the true class, and the transition matrix, from noisy labels and probabilities.

A network trained on noisy labels predicts the *given* label; what it says of the *true* one has to be read
out of its probabilities. c(x) is a softmax of a linear map of their logarithms, T the transition matrix, and
both are found together: c maximises the likelihood of the given labels under c · T, T is counted where c is
sure, at last, once doubt is known to be ambiguity, for each pair of classes where c tells them apart, and the
map is as free as the rows in doubt are many. Where the network has learned the noise itself, likelihood takes
learned noise for ambiguity; c is then sharpened until the errors that it expects are as many as T says; where
noise depends on the example, it is the probabilities themselves that are sharpened.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from audit.detectors.dependence import LEAST_PROB, dependence, resemblance
from audit.detectors.transition import (
    APART,
    FLOW,
    TINY,
    ambiguous_pairs,
    count_anchors,
    count_apart,
    evened,
    flow_between,
    posterior,
    with_prior,
)
from audit.types import Floats, Labels, Probs, evenly_at_most

BOOTSTRAPS = 1000
# Rows, evenly spaced, that the map is fitted on: first so many, at last all but AGREED_ROWS of those whose
# label the belief is as sure of as AGREED; fewer where they have many columns.
FIT_ROWS, FIT_CELLS = 20_000, 2_000_000
AGREED, AGREED_ROWS = 0.99, 5000
MOST_MAPPED_CLASSES = 200  # more have no map of their own, only the two numbers of its centre
# Precision of the map's weights around their centre: tight, but loose between classes with a FLOW of labels,
# and where doubt is ambiguity FREE for each class over the rows in doubt (decision 0014).
TIGHT, LOOSE, FREE = 4000.0, 1.0, 6400.0
MOST_STEPS = 40  # of fitting the map
COUNTS, RECOUNTS = 2, 2  # of T: plainly first, then where classes are told apart
SHARPEST = 20.0  # times the logarithms of c
# The share of the ambiguity in c that T contradicts: below the first it is ambiguity and c is left alone,
# above the second it is learned noise; chosen on noise seed 0.
AMBIGUOUS, LEARNED = 0.25, 0.5


@dataclass(frozen=True, eq=False)
class Belief:
    """c (n, k), p(true class | x), and T (k, k), p(given = column | true = row)."""

    c: Floats
    T: Floats
    counts: Floats  # (k, k) rows that T was counted on, by believed true and given label
    ambiguous: Floats  # (k, k) how far doubt between two classes is ambiguity and no learned noise, 0 to 1

    def posterior(self, labels: Labels) -> Floats:
        """p(true | given, x) (n, k), by Bayes' rule."""
        return posterior(self.c, self.T, labels)

    @property
    def ambiguity(self) -> float:
        """How unsure c is of its most probable class, on average."""
        return float((1 - self.c.max(axis=1)).mean())

    @property
    def noise_rate(self) -> float:
        """The share of labels that T says were changed."""
        return _noise_rate(self.c.mean(axis=0), self.T)

    def noise_interval(self, labels: Labels, rng: np.random.Generator) -> tuple[float, float, float]:
        """The share of wrong labels, with a 95 % interval: value, low, high.

        Two estimates err on opposite sides: T counts what the belief has wrong as noise, the expected
        errors give the given label the benefit of every doubt. The interval spans both, each with the
        spread of a bootstrap: rows of T drawn anew from their counts, labels from their p_error.
        """
        shares, sizes = self.c.mean(axis=0), self.counts.sum(axis=1).astype(np.int64)
        kept = rng.binomial(np.maximum(sizes, 1), np.diag(self.T), size=(BOOTSTRAPS, len(sizes)))
        by_counts = (shares * (1 - kept / np.maximum(sizes, 1))).sum(axis=1)
        p_error = 1 - self.posterior(labels)[np.arange(len(labels)), labels]
        spread = np.sqrt((p_error * (1 - p_error)).sum() + p_error.sum()) / len(labels)
        by_errors = float(p_error.mean()) + spread * rng.standard_normal(BOOTSTRAPS)
        low, high = (np.quantile(draws, [0.025, 0.975]) for draws in (by_counts, by_errors))
        middle = (self.noise_rate + float(p_error.mean())) / 2
        return middle, max(0.0, float(min(low[0], high[0]))), float(max(low[1], high[1]))


def fit(labels: Labels, pred_probs: Probs, T: Floats) -> Belief:
    """The belief and the transition matrix that explain these labels (n,) and probabilities (n, k).

    Parameters
    ----------
    labels, pred_probs
        The given labels and the out-of-sample predicted probabilities.
    T
        A first guess of the transition matrix (k, k), such as that of cleanlab's calibrated joint.
    """
    with threadpool_limits(1):  # these matrices are too small to share between threads
        return _fit(labels, pred_probs, T)


@dataclass(frozen=True, eq=False)
class _Sample:
    """Rows that the map is fitted on, side by side: sums over the few classes are quick then."""

    z: Floats  # (k + 1, m) logarithms of the probabilities, and a row of ones for the bias
    labels: Labels  # (m,)
    counts: Floats  # (m,) how many rows each stands for

    @property
    def size(self) -> float:
        """The number of rows that all of them stand for."""
        return float(self.counts.sum())


def _fit(labels: Labels, pred_probs: Probs, T: Floats) -> Belief:
    n, k = pred_probs.shape
    z = np.ones((k + 1, n))
    z[:k] = np.log(np.maximum(pred_probs, LEAST_PROB, dtype=np.float64)).T
    some = evenly_at_most(np.arange(n), min(FIT_ROWS, FIT_CELLS // k))
    sample = _Sample(z[:, some], labels[some], np.ones(len(some)))
    centre = _fit_centre(sample, T)
    guess, weights = T, centre
    c, counts = _softmax(weights.T @ z), np.zeros_like(T)
    for _ in range(COUNTS):
        if k <= MOST_MAPPED_CLASSES:
            weights = _fit_map(sample, T, weights, centre, TIGHT)
        c = _softmax(weights.T @ z)
        counts = count_anchors(c, labels)
        T = with_prior(evened(counts), guess)
    learned = _learned(c, T, labels)
    after = posterior(_sharpened(c, T, labels, learned), T, labels)
    plain, apart = counts, count_apart(c, labels)
    depends = max(dependence(pred_probs, after, labels), resemblance(plain, apart, c, labels))
    ambiguous = 1 - max(learned, depends)
    free = min(TIGHT, FREE * k / max(float((1 - c.max(axis=1)).sum()), TINY))
    for left in reversed(range(RECOUNTS if ambiguous else 0)):
        sample = _telling(z, c, labels)
        counts = plain + ambiguous_pairs(T, ambiguous) * (apart - plain)
        T = with_prior(evened(APART * counts), guess)  # no more than were counted
        if k <= MOST_MAPPED_CLASSES:
            weights = _fit_map(sample, T, weights, centre, TIGHT * (free / TIGHT) ** ambiguous)
        c = _softmax(weights.T @ z)
        if left:
            plain, apart = count_anchors(c, labels), count_apart(c, labels)
    c = _sharpened(c, T, labels, learned)
    if depends:
        c = _softmax((1 - depends) * _logs(c) + depends * _logs(_matching(z[:k], T, labels)))
    return Belief(c, T, counts, ambiguous_pairs(T, ambiguous))


def _telling(z: Floats, c: Floats, labels: Labels) -> _Sample:
    """The rows that tell the map anything, and a few that stand for those whose label it is sure of."""
    agreed = c[np.arange(len(c)), labels] > AGREED
    kept, counts = [], []
    parts = (np.flatnonzero(~agreed), FIT_CELLS // c.shape[1]), (np.flatnonzero(agreed), AGREED_ROWS)
    for rows, most in parts:
        some = evenly_at_most(rows, most)
        kept.append(some)
        counts.append(np.full(len(some), len(rows) / max(1, len(some))))
    together = np.concatenate(kept)
    return _Sample(z[:, together], labels[together], np.concatenate(counts))


def _fit_centre(sample: _Sample, T: Floats) -> Floats:
    """The map a I + b Tᵀ of greatest likelihood, as weights (k + 1, k) whose last row is a bias of zero.

    The first part sharpens; the second adds up the probabilities of where a class's labels go, without which
    a class that turns into another half of the time cannot be told from the one that turns into it.
    """
    from scipy.optimize import minimize  # noqa: PLC0415  slow to import

    k, reach = len(T), T[:, sample.labels]

    def weights(parameters: npt.NDArray[np.float64]) -> Floats:
        log_alpha, beta = parameters
        return np.vstack([np.exp(log_alpha) * np.eye(k) + beta * T.T, np.zeros((1, k))])

    def surprise(parameters: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        loss, slope = _surprise(weights(parameters), sample, reach)
        by_alpha = np.exp(parameters[0]) * np.trace(slope[:k])
        return loss, np.array([by_alpha, (slope[:k] * T.T).sum()])

    bounds = [(-7.0, 3.0), (-20.0, 20.0)]
    best = minimize(surprise, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=bounds)
    return weights(best.x)


def _fit_map(sample: _Sample, T: Floats, start: Floats, centre: Floats, tight: float) -> Floats:
    """The likeliest weights (k + 1, k) under a Gaussian prior at the centre."""
    from scipy.optimize import minimize  # noqa: PLC0415  slow to import

    strength, reach = _precision(T, tight) / sample.size, T[:, sample.labels]

    def surprise(flat: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        weights = flat.reshape(centre.shape)
        loss, slope = _surprise(weights, sample, reach)
        away = weights - centre
        return loss + float((strength * away**2).sum()) / 2, (slope + strength * away).ravel()

    best = minimize(surprise, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": MOST_STEPS})
    return np.asarray(best.x).reshape(centre.shape)


def _precision(T: Floats, tight: float) -> Floats:
    """The prior's precision (k + 1, k): the looser, the more labels flow between two classes."""
    flow = flow_between(T)
    most = flow.max(axis=1)
    flows = np.vstack([flow + np.diag(most), most])
    return np.asarray(np.maximum(LOOSE, tight / (1 + (flows / FLOW) ** 6)))


def _surprise(weights: Floats, sample: _Sample, reach: Floats) -> tuple[float, Floats]:
    """Mean negative log-likelihood of the labels under softmax(weightsᵀ · z) and T, and its gradient.

    The reach (k, m) is how probable the row's given label is if a class is the true one.
    """
    powers = _powers(weights.T @ sample.z)
    sums, joint = powers.sum(axis=0), powers * reach
    likelihood = np.maximum(joint.sum(axis=0) / sums, TINY)
    scale = sample.counts / sums
    joint *= scale / likelihood
    powers *= scale
    powers -= joint
    return -float(sample.counts @ np.log(likelihood)) / sample.size, sample.z @ powers.T / sample.size


def _learned(c: Floats, T: Floats, labels: Labels) -> float:
    """How far the ambiguity in c is learned noise, 0 to 1: by the share of it that T contradicts."""
    told, ambiguity = _noise_rate(c.mean(axis=0), T), float((1 - c.max(axis=1)).mean())
    right = posterior(c, T, labels)[np.arange(len(labels)), labels]
    gap = told - (1 - float(right.mean()))
    return float(np.clip((gap / max(ambiguity, TINY) - AMBIGUOUS) / (LEARNED - AMBIGUOUS), 0, 1))


def _sharpened(c: Floats, T: Floats, labels: Labels, learned: float) -> Floats:
    """C with its logarithms scaled up, as far as learned noise calls for."""
    if learned == 0:
        return c
    log_c = _logs(c)
    told = _noise_rate(c.mean(axis=0), T)
    return _softmax(_matching_scale(log_c, told, T, labels, 1.0) ** learned * log_c)


def _matching(log_probs: Floats, T: Floats, labels: Labels) -> Floats:
    """The probabilities of these logarithms (k, n), sharpened so that they expect as many errors as T."""
    told = _noise_rate(_softmax(log_probs).mean(axis=0), T)
    return _softmax(_matching_scale(log_probs, told, T, labels, 1 / SHARPEST) * log_probs)


def _matching_scale(logs: Floats, told: float, T: Floats, labels: Labels, least: float) -> float:
    """What to scale the logarithms with so that the share `told` is expected to be wrong, or nearly."""
    from scipy.optimize import brentq  # noqa: PLC0415  slow to import

    below, reach, rows = logs - logs.max(axis=0), T[:, labels], np.arange(len(labels))

    @cache  # the root's search asks for both ends again
    def missing(log_scale: float) -> float:
        joint = np.exp(np.exp(log_scale) * below) * reach
        return told - 1 + float((joint[labels, rows] / np.maximum(joint.sum(axis=0), TINY**2)).mean())

    high = np.log(SHARPEST)
    if missing(high) >= 0:
        return SHARPEST
    # Of flat probabilities as many errors are expected as T says, too: a root there is none.
    low = next((each for each in np.arange(np.log(least), high, np.log(2)) if missing(each) > 0), None)
    return 1.0 if low is None else float(np.exp(brentq(missing, low, high, xtol=0.01)))


def _logs(c: Floats) -> Floats:
    """The logarithms (k, n) of a belief (n, k)."""
    return np.log(np.maximum(np.ascontiguousarray(c.T), TINY**2))


def _noise_rate(shares: Floats, T: Floats) -> float:
    return float(shares @ (1 - np.diag(T)))


def _softmax(logits: Floats) -> Floats:
    """The belief (n, k) of logits (k, n)."""
    powers = _powers(logits)
    powers /= powers.sum(axis=0)
    return np.ascontiguousarray(powers.T)


def _powers(logits: Floats) -> Floats:
    """The exponentials of logits (k, n), scaled so that the largest of each row is one."""
    powers: Floats = logits - logits.max(axis=0)
    np.exp(powers, out=powers)
    return powers
