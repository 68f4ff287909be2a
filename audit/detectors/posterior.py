"""The detectors that reckon with where labels go, and the one for labels that people gave."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from audit.detectors.evidence import Evidence
from audit.types import Floats, Issues, evenly_at_most

DECONVOLUTION_STEPS, DECONVOLUTION_ROWS = 30, 4000  # so many rows at once stay in the cache
TEMPERATURES = (0.05, 20.0)  # the search range; below one sharpens
TEMPERATURE_ROWS = 20_000
TINY = 1e-12
SURELY_WRONG = 0.1  # a label that is right with less probability is no mere doubt: decision 0012

Float32s = npt.NDArray[np.float32]


def posterior(evidence: Evidence) -> Issues:
    """Flag a row when its given label is wrong with probability above one half, knowing where labels go.

    With T[i, j] = p(given = j | true = i) and c(x) the belief about the true class, see `belief`,

        p(true | given, x)  ∝  c(x)[true] · T[true, given],    p_error = 1 − p(true = given | given, x).

    Right where T does not depend on x: the sense of `process`.
    """
    return evidence.by_belief


def surely_wrong(evidence: Evidence) -> Issues:
    """As `posterior`, but flags only what is more than ambiguity, as what no model should be trained on.

    Between classes whose doubt is ambiguity, rows that are right with a probability below SURELY_WRONG; where
    it may be noise that the models have learned, all that are flagged; in proportion between.
    """
    issues = posterior(evidence)
    ambiguous = evidence.belief.ambiguous[issues.suggested, evidence.labels]
    least = 0.5 - (0.5 - SURELY_WRONG) * ambiguous
    return replace(issues, is_issue=issues.label_quality < least)


def deconvolution(evidence: Evidence) -> Issues:
    """As `posterior`, with a belief that undoes T by the multiplicative steps of Richardson and Lucy."""
    T = evidence.belief.T.astype(np.float32)
    probs = np.ascontiguousarray(evidence.pred_probs.T)  # sums over few classes are quick side by side
    c = np.maximum(probs, np.float32(TINY))
    with threadpool_limits(1):  # products too small to share between threads
        for start in range(0, c.shape[1], DECONVOLUTION_ROWS):
            rows = slice(start, start + DECONVOLUTION_ROWS)
            _deconvolve(c[:, rows], probs[:, rows], T)
    c *= T[:, evidence.labels]
    c /= np.maximum(c.sum(axis=0), TINY)
    after: Floats = np.ascontiguousarray(c.T, dtype=np.float64)
    quality = evidence.of_given(after)
    return evidence.issues(quality < 0.5, quality, after)


def _deconvolve(c: Float32s, probs: Float32s, T: Float32s) -> None:
    """Undo T in the belief c (k, m), in place, by multiplicative steps."""
    for _ in range(DECONVOLUTION_STEPS):
        c *= T @ (probs / np.maximum(T.T @ c, TINY))
        c /= c.sum(axis=0)


def consensus(evidence: Evidence) -> Issues:
    """Flag a row when the most probable class is not the given one, the surest disagreement first.

    People err where examples are hard, so that the transition matrix depends on x, and a rule that leaves
    it out of account is right: the sense of `consensus`. label_quality is the probability of the given label
    at the temperature that makes the given labels most likely.

    How often such a disagreement is an error cannot be told without asking people. p_error is the mean of two
    readings that lie on either side: that of `posterior`, for which hard examples are labelled as reliably as
    easy ones, and one less label_quality, for which another label of the same source would be drawn from the
    calibrated probabilities.
    """
    from scipy.optimize import minimize_scalar  # noqa: PLC0415  slow to import
    from scipy.special import log_softmax, softmax  # noqa: PLC0415  slow to import

    logs = np.log(np.maximum(np.ascontiguousarray(evidence.pred_probs.T), TINY, dtype=np.float64))
    rows = evenly_at_most(np.arange(logs.shape[1]), TEMPERATURE_ROWS)
    some = np.ascontiguousarray(logs[:, rows])
    labels = evidence.labels[rows]

    def surprise(log_temperature: float) -> float:
        calibrated = log_softmax(some / np.exp(log_temperature), axis=0)
        return -float(calibrated[labels, np.arange(len(labels))].mean())

    found = minimize_scalar(surprise, bounds=tuple(np.log(TEMPERATURES)), method="bounded")
    calibrated: Floats = np.ascontiguousarray(softmax(logs / np.exp(found.x), axis=0).T)
    differs = evidence.pred_probs.argmax(axis=1) != evidence.labels
    quality = evidence.of_given(calibrated)
    p_error = (posterior(evidence).p_error + 1 - quality) / 2
    return replace(evidence.issues(differs, quality, calibrated), p_error=p_error)
