"""Noise that depends on the example: wrong labels go where the network, too, sees a resemblance.

As many labels of a class are wrong as on the surer half of the rows predicted to be in it. A wrong label of
class i goes to j with a probability in proportion to D[i, j] · p(x)[j]^power. p_true is the predicted
probabilities, sharpened until Bayes' rule expects as many errors. So what the network has learned of the
noise is not taken for ambiguity.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from audit.detectors.blocks import in_threads
from audit.detectors.transition import (
    TINY,
    Columns,
    Explanation,
    at_labels,
    by_bayes_rule,
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


@dataclass(frozen=True, eq=False)
class ByExample:
    """A scale that sharpens p(true class | x), a power of the resemblance, and T."""

    scale: float
    power: float
    T: npt.NDArray[Any]  # (k, k)

    @cached_property
    def shares(self) -> npt.NDArray[Any]:
        """Which share of the wrong labels of each class goes where (k, k), before any resemblance."""
        rates = np.maximum(1 - np.diag(self.T), self.T.dtype.type(TINY))
        return np.asarray(off_diagonal(self.T) / rates[:, None])

    def single(self) -> Self:
        """Return the same model in single precision, as blocks of rows are read."""
        return replace(self, T=self.T.astype(np.float32, order="F"))

    def p_true(self, log_probs: Columns) -> Columns:
        """Return p(true class | x) (k, n), from logarithms of predicted probabilities (k, n)."""
        return softmax(log_probs.dtype.type(self.scale) * log_probs)

    def label_likelihood(self, log_probs: Columns, labels: Labels) -> Columns:
        """Return p(given label of the row | true class, x) (k, n)."""
        if self.power == 0:  # nothing resembles anything
            return at_labels(self.T, log_probs, labels)
        resemblance = _resemblance(log_probs, self.power)
        return _label_likelihood(self.T, resemblance, self.shares @ resemblance, labels)


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
    tried = in_threads(lambda power: _directed(ByExample(scale, power, T), some, labels[rows]), POWERS)
    best = max(tried, key=lambda each: each.merit)
    return explain(best.model, log_probs, labels, best.parameters)


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


def _directed(model: ByExample, log_probs: Floats, labels: Labels) -> Explanation:
    """Explain the labels by the same model with the likeliest destinations in its T."""
    p_true = model.p_true(log_probs)
    resemblance = _resemblance(log_probs, model.power)
    rates = 1 - np.diag(model.T)
    decided = 0.0
    rows = np.arange(len(labels))
    for _ in range(RECOUNTS):
        reached = model.shares @ resemblance
        wrong, _likelihood = by_bayes_rule(p_true, _label_likelihood(model.T, resemblance, reached, labels))
        wrong[labels, rows] = 0
        wrong_by_class = counted(wrong, labels)
        wrong /= np.maximum(reached, TINY)
        shares, decided = destinations(wrong_by_class, wrong @ resemblance.T)
        model = replace(model, T=with_rates(rates, shares).astype(log_probs.dtype))
    return explain(model, log_probs, labels, SCALE_AND_POWER + decided)


def _resemblance(log_probs: Columns, power: float) -> Columns:
    """Return how the example weighs the destinations of its wrong label (k, n)."""
    least = log_probs.dtype.type(np.log(LEAST_RESEMBLANCE))
    powers: Columns = np.maximum(log_probs, least)
    powers *= log_probs.dtype.type(power)
    np.exp(powers, out=powers)
    return powers


def _label_likelihood(T: Columns, resemblance: Columns, reached: Columns, labels: Labels) -> Columns:
    """Return p(given label of the row | true class, x) (k, n).

    reached (k, n) is what the resemblance comes to, over the destinations of each class.
    """
    rows = np.arange(len(labels))
    likelihood = at_labels(T, resemblance, labels)
    likelihood *= resemblance[labels, rows]
    likelihood /= np.maximum(reached, resemblance.dtype.type(TINY))
    likelihood[labels, rows] = np.diag(T)[labels]
    return likelihood
