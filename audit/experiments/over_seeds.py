"""What several seeds say together: means, differences and ratios with 95 % intervals.

One seed says nothing about chance: its interval is everything that the figure could be.
"""

from collections.abc import Sequence

import numpy as np

from audit.detectors.scoring import Estimate


def mean_over_seeds(values: Sequence[float], bounds: tuple[float, float] = (0.0, 1.0)) -> Estimate:
    """The mean of one figure a seed, with Student's t interval within the figure's bounds."""
    each = np.asarray(values, dtype=np.float64)
    if not each.size:
        return Estimate(None, *bounds)
    mean = float(each.mean())
    if each.size < 2:
        return Estimate(mean, *bounds)
    half = _quantile(each.size) * float(each.std(ddof=1)) / np.sqrt(each.size)
    return Estimate(mean, max(bounds[0], mean - half), min(bounds[1], mean + half))


def difference_over_seeds(values: Sequence[float], others: Sequence[float]) -> Estimate:
    """The mean of values less others, both from 0 to 1 and in the order of the seeds."""
    return mean_over_seeds(np.subtract(values, others).tolist(), (-1.0, 1.0))


def ratio_over_seeds(parts: Sequence[float], wholes: Sequence[float]) -> Estimate | None:
    """The ratio of two means of paired figures with Fieller's interval; None where the whole may be zero.

    Fieller, "Some problems in interval estimation", 1954: all ratios r for which the mean of part - r * whole
    does not differ from zero. They form an interval only where the whole itself differs from zero.
    """
    p, w = np.asarray(parts, dtype=np.float64), np.asarray(wholes, dtype=np.float64)
    if p.size < 2:
        return None
    of_p, both, of_w = (float(np.cov(a, b)[0, 1]) / p.size for a, b in ((p, p), (p, w), (w, w)))
    t2 = _quantile(p.size) ** 2
    mean_p, mean_w = float(p.mean()), float(w.mean())
    a, b, c = mean_w**2 - t2 * of_w, mean_p * mean_w - t2 * both, mean_p**2 - t2 * of_p
    if a <= 0:
        return None
    half = np.sqrt(max(0.0, b * b - a * c))
    return Estimate(mean_p / mean_w, float((b - half) / a), float((b + half) / a))


def _quantile(seeds: int) -> float:
    """Of a two-sided 95 % interval by Student's t."""
    from scipy.stats import t  # noqa: PLC0415  slow to import

    return float(t.ppf(0.975, seeds - 1))
