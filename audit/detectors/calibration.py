"""Calibration of p_error: reliability, Platt's correction.

A detector states p_error without knowing the truth. Where labels were changed on purpose, it can be compared
with the truth in a reliability diagram and by the expected calibration error. It can also be corrected by
Platt's method. The correction of a row is always fitted on other rows (cross-fitting), so its own truth never
reaches it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from audit.detectors.scoring import Estimate, wilson
from audit.types import Floats, Mask

PARTS = 5  # of the cross-fitting
LEAST_CHANGED = 20  # changed labels below which there is too little to fit on
CLOSEST = 1e-6  # distance of p_error from zero and one, at least: its log-odds stay finite
BINS = 10  # of the reliability diagram


@dataclass(frozen=True)
class Bin:
    """Rows whose stated p_error lies between two bounds."""

    low: float
    high: float
    rows: int
    stated: float  # mean p_error
    changed: Estimate  # share whose label had really been changed

    def to_json(self) -> dict[str, Any]:
        """Return the bin as `scores.json` holds it."""
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
    """Return the reliability diagram: BINS bins of equal width over p_error (n,), without the empty ones."""
    bin_of_row = np.minimum(BINS - 1, (BINS * p_error).astype(int))
    bins = []
    for number in np.unique(bin_of_row).tolist():
        inside = bin_of_row == number
        rows = int(inside.sum())
        bins.append(
            Bin(
                low=number / BINS,
                high=(number + 1) / BINS,
                rows=rows,
                stated=float(p_error[inside].mean()),
                changed=wilson(int(changed[inside].sum()), rows),
            )
        )
    return bins


def expected_calibration_error(bins: Sequence[Bin]) -> float:
    """Return the mean distance of the stated and the true share, weighted by rows.

    Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", 2015.
    """
    total = sum(each.rows for each in bins)
    return sum(each.rows * abs(each.stated - (each.changed.value or 0.0)) for each in bins) / max(1, total)
