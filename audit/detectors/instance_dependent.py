"""Noise that depends on the example: wrong labels go where the network, too, sees a resemblance.

As many labels of a class are wrong as on the surer half of the rows predicted to be in it. A wrong label of
class i goes to j with a probability in proportion to D[i, j] · p(x)[j]^power. p_true is the predicted
probabilities, sharpened until Bayes' rule expects as many errors. So what the network has learned of the
noise is not taken for ambiguity.
"""

import numpy as np

from audit.detectors.transition import (
    TINY,
    Explanation,
    counted,
    destinations,
    explain,
    noise_rate,
    off_diagonal,
    softmax,
    transition_matrix,
    with_rates,
)
from audit.types import Floats, Labels

SUREST = 0.5  # share of the rows predicted to be in a class, on which its wrong labels are counted
POWERS = (0.0, 0.25, 0.5, 1.0)  # of the probabilities, from which the likeliest is taken
LEAST_RESEMBLANCE = 0.01  # a probability below says no more: neighbours' votes and trees give many zeros
RECOUNTS = 3  # of D, for each power
SCALE_AND_POWER = 2  # free parameters
LOG_SCALES = np.arange(-3.0, 3.5, 0.5)  # of the sharpening, between which the root is sought


def fit(log_probs: Floats, labels: Labels, rows: Labels) -> Explanation:
    """Count T on sure rows, sharpen, and take the likeliest power.

    Parameters
    ----------
    log_probs, labels
        Logarithms (k, n) of the predicted probabilities, and the given labels (n,).
    rows
        The rows (m,) that the powers are tried on.
    """
    k, n = log_probs.shape
    T, _ = transition_matrix(count_on_surest(log_probs, labels))
    predicted = np.bincount(log_probs.argmax(axis=0), minlength=k) / n
    scale = _matching_scale(log_probs, noise_rate(predicted, T), T, labels)
    some = log_probs[:, rows]
    p_true = softmax(scale * some)
    tried = [(power, *_directed(p_true, T, some, labels[rows], power)) for power in POWERS]
    power, T, best = max(tried, key=lambda each: each[2].merit)
    likelihood = _label_likelihood(T, _resemblance(log_probs, power), labels)
    return explain(softmax(scale * log_probs), T, likelihood, best.parameters)


def count_on_surest(p_true: Floats, labels: Labels) -> Floats:
    """Count most probable class (rows) and given label (columns) over the surer half of each class, (k, k).

    p_true (k, n) may be anything that rises with the probability of each class.
    """
    k = len(p_true)
    most_probable = p_true.argmax(axis=0)
    counts = np.zeros((k, k))
    for label in range(k):
        rows = np.flatnonzero(most_probable == label)
        if rows.size:
            sureness = p_true[label, rows]
            surest = rows[sureness >= np.quantile(sureness, 1 - SUREST)]
            counts[label] = np.bincount(labels[surest], minlength=k)
    return counts


def _matching_scale(log_probs: Floats, rate: float, T: Floats, labels: Labels) -> float:
    """Return the inverse temperature at which the share `rate` of the labels is expected to be wrong.

    Flat probabilities may expect as many errors, so the sharpest such temperature is taken.
    """
    from scipy.optimize import brentq  # noqa: PLC0415  slow to import

    below_most = log_probs - log_probs.max(axis=0)
    label_likelihood = T[:, labels]
    rows = np.arange(len(labels))

    def surplus(log_scale: float) -> float:
        joint = np.exp(np.exp(log_scale) * below_most) * label_likelihood
        p_right = joint[labels, rows] / np.maximum(joint.sum(axis=0), TINY**2)
        return 1 - float(p_right.mean()) - rate

    high = LOG_SCALES[-1]
    for low in LOG_SCALES[-2::-1]:
        if surplus(low) < 0:
            if surplus(high) < 0:
                break
            return float(np.exp(brentq(surplus, low, high, xtol=0.01)))
        high = low
    return float(np.exp(LOG_SCALES[-1]))


def _directed(
    p_true: Floats, T: Floats, log_probs: Floats, labels: Labels, power: float
) -> tuple[Floats, Explanation]:
    """Return T with the likeliest destinations for this power, and how that explains the labels."""
    resemblance = _resemblance(log_probs, power)
    rates = 1 - np.diag(T)
    decided = 0.0
    rows = np.arange(len(labels))
    for _ in range(RECOUNTS):
        wrong = explain(p_true, T, _label_likelihood(T, resemblance, labels), 0).p_classes
        wrong[labels, rows] = 0
        shares = off_diagonal(T) / np.maximum(rates, TINY)[:, None]
        weight = wrong / np.maximum(shares @ resemblance, TINY)
        shares, decided = destinations(counted(wrong, labels), weight @ resemblance.T)
        T = with_rates(rates, shares)
    return T, explain(p_true, T, _label_likelihood(T, resemblance, labels), SCALE_AND_POWER + decided)


def _resemblance(log_probs: Floats, power: float) -> Floats:
    """Return how the example weighs the destinations of its wrong label (k, n)."""
    return np.exp(power * np.maximum(log_probs, np.log(LEAST_RESEMBLANCE)))


def _label_likelihood(T: Floats, resemblance: Floats, labels: Labels) -> Floats:
    """Return p(given label of the row | true class, x) (k, n)."""
    rows = np.arange(len(labels))
    rates = 1 - np.diag(T)
    shares = off_diagonal(T) / np.maximum(rates, TINY)[:, None]
    likelihood = T[:, labels] * resemblance[labels, rows] / np.maximum(shares @ resemblance, TINY)
    likelihood[labels, rows] = np.diag(T)[labels]
    return np.asarray(likelihood)
