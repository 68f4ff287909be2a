"""Published rules and scores: cleanlab's, the trivial baselines, and the margins of the training."""

from functools import partial

import numpy as np
import numpy.typing as npt

from audit.detectors.evidence import Evidence
from audit.detectors.model_based import posterior
from audit.types import Floats, Issues


def given_differs(evidence: Evidence) -> Issues:
    """Flag a row when the most probable class is not its given label."""
    return evidence.issues(evidence.prediction_differs, evidence.self_confidence)


def cleanlab_rule(evidence: Evidence, filter_by: str) -> Issues:
    """Flag what cleanlab's `find_label_issues` flags with this `filter_by`, ranked by self-confidence."""
    return evidence.issues(evidence.cleanlab_issues(filter_by), evidence.self_confidence)


prune_by_noise_rate = partial(cleanlab_rule, filter_by="prune_by_noise_rate")
prune_by_class = partial(cleanlab_rule, filter_by="prune_by_class")
both = partial(cleanlab_rule, filter_by="both")


def confident_learning(evidence: Evidence) -> Issues:
    """Flag as `cleanlab_rule` with `confident_learning`, computed once for the detectors that count it."""
    return evidence.issues(evidence.confident_issues, evidence.self_confidence)


def lowest_of_confident(evidence: Evidence, method: str) -> Issues:
    """Flag what cleanlab's rule `low_` and this score flags, ranked by self-confidence.

    These are the rows of lowest score, as many as `confident_learning` flags.
    """
    scores = _cleanlab_score(evidence, method)
    count = int(evidence.confident_issues.sum())
    is_issue = np.zeros(len(scores), dtype=bool)
    is_issue[np.argsort(scores)[:count]] = True  # cleanlab's own order of equal scores
    return evidence.issues(is_issue, evidence.self_confidence)


low_normalized_margin = partial(lowest_of_confident, method="normalized_margin")
low_self_confidence = partial(lowest_of_confident, method="self_confidence")


def quality_score(evidence: Evidence, method: str) -> Issues:
    """Flag the rows of lowest cleanlab quality score, as many as its calibrated joint says are wrong.

    The count is n times the off-diagonal mass of the joint (Northcutt, Jiang and Chuang 2021, section 3.1).
    """
    quality = np.clip(_cleanlab_score(evidence, method).astype(np.float64), 0, 1)
    return _lowest(evidence, quality, evidence.issue_count)


self_confidence = partial(quality_score, method="self_confidence")
normalized_margin = partial(quality_score, method="normalized_margin")
entropy = partial(quality_score, method="confidence_weighted_entropy")


def margins(evidence: Evidence) -> Issues:
    """Flag the rows of lowest mean margin in training, as many as the joint says are wrong.

    The area under the margin of Pleiss et al. 2020, over the models that were trained on the row. p_error is
    a rank, not a probability.
    """
    assert evidence.margins is not None
    return _lowest(evidence, _rank_share(evidence.margins), evidence.issue_count)


def combined(evidence: Evidence) -> Issues:
    """Flag as many rows as `posterior`, by the mean rank of its quality, self-confidence and the margins.

    p_error is a rank, not a probability.
    """
    by_posterior = posterior(evidence)
    scores: list[npt.NDArray[np.floating]] = [by_posterior.label_quality, evidence.self_confidence]
    if evidence.margins is not None:
        scores.append(evidence.margins)
    ranks = np.mean([_rank_share(score) for score in scores], axis=0)
    return _lowest(evidence, _rank_share(ranks), int(by_posterior.is_issue.sum()))


def _cleanlab_score(evidence: Evidence, method: str) -> npt.NDArray[np.floating]:
    """Return cleanlab's quality score (n,) of this name, without its checks: the arrays are checked."""
    from cleanlab import rank  # noqa: PLC0415  slow to import

    score = {
        "self_confidence": rank.get_self_confidence_for_each_label,
        "normalized_margin": rank.get_normalized_margin_for_each_label,
        "confidence_weighted_entropy": rank.get_confidence_weighted_entropy_for_each_label,
    }[method]
    (scores,) = evidence.by_rows(lambda block: [score(block.labels, block.probs.T)])
    return scores


def _lowest(evidence: Evidence, quality: Floats, count: int) -> Issues:
    """Flag this many rows of lowest quality (n,)."""
    is_issue = np.zeros(len(quality), dtype=bool)
    is_issue[np.argsort(quality, kind="stable")[:count]] = True
    return evidence.issues(is_issue, quality)


def _rank_share(scores: npt.NDArray[np.floating]) -> Floats:
    """Return the share (n,) of rows with a lower score; equal scores get the same share."""
    from scipy.stats import rankdata  # noqa: PLC0415  slow to import

    return np.asarray((rankdata(scores, "min") - 1) / len(scores), dtype=np.float64)
