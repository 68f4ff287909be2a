"""The map from predicted probabilities to p(true class | x): a softmax of a linear map of their logarithms.

Its weights maximise the likelihood of the given labels, p(given | x) = p_true(x) T, under a Gaussian prior.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audit.detectors.transition import fade_with_flow, flow_between
from audit.detectors.tuning import TINY, TUNING
from audit.types import Floats, Labels, Probs, evenly_at_most


@dataclass(frozen=True, eq=False)
class FitRows:
    """Rows that the map is fitted on, one a column: sums over the few classes are quick then."""

    log_probs: Floats  # (k + 1, m) as `log_probabilities` gives them
    labels: Labels  # (m,)
    stands_for: Floats  # (m,) how many rows of the data each stands for

    @property
    def total(self) -> float:
        """The number of rows of the data that all of them stand for."""
        return float(self.stands_for.sum())


def log_probabilities(pred_probs: Probs) -> Floats:
    """Return the logarithms (k + 1, n) of probabilities (n, k), with a last row of ones for the bias."""
    n, k = pred_probs.shape
    log_probs = np.ones((k + 1, n))
    log_probs[:k] = np.log(np.maximum(pred_probs, TUNING.least_prob, dtype=np.float64)).T
    return log_probs


def spaced_rows(log_probs: Floats, labels: Labels) -> FitRows:
    """Take evenly spaced rows of log_probs (k + 1, n) and labels (n,)."""
    k = len(log_probs) - 1
    most = min(TUNING.first_rows, TUNING.most_cells // k)
    rows = evenly_at_most(np.arange(len(labels)), most)
    return FitRows(log_probs[:, rows], labels[rows], np.ones(len(rows)))


def informative_rows(log_probs: Floats, labels: Labels, p_true: Floats) -> FitRows:
    """Take all rows but those whose given label is all but sure; a few stand for all of these.

    Rows whose label p_true (n, k) is sure of are nearly all of the data and say little about the map.
    """
    agreed = p_true[np.arange(len(p_true)), labels] > TUNING.agreed
    doubtful_rows = np.flatnonzero(~agreed)
    agreed_rows = np.flatnonzero(agreed)
    taken = []
    stands_for = []
    for rows, most in (
        (doubtful_rows, TUNING.most_cells // p_true.shape[1]),
        (agreed_rows, TUNING.agreed_rows),
    ):
        some = evenly_at_most(rows, most)
        taken.append(some)
        stands_for.append(np.full(len(some), len(rows) / max(1, len(some))))
    together = np.concatenate(taken)
    return FitRows(log_probs[:, together], labels[together], np.concatenate(stands_for))


def p_true_of(weights: Floats, log_probs: Floats) -> Floats:
    """Return p(true class | x) (n, k) under weights (k + 1, k) for log_probs (k + 1, n)."""
    return softmax(weights.T @ log_probs)


def fit_centre(rows: FitRows, T: Floats) -> Floats:
    """Fit the map a I + b Tᵀ of greatest likelihood; returns weights (k + 1, k) with a bias of zero.

    The first part sharpens. The second adds up the probabilities of the classes that a class's labels go to:
    without it a class half of whose labels turn into another class cannot be told from that class.
    """
    from scipy.optimize import minimize  # noqa: PLC0415  slow to import

    k = len(T)
    label_likelihood = T[:, rows.labels]

    def weights(parameters: npt.NDArray[np.float64]) -> Floats:
        log_a, b = parameters
        return np.vstack([np.exp(log_a) * np.eye(k) + b * T.T, np.zeros((1, k))])

    def loss(parameters: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        value, gradient = negative_log_likelihood(weights(parameters), rows, label_likelihood)
        by_log_a = np.exp(parameters[0]) * np.trace(gradient[:k])
        by_b = (gradient[:k] * T.T).sum()
        return value, np.array([by_log_a, by_b])

    bounds = [(-7.0, 3.0), (-20.0, 20.0)]
    best = minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=bounds)
    return weights(best.x)


def fit_map(rows: FitRows, T: Floats, start: Floats, centre: Floats, tight_precision: float) -> Floats:
    """Fit the weights (k + 1, k) of greatest likelihood under a Gaussian prior around the centre.

    Parameters
    ----------
    rows, T
        What is fitted to: rows with their labels, and the transition matrix (k, k), which is kept.
    start, centre
        Where the optimiser begins and where the prior has its mean, weights (k + 1, k) both.
    tight_precision
        The precision of the prior between classes without a flow of labels.
    """
    from scipy.optimize import minimize  # noqa: PLC0415  slow to import

    precision = prior_precision(T, tight_precision) / rows.total
    label_likelihood = T[:, rows.labels]

    def loss(flat: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        weights = flat.reshape(centre.shape)
        value, gradient = negative_log_likelihood(weights, rows, label_likelihood)
        from_centre = weights - centre
        value += float((precision * from_centre**2).sum()) / 2
        return value, (gradient + precision * from_centre).ravel()

    options = {"maxiter": TUNING.most_steps}
    best = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options=options)
    return np.asarray(best.x).reshape(centre.shape)


def prior_precision(T: Floats, tight_precision: float) -> Floats:
    """Return the precision (k + 1, k) of the prior: the more labels flow between two classes, the looser."""
    flow = flow_between(T)
    most = flow.max(axis=1)
    flows = np.vstack([flow + np.diag(most), most])
    return np.asarray(np.maximum(TUNING.loose_precision, fade_with_flow(tight_precision, flows)))


def negative_log_likelihood(weights: Floats, rows: FitRows, label_likelihood: Floats) -> tuple[float, Floats]:
    """Return the mean negative log-likelihood of the labels and its gradient (k + 1, k).

    Parameters
    ----------
    weights, rows
        The map (k + 1, k) and the rows that it is fitted on.
    label_likelihood
        p(given label of the row | true class) (k, m).
    """
    powers = _powers(weights.T @ rows.log_probs)
    sums = powers.sum(axis=0)
    joint = powers * label_likelihood
    likelihood = np.maximum(joint.sum(axis=0) / sums, TINY)
    scale = rows.stands_for / sums
    joint *= scale / likelihood
    powers *= scale
    powers -= joint
    value = -float(rows.stands_for @ np.log(likelihood)) / rows.total
    return value, rows.log_probs @ powers.T / rows.total


def softmax(logits: Floats) -> Floats:
    """Return the probabilities (n, k) of logits (k, n)."""
    powers = _powers(logits)
    powers /= powers.sum(axis=0)
    return np.ascontiguousarray(powers.T)


def log_of(p_true: Floats) -> Floats:
    """Return the logarithms (k, n) of probabilities (n, k)."""
    return np.log(np.maximum(np.ascontiguousarray(p_true.T), TINY**2))


def _powers(logits: Floats) -> Floats:
    """Return the exponentials of logits (k, n), scaled so that the largest of each column is one."""
    powers: Floats = logits - logits.max(axis=0)
    np.exp(powers, out=powers)
    return powers
