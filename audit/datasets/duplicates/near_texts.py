"""Texts of which one is a copy of the other that was changed a little.

Texts are compared by their shingles, the runs of SHINGLE characters in them, and are near when these sets
have a Jaccard index of ALIKE or more. Only pairs that agree in a band of their MinHash signatures are
compared (Broder 1997; locality-sensitive hashing by bands, Leskovec et al., Mining of Massive Datasets, 3.4).
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from audit.datasets.duplicates.search import NEIGHBOURS, Counted, Pairs, unique
from audit.datasets.words import normalised
from audit.types import Rows, Texts

SHINGLE = 4  # characters
ALIKE = 0.8
BANDS = 20
BAND = 5  # hashes: pairs at ALIKE agree in some band with a probability of .9996
BUCKETS = 1 << 22  # of shingles
PRIME = (1 << 31) - 1
PROMISING = 0.68  # share of equal hashes; pairs at ALIKE have less in one case of a thousand
COMPARED_TOGETHER = 4_000_000  # shingles


def near_texts(texts: Texts, rows: Rows, counted: Counted) -> Pairs:
    """Find the pairs among these rows (m,) of texts (n,) that are near duplicates."""
    from sklearn.feature_extraction.text import HashingVectorizer  # noqa: PLC0415  slow to import

    vectorizer = HashingVectorizer(
        analyzer="char",
        preprocessor=normalised,
        ngram_range=(SHINGLE, SHINGLE),
        binary=True,
        norm=None,
        alternate_sign=False,
        n_features=BUCKETS,
        dtype=np.float32,
    )
    shingles = vectorizer.transform(texts[rows].tolist())
    long_enough = np.flatnonzero(np.diff(shingles.indptr))
    shingles = shingles[long_enough]
    if not len(long_enough):
        return np.empty((0, 2), np.int64)
    pairs = _candidates(_signatures(shingles, counted))
    size = max(1, COMPARED_TOGETHER * len(rows) // shingles.nnz)
    alike = [_alike(shingles, part) for part in np.array_split(pairs, 1 + len(pairs) // size)]
    return unique(rows[long_enough[pairs[np.concatenate(alike)]]])


def _signatures(shingles: Any, counted: Counted) -> npt.NDArray[np.int64]:
    """The least hash of the shingles of each text (m, BANDS × BAND), by as many hash functions."""
    rng = np.random.default_rng(0)
    factors = rng.integers(1, PRIME, BANDS * BAND)
    terms = rng.integers(0, PRIME, BANDS * BAND)
    columns = shingles.indices.astype(np.int64)
    starts = shingles.indptr[:-1]
    least = []
    for factor, term in zip(factors.tolist(), terms.tolist(), strict=True):
        least.append(np.minimum.reduceat((factor * columns + term) % PRIME, starts))
        counted(len(least) * len(starts) // len(factors), len(starts))
    return np.stack(least, axis=1)


def _candidates(signatures: npt.NDArray[np.int64]) -> Pairs:
    """Pairs of texts that agree in all hashes of a band, each text with the next few of its kind."""
    order = np.lexsort(signatures.T)  # does not depend on the order of the rows
    signatures = signatures[order]
    found = [np.empty((0, 2), np.int64)]
    for start in range(0, BANDS * BAND, BAND):
        _, group = np.unique(signatures[:, start : start + BAND], axis=0, return_inverse=True)
        together = np.argsort(group, kind="stable")
        for step in range(1, NEIGHBOURS + 1):
            left, right = together[:-step], together[step:]
            same = group[left] == group[right]
            found.append(np.stack([left[same], right[same]], axis=1))
    pairs: Pairs = unique(np.concatenate(found))
    equal = (signatures[pairs[:, 0]] == signatures[pairs[:, 1]]).mean(axis=1)
    return np.asarray(order[pairs[equal >= PROMISING]])


def _alike(shingles: Any, pairs: Pairs) -> npt.NDArray[np.bool_]:
    """Which pairs (p, 2) have a Jaccard index of ALIKE or more."""
    sizes = np.diff(shingles.indptr)
    left, right = pairs.T
    shared = np.asarray(shingles[left].multiply(shingles[right]).sum(axis=1)).ravel()
    return np.asarray(shared >= ALIKE * (sizes[left] + sizes[right] - shared))
