"""Every figure of `scores.json`: scores, calibration, noise and suspects of one audit."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from audit.detectors import calibration
from audit.detectors.belief import Belief
from audit.detectors.scoring import (
    DetectionScore,
    Estimate,
    average_precision,
    score,
    score_by_class,
    severity_order,
    wilson,
)
from audit.types import Floats, FoldResult, Issues, Labels, Leaks, Mask, NoisyLabels, OutOfSample

LIKELY = 0.9  # p_error from which a suspect is called likely
MAIN = ("posterior", "self-confidence", "given-differs", "cleanlab")  # detectors that a short table shows
TOPS = (50, 100, 500)  # lengths of the list for which the expected number of errors is given
MOST_TRANSITION_CLASSES = 100  # the intervals of a larger matrix would fill the file

DEFINITIONS = {
    "precision": "share of the flagged rows whose label had been changed",
    "recall": "share of the changed labels that were flagged",
    "f1": "harmonic mean of precision and recall; F1 of the class «label was changed»",
    "average_precision": "area under the precision-recall curve of the whole ranking, step-wise",
    "fnr_at_noise_rate": "share of the changed labels missed when as many rows are flagged as were changed",
    "suggestion_accuracy": "share of the changed and flagged rows whose suggested label is the true one",
}


def main_detectors(scores: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of the detector that is used and of those that it is best compared with."""
    return {
        name: figures
        for name, figures in scores["detectors"].items()
        if name in MAIN or name == scores["detector"]
    }


def likely(suspects: Issues) -> Mask:
    """The suspects (n,) with a p_error of LIKELY or more."""
    return suspects.is_issue & (suspects.p_error >= LIKELY)


