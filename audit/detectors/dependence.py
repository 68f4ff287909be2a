"""Whether noise depends on the example, read from where changed labels went.

Where T is the same for all examples of a class, T alone says which class a changed label went to. Where the
probabilities say more, noise depends on the example, and the network has learned it or only sees the same.
"""

import numpy as np

from audit.detectors.transition import SUREST, TINY, anchors, count_surest
from audit.types import Floats, Labels, Probs

LEAST_PROB = 1e-9
SURE_ERROR = 0.1  # p(the given label is true) below which a row is a sure error
SPREAD = 0.8  # a class more of whose errors go to one other class says nothing of where errors go
LEAST_ERRORS = 50  # fewer say nothing
DEPENDENT = 0.25  # the weight from which noise is taken to depend wholly on x; chosen on noise seeds 0 to 2
# The share of the wrong labels that follow resemblance which ambiguity does not explain, SURELY standard
# errors of it left out: below the first it is taken to explain all, above the second nothing (decision 0016).
SURELY, EXPLAINED, UNEXPLAINED = 2.0, 0.3, 0.4
# The share of doubt up to which data are clear, and twice which they are hard: then what a belief doubts of
# the rows it is surest of is ambiguity.
CLEAR = 0.06


def dependence(pred_probs: Probs, posterior: Floats, labels: Labels) -> float:
    """How far noise depends on the example, 0 to 1.

    The sure errors of a class are explained by a multinomial model of where they went: the shares of the
    class, and the logarithm of the row's own probabilities with one common weight. The likeliest weight is
    zero or less where T explains all, about one where the probabilities do.

    Parameters
    ----------
    pred_probs, posterior, labels
        Out-of-sample probabilities (n, k), the belief in each class given the label too (n, k), and the
        given labels (n,).
    """
    from scipy.optimize import minimize_scalar  # noqa: PLC0415  slow to import
    from scipy.special import log_softmax  # noqa: PLC0415  slow to import

    k = pred_probs.shape[1]
    rows = np.flatnonzero(posterior[np.arange(len(labels)), labels] < SURE_ERROR)
    true, given = posterior[rows].argmax(axis=1), labels[rows]
    counts = np.zeros((k, k))
    np.add.at(counts, (true, given), 1)
    spread = counts.max(axis=1) < SPREAD * counts.sum(axis=1)
    some = spread[true]
    rows, true, given = rows[some], true[some], given[some]
    if len(rows) < LEAST_ERRORS:
        return 0.0

    logs = np.log(np.maximum(pred_probs[rows], LEAST_PROB, dtype=np.float64))
    sums = np.zeros((k, k))
    np.add.at(sums, true, logs)
    said = logs - (sums / np.maximum(counts.sum(axis=1), 1)[:, None])[true]
    where = np.log(np.maximum(counts, 0.01))[true]
    here = np.arange(len(rows))
    where[here, true] = -np.inf  # an error is not where it came from
    said[here, true] = 0

    def surprise(weight: float) -> float:
        return -float(log_softmax(where + weight * said, axis=1)[here, given].mean())

    weight = minimize_scalar(surprise, bounds=(0, 3), method="bounded").x
    return float(np.clip(weight / DEPENDENT, 0, 1))


def resemblance(plain: Floats, apart: Floats, c: Floats, labels: Labels) -> float:
    """How far labels go by what the example resembles though its class is clear, 0 to 1.

    Fewer labels of a class go to another one on the half of its sure rows that resemble it least. If that is
    because rows between two classes are ambiguous, fewer are wrong in all on the rows that c is surest of; if
    examples only decide where a wrong label goes, as many are. Where c leaves much in doubt, such rows are as
    many as its doubt of the sure ones, too: models that learn little are no less sure of what they mistake.

    Parameters
    ----------
    plain, apart
        What `count_anchors` and `count_apart` count (k, k) of the belief and the labels.
    c, labels
        The belief (n, k) and the given labels (n,).
    """
    wrong = plain * ~np.eye(len(plain), dtype=bool)
    spread = wrong.max(axis=1) < SPREAD * wrong.sum(axis=1)
    if wrong[spread].sum() < LEAST_ERRORS:
        return 0.0
    sums, surest = plain[spread].sum(), count_surest(c, labels)
    kept, kept_apart, kept_surest = (np.diag(each)[spread].sum() / sums for each in (plain, apart, surest))
    follow, explained = kept_apart - kept, kept_surest - kept  # shares of wrong labels
    hard = np.clip((1 - c.max(axis=1)).mean() / CLEAR - 1, 0, 1)
    doubted = sum((1 - c[rows, label]).sum() for label, rows in enumerate(anchors(c)) if spread[label]) / sums
    explained += hard * max(0.0, doubted - explained)
    error = np.sqrt(kept * (1 - kept) / sums * (1 - SUREST) / SUREST)  # of what is explained
    unexplained = (follow - explained - SURELY * error) / max(follow, error, TINY)
    return float(np.clip((unexplained - EXPLAINED) / (UNEXPLAINED - EXPLAINED), 0, 1))
