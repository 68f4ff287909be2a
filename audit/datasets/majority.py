"""The majority of several people's labels; ties go to the better annotators, then to the first class."""

import numpy as np

from audit.datasets.labels import NO_LABEL
from audit.types import Floats, Labels, Votes

PRIOR = (1, 2)  # agreements and votes that everybody is taken to have beside their own (Laplace's rule)


def majority(votes: Votes, n: int, k: int) -> Labels:
    """The class (n,) that most votes of each row are for, NO_LABEL for rows without a vote.

    Where classes have equally many votes, those for each count as often as their annotators agree with the
    majority on rows that have one; where these are equal too, the first class is taken.
    """
    counts = votes.counts(n, k)
    most = counts.max(axis=1, initial=0)
    leads = counts == most[:, None]
    clear = (leads.sum(axis=1) == 1) & (counts.sum(axis=1) > 1)
    winner = leads.argmax(axis=1)
    weight = _agreement(votes, winner, clear[votes.rows])[votes.annotators]
    weights = np.bincount(votes.rows * k + votes.labels, weight, minlength=n * k).reshape(n, k)
    # Sums of equal weights in another order differ in their last digits, which must not decide.
    best = np.where(leads, weights.round(9), -1.0).argmax(axis=1)
    return np.where(most > 0, best, NO_LABEL)


def _agreement(votes: Votes, winner: Labels, counted: np.ndarray) -> Floats:
    """How often each annotator (a,) agrees with the majority on rows that have one."""
    agrees = counted & (votes.labels == winner[votes.rows])
    hits, trials = (
        np.bincount(votes.annotators[which], minlength=len(votes.names)) for which in (agrees, counted)
    )
    return (hits + PRIOR[0]) / (trials + PRIOR[1])
