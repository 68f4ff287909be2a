"""The transition matrix T[i, j] = p(given = j | true = i), counted on anchor points of p(true class | x).

Anchor points of a class are rows that almost surely belong to it. Where labels are given at random from T,
the labels of the anchor points of class i are distributed as row i of T (Patrini et al. 2017).
"""

from collections.abc import Iterator

import numpy as np

from audit.detectors.tuning import TINY, TUNING
from audit.types import Floats, Labels, Rows


def transition_matrix(joint: Floats) -> Floats:
    """Return T (k, k) of a joint of given (rows) and true (columns) labels."""
    sums = joint.sum(axis=0)
    T: Floats = np.where(sums[:, None] > 0, joint.T / np.maximum(sums, TINY)[:, None], np.eye(len(joint)))
    return T


def noise_rate(class_shares: Floats, T: Floats) -> float:
    """Return the share of labels that T changes, for true classes with these shares (k,)."""
    return float(class_shares @ (1 - np.diag(T)))


def p_true_given_label(p_true: Floats, T: Floats, labels: Labels) -> Floats:
    """Return p(true class | given label, x) (n, k), by Bayes' rule from p(true class | x) (n, k) and T."""
    label_likelihood = np.ascontiguousarray(T.T[labels])
    joint = p_true * label_likelihood
    joint /= np.maximum(joint.sum(axis=1, keepdims=True), TINY**2)
    return joint


def anchor_points(p_true: Floats) -> Iterator[Rows]:
    """Yield the anchor points of each class: the rows believed to be in it whose p_true is highest."""
    believed = p_true.argmax(axis=1)
    sureness = p_true[np.arange(len(p_true)), believed]
    for label in range(p_true.shape[1]):
        rows = np.flatnonzero(believed == label)
        if rows.size:
            shares = [1 - TUNING.most_anchors, 1 - TUNING.least_anchors]
            least, most = np.quantile(sureness[rows], shares)
            rows = rows[sureness[rows] >= np.clip(TUNING.sure, least, most)]
        yield rows


def count_on_anchors(p_true: Floats, labels: Labels) -> Floats:
    """Count believed class (rows) and given label (columns) over the anchor points, (k, k).

    Parameters
    ----------
    p_true, labels
        p(true class | x) (n, k) and the given labels (n,).
    """
    counts = np.zeros((p_true.shape[1], p_true.shape[1]))
    for label, rows in enumerate(anchor_points(p_true)):
        counts[label] = np.bincount(labels[rows], minlength=len(counts))
    return counts


def count_separated(p_true: Floats, labels: Labels) -> Floats:
    """Count as `count_on_anchors`, but each pair i, j on the anchor points of i least like j.

    Rows between two classes would be counted as noise. Noise that does not depend on the example is as
    frequent on the anchor points that are separated from j, so the share `separated` of them is enough.
    Counts are scaled to all anchor points.
    """
    counts = np.zeros((p_true.shape[1], p_true.shape[1]))
    for label, rows in enumerate(anchor_points(p_true)):
        if not rows.size:
            continue
        p_classes = p_true[rows]
        separated = p_classes <= np.quantile(p_classes, TUNING.separated, axis=0)
        given = labels[rows]
        wrong = given[separated[np.arange(len(rows)), given] & (given != label)]
        counts[label] = np.bincount(wrong, minlength=len(counts)) * len(rows) / separated.sum(axis=0)
        counts[label, label] = max(0.0, len(rows) - counts[label].sum())
    return counts


def count_on_surest(p_true: Floats, labels: Labels) -> Floats:
    """Count as `count_on_anchors`, but on the surest share of a class's anchor points, scaled to all."""
    counts = np.zeros((p_true.shape[1], p_true.shape[1]))
    for label, rows in enumerate(anchor_points(p_true)):
        if not rows.size:
            continue
        sureness = p_true[rows, label]
        surest = rows[sureness >= np.quantile(sureness, 1 - TUNING.surest)]
        counts[label] = np.bincount(labels[surest], minlength=len(counts)) * len(rows) / len(surest)
    return counts


