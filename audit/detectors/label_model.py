"""The label model: p(true class | x) and the transition matrix T, from noisy labels and probabilities.

A network trained on noisy labels predicts the *given* label, so p(true class | x) has to be read out of its
probabilities. Two models of the noise do that: it depends on the class alone, or on the example as well.
Each counts as much as it is likely to explain the given labels better. `README.md` in this folder has both in
equations.
"""

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from audit.detectors import class_dependent, instance_dependent
from audit.detectors.scoring import Z, wilson_interval
from audit.detectors.transition import TINY, Explanation, noise_rate
from audit.types import Floats, Labels, Probs

LEAST_PROB = 1e-9  # a predicted probability is taken to be at least this
MOST_ROWS = 15_000  # that the models are fitted on, drawn at random: files have rhythms, as MNIST's


@dataclass(frozen=True, eq=False)
class LabelModel:
    """p(true class | x) of every row, and the transition matrix."""

    p_true: Floats  # (n, k) p(true class | x)
    T: Floats  # (k, k) p(given = column | true = row)
    p_classes: Floats  # (n, k) p(true class | given label, x)
    counts: Floats  # (k, k) sure rows by most probable class and given label

    @property
    def ambiguity(self) -> float:
        """The mean doubt: one less the probability of the most probable class."""
        return float((1 - self.p_true.max(axis=1)).mean())

    @property
    def noise_rate(self) -> float:
        """The share of labels that T says were changed."""
        return noise_rate(self.p_true.mean(axis=0), self.T)

    def p_error(self, labels: Labels) -> Floats:
        """Return the probability (n,) that each of the given labels (n,) is wrong."""
        return np.asarray(1 - self.p_classes[np.arange(len(labels)), labels])

    def noise_interval(self, labels: Labels) -> tuple[float, float, float]:
        """Estimate the share of wrong labels (n,), with a 95 % interval: value, low, high.

        Two estimates err on opposite sides. The wrong labels on sure rows count what the network has wrong
        there as noise. The expected errors give the given label the benefit of the doubt. The interval spans
        both, each with its own spread.
        """
        p_error = self.p_error(labels)
        expected = float(p_error.mean())
        by_errors = np.sqrt((p_error * (1 - p_error)).sum() + p_error.sum()) / len(labels)

        sizes = np.maximum(self.counts.sum(axis=1), 1)
        wrong = 1 - np.diag(self.counts) / sizes
        class_shares = self.p_true.mean(axis=0)
        counted = float(class_shares @ wrong)
        by_counts = np.sqrt((class_shares**2 * wrong * (1 - wrong) / sizes).sum())

        low = min(expected - Z * by_errors, counted - Z * by_counts)
        high = max(expected + Z * by_errors, counted + Z * by_counts)
        return expected, max(0.0, float(low)), min(1.0, float(high))

    def transition_interval(self) -> tuple[Floats, Floats]:
        """Return the 95 % interval of every entry of T, low and high (k, k): Wilson's, from the counts."""
        hits = self.counts.astype(np.int64)
        rows = self.counts.sum(axis=1).astype(np.int64)
        low, high = wilson_interval(hits, np.broadcast_to(rows[:, None], hits.shape))
        return np.minimum(low, self.T), np.maximum(high, self.T)


def fit(labels: Labels, pred_probs: Probs, guess: Floats) -> LabelModel:
    """Fit both models of the noise, and return their mean, weighted by how sure it is which one is better.

    Parameters
    ----------
    labels, pred_probs
        The given labels (n,) and the out-of-sample predicted probabilities (n, k).
    guess
        A first guess of T (k, k), such as that of cleanlab's calibrated joint.
    """
    log_probs = np.log(np.maximum(np.ascontiguousarray(pred_probs.T), LEAST_PROB, dtype=np.float64))
    rows = np.sort(np.random.default_rng(0).permutation(len(labels))[:MOST_ROWS])
    with threadpool_limits(1):  # these matrices are too small to share between threads
        by_class = class_dependent.fit(log_probs, labels, guess, rows)
        by_example = instance_dependent.fit(log_probs, labels, rows)
    weight = p_better(by_class, by_example)

    def mean(one: Floats, other: Floats) -> Floats:
        return weight * one + (1 - weight) * other

    p_true = mean(by_class.p_true, by_example.p_true)
    return LabelModel(
        p_true=np.ascontiguousarray(p_true.T),
        T=mean(by_class.T, by_example.T),
        p_classes=np.ascontiguousarray(mean(by_class.p_classes, by_example.p_classes).T),
        counts=instance_dependent.count_on_surest(p_true, labels),
    )


def p_better(one: Explanation, other: Explanation) -> float:
    """Return the probability that the first explanation is the better one for new labels.

    The difference of their merits is held against its standard error over rows (Vuong 1989). Weights of
    this kind are those of pseudo-BMA+ (Yao et al. 2018), with a normal distribution for their bootstrap.
    """
    from scipy.special import ndtr  # noqa: PLC0415  slow to import

    differences = one.log_likelihoods - other.log_likelihoods
    standard_error = np.sqrt(len(differences)) * differences.std()
    return float(ndtr((one.merit - other.merit) / max(standard_error, TINY)))
