"""Compute the figures of one audit: detection, calibration, noise and suspects."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import numpy as np

from audit.detectors import calibration
from audit.detectors.error_curve import CurvePrior, ErrorCurve, doubt_of
from audit.detectors.label_model import LabelModel
from audit.detectors.scores import (
    AccuracyFigures,
    CalibrationFigures,
    ClassFigures,
    DetectionFigures,
    DetectorFigures,
    ExpectedErrors,
    Matrix,
    NoiseFigures,
    PartFigures,
    Reliability,
    Scores,
    SuspectFigures,
    TransitionFigures,
)
from audit.detectors.scoring import (
    DetectionScore,
    Estimate,
    average_precision,
    score,
    score_by_class,
    severity_order,
)
from audit.types import Floats, FoldResult, Issues, Leaks, Mask, NoisyLabels, OutOfSample

LIKELY = 0.9  # p_error from which a suspect is called likely
TOPS = (50, 200)  # lengths of the list for which the expected number of errors is given
MOST_TRANSITION_CLASSES = 100  # the intervals of a larger matrix would fill the file


@dataclass(frozen=True, eq=False)
class Detections:
    """The issues that the detectors found."""

    detector: str  # whose flags are used
    issues: Issues  # that it found in the labels that the models were trained on
    compared: Mapping[str, DetectorFigures]  # all detectors on these labels
    p_changed: Floats  # (n,) by `posterior`, that something changed these labels
    suspects: Issues  # of the original labels
    truth: str  # the sense of "wrong" of the suspects
    curve: CurvePrior  # of the p_error of the suspects


def likely(suspects: Issues) -> Mask:
    """The suspects (n,) with a p_error of LIKELY or more."""
    return suspects.is_issue & (suspects.p_error >= LIKELY)


def summarise(
    detections: Detections,
    labels: NoisyLabels,
    probs: OutOfSample,
    model: LabelModel,
    *,
    corrected: Floats,
    requested: float | None,
) -> Scores:
    """Compute every figure that follows from labels, probabilities and detections.

    Parameters
    ----------
    detections
        The issues that the detectors found.
    labels, probs
        The labels and the probabilities that all detectors read.
    model
        The model of the noisy labels.
    corrected
        The cross-fitted p_error (n,) of the used detector, as the run's issues have it.
    requested
        The noise rate that was asked for, when there was one.
    """
    measured = bool(labels.flipped.any())
    issues = detections.issues
    suspects = detections.suspects
    predicted = probs.pred_probs.argmax(axis=1)
    k = probs.pred_probs.shape[1]
    return Scores(
        detector=detections.detector,
        rows=len(labels.noisy),
        detectors=detections.compared,
        likely_apart=_likely_apart(issues, suspects, labels) if measured else None,
        calibration=_calibration(issues, corrected, labels) if measured else None,
        classes=tuple(
            _class_figures(label, suspects, labels, part if measured else None)
            for label, part in enumerate(score_by_class(issues, labels, k))
        ),
        noise=NoiseFigures(
            rows=len(labels.noisy),
            changed=int(labels.flipped.sum()),
            requested=requested,
            expected=labels.expected,
            estimated=Estimate(*model.noise_interval(detections.p_changed)),
            natural=_natural_rate(suspects, detections.curve.curve),
            transition=_transition(model) if k <= MOST_TRANSITION_CLASSES else None,
        ),
        suspects=SuspectFigures(
            truth=detections.truth,
            natural=int(suspects.is_issue.sum()),
            likely=int(likely(suspects).sum()),
            expected=_expected_errors(suspects, detections.curve.curve),
            curve=detections.curve,
        ),
        accuracy=AccuracyFigures(
            rows=len(labels.noisy),
            given_predicted=int((predicted == labels.noisy).sum()),
            original_predicted=int((predicted == labels.original).sum()) if measured else None,
        ),
    )


def fold_figures(name: str, result: FoldResult, labels: NoisyLabels) -> dict[str, Any]:
    """Describe one fold of the cross-validation of that name, as the manifest keeps it."""
    predicted = result.pred_probs.argmax(axis=1)
    return {
        "round": name,
        "fold": result.fold,
        "rows": len(result.rows),
        "accuracy_given": float((predicted == labels.noisy[result.rows]).mean()),
        "accuracy_true": float((predicted == labels.original[result.rows]).mean()),
        "losses": [round(loss, 4) for loss in takewhile(math.isfinite, result.losses)],
        "seconds": round(result.seconds, 2),
        "device": result.device,
    }


def part_figures(leaks: Leaks) -> tuple[PartFigures, ...]:
    """Count the rows of every part, and those of which another part has a duplicate."""
    names, sizes = np.unique(leaks.part, return_counts=True)
    part_of_shared = leaks.part[leaks.rows]
    return tuple(
        PartFigures(
            part=str(name),
            rows=int(size),
            shared=int((part_of_shared == name).sum()),
            exact=int(((part_of_shared == name) & ~leaks.near).sum()),
        )
        for name, size in zip(names, sizes, strict=True)
    )


def detector_figures(issues: Issues, labels: NoisyLabels) -> DetectorFigures:
    """Count what a detector flags, and score it where labels were changed."""
    flagged = int(issues.is_issue.sum())
    if not labels.flipped.any():
        return DetectorFigures(flagged, None)
    in_order = labels.flipped[severity_order(issues)]
    return DetectorFigures(flagged, DetectionFigures(score(issues, labels), average_precision(in_order)))


def _likely_apart(issues: Issues, suspects: Issues, labels: NoisyLabels) -> DetectionScore:
    """The score without the unchanged rows that are likely suspects by themselves, an optimistic reading."""
    apart = issues.is_issue & ~labels.flipped & likely(suspects)
    return score(issues, labels, ~apart)


def _calibration(issues: Issues, corrected: Floats, labels: NoisyLabels) -> CalibrationFigures:
    stated_bins = calibration.reliability(issues.p_error, labels.flipped)
    corrected_bins = calibration.reliability(corrected, labels.flipped)
    return CalibrationFigures(Reliability(tuple(stated_bins)), Reliability(tuple(corrected_bins)))


def _class_figures(
    label: int, suspects: Issues, labels: NoisyLabels, detection: DetectionScore | None
) -> ClassFigures:
    in_class = labels.original == label
    return ClassFigures(
        label=label,
        rows=int((labels.noisy == label).sum()),
        natural_suspects=int((suspects.is_issue & in_class).sum()),
        detection=detection,
    )


def _transition(model: LabelModel) -> TransitionFigures:
    low, high = model.transition_interval()
    return TransitionFigures(_rounded(model.T), _rounded(low), _rounded(high))


def _natural_rate(suspects: Issues, curve: ErrorCurve) -> Estimate:
    """The share of original labels that are wrong, by the same curve as the suspects' p_error."""
    errors = curve.expected(doubt_of(suspects.label_quality))
    n = len(suspects.p_error)
    return Estimate((errors.value or 0.0) / n, errors.low / n, errors.high / n)


def _rounded(matrix: Floats) -> Matrix:
    return tuple(map(tuple, np.round(matrix, 5).tolist()))


def _expected_errors(suspects: Issues, curve: ErrorCurve) -> tuple[ExpectedErrors, ...]:
    """How many errors to expect among the first suspects."""
    ranking = suspects.ranking
    doubt = doubt_of(suspects.label_quality[ranking])
    lengths = [length for length in TOPS if length < len(ranking)]
    if len(ranking):
        lengths.append(len(ranking))
    return tuple(ExpectedErrors(length, curve.expected(doubt[:length])) for length in lengths)