def shrink_counts(counts: Floats) -> Floats:
    """Shrink counts (k, k) as far as their differences between classes are due to chance.

    The share of wrong labels of each class is shrunk to that of all classes, and the distribution of the
    wrong labels over the other classes to the uniform one. Row sums stay. Both use `shrink_to`.
    """
    k = len(counts)
    off_diagonal = ~np.eye(k, dtype=bool)
    wrong = counts[off_diagonal].reshape(k, k - 1)
    right_and_wrong = np.column_stack([np.diag(counts), wrong.sum(axis=1)])
    rate = (right_and_wrong[:, 1].sum() + TUNING.least_wrong) / (right_and_wrong.sum() + 1)
    right_and_wrong = shrink_to(np.array([1 - rate, rate]), right_and_wrong)
    uniform = np.full(k - 1, 1 / (k - 1))
    spread = shrink_to(uniform, wrong) + TINY * uniform  # a class without wrong labels has some now
    shrunk = np.diag(right_and_wrong[:, 0])
    shrunk[off_diagonal] = (spread * (right_and_wrong[:, 1] / spread.sum(axis=1))[:, None]).ravel()
    return shrunk


def shrink_to(shares: Floats, counts: Floats) -> Floats:
    """Return the expected counts (m, c) if each row's shares are drawn around the given ones (c,).

    Empirical Bayes: the shares of a row have a Dirichlet prior around the given ones, with the concentration
    that makes the counts likeliest (Minka 2000, "Estimating a Dirichlet distribution").
    """
    from scipy.optimize import minimize_scalar  # noqa: PLC0415  slow to import
    from scipy.special import gammaln  # noqa: PLC0415  slow to import

    sums = counts.sum(axis=1)
    cells = np.nonzero(counts)
    positive = counts[cells]
    shares_of_positive = shares[cells[1]]

    def negative_log_likelihood(log_concentration: float) -> float:
        concentration = np.exp(log_concentration)
        rows = gammaln(sums + concentration) - gammaln(concentration)
        prior = concentration * shares_of_positive
        return float(rows.sum() - (gammaln(positive + prior) - gammaln(prior)).sum())

    bounds = TUNING.log_concentrations
    best = minimize_scalar(negative_log_likelihood, bounds=bounds, method="bounded")
    concentration = np.exp(best.x)
    expected: Floats = (counts + concentration * shares) * (sums / (sums + concentration))[:, None]
    return expected


def with_prior(counts: Floats, guess: Floats) -> Floats:
    """Return T of counts (k, k), each row with `prior_rows` more rows that are spread as the guess says."""
    total = counts + TUNING.prior_rows * guess
    T: Floats = total / total.sum(axis=1, keepdims=True)
    return T


def flow_between(T: Floats) -> Floats:
    """Return how strongly labels go from one of two classes to the other (k, k).

    Each way counts T[i, j], times its share of the labels that leave i.
    """
    off_diagonal = T * (1 - np.eye(len(T)))
    flow: Floats = off_diagonal**2 / np.maximum(off_diagonal.sum(axis=1, keepdims=True), TINY)
    return np.asarray(flow + flow.T)


def fade_with_flow(value: float, flow: Floats) -> Floats:
    """Return the value where no labels flow, nothing where the flow is strong, half of it at `strong_flow`.

    The power makes this nearly a switch, yet without a jump: a small change of T cannot turn a pair of
    classes over.
    """
    faded: Floats = value / (1 + (flow / TUNING.strong_flow) ** TUNING.flow_steepness)
    return faded


def ambiguous_pairs(T: Floats, share: float) -> Floats:
    """Return how far doubt between two classes is ambiguity (k, k): the share, fading with the flow."""
    return fade_with_flow(share, flow_between(T))
