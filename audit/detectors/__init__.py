"""Find wrong labels: detectors are functions `(Evidence) -> Issues`, by name.

All of them read the same out-of-sample predicted probabilities. "Wrong" has two meanings, and each detector
serves one of them. In the sense of `process` a label is wrong when something changed it. In the sense of
`consensus` it is wrong when most careful people would give another one. Only this room imports cleanlab, when
a detector runs. `README.md` has the label model, and how a detector is added.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audit.detectors import pred_probs as pred_probs_check
from audit.detectors import rules
from audit.detectors.error_curve import doubt_of
from audit.detectors.evidence import Evidence
from audit.detectors.model_based import (
    AS_STATED,
    consensus,
    curve_prior,
    deconvolution,
    posterior,
    surely_wrong,
)
from audit.detectors.rules import combined
from audit.detectors.scoring import Estimate
from audit.errors import ConfigError
from audit.settings.choices import DEFAULT_TRUTH
from audit.types import Issues

__all__ = [
    "DETECTORS",
    "TRUTHS",
    "Evidence",
    "available",
    "curve_prior",
    "detector_for",
    "detector_named",
    "find_issues",
    "posterior",
    "surely_wrong",
]

Detector = Callable[[Evidence], Issues]

DETECTORS: dict[str, Detector] = {
    "posterior": posterior,
    "deconvolution": deconvolution,
    "consensus": consensus,
    "combined": combined,
    "margins": rules.margins,
    "self-confidence": rules.self_confidence,
    "normalized-margin": rules.normalized_margin,
    "entropy": rules.entropy,
    "given-differs": rules.given_differs,
    "cleanlab": rules.prune_by_noise_rate,
    "cleanlab-class": rules.prune_by_class,
    "cleanlab-both": rules.both,
    "cleanlab-confident": rules.confident_learning,
    "cleanlab-margin": rules.low_normalized_margin,
    "cleanlab-confidence": rules.low_self_confidence,
}
# The detector that serves each meaning of "wrong".
TRUTHS = {"process": "posterior", "consensus": "consensus"}


def detector_named(name: str) -> Detector:
    """Return the detector of that name; ConfigError when there is none."""
    if name not in DETECTORS:
        raise ConfigError(f"--detector must be one of {', '.join(DETECTORS)}, found {name!r}")
    return DETECTORS[name]


def detector_for(truth: str) -> str:
    """Return the name of the detector that serves this meaning of "wrong"; ConfigError when it is unknown."""
    if truth not in TRUTHS:
        raise ConfigError(f"--truth must be one of {', '.join(TRUTHS)}, found {truth!r}")
    return TRUTHS[truth]


def available(evidence: Evidence) -> list[str]:
    """Return the names of the detectors that this evidence is enough for."""
    return [name for name in DETECTORS if name != "margins" or evidence.margins is not None]


# Why a label that is wrong in each sense is found as it is.
READINGS = {
    "consensus": (
        "consensus: labels that people gave, who err where examples are hard; p_error is what data sets with "
        "checked labels let expect at such doubts"
    ),
    "process": (
        "process: labels that something changed without regard to how hard the example is; p_error follows "
        "from the transition matrix"
    ),
}


@dataclass(frozen=True, eq=False)
class LabelIssues(Issues):
    """The issues among given labels, and how they were read."""

    truth: str  # the sense of "wrong"
    reading: str  # in a sentence, with the reason
    expected: Estimate  # errors among the flagged rows, with a 95 % interval


def find_issues(
    labels: npt.ArrayLike,
    pred_probs: npt.ArrayLike,
    *,
    truth: str = DEFAULT_TRUTH,
    detector: str | None = None,
) -> LabelIssues:
    """Find wrong labels in out-of-sample probabilities of any model, as `audit detect` finds suspects.

    Parameters
    ----------
    labels
        (n,) given labels, integers 0..k-1.
    pred_probs
        (n, k) probabilities of each class by models that were not trained on the row.
    truth
        What "wrong" means. `consensus`: most careful people would give another label (annotators' errors).
        `process`: something changed the label without regard to the example (slips, mixed-up rows, injected
        noise).
    detector
        A name in DETECTORS; the one that serves `truth` when not given.

    Returns
    -------
    LabelIssues
        is_issue, label_quality, p_error and suggested, each (n,); ranking has the flagged rows, worst first;
        expected, how many of them are errors; truth and reading, what "wrong" was taken to mean and why.

    Raises
    ------
    DataError
        When the arrays do not fit each other, or are not labels and probabilities.
    ConfigError
        When there is no such truth or detector.
    """
    checked = pred_probs_check.checked(labels, pred_probs)
    for note in checked.notes:
        warnings.warn(note, stacklevel=2)
    evidence = Evidence(np.asarray(labels).astype(np.int64), checked.pred_probs)
    usual = detector_for(truth)
    name = detector or usual
    if name == "margins":
        raise ConfigError("detector 'margins' reads the training; use one that probabilities suffice for")
    issues = detector_named(name)(evidence)
    reading = READINGS[truth]
    curve = curve_prior(evidence, truth)
    quality = issues.label_quality
    if name != usual:
        reading = f"the detector {name}, as asked for; p_error is what it states"
        curve = AS_STATED
        quality = 1 - issues.p_error
    return LabelIssues(
        is_issue=issues.is_issue,
        label_quality=issues.label_quality,
        p_error=issues.p_error,
        suggested=issues.suggested,
        truth=truth,
        reading=reading,
        expected=curve.curve.expected(doubt_of(quality[issues.ranking])),
    )
