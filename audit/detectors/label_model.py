"""The label model: p(true class | x) and the transition matrix T, from noisy labels and probabilities.

A network trained on noisy labels predicts the *given* label, so p(true class | x) has to be read out of its
probabilities. Two models of the noise do that: it depends on the class alone, or on the example as well.
Each counts as much as it is likely to explain the given labels better. `README.md` in this folder has both in
equations.
"""

from dataclasses import dataclass

import numpy as np

from audit.detectors import class_dependent, instance_dependent
from audit.detectors.blocks import LEAST_PROB, Block, Columns, OfRows, threads_limited
from audit.detectors.scoring import Z, wilson_interval
from audit.detectors.transition import TINY, Explanation, NoiseModel, by_bayes_rule, noise_rate
from audit.types import Floats, Labels, Probs

MOST_ROWS = 15_000  # that the models are fitted on, drawn at random: files have rhythms, as MNIST's
MOST_ENTRIES = 10_000_000  # probabilities of these rows
WEIGHT_DIGITS = 3  # a model that counts less than half a thousandth is left out


@dataclass(frozen=True, eq=False)
class LabelModel:
    """Both models of the noise with their weights, and what they say of the rows that they were fitted on."""

    weighted: tuple[tuple[float, NoiseModel], ...]  # the weights sum to one
    T: Floats  # (k, k) p(given = column | true = row)
    counts: Floats  # (k, k) sure rows by most probable class and given label
    class_shares: Floats  # (k,) of true classes
    ambiguity: float  # mean doubt: one less the probability of the most probable class

    @property
    def noise_rate(self) -> float:
        """The share of labels that T says were changed."""
        return noise_rate(self.class_shares, self.T)

    def p_true(self, block: Block) -> Columns:
        """Return p(true class | x) (k, b)."""
        parts = [weight * model.p_true(block.log_probs) for weight, model in self.weighted]
        return np.asarray(sum(parts), dtype=np.float32)

    def p_classes(self, block: Block) -> Columns:
        """Return p(true class | given label, x) (k, b)."""
        p_classes = np.zeros_like(block.probs)
        for weight, model in self.weighted:
            likelihood = model.label_likelihood(block.log_probs, block.labels)
            of_model, _ = by_bayes_rule(model.p_true(block.log_probs), likelihood)
            of_model *= np.float32(weight)
            p_classes += of_model
        return p_classes

    def p_right(self, block: Block) -> OfRows:
        """Return p(true class = given label | given label, x) (b,): of `p_classes` the given label alone."""
        p_right = np.zeros(len(block.labels), dtype=np.float32)
        for weight, model in self.weighted:
            joint = model.p_true(block.log_probs)
            joint *= model.label_likelihood(block.log_probs, block.labels)
            likelihood = np.maximum(joint.sum(axis=0), np.float32(TINY))
            p_right += np.float32(weight) * (block.at_given_label(joint) / likelihood)
        return p_right

    def noise_interval(self, p_error: Floats) -> tuple[float, float, float]:
        """Estimate the share of wrong labels from p_error (n,), with a 95 % interval: value, low, high.

        Two estimates err on opposite sides. The wrong labels on sure rows count what the network has wrong
        there as noise. The expected errors give the given label the benefit of the doubt. The interval spans
        both, each with its own spread.
        """
        expected = float(p_error.mean())
        by_errors = np.sqrt((p_error * (1 - p_error)).sum() + p_error.sum()) / len(p_error)

        sizes = np.maximum(self.counts.sum(axis=1), 1)
        wrong = 1 - np.diag(self.counts) / sizes
        counted = float(self.class_shares @ wrong)
        by_counts = np.sqrt((self.class_shares**2 * wrong * (1 - wrong) / sizes).sum())

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
    few_classes = pred_probs.shape[1] <= class_dependent.MOST_MAPPED
    dtype = np.float64 if few_classes else np.float32
    log_probs = np.log(np.maximum(np.ascontiguousarray(pred_probs.T), LEAST_PROB, dtype=dtype))
    most_rows = min(MOST_ROWS, MOST_ENTRIES // len(log_probs))
    rows = np.sort(np.random.default_rng(0).permutation(len(labels))[:most_rows])
    with threads_limited(1):  # small matrices are not worth several, and large ones are shared out
        by_class = class_dependent.fit(log_probs, labels, guess, rows)
        by_example = instance_dependent.fit(log_probs, labels, rows)
    weight = round(p_better(by_class, by_example), WEIGHT_DIGITS)
    p_true = weight * by_class.p_true + (1 - weight) * by_example.p_true
    weighted = ((weight, by_class.model), (1 - weight, by_example.model))
    return LabelModel(
        weighted=tuple((share, model.single()) for share, model in weighted if share),
        T=weight * by_class.T + (1 - weight) * by_example.T,
        counts=instance_dependent.count_on_surest(p_true, labels),
        class_shares=p_true.mean(axis=1),
        ambiguity=float((1 - p_true.max(axis=0)).mean()),
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
