"""The detectors that read the label model, and the one for labels that people gave."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from audit.detectors.blocks import Block, Columns, OfRows
from audit.detectors.error_curve import DOUBT, CurvePrior, doubt_of, worth_flagging
from audit.detectors.evidence import Evidence
from audit.detectors.transition import TINY, by_bayes_rule, softmax
from audit.types import Issues, evenly_at_most

DECONVOLUTION_STEPS = 30
TEMPERATURES = (0.05, 20.0)  # the search range; below one sharpens
TEMPERATURE_ROWS = 20_000  # that it is fitted on
TEMPERATURE_ENTRIES = 4_000_000
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

    def judged(block: Block) -> Sequence[OfRows]:
        p_true = _deconvolved(block.probs, T)
        p_classes, _ = by_bayes_rule(p_true, T[:, block.labels])
        return block.at_given_label(p_classes), block.likeliest_other(p_classes)

    quality, suggested = evidence.by_rows(judged)
    return evidence.issues(quality < 0.5, quality, suggested)


def _deconvolved(probs: Columns, T: Columns) -> Columns:
    """Undo T in probabilities (k, b) by multiplicative steps."""
    p_true = np.maximum(probs, np.float32(TINY))
    for _ in range(DECONVOLUTION_STEPS):
        p_true *= T @ (probs / np.maximum(T.T @ p_true, TINY))
        p_true /= p_true.sum(axis=0)
    return p_true


def consensus(evidence: Evidence) -> Issues:
    """Flag rows whose most probable class is not the given one, as far as they are worth a look.

    People err where examples are hard, so that the transition matrix depends on x, and a rule that does not
    use T is right: the sense of `consensus`. label_quality is the probability of the given label at the
    temperature that makes the given labels most likely (temperature scaling, Guo et al. 2017). How often such
    a doubt is an error differs between data sets: p_error is the mean over what `curve_prior` leaves open.
    Worth a look are the rows that raise the expected F1, and those that `posterior` flags: where something
    changed the labels without regard to the example, few of them are doubtful.
    """
    model = evidence.label_model
    temperature = np.float32(_likeliest_temperature(evidence.sample))
    curve = curve_prior(evidence).curve

    def judged(block: Block) -> Sequence[OfRows]:
        calibrated = softmax(block.log_probs / temperature)
        quality = block.at_given_label(calibrated).astype(np.float64)
        suggested = block.likeliest_other(calibrated)
        changed = model.p_right(block) < 0.5
        differs = block.at_given_label(calibrated) < calibrated[suggested, np.arange(len(suggested))]
        return quality, curve.p_error(doubt_of(quality)), suggested, changed, differs

    quality, p_error, suggested, changed, differs = evidence.by_rows(judged)
    flagged = (worth_flagging(p_error) | changed) & differs
    return Issues(flagged, quality, p_error, suggested)


def by_votes(evidence: Evidence) -> Issues:
    """Flag rows that are worth a look, by what several people's labels and the models together say.

    label_quality is the probability of the given label by the posterior of `votes`. People and models err on
    the same rows, so that it is surer than it is right: p_error is the mean over a curve that was fitted to
    simulated annotators.
    """
    others = evidence.p_by_votes.copy()
    rows = np.arange(len(others))
    quality = others[rows, evidence.labels]
    others[rows, evidence.labels] = -1
    p_error = BY_VOTES.curve.p_error(doubt_of(quality))
    issues = evidence.issues(worth_flagging(p_error), quality, others.argmax(axis=1))
    return replace(issues, p_error=p_error)


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
    sample = evidence.sample
    sureness = sample.pred_probs.max(axis=1)
    surer = sureness >= np.median(sureness)
    differing = max(float(sample.prediction_differs[surer].mean()), LEAST_DIFFERING)
    expected = max(float(posterior(sample).p_error.mean()), LEAST_EXPECTED)
    return float(np.log(differing / USUALLY_DIFFERING)), float(np.log(expected / USUALLY_EXPECTED))


def _likeliest_temperature(evidence: Evidence) -> float:
    """Return the temperature at which the probabilities make the given labels most likely."""
    from scipy.optimize import minimize_scalar  # noqa: PLC0415  slow to import
    from scipy.special import log_softmax  # noqa: PLC0415  slow to import

    n, k = evidence.pred_probs.shape
    rows = evenly_at_most(np.arange(n), min(TEMPERATURE_ROWS, TEMPERATURE_ENTRIES // k))
    probs = np.ascontiguousarray(evidence.pred_probs[rows].T)
    some = np.log(np.maximum(probs, TINY, dtype=np.float64))
    labels = evidence.labels[rows]

    def negative_log_likelihood(log_temperature: float) -> float:
        calibrated = log_softmax(some / np.exp(log_temperature), axis=0)
        return -float(calibrated[labels, np.arange(len(labels))].mean())

    bounds = tuple(np.log(TEMPERATURES))
    best = minimize_scalar(negative_log_likelihood, bounds=bounds, method="bounded")
    return float(np.exp(best.x))
