"""The transition matrix, counted on rows whose true class a belief c is sure of."""

import numpy as np

from audit.types import Floats, Labels

TINY = 1e-12
PRIOR_COUNTS = 2.0  # rows that the first guess of T counts for in each row of T
# T is counted on rows whose class is at least that sure, but at the least and at the most on such shares of
# a class's rows, the surest: more would take mistakes of the network for noise, fewer would be too few.
SURE, LEAST_ANCHORS, MOST_ANCHORS = 0.9, 0.5, 0.95
# Where more labels than that go from one class to the other, a share of all, likelihood cannot tell noise
# that the network has learned from ambiguity; chosen on noise seeds 0 to 2.
FLOW = 0.15


def transition_matrix(joint: Floats) -> Floats:
    """T[i, j] = p(given = j | true = i) from the joint of given (rows) and true (columns) labels."""
    sums = joint.sum(axis=0)
    T: Floats = np.where(sums[:, None] > 0, joint.T / np.maximum(sums, TINY)[:, None], np.eye(len(joint)))
    return T


def count_anchors(c: Floats, labels: Labels, weights: Floats | None = None) -> Floats:
    """Counts (k, k) of believed true and given label over the surest rows of each believed class.

    Parameters
    ----------
    c, labels
        The belief (n, k) and the given labels (n,).
    weights
        What each row counts for (n,); one each when None.
    """
    k = c.shape[1]
    believed = c.argmax(axis=1)
    sureness = c[np.arange(len(c)), believed]
    counts = np.zeros((k, k))
    for label in range(k):
        rows = np.flatnonzero(believed == label)
        if rows.size:
            least, most = np.quantile(sureness[rows], [1 - MOST_ANCHORS, 1 - LEAST_ANCHORS])
            sure = rows[sureness[rows] >= np.clip(SURE, least, most)]
            some = None if weights is None else weights[sure]
            counts[label] = np.bincount(labels[sure], some, minlength=k)
    return counts


def without_ambiguity(c: Floats, T: Floats, labels: Labels, ambiguous: Floats) -> Floats:
    """Counts of anchors less those rows that c, given their label too, says are of another class.

    As far as doubt between the two classes is ambiguity, (k, k).
    """
    likely = posterior(c, T, labels)[np.arange(len(c)), c.argmax(axis=1)]
    plain = count_anchors(c, labels)
    counts: Floats = plain - ambiguous * (plain - count_anchors(c, labels, likely))
    return counts


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
