"""Whether noise depends on the example, read from where wrong labels went.

If T is the same for all examples of a class, T alone says which class a wrong label went to. If something
about the row says more, noise depends on the example: its own predicted probabilities (`instance_dependence`,
where the network has learned the noise), or the class that it resembles (`resemblance`, where it has not).
"""

import numpy as np
import numpy.typing as npt

from audit.detectors.transition import anchor_points, count_on_surest
from audit.detectors.tuning import TINY, TUNING
from audit.types import Floats, Labels, Mask, Probs


def instance_dependence(pred_probs: Probs, p_classes: Floats, labels: Labels) -> float:
    """Return how far the row's own probabilities say where its wrong label went, 0 to 1.

    A multinomial model of where the sure errors of a class went has two parts: how many of its errors went to
    each class, and the logarithms of the row's own probabilities with one common weight. The likeliest weight
    is zero or less where T explains all, about one where the probabilities do.

    Parameters
    ----------
    pred_probs, p_classes, labels
        Out-of-sample probabilities (n, k), p(true class | given label, x) (n, k), and the given labels (n,).
    """
    from scipy.optimize import minimize_scalar  # noqa: PLC0415  slow to import
    from scipy.special import log_softmax  # noqa: PLC0415  slow to import

    k = pred_probs.shape[1]
    p_right = p_classes[np.arange(len(labels)), labels]
    rows = np.flatnonzero(p_right < TUNING.sure_error)
    true = p_classes[rows].argmax(axis=1)
    given = labels[rows]
    counts = np.zeros((k, k))
    np.add.at(counts, (true, given), 1)
    used = _spread_out(counts)[true]
    rows = rows[used]
    true = true[used]
    given = given[used]
    if len(rows) < TUNING.least_errors:
        return 0.0

    from_class = np.log(np.maximum(counts, 0.01))[true]
    from_row = _log_probs_beside_class_mean(pred_probs[rows], true, counts.sum(axis=1))
    errors = np.arange(len(rows))
    from_class[errors, true] = -np.inf  # an error cannot have stayed in its own class
    from_row[errors, true] = 0

    def negative_log_likelihood(weight: float) -> float:
        return -float(log_softmax(from_class + weight * from_row, axis=1)[errors, given].mean())

    weight = minimize_scalar(negative_log_likelihood, bounds=(0, 3), method="bounded").x
    return float(np.clip(weight / TUNING.dependent_weight, 0, 1))


def resemblance(anchor_counts: Floats, separated_counts: Floats, p_true: Floats, labels: Labels) -> float:
    """Return how far labels go where the example resembles although its class is clear, 0 to 1.

    Fewer labels of a class go to another one on the anchor points that are separated from it. Two causes do
    that. If rows between the two classes are ambiguous, fewer labels are wrong in all on the surest anchor
    points. If examples only decide where a wrong label goes, as many are. Where p_true leaves much in doubt,
    such rows also explain as much as it doubts its anchor points: models that learn little are just as sure
    of what they mistake.

    Parameters
    ----------
    anchor_counts, separated_counts
        What `count_on_anchors` and `count_separated` count (k, k).
    p_true, labels
        p(true class | x) (n, k) and the given labels (n,).
    """
    wrong = anchor_counts * ~np.eye(len(anchor_counts), dtype=bool)
    used = _spread_out(wrong)
    if wrong[used].sum() < TUNING.least_errors:
        return 0.0
    total = anchor_counts[used].sum()
    surest_counts = count_on_surest(p_true, labels)

    def share_right(counts: Floats) -> float:
        return float(np.diag(counts)[used].sum() / total)

    right = share_right(anchor_counts)
    follow_resemblance = share_right(separated_counts) - right  # a share of all labels, as the next
    explained = share_right(surest_counts) - right
    doubt = (1 - p_true.max(axis=1)).mean()
    hardness = np.clip(doubt / TUNING.clear - 1, 0, 1)
    doubted = (
        sum(
            (1 - p_true[rows, label]).sum() for label, rows in enumerate(anchor_points(p_true)) if used[label]
        )
        / total
    )
    explained += hardness * max(0.0, doubted - explained)
    standard_error = np.sqrt(
        right * (1 - right) / total * (1 - TUNING.surest) / TUNING.surest
    )  # of `explained`
    unexplained = follow_resemblance - explained - TUNING.standard_errors * standard_error
    unexplained /= max(follow_resemblance, standard_error, TINY)
    above = unexplained - TUNING.explained
    return float(np.clip(above / (TUNING.unexplained - TUNING.explained), 0, 1))


def _spread_out(wrong: Floats) -> Mask:
    """Return the classes (k,) whose wrong labels do not nearly all go to one other class."""
    return np.asarray(wrong.max(axis=1) < TUNING.concentrated * wrong.sum(axis=1))


def _log_probs_beside_class_mean(probs: Probs, true: Labels, sizes: Floats) -> npt.NDArray[np.float64]:
    """Return the log-probabilities (m, k) less the mean over the rows of the same true class (m,)."""
    log_probs = np.log(np.maximum(probs, TUNING.least_prob, dtype=np.float64))
    k = probs.shape[1]
    sums = np.zeros((k, k))
    np.add.at(sums, true, log_probs)
    means = sums / np.maximum(sizes, 1)[:, None]
    return np.asarray(log_probs - means[true])
