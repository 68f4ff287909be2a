"""The detectors that read the label model, and the one for labels that people gave."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from audit.detectors.evidence import Evidence
from audit.detectors.tuning import TINY
from audit.types import Floats, Issues, evenly_at_most

DECONVOLUTION_STEPS = 30
DECONVOLUTION_ROWS = 4000  # at a time, so that they stay in the cache
TEMPERATURES = (0.05, 20.0)  # the search range; below one sharpens
TEMPERATURE_ROWS = 20_000
SURELY_WRONG = 0.1  # a label that is right with less probability is more than doubtful (decision 0012)

Float32s = npt.NDArray[np.float32]


def posterior(evidence: Evidence) -> Issues:
    """Flag a row when its given label is wrong with probability above one half, knowing where labels go.

    With T[i, j] = p(given = j | true = i) and p_true(x) of the label model,

        p(true | given, x)  ∝  p_true(x)[true] · T[true, given],    p_error = 1 − p(true = given | given, x).

    Right where T does not depend on x: the sense of `process`.
    """
    return evidence.posterior_issues


def surely_wrong(evidence: Evidence) -> Issues:
    """Flag as `posterior`, but only what is more than ambiguity: labels that no model should be trained on.

    Between classes whose doubt is ambiguity these are rows that are right with a probability below
    SURELY_WRONG. Where doubt may be noise that the network has learned, all that `posterior` flags. In
    between, the limit is in proportion.
    """
    issues = posterior(evidence)
    ambiguous = evidence.label_model.ambiguous[issues.suggested, evidence.labels]
    limit = 0.5 - (0.5 - SURELY_WRONG) * ambiguous
    return replace(issues, is_issue=issues.label_quality < limit)


def deconvolution(evidence: Evidence) -> Issues:
    """Flag as `posterior`, with a p_true that undoes T by Richardson and Lucy's multiplicative steps."""
    T = evidence.label_model.T.astype(np.float32)
    probs = np.ascontiguousarray(evidence.pred_probs.T)  # sums over few classes are quick side by side
    p_true = np.maximum(probs, np.float32(TINY))
    with threadpool_limits(1):  # products too small to share between threads
        for start in range(0, p_true.shape[1], DECONVOLUTION_ROWS):
            rows = slice(start, start + DECONVOLUTION_ROWS)
            _deconvolve(p_true[:, rows], probs[:, rows], T)
    p_true *= T[:, evidence.labels]
    p_true /= np.maximum(p_true.sum(axis=0), TINY)
    p_classes: Floats = np.ascontiguousarray(p_true.T, dtype=np.float64)
    quality = evidence.at_given_label(p_classes)
    return evidence.issues(quality < 0.5, quality, p_classes)


def _deconvolve(p_true: Float32s, probs: Float32s, T: Float32s) -> None:
    """Undo T in p_true (k, m), in place, by multiplicative steps."""
    for _ in range(DECONVOLUTION_STEPS):
        p_true *= T @ (probs / np.maximum(T.T @ p_true, TINY))
        p_true /= p_true.sum(axis=0)


def consensus(evidence: Evidence) -> Issues:
    """Flag a row when the most probable class is not the given one, the surest disagreement first.

    People err where examples are hard, so that the transition matrix depends on x, and a rule that does not
    use T is right: the sense of `consensus`. label_quality is the probability of the given label at the
    temperature that makes the given labels most likely (temperature scaling, Guo et al. 2017).

    How often such a disagreement is an error cannot be told without asking people. p_error is the mean of two
    readings on either side. That of `posterior` takes hard examples to be labelled as reliably as easy ones.
    One less label_quality takes another label of the same source to be drawn from the calibrated
    probabilities.
    """
    from scipy.special import softmax  # noqa: PLC0415  slow to import

    log_probs = np.log(
        np.maximum(np.ascontiguousarray(evidence.pred_probs.T), TINY, dtype=np.float64)
    )  # (k, n)
    temperature = _likeliest_temperature(log_probs, evidence)
    calibrated: Floats = np.ascontiguousarray(softmax(log_probs / temperature, axis=0).T)
    quality = evidence.at_given_label(calibrated)
    p_error = (posterior(evidence).p_error + 1 - quality) / 2
    return replace(evidence.issues(evidence.prediction_differs, quality, calibrated), p_error=p_error)


def _likeliest_temperature(log_probs: Floats, evidence: Evidence) -> np.float64:
    """Return the temperature of log_probs (k, n) that makes the given labels most likely."""
    from scipy.optimize import minimize_scalar  # noqa: PLC0415  slow to import
    from scipy.special import log_softmax  # noqa: PLC0415  slow to import

    rows = evenly_at_most(np.arange(log_probs.shape[1]), TEMPERATURE_ROWS)
    some = np.ascontiguousarray(log_probs[:, rows])
    labels = evidence.labels[rows]

    def negative_log_likelihood(log_temperature: float) -> float:
        calibrated = log_softmax(some / np.exp(log_temperature), axis=0)
        return -float(calibrated[labels, np.arange(len(labels))].mean())

    bounds = tuple(np.log(TEMPERATURES))
    best = minimize_scalar(negative_log_likelihood, bounds=bounds, method="bounded")
    return np.float64(np.exp(best.x))
