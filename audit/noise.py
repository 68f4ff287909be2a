"""Label noise that is known: which labels change, and to what.

A noise kind is a function `(k, rate) -> T (k, k)` with T[i, j] = p(given = j | true = i); its rows sum
to one and the rate is the share of labels that change.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from audit.errors import ConfigError
from audit.types import Floats, NoisyLabels

NoiseKind = Callable[[int, float], Floats]


def symmetric(k: int, rate: float) -> Floats:
    """Every class turns into every other with the same probability, rate / (k - 1)."""
    T = np.full((k, k), rate / (k - 1))
    np.fill_diagonal(T, 1 - rate)
    return T


def pair(k: int, rate: float) -> Floats:
    """Class i turns into class i + 1, the last into the first, with probability rate."""
    return (1 - rate) * np.eye(k) + rate * np.roll(np.eye(k), 1, axis=1)


NOISE_KINDS: dict[str, NoiseKind] = {"symmetric": symmetric, "pair": pair}


def noise_kind(name: str) -> NoiseKind:
    """The noise kind of that name; ConfigError when there is none."""
    if name not in NOISE_KINDS:
        raise ConfigError(f"--noise-kind must be one of {', '.join(NOISE_KINDS)}, found {name!r}")
    return NOISE_KINDS[name]


def inject(
    labels: npt.ArrayLike,
    rate: float,
    kind: str = "symmetric",
    *,
    k: int | None = None,
    rng: np.random.Generator,
) -> NoisyLabels:
    """Change exactly round(rate * n) labels, none to itself.

    The rows are drawn without replacement, all alike; each takes a new class from its row of the
    kind's transition matrix, the diagonal left out.

    Parameters
    ----------
    labels
        (n,) integers 0..k-1; left untouched.
    rate
        Share of the labels to change, 0 to 1.
    kind
        A name in NOISE_KINDS.
    k
        Number of classes; max(labels) + 1 when not given.
    rng
        Where all randomness comes from.

    Raises
    ------
    ConfigError
        When the kind is unknown, the rate is not a share, or there are fewer than two classes.
    """
    true = np.array(labels, dtype=np.int64)
    k = int(true.max(initial=-1)) + 1 if k is None else k
    if not 0 <= rate <= 1:
        raise ConfigError(f"the noise rate must be a share from 0 to 1, found {rate:g}")
    if k < 2:
        raise ConfigError(f"label noise needs two classes or more, found {k}")
    rows = rng.choice(len(true), size=round(rate * len(true)), replace=False)
    given = true.copy()
    if rows.size:
        given[rows] = _draw_other_class(true[rows], noise_kind(kind)(k, rate), rng)
    return NoisyLabels(given=given, true=true)


def _draw_other_class(
    true: npt.NDArray[np.int64], T: Floats, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """A class for each label from the off-diagonal part of its row of T, by inverting its cumulative sum."""
    off_diagonal = T * (1 - np.eye(len(T)))
    cumulative = np.cumsum(off_diagonal, axis=1)
    draws = rng.random(len(true)) * cumulative[true, -1]
    passed: npt.NDArray[np.int64] = np.sum(cumulative[true] <= draws[:, None], axis=1, dtype=np.int64)
    return passed
