"""Score a list of suspects against labels that were changed on purpose.

Counts are stored and rates derived, so scores of parts add up. Every rate comes with a 95 % interval. Shares
have Wilson's. F1 has that of tp / (tp + fp + fn), transformed: it is a monotone function of it. Average
precision has the logit interval of Boyd, Eng and Page.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.types import Floats, Issues, Mask, NoisyLabels, Rows

Counts = npt.NDArray[np.int64]  # of any shape

Z = 1.959963984540054  # the normal quantile of a two-sided 95 % interval


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; the value is None where it is undefined (nothing to divide by)."""

    value: float | None
    low: float = 0.0
    high: float = 1.0

    def to_json(self) -> dict[str, float | None]:
        """Return the figure as `scores.json` holds it."""
        return {"value": self.value, "low": self.low, "high": self.high}


def wilson(hits: int, trials: int) -> Estimate:
    """Return a share with its interval by `wilson_interval`."""
    if not trials:
        return Estimate(None)
    low, high = wilson_interval(np.asarray(hits), np.asarray(trials))
    return Estimate(hits / trials, float(low), float(high))


def wilson_interval(hits: Counts, trials: Counts) -> tuple[Floats, Floats]:
    """Return Wilson's score intervals of shares (Wilson 1927): low and high, 0 and 1 without any trial."""
    some = np.maximum(trials, 1)
    share = hits / some
    z2 = Z * Z
    centre = (share + z2 / (2 * some)) / (1 + z2 / some)
    half = Z / (1 + z2 / some) * np.sqrt(share * (1 - share) / some + z2 / (4 * some * some))
    low = np.minimum(share, np.maximum(0.0, centre - half))
    high = np.maximum(share, np.minimum(1.0, centre + half))
    return np.where(trials > 0, low, 0.0), np.where(trials > 0, high, 1.0)


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
        """Return the counts, and the rates with their intervals."""
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

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "DetectionScore":
        """Read what `to_json` made; the counts that it leaves out follow from their rates."""
        tp = document["tp"]
        fn = document["fn"]
        right = document["suggestion_accuracy"]["value"] or 0
        missed = document["fnr_at_noise_rate"]["value"] or 0
        return cls(
            tp=tp,
            fp=document["fp"],
            fn=fn,
            tn=document["tn"],
            right_suggestions=round(tp * right),
            missed_at_noise_rate=round((tp + fn) * missed),
        )


def score(issues: Issues, labels: NoisyLabels, among: Mask | None = None) -> DetectionScore:
    """Count flagged and changed labels over all rows, or over the rows `among` (n,).

    The cut at the noise rate is that of all rows in either case.
    """
    if among is None:
        among = np.ones(len(labels.noisy), dtype=bool)
    changed = labels.flipped & among
    flagged = issues.is_issue & among
    worst = np.zeros(len(changed), dtype=bool)
    worst[severity_order(issues)[: int(labels.flipped.sum())]] = True
    found = changed & flagged
    return DetectionScore(
        tp=int(found.sum()),
        fp=int((flagged & ~changed).sum()),
        fn=int((changed & ~flagged).sum()),
        tn=int((among & ~changed & ~flagged).sum()),
        right_suggestions=int((found & (issues.suggested == labels.original)).sum()),
        missed_at_noise_rate=int((changed & ~worst).sum()),
    )


def score_by_class(issues: Issues, labels: NoisyLabels, k: int) -> list[DetectionScore]:
    """Score the rows of each given label; the scores add up to that of all rows."""
    return [score(issues, labels, labels.noisy == label) for label in range(k)]


def severity_order(issues: Issues) -> Rows:
    """Return all rows (n,), worst label quality first, ties by row number."""
    return np.argsort(issues.label_quality, kind="stable")


def precision_recall_curve(changed_in_order: Mask) -> tuple[Floats, Floats]:
    """Return precision and recall (n,) after each row of a ranking, given which of its rows were changed."""
    hits = np.cumsum(changed_in_order)
    precision = hits / np.arange(1, len(hits) + 1)
    recall = hits / max(1, int(changed_in_order.sum()))
    return precision, recall


def average_precision(changed_in_order: Mask) -> Estimate:
    """Compute the average precision of a ranking, with its logit interval.

    Boyd, Eng and Page, "Area under the precision-recall curve: point estimates and confidence intervals",
    2013: on the logit scale the standard error is one over the root of m · AP · (1 − AP), m changed labels.
    """
    changed = int(changed_in_order.sum())
    if not changed:
        return Estimate(None)
    precision, _ = precision_recall_curve(changed_in_order)
    value = float(precision[changed_in_order].mean())
    if value >= 1:
        return Estimate(1.0, wilson(changed, changed).low, 1.0)
    logit = np.log(value / (1 - value))
    error = 1 / np.sqrt(changed * value * (1 - value))
    low, high = 1 / (1 + np.exp(-(logit + np.array([-Z, Z]) * error)))
    return Estimate(value, float(low), float(high))
