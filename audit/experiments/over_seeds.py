"""Summarise figures over several seeds: means, differences and ratios with 95 % intervals.

One seed says nothing about chance: its interval is everything that the figure could be.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from audit.detectors.scoring import Estimate


def mean_over_seeds(values: Sequence[float], bounds: tuple[float, float] = (0.0, 1.0)) -> Estimate:
    """Average one figure a seed, with Student's t interval within the figure's bounds."""
    low, high = bounds
    figures = np.asarray(values, dtype=np.float64)
    if not figures.size:
        return Estimate(None, low, high)
    mean = float(figures.mean())
    if figures.size < 2:
        return Estimate(mean, low, high)
    half = _t_quantile(figures.size) * float(figures.std(ddof=1)) / np.sqrt(figures.size)
    return Estimate(mean, max(low, mean - half), min(high, mean + half))


def difference_over_seeds(values: Sequence[float], others: Sequence[float]) -> Estimate:
    """Average values less others, both from 0 to 1 and in the order of the seeds."""
    return mean_over_seeds(np.subtract(values, others).tolist(), (-1.0, 1.0))


def ratio_over_seeds(parts: Sequence[float], wholes: Sequence[float]) -> Estimate | None:
    """Divide the mean of parts by the mean of wholes, in the order of the seeds, with Fieller's interval.

    None for one seed, and where the whole may be zero.

    Fieller, "Some problems in interval estimation", 1954: all ratios r for which the mean of part - r * whole
    does not differ from zero. They form an interval only where the whole itself differs from zero.
    """
    part: npt.NDArray[np.float64] = np.asarray(parts, dtype=np.float64)
    whole: npt.NDArray[np.float64] = np.asarray(wholes, dtype=np.float64)
    if part.size < 2:
        return None
    t_squared = _t_quantile(part.size) ** 2
    part_mean = float(part.mean())
    whole_mean = float(whole.mean())
    # The roots of a r^2 - 2 b r + c are the ends of the interval.
    a = whole_mean**2 - t_squared * _covariance_of_means(whole, whole)
    b = part_mean * whole_mean - t_squared * _covariance_of_means(part, whole)
    c = part_mean**2 - t_squared * _covariance_of_means(part, part)
    if a <= 0:
        return None
    half = np.sqrt(max(0.0, b * b - a * c))
    return Estimate(part_mean / whole_mean, float((b - half) / a), float((b + half) / a))


def _covariance_of_means(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    return float(np.cov(x, y)[0, 1]) / x.size


def _t_quantile(seeds: int) -> float:
    """The quantile of a two-sided 95 % interval by Student's t."""
    from scipy.stats import t  # noqa: PLC0415  slow to import

    return float(t.ppf(0.975, seeds - 1))
