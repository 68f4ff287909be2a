"""The transition matrix T[i, j] = p(given = j | true = i), and what it says together with p(true class | x).

Arrays over rows have the classes first, (k, n): sums over the few classes are quick then.
"""

from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from audit.types import Floats, Labels

Columns = npt.NDArray[Any]  # (k, n) of any precision

TINY = 1e-12  # keeps logarithms and quotients finite
PRIOR_ROWS = 2.0  # that the rate of wrong labels in all classes counts for in each
CONCENTRATIONS = (0.1, 1e6)  # the search range: from few destinations of a class to even shares


class NoiseModel(Protocol):
    """A fitted model of the noise: it explains the labels of any rows, in the precision that it is given."""

    @property
    def T(self) -> npt.NDArray[Any]:  # noqa: N802  the name of the transition matrix
        """The transition matrix (k, k)."""

    def single(self) -> Self:
        """Return the same model in single precision, as blocks of rows are read."""

    def p_true(self, log_probs: Columns) -> Columns:
        """Return p(true class | x) (k, n), from logarithms of predicted probabilities (k, n)."""

    def label_likelihood(self, log_probs: Columns, labels: Labels) -> Columns:
        """Return p(given label of the row | true class, x) (k, n)."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """How one model of the noise explains the given labels."""

    model: NoiseModel
    p_true: Floats  # (k, n) p(true class | x)
    p_classes: Floats  # (k, n) p(true class | given label, x)
    log_likelihoods: Floats  # (n,) of the given labels
    parameters: float  # free ones; of T only where wrong labels go, since rates are in all models

    @property
    def T(self) -> Floats:  # noqa: N802  the name of the transition matrix
        """The transition matrix (k, k)."""
        return self.model.T.astype(np.float64)

    @property
    def merit(self) -> float:
        """The log-likelihood that new labels are expected to have: Akaike's criterion (1974), over -2."""
        return float(self.log_likelihoods.sum()) - self.parameters


def explain(model: NoiseModel, log_probs: Floats, labels: Labels, parameters: float) -> Explanation:
    """Explain the labels (n,) by a model that has so many free parameters."""
    p_true = model.p_true(log_probs)
    p_classes, likelihood = by_bayes_rule(p_true, model.label_likelihood(log_probs, labels))
    return Explanation(model, p_true, p_classes, np.log(likelihood), parameters)


def at_labels(T: Floats, like: Columns, labels: Labels) -> Columns:
    """Return the column of T of each label (n,), (k, n), in the precision and the memory order of `like`."""
    matrix = T.astype(like.dtype, copy=False)
    if like.flags.c_contiguous:
        return np.take(matrix, labels, axis=1)
    return np.ascontiguousarray(matrix.T)[labels].T


def by_bayes_rule(p_true: Columns, label_likelihood: Columns) -> tuple[Columns, Columns]:
    """Return p(true class | given label, x) (k, n), and how likely each label is (n,).

    They follow from p_true (k, n) and p(given label of the row | true class, x) (k, n).
    """
    joint = p_true * label_likelihood
    likelihood = np.maximum(joint.sum(axis=0), joint.dtype.type(TINY))
    joint /= likelihood
    return joint, np.asarray(likelihood)


def transition_matrix(counts: Floats) -> tuple[Floats, float]:
    """Return T (k, k) of expected counts by true class (rows) and given label, and its free parameters.

    Each class has the rate of wrong labels that its counts say, drawn a little to that of all classes.
    """
    wrong = off_diagonal(counts).sum(axis=1)
    sizes = counts.sum(axis=1)
    rate = wrong.sum() / max(sizes.sum(), TINY)
    shares, parameters = destinations(counts)
    return with_rates((wrong + PRIOR_ROWS * rate) / (sizes + PRIOR_ROWS), shares), parameters


def destinations(counts: Floats, exposures: Floats | float = 1.0) -> tuple[Floats, float]:
    """Return which share of the wrong labels of each class goes where (k, k), and its free parameters.

    The shares have a Dirichlet prior around even ones, whose concentration makes the counts most likely
    (Minka 2000). So the counts of a hundred classes, of a few rows each, are evened out, and those of ten
    classes are not. A share is a free parameter as far as the counts decide it, and not the prior (MacKay
    1992).

    Parameters
    ----------
    counts
        Expected counts (k, k) by true class (rows) and given label; the diagonal is not read.
    exposures
        What even shares would have sent where (k, k), in proportion.
    """
    k = len(counts)
    wrong = off_diagonal(counts)
    sums = wrong.sum(axis=1)
    concentration = _likeliest_concentration(wrong)
    prior = off_diagonal(np.full((k, k), concentration / (k - 1)))
    shares = off_diagonal((wrong + prior) / np.maximum(exposures, TINY))
    decided = (wrong / np.maximum(wrong + prior, TINY)).sum() - (sums / (sums + concentration)).sum()
    return shares / shares.sum(axis=1, keepdims=True), float(decided)


def _likeliest_concentration(wrong: Floats) -> float:
    """Return the concentration of the Dirichlet prior that makes the counts (k, k) most likely."""
    from scipy.optimize import minimize_scalar  # noqa: PLC0415  slow to import
    from scipy.special import gammaln  # noqa: PLC0415  slow to import

    sums = wrong.sum(axis=1)
    present = wrong[wrong > 0]

    def loss(log_concentration: float) -> float:
        total = np.exp(log_concentration)
        each = total / (len(wrong) - 1)
        of_classes = (gammaln(total) - gammaln(total + sums)).sum()
        return -float(of_classes + (gammaln(each + present) - gammaln(each)).sum())

    bounds = tuple(np.log(CONCENTRATIONS))
    best = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 0.01})
    return float(np.exp(best.x))


def with_rates(rates: Floats, shares: Floats) -> Floats:
    """Return T (k, k) of the rates (k,) of wrong labels, and where these go (k, k)."""
    return np.asarray(np.diag(1 - rates) + rates[:, None] * shares)


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


def softmax(logits: Columns) -> Columns:
    """Return the probabilities (k, n) of logits (k, n)."""
    powers = powers_of(logits)
    powers /= powers.sum(axis=0)
    return powers


def powers_of(logits: Columns) -> Columns:
    """Return the exponentials of logits (k, n), scaled so that the largest of each column is one."""
    powers: Columns = logits - logits.max(axis=0)
    np.exp(powers, out=powers)
    return powers
