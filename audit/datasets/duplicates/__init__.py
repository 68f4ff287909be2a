"""Rows that are the same example twice: to the byte, or all but.

Near duplicates of an image are its copies shifted by a pixel, encoded again, a little brighter or of more
contrast, with a few stray pixels or a little noise; those of a row of features are equal but for their last
digits. What resembles by chance, as two thin ones of MNIST do, is none: docs/methods.md has the measurements.
"""

import hashlib
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from audit.datasets.duplicates.features import near_features
from audit.datasets.duplicates.images import near_images
from audit.datasets.duplicates.search import Pairs, parts
from audit.types import Conflicts, Examples, Labels, Leaks, Mask, Rows

MOST_SHARE = 0.1  # of all rows, and LEAST_CHAIN rows: similar ones in larger chains are no copies
LEAST_CHAIN = 10


@dataclass(frozen=True, eq=False)
class Duplicates:
    """Which rows are duplicates of which."""

    exact: Rows  # (n,) the same number for exact duplicates and only for them
    near: Pairs  # of rows, the first of their exact group, that are near duplicates and not exact ones
    groups: Rows  # (n,) the same number for duplicates of either kind, also through others in between

    @classmethod
    def of(cls, exact: Rows, near: Pairs) -> Self:
        """The groups that these exact groups and near pairs make."""
        from scipy.sparse import coo_array  # noqa: PLC0415  slow to import
        from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

        size = 1 + int(exact.max(initial=-1))
        a, b = exact[near].T
        graph = coo_array((np.ones(len(near)), (a, b)), (size, size))
        component: Rows = connected_components(graph, directed=False)[1].astype(np.int64)
        return cls(exact, near, component[exact])

    def conflicts(self, labels: Labels) -> Conflicts:
        """Find the rows that have a duplicate with another label.

        Rows that are duplicates only through others in between do not conflict.
        """
        conflicting, beside = self._met(labels)
        rows = np.flatnonzero((conflicting | beside)[self.exact])
        rows = rows[np.lexsort((labels[rows], self.groups[rows]))]
        return Conflicts(rows, self.groups[rows], ~conflicting[self.exact[rows]])

    def across(self, parts: npt.NDArray[np.str_]) -> Leaks:
        """The rows that have a duplicate in another of the parts (n,), and the first of them there."""
        _, number = np.unique(parts, return_inverse=True)
        mixed, beside = self._met(number.astype(np.int64))
        rows = np.flatnonzero((mixed | beside)[self.exact])
        first: dict[int, dict[int, int]] = {}  # exact group → part → row
        for row in rows.tolist():
            first.setdefault(int(self.exact[row]), {}).setdefault(int(number[row]), row)
        met: dict[int, list[int]] = {}
        for a, b in self.exact[self.near].tolist():
            met.setdefault(a, []).append(b)
            met.setdefault(b, []).append(a)
        found = []
        for row in rows.tolist():
            group = int(self.exact[row])
            for near, groups in ((False, [group]), (True, met.get(group, []))):
                there = [first.get(each, {}) for each in groups]
                others = [twin for each in there for part, twin in each.items() if part != number[row]]
                if others:
                    found.append((row, min(others), near))
                    break
        kept, twins, only_near = np.array(found, dtype=np.int64).reshape(-1, 3).T
        return Leaks(parts, kept, twins, only_near.astype(bool))

    def _met(self, values: Labels) -> tuple[Mask, Mask]:
        """Which exact groups hold more than one value, and which meet another one in a near pair."""
        low = np.full(1 + int(self.exact.max(initial=-1)), np.iinfo(np.int64).max)
        high = np.full(len(low), -1)
        np.minimum.at(low, self.exact, values)
        np.maximum.at(high, self.exact, values)
        a, b = self.exact[self.near].T
        beside = np.zeros(len(low), dtype=bool)
        differ = (np.minimum(low[a], low[b]) < np.maximum(high[a], high[b])) if len(a) else a.astype(bool)
        beside[a[differ]] = beside[b[differ]] = True
        return low < high, beside


def find_duplicates(X: Examples) -> Duplicates:
    """The exact and near duplicates among examples, images (n, h, w, c) or features (n, d).

    Near are images, one of them shifted by up to a pixel, of mean 0 and length 1, whose difference, without
    its STRAY largest pixels and averaged over BLUR x BLUR pixels, is at most APART long; and rows of
    features that differ by no more than TOLERANCE in every
    column. Chains of near pairs are cut that hold more than MOST_SHARE of the rows: there everything
    resembles something. The result does not depend on the order of the rows.
    """
    if not X.size:
        return Duplicates.of(np.arange(len(X)), np.empty((0, 2), np.int64))
    exact = _exact_groups(X)
    _, first = np.unique(exact, return_index=True)
    near = near_images(X, first) if X.ndim == 4 else near_features(X, first)
    found = Duplicates.of(exact, near)
    most = max(LEAST_CHAIN, MOST_SHARE * len(X))
    sizes = np.bincount(found.groups[first])
    short = sizes[found.groups[near[:, 0]]] <= most
    return found if short.all() else Duplicates.of(exact, near[short])


def _exact_groups(X: Examples) -> Rows:
    numbers: dict[bytes, int] = {}
    groups = np.empty(len(X), dtype=np.int64)
    for part in parts(X, len(X)):
        for row, example in enumerate(np.ascontiguousarray(X[part]), part.start):
            digest = hashlib.sha256(example).digest()
            groups[row] = numbers.setdefault(digest, len(numbers))
    return groups
