"""Noise that depends on the class alone: p(given | x) = Σᵢ p_true(x)[i] · T[i, given].

p_true is a softmax of a linear map of the logarithms of the predicted probabilities. Its weights have a
Gaussian prior around a multiple of the identity, whose variance follows from the weights themselves, and T
is counted in expectation (EM; Dempster, Laird and Rubin 1977). So one map undoes overconfidence, doubt, what
the network mistakes for something else, and noise that it has learned.
"""

from dataclasses import dataclass

import numpy as np

from audit.detectors.transition import (
    TINY,
    Explanation,
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
class _Sample:
    """The rows that the map is fitted on, with the likelihood of their labels."""

    log_probs: Floats  # (k + 1, m) the last row is of ones
    label_likelihood: Floats  # (k, m) p(given label of the row | true class)

    def loss(self, weights: Floats) -> tuple[float, Floats]:
        """Return the mean negative log-likelihood of the labels, and its gradient (k + 1, k)."""
        value, residuals = self._residuals(weights)
        return value, self.log_probs @ residuals.T / residuals.shape[1]

    def free_parameters(self, weights: Floats, variance: float) -> float:
        """Return how many of the weights the labels decide, and not the prior (MacKay 1992).

        The curvature of each weight is that of the empirical Fisher information.
        """
        _, residuals = self._residuals(weights)
        curvature = self.log_probs**2 @ (residuals**2).T
        return float((curvature / (curvature + 1 / variance)).sum())

    def _residuals(self, weights: Floats) -> tuple[float, Floats]:
        """Return the mean negative log-likelihood, and its derivative for each logit (k, m), times m."""
        powers = powers_of(weights.T @ self.log_probs)
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
    k, n = log_probs.shape
    with_bias = np.concatenate([log_probs, np.ones((1, n))])
    scaled = _fitted(with_bias, labels, guess, rows, mapped=False)
    if k > MOST_MAPPED:
        return scaled
    mapped = _fitted(with_bias, labels, guess, rows, mapped=True)
    return max(scaled, mapped, key=lambda each: each.merit)


def _fitted(log_probs: Floats, labels: Labels, guess: Floats, rows: Labels, *, mapped: bool) -> Explanation:
    """Alternate p_true and T; log_probs (k + 1, n) have a last row of ones."""
    k = len(log_probs) - 1
    some = np.ascontiguousarray(log_probs[:, rows])
    T = guess
    scale = 1.0
    weights = np.eye(k + 1, k)
    variance = FIRST_VARIANCE
    parameters = 0.0
    for _ in range(ROUNDS):
        sample = _Sample(some, T[:, labels[rows]])
        scale = _best_scale(sample, scale)
        centre = scale * np.eye(k + 1, k)
        if mapped:
            weights = _best_weights(sample, weights, centre, variance)
            variance = LEAST_VARIANCE + float(((weights - centre) ** 2).mean())
        else:
            weights = centre
        T, parameters = _recounted(softmax(weights.T @ some), T, labels[rows])
    p_true = softmax(weights.T @ log_probs)
    parameters += 1
    if mapped:
        parameters += _Sample(some, T[:, labels[rows]]).free_parameters(weights, variance)
    return explain(p_true, T, T[:, labels], parameters)


def _best_scale(sample: _Sample, start: float) -> float:
    """Return the multiple of the identity of greatest likelihood."""
    from scipy.optimize import minimize  # noqa: PLC0415  slow to import

    k = len(sample.label_likelihood)
    identity = np.eye(k + 1, k)

    def loss(log_scale: Floats) -> tuple[float, Floats]:
        scale = np.exp(log_scale[0])
        value, gradient = sample.loss(scale * identity)
        return value, np.array([scale * np.trace(gradient[:k])])

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
    p_classes = explain(p_true, T, T[:, labels], 0).p_classes
    return transition_matrix(counted(p_classes, labels))
