"""Find wrong labels: detectors are functions `(Evidence) -> Issues`, by name.

All of them read the same out-of-sample predicted probabilities. "Wrong" has two meanings, and each detector
serves one of them. In the sense of `process` a label is wrong when something changed it. In the sense of
`consensus` it is wrong when most careful people would give another one. Only this room imports cleanlab, when
a detector runs. `README.md` has the label model, and how a detector is added.
"""

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.datasets.labels import NO_LABEL, fit_to_columns
from audit.datasets.labels.no_label import names_in
from audit.detectors import pred_probs as pred_probs_check
from audit.detectors import rules
from audit.detectors.error_curve import doubt_of
from audit.detectors.evidence import Evidence
from audit.detectors.model_based import (
    AS_STATED,
    by_votes,
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
from audit.types import Issues, Mask

__all__ = [
    "DETECTORS",
    "MOST_WHOLE",
    "TRUTHS",
    "Evidence",
    "available",
    "curve_prior",
    "detector_for",
    "detector_named",
    "find_issues",
    "posterior",
    "surely_wrong",
    "too_many_for",
]

Detector = Callable[[Evidence], Issues]

DETECTORS: dict[str, Detector] = {
    "posterior": posterior,
    "deconvolution": deconvolution,
    "consensus": consensus,
    "combined": combined,
    "votes": by_votes,
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
# What some detectors read beside labels and probabilities.
BESIDE = {"margins": "the training", "votes": "several people's labels"}
# Detectors whose rule needs all probabilities in memory at once, and how many of these are too many.
WHOLE = tuple(name for name in DETECTORS if name.startswith("cleanlab"))
MOST_WHOLE = 100_000_000
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
    """Return the names of the detectors that this evidence is enough for, and not too much."""
    needed = {"margins": evidence.margins, "votes": evidence.votes}
    left_out = too_many_for(evidence)
    return [
        name for name in DETECTORS if needed.get(name, evidence.labels) is not None and name not in left_out
    ]


def too_many_for(evidence: Evidence) -> tuple[str, ...]:
    """Return the names of the detectors that there are too many probabilities for."""
    return WHOLE if evidence.pred_probs.size > MOST_WHOLE else ()


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
    labels: Any,
    pred_probs: npt.ArrayLike,
    *,
    truth: str = DEFAULT_TRUTH,
    detector: str | None = None,
    missing: str | Iterable[Any] | None = None,
) -> LabelIssues:
    """Find wrong labels in out-of-sample probabilities of any model, as `audit detect` finds suspects.

    Parameters
    ----------
    labels
        (n,) given labels in any form that `detect` takes. Integers 0..k-1 are the numbers of their columns;
        of other labels, the sorted classes are the columns.
    pred_probs
        (n, k) probabilities of each class by models that were not trained on the row; rows without a label
        may be left out.
    truth
        What "wrong" means. `consensus`: most careful people would give another label (annotators' errors).
        `process`: something changed the label without regard to the example (slips, mixed-up rows, injected
        noise).
    detector
        A name in DETECTORS; the one that serves `truth` when not given.
    missing
        Labels that mean "no label", such as "NA,-1".

    Returns
    -------
    LabelIssues
        is_issue, label_quality, p_error and suggested, each (n,); ranking has the flagged rows, worst first;
        expected, how many of them are errors; truth and reading, what "wrong" was taken to mean and why.
        suggested holds labels of the form that was given. Rows without a label are no issues, have NaN for
        label_quality and p_error, and the likeliest class is suggested for them.

    Raises
    ------
    DataError
        When the arrays do not fit each other, or are not labels and probabilities.
    ConfigError
        When there is no such truth or detector.
    """
    given = fit_to_columns(labels, "labels", _columns_of(labels, pred_probs), names_in(missing))
    probs = pred_probs_check.in_class_order(pred_probs, given.column_names)
    labelled = given.labelled
    ready = probs
    codes = given.codes
    if not labelled.all():
        codes = codes[labelled]
        if len(probs) == len(labelled):
            ready = np.asarray(probs)[labelled]
    checked = pred_probs_check.checked(codes, ready, given.class_names)
    for note in (*given.notes, *checked.notes):
        warnings.warn(note, stacklevel=2)
    evidence = Evidence(codes, checked.values)
    usual = detector_for(truth)
    name = detector or usual
    if name in BESIDE:
        raise ConfigError(f"detector {name!r} reads {BESIDE[name]}; use one that probabilities suffice for")
    detect = detector_named(name)
    if name in too_many_for(evidence):
        raise ConfigError(
            f"detector {name!r} needs all probabilities in memory at once, at most {MOST_WHOLE:,}, found "
            f"{evidence.pred_probs.size:,}; use {usual!r}"
        )
    issues = detect(evidence)
    reading = READINGS[truth]
    curve = curve_prior(evidence, truth)
    quality = issues.label_quality
    if name != usual:
        reading = f"the detector {name}, as asked for; p_error is what it states"
        curve = AS_STATED
        quality = 1 - issues.p_error
    expected = curve.curve.expected(doubt_of(quality[issues.ranking]))
    if not labelled.all():
        issues = _with_unlabelled(issues, labelled, probs)
    return LabelIssues(
        is_issue=issues.is_issue,
        label_quality=issues.label_quality,
        p_error=issues.p_error,
        suggested=given.in_form(issues.suggested),
        truth=truth,
        reading=reading,
        expected=expected,
    )


def _columns_of(labels: Any, pred_probs: npt.ArrayLike) -> int | None:
    """The number of columns of the probabilities; None where they are no table with a row for each label."""
    try:
        rows, columns = np.shape(pred_probs)
        if columns > 1 and rows <= len(labels):
            return int(columns)
    except (ValueError, TypeError):  # said by the check of the probabilities
        pass
    return None


def _with_unlabelled(issues: Issues, labelled: Mask, probs: npt.ArrayLike) -> Issues:
    """The issues of labelled rows among all rows (n,); the others are none, with their likeliest class."""
    n = len(labelled)
    suggested = np.full(n, NO_LABEL)
    if np.shape(probs)[0] == n:
        suggested = np.asarray(probs).argmax(axis=1)
    is_issue = np.zeros(n, dtype=bool)
    label_quality = np.full(n, np.nan)
    p_error = np.full(n, np.nan)
    is_issue[labelled] = issues.is_issue
    label_quality[labelled] = issues.label_quality
    p_error[labelled] = issues.p_error
    suggested[labelled] = issues.suggested
    return Issues(is_issue, label_quality, p_error, suggested)
