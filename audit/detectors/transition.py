"""The transition matrix T[i, j] = p(given = j | true = i), and what it says together with p(true class | x).

Arrays over rows have the classes first, (k, n): sums over the few classes are quick then.
"""

from dataclasses import dataclass

import numpy as np

from audit.types import Floats, Labels

TINY = 1e-12  # keeps logarithms and quotients finite
PRIOR_ROWS = 2.0  # that the guess of T counts for in each class


@dataclass(frozen=True, eq=False)
class Explanation:
    """How one model of the noise explains the given labels."""

    p_true: Floats  # (k, n) p(true class | x)
    T: Floats  # (k, k)
    p_classes: Floats  # (k, n) p(true class | given label, x)
    log_likelihoods: Floats  # (n,) of the given labels
    parameters: float  # free ones, beside those of T

    @property
    def merit(self) -> float:
        """The log-likelihood that new labels are expected to have: Akaike's criterion (1974), over -2."""
        return float(self.log_likelihoods.sum()) - self.parameters


def explain(p_true: Floats, T: Floats, label_likelihood: Floats, parameters: float) -> Explanation:
    """Apply Bayes' rule to p_true (k, n) and p(given label of the row | true class) (k, n)."""
    joint = p_true * label_likelihood
    likelihood = np.maximum(joint.sum(axis=0), TINY)
    joint /= likelihood
    return Explanation(p_true, T, joint, np.log(likelihood), parameters)


def transition_matrix(joint: Floats) -> Floats:
    """Return T (k, k) of a joint of given (rows) and true (columns) labels."""
    sums = joint.sum(axis=0)
    T: Floats = np.where(sums[:, None] > 0, joint.T / np.maximum(sums, TINY)[:, None], np.eye(len(joint)))
    return T


def counted(p_classes: Floats, labels: Labels) -> Floats:
    """Count the given labels (n,) by true class, in expectation over p_classes (k, n): (k, k)."""
    k = len(p_classes)
    return np.stack([np.bincount(labels, weights=p_class, minlength=k) for p_class in p_classes])


def off_diagonal(matrix: Floats) -> Floats:
    """Return the matrix (k, k) with zeros on its diagonal."""
    return matrix * ~np.eye(len(matrix), dtype=bool)


def noise_rate(class_shares: Floats, T: Floats) -> float:
    """Return the share of labels that T changes, for true classes with these shares (k,)."""
    return float(class_shares @ (1 - np.diag(T)))


def softmax(logits: Floats) -> Floats:
    """Return the probabilities (k, n) of logits (k, n)."""
    powers = powers_of(logits)
    powers /= powers.sum(axis=0)
    return powers


def powers_of(logits: Floats) -> Floats:
    """Return the exponentials of logits (k, n), scaled so that the largest of each column is one."""
    powers: Floats = logits - logits.max(axis=0)
    np.exp(powers, out=powers)
    return powers
