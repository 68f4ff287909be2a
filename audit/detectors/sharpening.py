"""Noise that the network has learned: how much of its doubt is that, and p(true class | x) without it.

Doubt is how far p(true class | x) is below one for the most probable class. Likelihood takes learned noise
for ambiguity, so p_true then expects fewer errors than T says. Sharpening removes the difference.
"""

from functools import cache

import numpy as np

from audit.detectors.class_map import log_of, softmax
from audit.detectors.transition import noise_rate, p_true_given_label
from audit.detectors.tuning import TINY, TUNING
from audit.types import Floats, Labels


def learned_share(p_true: Floats, T: Floats, labels: Labels) -> float:
    """Return how far the doubt in p_true (n, k) is learned noise, 0 to 1."""
    p_right = p_true_given_label(p_true, T, labels)[np.arange(len(labels)), labels]
    gap = noise_rate(p_true.mean(axis=0), T) - (1 - float(p_right.mean()))
    doubt = float((1 - p_true.max(axis=1)).mean())
    above = gap / max(doubt, TINY) - TUNING.ambiguous_gap
    return float(np.clip(above / (TUNING.learned_gap - TUNING.ambiguous_gap), 0, 1))


def without_learned_noise(p_true: Floats, T: Floats, labels: Labels, learned: float) -> Floats:
    """Return p_true (n, k), sharpened as far as learned noise calls for."""
    if learned == 0:
        return p_true
    log_p = log_of(p_true)
    rate = noise_rate(p_true.mean(axis=0), T)
    return softmax(matching_scale(log_p, rate, T, labels, 1.0) ** learned * log_p)


def matching_noise_rate(log_probs: Floats, T: Floats, labels: Labels) -> Floats:
    """Return softmax (n, k) of log_probs (k, n) at the temperature that expects as many errors as T."""
    rate = noise_rate(softmax(log_probs).mean(axis=0), T)
    return softmax(matching_scale(log_probs, rate, T, labels, 1 / TUNING.sharpest) * log_probs)


def matching_scale(log_probs: Floats, rate: float, T: Floats, labels: Labels, least: float) -> float:
    """Return the inverse temperature at which the share `rate` of the labels is expected to be wrong.

    Parameters
    ----------
    log_probs, rate, T, labels
        Logarithms (k, n) of probabilities, the expected share of wrong labels, and what it follows from: the
        transition matrix (k, k) and the given labels (n,).
    least
        The least inverse temperature; the most is `sharpest`, which is returned when it is not enough.
    """
    from scipy.optimize import brentq  # noqa: PLC0415  slow to import

    below_most = log_probs - log_probs.max(axis=0)
    label_likelihood = T[:, labels]
    rows = np.arange(len(labels))

    @cache  # the root's search asks for both ends again
    def missing(log_scale: float) -> float:
        joint = np.exp(np.exp(log_scale) * below_most) * label_likelihood
        p_right = joint[labels, rows] / np.maximum(joint.sum(axis=0), TINY**2)
        return rate - 1 + float(p_right.mean())

    high = np.log(TUNING.sharpest)
    if missing(high) >= 0:
        return TUNING.sharpest
    # Flat probabilities expect as many errors as T says, too. The root is sought on the sharp side of them:
    # from the lowest scale at which fewer are expected (decision 0016).
    lows = np.arange(np.log(least), high, np.log(2))
    low = next((log_scale for log_scale in lows if missing(log_scale) > 0), None)
    if low is None:
        return 1.0
    return float(np.exp(brentq(missing, low, high, xtol=0.01)))
