"""What several people's labels say of the true class: Dawid and Skene's model with a classifier.

Every annotator j has a confusion matrix π_j[true, vote]. With p_true(x) of the label model,

    p(true | votes, x)  ∝  p_true(x)[true] · ∏ π_j[true, vote of j] ^ w(m),    w(m) = 1 / (1 + (m − 1) r).

The matrices follow from the posterior by expectation maximisation (Dawid and Skene 1979; with a classifier,
Raykar et al. 2010). Those of annotators with few votes are drawn towards one that only knows how often the
annotator is right, and where the wrong votes of all go. People err on the same rows, so m votes on a row
count as m · w(m) independent ones: the effective size of a sample whose members are correlated by r (Kish
1965). `benchmarks/annotators.py` chose r.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from audit.detectors.transition import TINY
from audit.types import Floats, Labels, Rows, Votes

CORRELATION = 0.25  # r, of votes on the same row
STEPS = 10  # of expectation maximisation
DRAWN = 10.0  # votes of each true class, by which a matrix is drawn to the common form
LEAST_OTHER = 0.5  # votes that everybody together is taken to have in each cell off the diagonal, besides
MOST_SURE = 1e-3  # nobody is taken to be wrong, or right, with less than this


def posterior(votes: Votes, p_true: Floats) -> Floats:
    """Return p(true class | votes, x), (n, k), from p(true class | x), (n, k); rows without votes keep it."""
    from scipy.special import softmax  # noqa: PLC0415  slow to import

    n, k = p_true.shape
    people = [
        (votes.rows[votes.annotators == who], votes.labels[votes.annotators == who])
        for who in range(len(votes.names))
    ]
    on_row = np.bincount(votes.rows, minlength=n)
    weight = 1 / (1 + (np.maximum(on_row, 1) - 1) * CORRELATION)
    prior = np.log(np.maximum(p_true, TINY))
    share = (votes.counts(n, k) + 1 / k) / (on_row[:, None] + 1)
    p_classes = softmax(prior + np.log(share), axis=1)
    for _ in range(STEPS):
        log_likelihood = np.zeros((n, k))
        for (rows, labels), matrix in zip(people, _confusions(people, p_classes), strict=True):
            log_likelihood[rows] += np.log(np.maximum(matrix, TINY)).T[labels]
        p_classes = softmax(prior + weight[:, None] * log_likelihood, axis=1)
    return np.asarray(p_classes)


def _confusions(people: Sequence[tuple[Rows, Labels]], p_classes: Floats) -> Iterator[Floats]:
    """Estimate the confusion matrix (k, k) of each annotator, whose votes are rows and labels (v_j,)."""
    k = p_classes.shape[1]
    total = np.zeros((k, k))
    rights = np.zeros(len(people))
    for who, each in enumerate(people):
        counts = _counts(each, p_classes)
        total += counts
        rights[who] = np.trace(counts)
    given = np.array([len(rows) for rows, _ in people])
    usual = rights.sum() / given.sum()
    accuracy = np.clip((rights + DRAWN * usual) / (given + DRAWN), MOST_SURE, 1 - MOST_SURE)
    elsewhere = (total + LEAST_OTHER) * (1 - np.eye(k))
    elsewhere /= elsewhere.sum(axis=1, keepdims=True)
    for who, each in enumerate(people):
        counts = _counts(each, p_classes)
        common = accuracy[who] * np.eye(k) + (1 - accuracy[who]) * elsewhere
        yield (counts + DRAWN * common) / (counts.sum(axis=1, keepdims=True) + DRAWN)


def _counts(votes: tuple[Rows, Labels], p_classes: Floats) -> Floats:
    """Count the votes of one annotator by true class, as far as it is known, and label, (k, k)."""
    from scipy.sparse import csr_array  # noqa: PLC0415  slow to import

    rows, labels = votes
    of_label = csr_array(
        (np.ones(len(rows)), labels, np.arange(len(rows) + 1)), shape=(len(rows), p_classes.shape[1])
    )
    return np.asarray(of_label.T @ p_classes[rows]).T
