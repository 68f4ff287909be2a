"""Noise that depends on the class alone: p(given | x) = Σᵢ p_true(x)[i] · T[i, given].

p_true is a softmax of a linear map of the logarithms of the predicted probabilities. Its weights have a
Gaussian prior around a multiple of the identity, whose variance follows from the weights themselves, and T
is counted in expectation (EM; Dempster, Laird and Rubin 1977). So one map undoes overconfidence, doubt, what
the network mistakes for something else, and noise that it has learned.
"""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from audit.detectors.transition import (
    TINY,
    Columns,
    Explanation,
    at_labels,
    by_bayes_rule,
    counted,
    explain,
    powers_of,
    softmax,
    transition_matrix,
)
from audit.types import Floats, Labels

ROUNDS = 4
FIRST_VARIANCE = 1 / 10  # of the prior of the weights, before they say more
LEAST_VARIANCE = 1 / 4000  # that is always allowed, so that the weights can leave the centre
MOST_STEPS = 40  # of the optimiser in each round
MOST_MAPPED = 200  # classes; with more no map is tried


@dataclass(frozen=True, eq=False)
class ByClass:
    """A map, or a scale alone, to p(true class | x), and T."""

    scale: float
    weights: (
        npt.NDArray[Any] | None
    )  # (k + 1, k) of the logarithms of the predicted probabilities, and of one
    T: npt.NDArray[Any]  # (k, k)

    def single(self) -> Self:
        """Return the same model in single precision, as blocks of rows are read."""
        weights = None if self.weights is None else self.weights.astype(np.float32)
        return replace(self, weights=weights, T=self.T.astype(np.float32, order="F"))

    def p_true(self, log_probs: Columns) -> Columns:
        """Return p(true class | x) (k, n), from logarithms of predicted probabilities (k, n)."""
        if self.weights is None:
            return softmax(log_probs.dtype.type(self.scale) * log_probs)
        return softmax(self.weights[:-1].T @ log_probs + self.weights[-1][:, None])

    def label_likelihood(self, log_probs: Columns, labels: Labels) -> Columns:
        """Return p(given label of the row | true class) (k, n)."""
        return at_labels(self.T, log_probs, labels)


@dataclass(frozen=True, eq=False)
class _Sample:
    """The rows that the map is fitted on, with the likelihood of their labels."""

    log_probs: Floats  # (k + 1, m) the last row is of ones
    label_likelihood: Floats  # (k, m) p(given label of the row | true class)

    def loss(self, weights: Floats) -> tuple[float, Floats]:
        """Return the mean negative log-likelihood of the labels, and its gradient (k + 1, k)."""
        value, residuals = self._residuals(weights.T @ self.log_probs)
        return value, self.log_probs @ residuals.T / residuals.shape[1]

    def loss_of_scale(self, scale: float) -> tuple[float, float]:
        """Return the same with a multiple of the identity for weights, and its derivative."""
        value, residuals = self._residuals(scale * self.log_probs[:-1])
        return value, float(np.vdot(self.log_probs[:-1], residuals)) / residuals.shape[1]

    def free_parameters(self, weights: Floats, variance: float) -> float:
        """Return how many of the weights the labels decide, and not the prior (MacKay 1992).

        The curvature of each weight is that of the empirical Fisher information.
        """
        _, residuals = self._residuals(weights.T @ self.log_probs)
        curvature = self.log_probs**2 @ (residuals**2).T
        return float((curvature / (curvature + 1 / variance)).sum())

    def _residuals(self, logits: Floats) -> tuple[float, Floats]:
        """Return the mean negative log-likelihood, and its derivative for each logit (k, m), times m."""
        powers = powers_of(logits)
        sums = powers.sum(axis=0)
        joint = powers * self.label_likelihood
        likelihood = np.maximum(joint.sum(axis=0) / sums, TINY)
        joint /= likelihood * sums
        powers /= sums
        powers -= joint
        return -float(np.log(likelihood).mean()), powers


def fit(log_probs: Floats, labels: Labels, guess: Floats, rows: Labels) -> Explanation:
    """Alternate p_true, fitted on some rows, and T; with a map or a scale alone, whichever has more merit.

    Parameters
    ----------
    log_probs, labels
        Logarithms (k, n) of the predicted probabilities, and the given labels (n,).
    guess
        The first T (k, k).
    rows
        The rows (m,) that the rounds are run on. T is counted once more on all.
    """
    scaled = _fitted(log_probs, labels, guess, rows, mapped=False)
    if len(log_probs) > MOST_MAPPED:
        return scaled
    mapped = _fitted(log_probs, labels, guess, rows, mapped=True)
    return max(scaled, mapped, key=lambda each: each.merit)


def _fitted(log_probs: Floats, labels: Labels, guess: Floats, rows: Labels, *, mapped: bool) -> Explanation:
    """Alternate p_true and T."""
    k = len(log_probs)
    some = np.ones((k + 1, len(rows)), dtype=log_probs.dtype)
    some[:-1] = log_probs[:, rows]
    T = guess
    scale = 1.0
    weights = np.eye(k + 1, k) if mapped else None
    variance = FIRST_VARIANCE
    parameters = 0.0
    for _ in range(ROUNDS):
        sample = _Sample(some, at_labels(T, some, labels[rows]))
        scale = _best_scale(sample, scale)
        if weights is not None:
            centre = scale * np.eye(k + 1, k)
            weights = _best_weights(sample, weights, centre, variance)
            variance = LEAST_VARIANCE + float(((weights - centre) ** 2).mean())
        p_true = ByClass(scale, weights, T).p_true(some[:-1])
        T, parameters = _recounted(p_true, T, labels[rows])
    parameters += 1
    if weights is not None:
        sample = _Sample(some, at_labels(T, some, labels[rows]))
        parameters += sample.free_parameters(weights, variance)
    return explain(ByClass(scale, weights, T), log_probs, labels, parameters)


def _best_scale(sample: _Sample, start: float) -> float:
    """Return the multiple of the identity of greatest likelihood."""
    from scipy.optimize import minimize  # noqa: PLC0415  slow to import

    def loss(log_scale: Floats) -> tuple[float, Floats]:
        scale = float(np.exp(log_scale[0]))
        value, derivative = sample.loss_of_scale(scale)
        return value, np.array([scale * derivative])

    best = minimize(loss, [np.log(start)], jac=True, method="L-BFGS-B", bounds=[(-5, 4)])
    return float(np.exp(best.x[0]))


def _best_weights(sample: _Sample, start: Floats, centre: Floats, variance: float) -> Floats:
    """Return the weights (k + 1, k) of greatest posterior probability."""
    from scipy.optimize import minimize  # noqa: PLC0415  slow to import

    precision = 1 / (variance * sample.log_probs.shape[1])

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(centre.shape)
        value, gradient = sample.loss(weights)
        from_centre = weights - centre
        value += precision * float((from_centre**2).sum()) / 2
        return value, (gradient + precision * from_centre).ravel()

    options = {"maxiter": MOST_STEPS}
    best = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options=options)
    return np.asarray(best.x).reshape(centre.shape)


def _recounted(p_true: Floats, T: Floats, labels: Labels) -> tuple[Floats, float]:
    """Return T (k, k) after one step of EM, and its free parameters."""
    p_classes, _ = by_bayes_rule(p_true, at_labels(T, p_true, labels))
    return transition_matrix(counted(p_classes, labels))
