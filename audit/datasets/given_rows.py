"""Examples as they came, for models that want them so: frames, texts, records and sparse matrices."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from audit import wording
from audit.datasets.source import Source, is_from
from audit.types import AsGiven

DENSE_BYTES = (
    1 << 28
)  # of a sparse matrix with its zeros; of a larger one the built-in models read components
COMPONENTS = 100


def without_numbers(X: Any) -> AsGiven | None:
    """Texts or records, which no numbers can be made of but models may read; None for anything else."""
    if is_from(X, "polars", "Series"):
        X = X.to_list()
    is_column = is_from(X, "pandas", "Series") or (isinstance(X, np.ndarray) and X.ndim == 1)
    if not (is_column or isinstance(X, list | tuple)) or not len(X):
        return None
    known = (each for each in X if not _is_gap(each))
    if not isinstance(next(known, None), str | dict):
        return None
    if not is_column:
        X = [None if _is_gap(each) else each for each in X]
    return AsGiven(X)


def empty_texts(given: AsGiven) -> tuple[str, ...]:
    """A note on how many texts are empty; none where no text is, or these are no texts."""
    empty = 0 if given.texts is None else sum(not text.strip() for text in given.texts)
    if not empty:
        return ()
    return (f"{wording.count(empty, 'text')} {'is' if empty == 1 else 'are'} empty",)


def _is_gap(value: Any) -> bool:
    """Whether this stands for a missing text."""
    return value is None or (isinstance(value, float) and np.isnan(value))


def is_sparse(X: Any) -> bool:
    """Whether this is a sparse matrix of scipy."""
    return hasattr(X, "tocsr") and len(X.shape) == 2


def with_sparse(source: Source, matrix: Any) -> Source:
    """The source with a sparse matrix (n, d) as its examples, as numbers and as it came."""
    numbers, notes = dense(matrix)
    given = AsGiven(matrix, numeric=numbers.shape == matrix.shape)
    return replace(source, X=numbers, notes=(*source.notes, *notes), as_given=given)


def dense(matrix: Any) -> tuple[npt.NDArray[np.float64], tuple[str, ...]]:
    """A sparse matrix (n, d) with its zeros, or its components where that is too large; and notes."""
    n, d = matrix.shape
    if 8 * n * d <= DENSE_BYTES:
        return np.asarray(matrix.toarray(), dtype=np.float64), ()
    from sklearn.decomposition import TruncatedSVD  # noqa: PLC0415  slow to import

    used = matrix[:, np.unique(matrix.indices)]  # columns of zeros add nothing
    count = min(COMPONENTS, n - 1, used.shape[1] - 1)
    note = (
        f"X is a sparse matrix of shape {(n, d)}: built-in models and the search for duplicates read its "
        f"first {count} components, a model of your own reads all of it"
    )
    with threadpool_limits(1):  # more threads may give other last digits, and with them another fingerprint
        return np.asarray(TruncatedSVD(count, random_state=0).fit_transform(used)), (note,)


def given_hashes(given: AsGiven) -> npt.NDArray[np.uint64]:
    """The first 64 bits of the sha256 of each example (n,), as text."""
    digests = b"".join(hashlib.sha256(content).digest()[:8] for content in _contents(given.examples))
    return np.frombuffer(digests, ">u8").astype(np.uint64)


def _contents(values: Any) -> Iterator[bytes]:
    """What each example holds, as bytes."""
    if hasattr(values, "columns"):
        columns = [np.asarray(values[name]) for name in values.columns]
        values = zip(*columns, strict=True)
    elif is_sparse(values):
        values = (
            (row.indices.tolist(), row.data.tolist()) for row in map(values.getrow, range(values.shape[0]))
        )
    for example in values:
        text = example
        if not isinstance(example, str):
            text = repr(tuple(map(str, example)) if isinstance(example, tuple) else example)
        yield text.encode(errors="surrogatepass")
