"""The detectors that read the label model, and the one for labels that people gave."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from audit.detectors.error_curve import DOUBT, CurvePrior, doubt_of, worth_flagging
from audit.detectors.evidence import Evidence
from audit.detectors.transition import TINY
from audit.types import Floats, Issues, evenly_at_most

DECONVOLUTION_STEPS = 30
DECONVOLUTION_ROWS = 4000  # at a time, so that they stay in the cache
TEMPERATURES = (0.05, 20.0)  # the search range; below one sharpens
TEMPERATURE_ROWS = 20_000
SURELY_WRONG = 0.1  # a label that is right with less probability is more than doubtful (decision 0012)

# The prior of the curve of p_error: set by hand near regressions on checked labels (decision 0018).
LEVEL = -0.9
LEVEL_BY_DIFFERING = -0.3  # per e-fold of the share of labels that differ where the model is surer
LEVEL_SD = 1.0
USUALLY_DIFFERING = 0.1
LEAST_DIFFERING = 0.01  # a smaller share says no more
LOG_SLOPE = -0.3
LOG_SLOPE_BY_EXPECTED = 0.15  # per e-fold of the share of wrong labels that `posterior` expects
LOG_SLOPE_SD = 0.4
USUALLY_EXPECTED = 0.05
LEAST_EXPECTED = 1e-4
AS_STATED = CurvePrior(level=DOUBT, level_sd=0.3, log_slope=0.0, log_slope_sd=0.1)
BY_VOTES = CurvePrior(level=1.8, level_sd=1.0, log_slope=-0.2, log_slope_sd=0.4)  # decision 0022

Float32s = npt.NDArray[np.float32]


def posterior(evidence: Evidence) -> Issues:
    """Flag a row when its given label is wrong with probability above one half, knowing where labels go.

    With T[i, j] = p(given = j | true = i) and p_true(x) of the label model,

        p(true | given, x)  ∝  p_true(x)[true] · T[true, given],    p_error = 1 − p(true = given | given, x).

    Right where T does not depend on x: the sense of `process`.
    """
    return evidence.posterior_issues


def surely_wrong(evidence: Evidence) -> Issues:
    """Flag only what is more than doubtful: labels that no model should be trained on.

    These are rows that are right with a probability below SURELY_WRONG. Where most of what `posterior` flags
    of a given class is in doubt, the models have learned where its wrong labels come from, and doubt is no
    sign of a hard example: of such a class all of it is flagged.
    """
    issues = posterior(evidence)
    sure = issues.label_quality < SURELY_WRONG
    k = evidence.pred_probs.shape[1]
    flagged_of_class, sure_of_class = (
        np.bincount(evidence.labels[flags], minlength=k) for flags in (issues.is_issue, sure)
    )
    mostly_sure = 2 * sure_of_class >= flagged_of_class
    return replace(issues, is_issue=np.where(mostly_sure[evidence.labels], sure, issues.is_issue))


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
    """Flag rows whose most probable class is not the given one, as far as they are worth a look.

    People err where examples are hard, so that the transition matrix depends on x, and a rule that does not
    use T is right: the sense of `consensus`. label_quality is the probability of the given label at the
    temperature that makes the given labels most likely (temperature scaling, Guo et al. 2017). How often such
    a doubt is an error differs between data sets: p_error is the mean over what `curve_prior` leaves open.
    Worth a look are the rows that raise the expected F1, and those that `posterior` flags: where something
    changed the labels without regard to the example, few of them are doubtful.
    """
    calibrated = _calibrated(evidence)
    quality = evidence.at_given_label(calibrated)
    p_error = curve_prior(evidence).curve.p_error(doubt_of(quality))
    worth_a_look = worth_flagging(p_error) | posterior(evidence).is_issue
    flagged = worth_a_look & evidence.prediction_differs
    return replace(evidence.issues(flagged, quality, calibrated), p_error=p_error)


def by_votes(evidence: Evidence) -> Issues:
    """Flag rows that are worth a look, by what several people's labels and the models together say.

    label_quality is the probability of the given label by the posterior of `votes`. People and models err on
    the same rows, so that it is surer than it is right: p_error is the mean over a curve that was fitted to
    simulated annotators.
    """
    quality = evidence.at_given_label(evidence.p_by_votes)
    p_error = BY_VOTES.curve.p_error(doubt_of(quality))
    return replace(evidence.issues(worth_flagging(p_error), quality, evidence.p_by_votes), p_error=p_error)


def curve_prior(evidence: Evidence, truth: str = "consensus") -> CurvePrior:
    """Return what is known of the curve of p_error before anybody decided.

    Where several people gave labels, it is that of `votes` in both senses.

    In the sense of `process`, p_error is that of `posterior`, nearly. In the sense of `consensus` the level
    follows how often labels differ from the prediction on the surer half of the rows. A model that differs
    there from many labels is weak, and so its other differences say less. The slope follows the share of
    wrong labels that `posterior` expects. Where people slip on easy examples, a sure model is right against
    them; where they do not, its sure differences are the hard examples. The numbers are near the regressions
    on checked labels that `benchmarks/real_labels.py` prints, and were set by hand (decision 0018).
    """
    if evidence.votes is not None:
        return BY_VOTES
    if truth == "process":
        return AS_STATED
    differing, expected = curve_features(evidence)
    return CurvePrior(
        level=LEVEL + LEVEL_BY_DIFFERING * differing,
        level_sd=LEVEL_SD,
        log_slope=LOG_SLOPE + LOG_SLOPE_BY_EXPECTED * expected,
        log_slope_sd=LOG_SLOPE_SD,
    )


def curve_features(evidence: Evidence) -> tuple[float, float]:
    """Return what the prior of the curve follows from, each as the logarithm of its ratio to a usual share.

    The first is the share of labels that differ from the prediction on the surer half of the rows, the second
    the share of wrong labels that `posterior` expects.
    """
    sureness = evidence.pred_probs.max(axis=1)
    surer = sureness >= np.median(sureness)
    differing = max(float(evidence.prediction_differs[surer].mean()), LEAST_DIFFERING)
    expected = max(float(posterior(evidence).p_error.mean()), LEAST_EXPECTED)
    return float(np.log(differing / USUALLY_DIFFERING)), float(np.log(expected / USUALLY_EXPECTED))


def _calibrated(evidence: Evidence) -> Floats:
    """Return the probabilities (n, k) at the temperature that makes the given labels most likely."""
    from scipy.special import softmax  # noqa: PLC0415  slow to import

    columns = np.ascontiguousarray(evidence.pred_probs.T)
    log_probs = np.log(np.maximum(columns, TINY, dtype=np.float64))  # (k, n)
    temperature = _likeliest_temperature(log_probs, evidence)
    return np.ascontiguousarray(softmax(log_probs / temperature, axis=0).T)


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