def summarise(
    found: Mapping[str, Issues],
    chosen: str,
    suspects: Issues,
    labels: NoisyLabels,
    probs: OutOfSample,
    beliefs: tuple[Belief, Belief],
    *,
    corrected: Floats,
    requested: float | None,
    truth: str,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Every figure of `scores.json` but the timings.

    Parameters
    ----------
    found
        What each detector says of the labels that the models were trained on.
    chosen
        The detector whose flags are used.
    suspects
        What is said of the labels as they came, where nothing counts that was changed on purpose.
    noisy, probs
        The labels and the probabilities that all detectors read.
    beliefs
        Those in the labels with what was changed, and in the labels as they came.
    corrected
        The cross-fitted p_error (n,) of the chosen detector, as the run's issues have it.
    requested
        The noise rate that was asked for, when there was one.
    truth
        The sense of «wrong» of the suspects.
    rng
        For intervals that are drawn.
    """
    issues, k = found[chosen], probs.pred_probs.shape[1]
    injected = bool(labels.flipped.any())
    predicted = probs.pred_probs.argmax(axis=1)
    return {
        "schema_version": 2,
        "detector": chosen,
        "rows": len(labels.noisy),
        "detection": _detection(issues, labels) if injected else None,
        "detection_likely_apart": _likely_apart(issues, suspects, labels) if injected else None,
        "detectors": {
            name: _detection(each, labels) if injected else {"flagged": int(each.is_issue.sum())}
            for name, each in found.items()
        },
        "calibration": _calibration(issues, corrected, labels) if injected else None,
        "classes": [
            {"class": label, **_class_figures(suspects, labels, label, part if injected else None)}
            for label, part in enumerate(score_by_class(issues, labels, k))
        ],
        "noise": {
            "requested": requested,
            "expected": labels.expected,
            "realised": labels.rate,
            "estimated": _noise_rate(beliefs[0], labels.noisy, rng),
            "natural": _noise_rate(beliefs[1], labels.original, rng),
            "transition": _transition(beliefs[0]) if k <= MOST_TRANSITION_CLASSES else None,
        },
        "suspects": {
            "truth": truth,
            "natural": int(suspects.is_issue.sum()),
            "likely": int(likely(suspects).sum()),
            "expected": _expected(suspects, beliefs[1], labels.original, truth, rng),
        },
        "accuracy": {
            "given": float((predicted == labels.noisy).mean()),
            "true": float((predicted == labels.original).mean()) if injected else None,
        },
        "definitions": DEFINITIONS,
    }


def fold_figures(name: str, result: FoldResult, labels: NoisyLabels) -> dict[str, Any]:
    """What the manifest says of one fold of the cross-validation of that name."""
    predicted = result.pred_probs.argmax(axis=1)
    return {
        "round": name,
        "fold": result.fold,
        "rows": len(result.rows),
        "accuracy_given": float((predicted == labels.noisy[result.rows]).mean()),
        "accuracy_true": float((predicted == labels.original[result.rows]).mean()),
        "losses": [round(loss, 4) for loss in result.losses],
        "seconds": round(result.seconds, 2),
        "device": result.device,
    }


def _detection(issues: Issues, labels: NoisyLabels) -> dict[str, Any]:
    in_order = labels.flipped[severity_order(issues)]
    return {**score(issues, labels).to_json(), "average_precision": average_precision(in_order).to_json()}


def _likely_apart(issues: Issues, suspects: Issues, labels: NoisyLabels) -> dict[str, Any]:
    """The score without the untouched rows that are likely suspects by themselves, an optimistic reading."""
    apart = issues.is_issue & ~labels.flipped & likely(suspects)
    return score(issues, labels, ~apart).to_json()


def _calibration(issues: Issues, corrected: Floats, labels: NoisyLabels) -> dict[str, Any]:
    """Reliability of p_error as the detector stated it, and as corrected by cross-fitting."""
    ways = {"stated": issues.p_error, "cross_fitted": corrected}
    bins = {name: calibration.reliability(p_error, labels.flipped) for name, p_error in ways.items()}
    return {
        name: {
            "expected_calibration_error": calibration.expected_calibration_error(each),
            "bins": [part.to_json() for part in each],
        }
        for name, each in bins.items()
    }


def _expected(
    suspects: Issues, belief: Belief, came: Labels, truth: str, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """How many errors to expect among the first suspects, by every reading that the truth leaves open."""
    readings = [1 - belief.posterior(came)[np.arange(len(came)), came]]
    if truth == "consensus":
        readings.append(1 - suspects.label_quality)
    ranking = suspects.ranking
    tops = [top for top in TOPS if top < len(ranking)] + ([len(ranking)] if len(ranking) else [])
    return [
        {
            "first": top,
            "errors": calibration.expected_errors([p[ranking[:top]] for p in readings], rng).to_json(),
        }
        for top in tops
    ]


def _noise_rate(belief: Belief, labels: Labels, rng: np.random.Generator) -> dict[str, Any]:
    return Estimate(*belief.noise_interval(labels, rng)).to_json()


def transition_interval(belief: Belief) -> tuple[Floats, Floats]:
    """The 95 % interval of every entry of T, low and high (k, k): Wilson's, from the counts."""
    sizes = belief.counts.sum(axis=1)
    estimates = [
        [wilson(int(count), int(size)) for count in row]
        for row, size in zip(belief.counts, sizes, strict=True)
    ]
    low = np.array([[each.low for each in row] for row in estimates])
    high = np.array([[each.high for each in row] for row in estimates])
    return np.minimum(low, belief.T), np.maximum(high, belief.T)


def _transition(belief: Belief) -> dict[str, list[list[float]]]:
    """T with a 95 % interval for every entry."""
    low, high = transition_interval(belief)
    parts = {"value": belief.T, "low": low, "high": high}
    return {name: np.round(part, 5).tolist() for name, part in parts.items()}


def _class_figures(
    suspects: Issues, labels: NoisyLabels, label: int, part: DetectionScore | None
) -> dict[str, Any]:
    came = labels.original == label
    return {
        "rows": int((labels.noisy == label).sum()),
        "natural_suspects": int((suspects.is_issue & came).sum()),
        "detection": None if part is None else part.to_json(),
    }


def leak_figures(leaks: Leaks) -> list[dict[str, Any]]:
    """Of every part: its rows, those of which another part has a duplicate, and those it has exactly."""
    names, sizes = np.unique(leaks.part, return_counts=True)
    inside = leaks.part[leaks.rows]
    return [
        {
            "part": str(name),
            "rows": int(size),
            "shared": int((inside == name).sum()),
            "exact": int(((inside == name) & ~leaks.near).sum()),
        }
        for name, size in zip(names, sizes, strict=True)
    ]
