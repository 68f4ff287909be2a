"""Whether a stated probability of error can be believed, and what it lets one expect.

A detector states p_error blindly. Where labels were changed on purpose the statement can be held against
the truth: bins of a reliability diagram, the expected calibration error, and a correction by Platt's method
whose value for a row is always fitted on other rows (cross-fitting), so that it stays an honest statement.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from audit.detectors.scoring import Estimate, Z, wilson
from audit.types import Floats, Mask

PARTS = 5  # of the cross-fitting
LEAST_CHANGED = 20  # changed labels below which there is too little to fit on
CLOSEST = 1e-6  # to zero and one that a probability is taken at its word
BINS = 10
DRAWS = 4000
MOST_DRAWN = 1000


@dataclass(frozen=True)
class Bin:
    """Rows whose stated p_error lies between two bounds."""

    low: float
    high: float
    rows: int
    stated: float  # mean p_error
    changed: Estimate  # share whose label had really been changed

    def to_json(self) -> dict[str, Any]:
        """The bin as `scores.json` holds it."""
        bounds = {"low": self.low, "high": self.high, "rows": self.rows, "stated": self.stated}
        return {**bounds, "changed": self.changed.to_json()}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Bin":
        """Read what `to_json` made."""
        return cls(**{**document, "changed": Estimate(**document["changed"])})


def cross_fitted(p_error: Floats, changed: Mask, rng: np.random.Generator) -> Floats:
    """Correct p_error (n,) by Platt's logistic map of its log-odds, fitted for each part on the other parts.

    Platt, "Probabilistic outputs for support vector machines", 1999. p_error is returned as stated where too
    few labels were changed (or kept) to fit on.
    """
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  slow to import
    from sklearn.model_selection import PredefinedSplit, cross_val_predict  # noqa: PLC0415  the same

    part = rng.permutation(np.arange(len(p_error)) % PARTS)
    if min(changed.sum(), (~changed).sum()) < LEAST_CHANGED:
        return p_error
    if any(len(np.unique(changed[part != number])) < 2 for number in range(PARTS)):
        return p_error
    clipped = np.clip(p_error, CLOSEST, 1 - CLOSEST)
    log_odds = np.log(clipped / (1 - clipped))[:, None]
    platt = LogisticRegression(C=1e4)
    folds = PredefinedSplit(part)
    predicted = cross_val_predict(platt, log_odds, changed, cv=folds, method="predict_proba")
    return np.asarray(predicted[:, 1])


def reliability(p_error: Floats, changed: Mask) -> list[Bin]:
    """The reliability diagram: BINS bins of equal width over p_error (n,), empty ones left out."""
    number = np.minimum(BINS - 1, (BINS * p_error).astype(int))
    bins = []
    for index in np.unique(number).tolist():
        rows = number == index
        share = wilson(int(changed[rows].sum()), int(rows.sum()))
        bounds = index / BINS, (index + 1) / BINS
        bins.append(Bin(*bounds, int(rows.sum()), float(p_error[rows].mean()), share))
    return bins


def expected_calibration_error(bins: Sequence[Bin]) -> float:
    """The mean distance of stated and true share, weighted by rows (Naeini, Cooper and Hauskrecht 2015)."""
    total = sum(each.rows for each in bins)
    return sum(each.rows * abs(each.stated - (each.changed.value or 0.0)) for each in bins) / max(1, total)


def expected_errors(readings: Sequence[Floats], rng: np.random.Generator) -> Estimate:
    """How many of these rows are errors, with an interval that spans all readings of p_error, each (m,).

    The value is the mean over the readings. Each reading takes its p_error as independent coins, and the
    interval runs from the lowest 2.5 % point to the highest 97.5 % point.
    """
    lows, highs = zip(*(_quantiles(p_error, rng) for p_error in readings), strict=True)
    mean = float(np.mean([p_error.sum() for p_error in readings]))
    return Estimate(mean, min(mean, *lows), max(mean, *highs))


def _quantiles(p_error: Floats, rng: np.random.Generator) -> tuple[float, float]:
    """The central 95 % of the number of errors: drawn for few rows, by the normal law for many."""
    if len(p_error) <= MOST_DRAWN:
        draws = (rng.random((DRAWS, len(p_error))) < p_error).sum(axis=1)
        low, high = np.quantile(draws, [0.025, 0.975])
        return float(low), float(high)
    mean, spread = float(p_error.sum()), Z * float(np.sqrt((p_error * (1 - p_error)).sum()))
    return max(0.0, mean - spread), min(float(len(p_error)), mean + spread)
