"""The transition matrix, counted on rows whose true class a belief c is sure of."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from audit.types import Floats, Labels

TINY = 1e-12
PRIOR_COUNTS = 2.0  # rows that the first guess of T counts for in each row of T
# T is counted on rows whose class is at least that sure, but at the least and at the most on such shares of
# a class's rows, the surest: more would take mistakes of the network for noise, fewer would be too few.
SURE, LEAST_ANCHORS, MOST_ANCHORS = 0.9, 0.5, 0.95
APART = 0.5  # of the anchors of a class, those on which labels that go to one other class are counted
SUREST = 0.7  # of the anchors of a class, those without most of its rows between classes
CONCENTRATIONS = (-3.0, 12.0)  # logarithms: from each class for itself to all alike
LEAST_WRONG = 0.5  # of all labels, where none is counted
# Where more labels than that go from one class to the other, a share of all, likelihood cannot tell noise
# that the network has learned from ambiguity; chosen on noise seeds 0 to 2.
FLOW = 0.15


def transition_matrix(joint: Floats) -> Floats:
    """T[i, j] = p(given = j | true = i) from the joint of given (rows) and true (columns) labels."""
    sums = joint.sum(axis=0)
    T: Floats = np.where(sums[:, None] > 0, joint.T / np.maximum(sums, TINY)[:, None], np.eye(len(joint)))
    return T


def count_anchors(c: Floats, labels: Labels) -> Floats:
    """Counts (k, k) of believed true and given label over the surest rows of each believed class.

    Parameters
    ----------
    c, labels
        The belief (n, k) and the given labels (n,).
    """
    counts = np.zeros((c.shape[1], c.shape[1]))
    for label, rows in enumerate(anchors(c)):
        counts[label] = np.bincount(labels[rows], minlength=len(counts))
    return counts


def count_apart(c: Floats, labels: Labels) -> Floats:
    """As `count_anchors`, but each pair of classes on the rows that resemble the other class least.

    Rows that lie between two classes would be taken for noise. Noise that does not depend on the example is
    as frequent among those that do not: the share APART of a class's anchors, another one for each other
    class. Counts are scaled to all anchors.
    """
    counts = np.zeros((c.shape[1], c.shape[1]))
    for label, rows in enumerate(anchors(c)):
        if rows.size:
            resembles = c[rows]
            apart = resembles <= np.quantile(resembles, APART, axis=0)
            given = labels[rows]
            wrong = given[apart[np.arange(len(rows)), given] & (given != label)]
            counts[label] = np.bincount(wrong, minlength=len(counts)) * len(rows) / apart.sum(axis=0)
            counts[label, label] = max(0.0, len(rows) - counts[label].sum())
    return counts


def count_surest(c: Floats, labels: Labels) -> Floats:
    """As `count_anchors`, but on the share SUREST of a class's anchors that c is surest of, scaled to all."""
    counts = np.zeros((c.shape[1], c.shape[1]))
    for label, rows in enumerate(anchors(c)):
        if rows.size:
            sureness = c[rows, label]
            surest = rows[sureness >= np.quantile(sureness, 1 - SUREST)]
            counts[label] = np.bincount(labels[surest], minlength=len(counts)) * len(rows) / len(surest)
    return counts


def anchors(c: Floats) -> Iterator[npt.NDArray[np.int64]]:
    """The surest rows of each believed class."""
    believed = c.argmax(axis=1)
    sureness = c[np.arange(len(c)), believed]
    for label in range(c.shape[1]):
        rows = np.flatnonzero(believed == label)
        if rows.size:
            least, most = np.quantile(sureness[rows], [1 - MOST_ANCHORS, 1 - LEAST_ANCHORS])
            rows = rows[sureness[rows] >= np.clip(SURE, least, most)]
        yield rows


def evened(counts: Floats) -> Floats:
    """Counts (k, k) of as many rows a class, without what differs between classes by chance only.

    How many labels of a class are wrong is drawn to the share in all classes, and how many of those are of
    each other class to an equal share: as far as counts drawn from a Dirichlet distribution about these
    shares would be, at the concentration that makes them likeliest (empirical Bayes; Minka, 2000).
    """
    k = len(counts)
    off_diagonal = ~np.eye(k, dtype=bool)
    wrong = counts[off_diagonal].reshape(k, k - 1)
    sums = np.column_stack([np.diag(counts), wrong.sum(axis=1)])
    rate = (sums[:, 1].sum() + LEAST_WRONG) / (sums.sum() + 1)
    sums = _drawn_to(np.array([1 - rate, rate]), sums)
    shares = np.full(k - 1, 1 / (k - 1))
    spread = _drawn_to(shares, wrong) + TINY * shares  # a class without wrong labels has some now
    even = np.diag(sums[:, 0])
    even[off_diagonal] = (spread * (sums[:, 1] / spread.sum(axis=1))[:, None]).ravel()
    return even


def _drawn_to(shares: Floats, counts: Floats) -> Floats:
    """The expected counts (k, m), given these, if each row's shares are drawn about the given ones (m,)."""
    from scipy.optimize import minimize_scalar  # noqa: PLC0415  slow to import
    from scipy.special import gammaln  # noqa: PLC0415  slow to import

    sums, cells = counts.sum(axis=1), np.nonzero(counts)
    some, shares_of_some = counts[cells], shares[cells[1]]

    def surprise(log_concentration: float) -> float:
        total = np.exp(log_concentration)
        rows = gammaln(sums + total) - gammaln(total)
        each = total * shares_of_some
        return float(rows.sum() - (gammaln(some + each) - gammaln(each)).sum())

    total = np.exp(minimize_scalar(surprise, bounds=CONCENTRATIONS, method="bounded").x)
    expected: Floats = (counts + total * shares) * (sums / (sums + total))[:, None]
    return expected


def ambiguous_pairs(T: Floats, share: float) -> Floats:
    """How far doubt between two classes is ambiguity (k, k): that share, but none where labels flow.

    There c cannot tell ambiguity from noise.
    """
    return np.asarray(share / (1 + (flow_between(T) / FLOW) ** 6))


def with_prior(counts: Floats, guess: Floats) -> Floats:
    """T from counts, each row with PRIOR_COUNTS more that are spread as the guess says."""
    total = counts + PRIOR_COUNTS * guess
    T: Floats = total / total.sum(axis=1, keepdims=True)
    return T


def flow_between(T: Floats) -> Floats:
    """How many labels go between two classes (k, k), each way weighted by its share of all that leave."""
    off_diagonal = T * (1 - np.eye(len(T)))
    flow: Floats = off_diagonal**2 / np.maximum(off_diagonal.sum(axis=1, keepdims=True), TINY)
    return np.asarray(flow + flow.T)


def given_likelihood(T: Floats, labels: Labels) -> Floats:
    """p(given label of the row | true class), (n, k)."""
    return np.ascontiguousarray(T.T[labels])


def posterior(c: Floats, T: Floats, labels: Labels) -> Floats:
    """p(true | given, x) (n, k), by Bayes' rule."""
    joint = c * given_likelihood(T, labels)
    joint /= np.maximum(joint.sum(axis=1, keepdims=True), TINY**2)
    return joint
