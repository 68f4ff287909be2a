"""The noise kinds that read the examples: a weak model's confusions, and noise that each example shapes.

The examples may be images or features of any shape (n, …) and any real dtype, a memmap too: they are
flattened and read in chunks of bounded size.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.errors import ConfigError, DataError
from audit.noise.sampling import classes_at
from audit.noise.transitions import symmetric
from audit.types import Floats, Labels, Rows

CHUNK_BYTES = 1 << 24
FLIP_DEVIATION = 0.1  # of the flip probabilities around the rate, as Xia et al. have it
WEAK_FOLDS = 3


def confusion(X: npt.ArrayLike | None, labels: Labels, k: int, rate: float) -> Floats:
    """Classes turn into those that a weak model takes them for; every diagonal entry is 1 - rate.

    The off-diagonal entries are in proportion to the out-of-sample confusions of `nearest_mean`; the
    row of a class that is never confused has equal ones.

    Raises
    ------
    ConfigError, DataError
        When X is missing, or does not fit the labels.
    """
    examples = _examples("confusion", X, len(labels))
    counts = np.zeros((k, k))
    np.add.at(counts, (labels, nearest_mean(examples, labels, k)), 1)
    np.fill_diagonal(counts, 0)
    confused = counts.sum(axis=1)
    T = symmetric(k, rate)
    T[confused > 0] = rate * (counts / np.maximum(confused, 1)[:, None])[confused > 0]
    np.fill_diagonal(T, 1 - rate)
    return T


def nearest_mean(examples: npt.NDArray[Any], labels: Labels, k: int) -> Labels:
    """The class (n,) whose mean lies nearest, each row judged by means that leave its own third out.

    Row 0, 1, 2, 3, … of every class falls into third 0, 1, 2, 0, …, so nothing here is random. The
    model is scikit-learn's NearestCentroid, written for examples that do not fit into memory.
    """
    third = _thirds(labels, k)
    with np.errstate(over="ignore", invalid="ignore"):
        sums, counts = _sums(examples, labels + k * third, k * WEAK_FOLDS)
        predicted = np.empty(len(labels), dtype=np.int64)
        for number in range(WEAK_FOLDS):
            inside = slice(k * number, k * (number + 1))
            others = counts.reshape(-1, k).sum(axis=0) - counts[inside]
            means = sums.reshape(WEAK_FOLDS, k, -1).sum(axis=0) - sums[inside]
            means /= np.maximum(others, 1)[:, None]
            squares = (means * means).sum(axis=1)
            _refuse_non_finite(squares)
            squares[others == 0] = np.inf
            for rows, x in _chunks(examples, np.flatnonzero(third == number)):
                predicted[rows] = (squares - 2 * x @ means.T).argmin(axis=1)
    return predicted


def instance(
    X: npt.ArrayLike | None, true: Labels, k: int, rate: float, rng: np.random.Generator
) -> tuple[Labels, Floats]:
    """Labels whose noise depends on the example, and the mean of their probabilities for each true class.

    Each example has a flip probability q from a normal distribution of mean `rate` and deviation 0.1,
    truncated to [0, 1]. Where it goes depends on what it looks like: with a standard normal matrix W
    (features, k) for each true class y, the scores are x · W, that of y itself left out; p = q softmax(
    scores), p[y] = 1 - q, and the label is drawn from p. The features are scaled to zero mean and unit
    variance over all rows first, constant ones to zero. A rate of 0 changes nothing; for small rates
    the truncation lifts the mean of q above the rate (to 0.129 for 0.1).

    Algorithm 2 of Xia, Liu, Han, Wang, Gong, Liu, Niu, Tao and Sugiyama, "Part-dependent label noise:
    towards instance-dependent label noise", NeurIPS 2020.

    Returns
    -------
    given, T
        (n,) and (k, k); the row of a class without examples is that of the identity.

    Raises
    ------
    ConfigError, DataError
        When X is missing, does not fit the labels, or holds values that are not finite.
    """
    examples = _examples("instance", X, len(true))
    given, T = true.copy(), np.eye(k)
    if rate == 0 or not len(true):
        return given, T
    mean, deviation = _moments(examples)
    flip = _truncated_normal(rate, len(true), rng)
    draws = rng.random(len(true))
    for label in range(k):
        W = rng.standard_normal((len(mean), k))
        rows_of_class = np.flatnonzero(true == label)
        total = np.zeros(k)
        for rows, x in _chunks(examples, rows_of_class):
            p = _probabilities(((x - mean) / deviation) @ W, label, flip[rows])
            given[rows] = classes_at(np.cumsum(p, axis=1), draws[rows])
            total += p.sum(axis=0)
        if len(rows_of_class):
            T[label] = total / len(rows_of_class)
    return given, T


def _probabilities(scores: Floats, label: int, flip: Floats) -> Floats:
    """The probabilities (m, k) of every given label for examples of one true class."""
    scores[:, label] = -np.inf
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    p: Floats = flip[:, None] * weights / weights.sum(axis=1, keepdims=True)
    p[:, label] = 1 - flip
    return p


def _truncated_normal(mean: float, size: int, rng: np.random.Generator) -> Floats:
    """Draws (size,) from a normal distribution on [0, 1]: those outside are drawn again."""
    draws = rng.normal(mean, FLIP_DEVIATION, size)
    while (outside := np.flatnonzero((draws < 0) | (draws > 1))).size:
        draws[outside] = rng.normal(mean, FLIP_DEVIATION, outside.size)
    return draws


def _examples(kind: str, X: npt.ArrayLike | None, n: int) -> npt.NDArray[Any]:
    if X is None:
        raise ConfigError(f"noise kind {kind} reads the examples as well as their labels; give them as X")
    examples = np.asanyarray(X)
    if examples.dtype.kind not in "buif" or not examples.ndim:
        raise DataError(f"X has dtype {examples.dtype} and shape {examples.shape}, expected numbers (n, …)")
    if len(examples) != n:
        raise DataError(f"X has {len(examples):,} rows but there are {n:,} labels, expected one for each row")
    return examples


def _chunks(examples: npt.NDArray[Any], rows: Rows) -> Iterator[tuple[Rows, Floats]]:
    """These rows, some at a time, with their features (m, features)."""
    size = int(np.prod(examples.shape[1:]))
    step = max(1, CHUNK_BYTES // (8 * max(1, size)))
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        yield part, examples[part].reshape(len(part), size).astype(np.float64)


def _sums(examples: npt.NDArray[Any], group: Rows, groups: int) -> tuple[Floats, Rows]:
    """The sum of the features (groups, features) and the number of rows (groups,) of each group."""
    sums = np.zeros((groups, int(np.prod(examples.shape[1:]))))
    for rows, x in _chunks(examples, np.arange(len(examples))):
        member = np.zeros((groups, len(rows)))
        member[group[rows], np.arange(len(rows))] = 1
        sums += member @ x
    return sums, np.bincount(group, minlength=groups)


def _moments(examples: npt.NDArray[Any]) -> tuple[Floats, Floats]:
    """The mean and the deviation of each feature; 1 where a feature is constant."""
    n = len(examples)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = _sums(examples, np.zeros(n, dtype=np.int64), 1)[0][0] / n
        squares = sum(((x - mean) ** 2).sum(axis=0) for _, x in _chunks(examples, np.arange(n)))
        deviation: Floats = np.sqrt(squares / n)
    _refuse_non_finite(deviation)
    return mean, np.where(deviation > 0, deviation, 1.0)


def _thirds(labels: Labels, k: int) -> Rows:
    third = np.empty(len(labels), dtype=np.int64)
    for label in range(k):
        rows = np.flatnonzero(labels == label)
        third[rows] = np.arange(len(rows)) % WEAK_FOLDS
    return third


def _refuse_non_finite(values: Floats) -> None:
    if not np.isfinite(values).all():
        raise DataError(
            "X holds values that are NaN, infinite or too large to square, expected finite numbers; "
            "leave out such rows or use numpy.nan_to_num"
        )
