"""How good a list of suspects is, against labels that were changed on purpose.

Counts are stored and rates derived, so scores of parts add up. Every rate comes with a 95 % interval:
Wilson's for shares; F1 from Wilson's interval of tp / (tp + fp + fn), of which it is a monotone
function; average precision by Poisson bootstrap over the rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from audit.types import Floats, Issues, Labels, Mask, NoisyLabels, OutOfSample

Z = 1.959963984540054  # the normal quantile of a two-sided 95 % interval
BOOTSTRAPS = 200
LIKELY = 0.9  # p_error from which an untouched suspect is set apart instead of counted as a false alarm

DEFINITIONS = {
    "precision": "share of the flagged rows whose label had been changed",
    "recall": "share of the changed labels that were flagged",
    "f1": "harmonic mean of precision and recall; F1 of the class «label was changed»",
    "average_precision": "area under the precision-recall curve of the whole ranking, step-wise",
    "fnr_at_noise_rate": "share of the changed labels missed when as many rows are flagged as were changed",
    "suggestion_accuracy": "share of the changed and flagged rows whose suggested label is the true one",
}


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; the value is None where it is undefined (nothing to divide by)."""

    value: float | None
    low: float = 0.0
    high: float = 1.0

    def to_json(self) -> dict[str, float | None]:
        """The figure as `scores.json` holds it."""
        return {"value": self.value, "low": self.low, "high": self.high}


def wilson(hits: int, trials: int) -> Estimate:
    """A share with Wilson's score interval (Wilson 1927)."""
    if not trials:
        return Estimate(None)
    share, z2 = hits / trials, Z * Z
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z / (1 + z2 / trials) * np.sqrt(share * (1 - share) / trials + z2 / (4 * trials * trials))
    return Estimate(
        share, min(share, max(0.0, float(centre - half))), max(share, min(1.0, float(centre + half)))
    )


