"""The noise kinds that read the examples: confusions of a weak model, and instance-dependent noise.

The examples may be images or features of any shape (n, …) and any real dtype, a memmap too: they are
flattened and read in chunks of bounded size.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.datasets.words import words
from audit.errors import ConfigError, DataError
from audit.noise.sampling import classes_at
from audit.noise.transitions import symmetric
from audit.types import Examples, Floats, LabeledDataset, Labels, Rows

CHUNK_BYTES = 1 << 24
FLIP_DEVIATION = 0.1  # standard deviation of the flip probabilities, as in Xia et al.
WEAK_FOLDS = 3
WORD_BUCKETS = 256  # that the words of texts are hashed into


def numbers_of(dataset: LabeledDataset) -> Examples:
    """What noise from examples reads: the numbers (n, …), or how often texts have a word of each bucket."""
    if not dataset.are_texts:
        return dataset.X
    from sklearn.feature_extraction.text import HashingVectorizer  # noqa: PLC0415  slow to import

    vectorizer = HashingVectorizer(analyzer=words, n_features=WORD_BUCKETS, alternate_sign=False)
    return np.asarray(vectorizer.transform(dataset.content.tolist()).toarray())


def confusion(X: npt.ArrayLike | None, labels: Labels, k: int, rate: float) -> Floats:
    """Classes become those that a weak model confuses them with; every diagonal entry is 1 - rate.

    The off-diagonal entries are proportional to the out-of-sample confusions of `nearest_mean`. A class that
    is never confused becomes all others with equal probability.

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
    """Predict the class (n,) with the nearest mean; the means leave out the row's own third of the data.

    Rows 0, 1, 2, 3, … of every class are in thirds 0, 1, 2, 0, …, so nothing here is random. The model is
    scikit-learn's NearestCentroid, written for examples that do not fit into memory.
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
    X: npt.ArrayLike | None, original: Labels, k: int, rate: float, rng: np.random.Generator
) -> tuple[Labels, Floats]:
    """Draw labels whose noise depends on the example, and average their probabilities over each class.

    Each example has a flip probability q, drawn from a normal distribution of mean `rate` and standard
    deviation 0.1, truncated to [0, 1]. Its new label depends on its features x: with a standard normal matrix
    W (features, k) for each class y, the scores are x · W without that of y; p = q softmax(scores),
    p[y] = 1 - q, and the label is drawn from p. The features are first scaled to zero mean and unit variance
    over all rows, constant ones to zero. A rate of 0 changes nothing. For small rates the truncation raises
    the mean of q above the rate (0.129 for 0.1).

    Algorithm 2 of Xia, Liu, Han, Wang, Gong, Liu, Niu, Tao and Sugiyama, "Part-dependent label noise:
    towards instance-dependent label noise", NeurIPS 2020.

    Returns
    -------
    noisy, T
        (n,) and (k, k); a class without examples has the row of the identity.

    Raises
    ------
    ConfigError, DataError
        When X is missing, does not fit the labels, or holds values that are not finite.
    """
    examples = _examples("instance", X, len(original))
    noisy = original.copy()
    T = np.eye(k)
    if rate == 0 or not len(original):
        return noisy, T
    mean, deviation = _moments(examples)
    flip = _truncated_normal(rate, len(original), rng)
    draws = rng.random(len(original))
    for label in range(k):
        W = rng.standard_normal((len(mean), k))
        rows_of_class = np.flatnonzero(original == label)
        total = np.zeros(k)
        for rows, x in _chunks(examples, rows_of_class):
            p = _probabilities(((x - mean) / deviation) @ W, label, flip[rows])
            noisy[rows] = classes_at(np.cumsum(p, axis=1), draws[rows])
            total += p.sum(axis=0)
        if len(rows_of_class):
            T[label] = total / len(rows_of_class)
    return noisy, T


def _probabilities(scores: Floats, label: int, flip: Floats) -> Floats:
    """The probabilities (m, k) of every noisy label for examples of one original class."""
    scores[:, label] = -np.inf
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    p: Floats = flip[:, None] * weights / weights.sum(axis=1, keepdims=True)
    p[:, label] = 1 - flip
    return p


def _truncated_normal(mean: float, size: int, rng: np.random.Generator) -> Floats:
    """Draw (size,) values from a normal distribution truncated to [0, 1] by drawing again those outside.

    scipy.stats.truncnorm has the same distribution but other draws: stored noise could not be made again.
    """
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
    """Yield these rows in chunks, with their features (m, features)."""
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
