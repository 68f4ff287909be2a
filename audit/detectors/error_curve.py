"""How probable an error is at each doubt, for labels that people gave: a curve that decisions teach.

The doubt of a row is the log-odds against its given label, in calibrated probabilities. A row is wrong with

    p_error = sigmoid(level + slope · (doubt − DOUBT)).

Level and slope differ between data sets and cannot be told from labels and probabilities alone, so they have
a prior. Every decision of a reviewer updates it by Bayes' rule, on a grid. Estimates are mixtures over the
grid: their intervals hold what is not known of the curve, and chance.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from audit.detectors.scoring import Estimate
from audit.types import Floats, Mask

DOUBT = 2.2  # where the level is read: the mean doubt of labels that models disagree with
MOST_DOUBT = 14.0  # a probability is taken to be within 1e-6 of zero or one
LEVELS = np.linspace(-3, 3, 31)  # of the grid, in standard deviations of the prior
SLOPES = np.linspace(-2, 2, 9)
KNOTS = np.linspace(-MOST_DOUBT, MOST_DOUBT, 561)  # between which p_error is interpolated
INTERVAL = (0.025, 0.975)
LEAST_P_ERROR = 1e-12  # and most, from one: no decision is impossible


@dataclass(frozen=True)
class CurvePrior:
    """Normal priors of the level, and of the logarithm of the slope."""

    level: float
    level_sd: float
    log_slope: float
    log_slope_sd: float

    def to_json(self) -> dict[str, Any]:
        """The four numbers, by name."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_json` made."""
        return cls(**document)

    @cached_property
    def curve(self) -> "ErrorCurve":
        """The curve before any decision."""
        level = self.level + self.level_sd * LEVELS
        slope = np.exp(self.log_slope + self.log_slope_sd * SLOPES)
        weight = np.exp(-(LEVELS[:, None] ** 2) / 2 - SLOPES**2 / 2)
        return ErrorCurve(
            level=np.repeat(level, len(slope)),
            slope=np.tile(slope, len(level)),
            weight=(weight / weight.sum()).ravel(),
        )


@dataclass(frozen=True, eq=False)
class ErrorCurve:
    """Levels and slopes on a grid, each with its probability."""

    level: Floats  # (g,)
    slope: Floats  # (g,)
    weight: Floats  # (g,) sums to one

    def p_errors(self, doubt: Floats) -> Floats:
        """Return the probability of an error for each point of the grid (g, m), for doubts (m,)."""
        logits = self.level[:, None] + self.slope[:, None] * (doubt - DOUBT)
        return np.clip(1 / (1 + np.exp(-logits)), LEAST_P_ERROR, 1 - LEAST_P_ERROR)

    def p_error(self, doubt: Floats) -> Floats:
        """Return the probability of an error (n,), for doubts (n,)."""
        return np.asarray(np.interp(doubt, KNOTS, self.weight @ self.p_errors(KNOTS)))

    def updated(self, doubt: Floats, wrong: Mask) -> "ErrorCurve":
        """Return the curve after decisions (m,) on rows of these doubts (m,)."""
        p_error = self.p_errors(KNOTS[nearest_knots(doubt)])
        log_weight = np.log(np.where(wrong, p_error, 1 - p_error)).sum(axis=1)
        log_weight += np.log(np.maximum(self.weight, np.finfo(float).tiny))
        weight = np.exp(log_weight - log_weight.max())
        return ErrorCurve(self.level, self.slope, weight / weight.sum())

    def expected(self, doubt: Floats, known: int = 0) -> Estimate:
        """Estimate the errors among rows of these doubts (m,), and `known` ones more; 95 % interval.

        For each point of the grid their number is taken to be normal; the interval is that of the mixture.
        """
        rows = np.bincount(nearest_knots(doubt), minlength=len(KNOTS))
        p_error = self.p_errors(KNOTS)
        mean = p_error @ rows
        sd = np.sqrt((p_error * (1 - p_error)) @ rows)
        low, high = (self._quantile(share, mean, sd) for share in INTERVAL)
        value = float(self.weight @ mean)
        most = len(doubt)
        low = min(value, max(0.0, low))
        high = max(value, min(float(most), high))
        return Estimate(known + value, known + low, known + high)

    def _quantile(self, share: float, mean: Floats, sd: Floats) -> float:
        """Return the quantile of a mixture of normal distributions (g,), found by bisection."""
        from scipy.special import ndtr  # noqa: PLC0415  slow to import

        spread = np.maximum(sd, 1e-6)
        low = float((mean - 6 * spread).min())
        high = float((mean + 6 * spread).max())
        for _ in range(60):
            middle = (low + high) / 2
            if self.weight @ ndtr((middle - mean) / spread) < share:
                low = middle
            else:
                high = middle
        return middle


def doubt_of(label_quality: Floats) -> Floats:
    """Return the log-odds (n,) against labels that are right with these probabilities (n,)."""
    least = 1 / (1 + np.exp(MOST_DOUBT))
    quality = np.clip(label_quality, least, 1 - least)
    return np.asarray(np.log1p(-quality) - np.log(quality))


def worth_flagging(p_error: Floats) -> Mask:
    """Return the rows (n,) whose flags have the greatest expected F1.

    Rows are taken from the highest p_error on. Where nearly all p_error are zero or one these are the rows
    that are more likely wrong than not; where no row is sure, more of them are worth a look (Lipton, Elkan
    and Naryanaswamy 2014, "Optimal thresholding of classifiers to maximize F1 measure").
    """
    flagged = np.zeros(len(p_error), dtype=bool)
    expected = p_error.sum()
    if not expected > 0:
        return flagged
    sure = p_error[p_error >= 0.5]
    least_f1 = 2 * sure.sum() / (len(sure) + expected)
    rows = np.flatnonzero(p_error >= least_f1 / 2)  # the best list ends at half its F1: no other row is on it
    rows = rows[np.argsort(-p_error[rows], kind="stable")]
    hits = np.cumsum(p_error[rows])
    f1 = 2 * hits / (np.arange(1, len(rows) + 1) + expected)
    flagged[rows[: int(f1.argmax()) + 1]] = True
    return flagged


def nearest_knots(doubt: Floats) -> npt.NDArray[np.int64]:
    """Return the index in KNOTS (n,) of the knot nearest to each doubt (n,)."""
    step = KNOTS[1] - KNOTS[0]
    knots = np.rint((doubt + MOST_DOUBT) / step)
    return np.asarray(np.clip(knots, 0, len(KNOTS) - 1), dtype=np.int64)