@dataclass(frozen=True)
class DetectionScore:
    """Counts of flagged and changed labels; two scores of disjoint rows add."""

    tp: int = 0
    fp: int = 0
    fn: int = 0
    tn: int = 0
    right_suggestions: int = 0  # of the tp rows
    missed_at_noise_rate: int = 0  # changed labels below the first tp + fn of the ranking

    def __add__(self, other: "DetectionScore") -> "DetectionScore":
        return DetectionScore(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def flagged(self) -> int:
        """How many rows were flagged."""
        return self.tp + self.fp

    @property
    def changed(self) -> int:
        """How many labels had been changed."""
        return self.tp + self.fn

    @property
    def precision(self) -> Estimate:
        """Share of the flagged rows whose label had been changed."""
        return wilson(self.tp, self.flagged)

    @property
    def recall(self) -> Estimate:
        """Share of the changed labels that were flagged."""
        return wilson(self.tp, self.changed)

    @property
    def f1(self) -> Estimate:
        """2 J / (1 + J) with J = tp / (tp + fp + fn), and so its interval."""
        overlap = wilson(self.tp, self.tp + self.fp + self.fn)
        if overlap.value is None:
            return Estimate(None)
        return Estimate(*(2 * j / (1 + j) for j in (overlap.value, overlap.low, overlap.high)))

    @property
    def fnr_at_noise_rate(self) -> Estimate:
        """Share of the changed labels missed when exactly as many rows are flagged as were changed."""
        return wilson(self.missed_at_noise_rate, self.changed)

    @property
    def suggestion_accuracy(self) -> Estimate:
        """Share of the changed and flagged rows whose suggestion is the true label."""
        return wilson(self.right_suggestions, self.tp)

    def to_json(self) -> dict[str, Any]:
        """Counts, and rates with their intervals."""
        names = ("precision", "recall", "f1", "fnr_at_noise_rate", "suggestion_accuracy")
        return {
            **{name: getattr(self, name).to_json() for name in names},
            "flagged": self.flagged,
            "changed": self.changed,
            "tp": self.tp,
            "fp": self.fp,
            "fn": self.fn,
            "tn": self.tn,
        }


def score(issues: Issues, noisy: NoisyLabels, among: Mask | None = None) -> DetectionScore:
    """The counts over all rows, or over `among` (n,); the cut at the noise rate is that of all rows."""
    among = np.ones(len(noisy.given), dtype=bool) if among is None else among
    changed, flagged = noisy.flipped & among, issues.is_issue & among
    worst = np.zeros(len(changed), dtype=bool)
    worst[severity_order(issues)[: int(noisy.flipped.sum())]] = True
    found = changed & flagged
    return DetectionScore(
        tp=int(found.sum()),
        fp=int((flagged & ~changed).sum()),
        fn=int((changed & ~flagged).sum()),
        tn=int((among & ~changed & ~flagged).sum()),
        right_suggestions=int((found & (issues.suggested == noisy.true)).sum()),
        missed_at_noise_rate=int((changed & ~worst).sum()),
    )


def score_by_class(issues: Issues, noisy: NoisyLabels, k: int) -> list[DetectionScore]:
    """One score for the rows of each given label; they add up to the score of all rows."""
    return [score(issues, noisy, noisy.given == label) for label in range(k)]


def likely_natural(issues: Issues, flipped: Mask) -> Mask:
    """Flagged rows (n,) that nobody changed and that the detector is sure of: p_error of LIKELY or more.

    Against the injected truth they count as false alarms, though some are real errors of the data.
    A score without them is an optimistic reading of precision, the strict score a lower bound.
    """
    return issues.is_issue & ~flipped & (issues.p_error >= LIKELY)


def summarise(
    found: Mapping[str, Issues],
    chosen: str,
    noisy: NoisyLabels,
    probs: OutOfSample,
    *,
    k: int,
    rng: np.random.Generator,
    requested: float | None = None,
) -> dict[str, Any]:
    """Every figure of `scores.json` but the timings.

    Parameters
    ----------
    found
        What each detector says.
    chosen
        The detector whose flags are used.
    noisy, probs
        The labels and the probabilities that all detectors read.
    k
        Number of classes.
    rng
        For the bootstrap.
    requested
        The noise rate that was asked for, when there was one.
    """
    issues, flipped = found[chosen], noisy.flipped
    natural, likely = issues.is_issue & ~flipped, likely_natural(issues, flipped)
    injected = bool(flipped.any())
    predicted = probs.pred_probs.argmax(axis=1)
    return {
        "schema_version": 1,
        "detector": chosen,
        "rows": len(noisy.given),
        "detection": _detection(issues, noisy, rng) if injected else None,
        "detection_likely_apart": score(issues, noisy, ~likely).to_json() if injected else None,
        "detectors": {
            name: _detection(each, noisy, rng) if injected else {"flagged": int(each.is_issue.sum())}
            for name, each in found.items()
        },
        "classes": [
            {"class": label, **_class_figures(issues, noisy, natural, label, part if injected else None)}
            for label, part in enumerate(score_by_class(issues, noisy, k))
        ],
        "noise": {
            "requested": requested,
            "expected": noisy.expected,
            "realised": noisy.rate,
            "estimated": float(issues.p_error.mean()),
        },
        "suspects": {"natural": int(natural.sum()), "likely": int(likely.sum())},
        "accuracy": {
            "given": float((predicted == noisy.given).mean()),
            "true": float((predicted == noisy.true).mean()) if injected else None,
        },
        "definitions": DEFINITIONS,
    }


def _detection(issues: Issues, noisy: NoisyLabels, rng: np.random.Generator) -> dict[str, Any]:
    in_order = noisy.flipped[severity_order(issues)]
    return {
        **score(issues, noisy).to_json(),
        "average_precision": average_precision(in_order, rng).to_json(),
    }


def _class_figures(
    issues: Issues, noisy: NoisyLabels, natural: Mask, label: int, part: DetectionScore | None
) -> dict[str, Any]:
    rows = noisy.given == label
    return {
        "rows": int(rows.sum()),
        "flagged": int((issues.is_issue & rows).sum()),
        "natural_suspects": int((natural & rows).sum()),
        "detection": None if part is None else part.to_json(),
    }


def severity_order(issues: Issues) -> Labels:
    """All rows (n,), worst label quality first, ties by row number."""
    return np.argsort(issues.label_quality, kind="stable")


def precision_recall_curve(changed_in_order: Mask) -> tuple[Floats, Floats]:
    """Precision and recall (n,) after each row of a ranking, given which of its rows were changed."""
    hits = np.cumsum(changed_in_order)
    return hits / np.arange(1, len(hits) + 1), hits / max(1, int(hits[-1]) if len(hits) else 1)


def average_precision(changed_in_order: Mask, rng: np.random.Generator) -> Estimate:
    """Average precision of a ranking, with a bootstrap interval over its rows."""
    if not changed_in_order.any():
        return Estimate(None)
    draws = [
        _weighted_average_precision(changed_in_order, rng.poisson(1.0, len(changed_in_order)))
        for _ in range(BOOTSTRAPS)
    ]
    low, high = np.quantile(draws, [0.025, 0.975])
    return Estimate(
        _weighted_average_precision(changed_in_order, np.ones(len(changed_in_order), dtype=np.int64)),
        float(low),
        float(high),
    )


def _weighted_average_precision(changed_in_order: Mask, weights: Labels) -> float:
    hit_weights = weights * changed_in_order
    hits, seen = np.cumsum(hit_weights), np.cumsum(weights)
    precision = hits / np.maximum(seen, 1)
    return float((precision * hit_weights).sum() / max(1, int(hits[-1])))
