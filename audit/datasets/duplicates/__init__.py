"""Rows that hold the same example: exact duplicates, and near ones.

Near duplicates of an image are copies of it that were shifted by a pixel, encoded again, made a little
brighter or of higher contrast, or given a few stray pixels or a little noise. Rows of features are near
duplicates when they differ only in their last digits, and texts when they differ in a few words. Examples
that look alike by chance, as two thin ones of MNIST do, are not near duplicates: docs/methods.md has the
measurements.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from audit.datasets.duplicates.near_embeddings import near_embeddings
from audit.datasets.duplicates.near_features import near_features
from audit.datasets.duplicates.near_images import near_images
from audit.datasets.duplicates.near_texts import near_texts
from audit.datasets.duplicates.search import Counted, Pairs, chunks
from audit.datasets.given_rows import given_hashes
from audit.datasets.words import normalised
from audit.types import (
    AsGiven,
    Conflicts,
    Examples,
    Groups,
    LabeledDataset,
    Labels,
    Leaks,
    Mask,
    Rows,
    content_of,
)

MOST_SHARE = 0.1  # of all rows: larger chains of near pairs are gradual change, not copies
LEAST_CHAIN = 10  # rows that a chain may hold in any case
_SEARCHES = {1: near_texts, 2: near_features, 4: near_images}  # by the number of axes of the examples


@dataclass(frozen=True, eq=False)
class Duplicates:
    """Which rows are duplicates of which."""

    exact: Groups  # (n,) the exact group of each row: equal for exact duplicates and only for them
    near: Pairs  # near duplicates that are not exact ones, by the first row of each one's exact group
    groups: Groups  # (n,) equal for duplicates of either kind, also through others in between

    @classmethod
    def of(cls, exact: Groups, near: Pairs) -> Self:
        """Join exact groups and near pairs into groups of duplicates."""
        from scipy.sparse import coo_array  # noqa: PLC0415  slow to import
        from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

        size = 1 + int(exact.max(initial=-1))
        graph = coo_array((np.ones(len(near)), tuple(exact[near].T)), (size, size))
        component: Rows = connected_components(graph, directed=False)[1].astype(np.int64)
        return cls(exact, near, component[exact])

    def joined(self, groups: Groups | None) -> Groups:
        """The groups of duplicates, joined where rows of both are in one of these groups (n,)."""
        if groups is None:
            return self.groups
        return _components(self.groups, groups)

    def conflicts(self, labels: Labels) -> Conflicts:
        """Find the rows that have a duplicate with another label, group by group.

        Rows that are duplicates only through others in between do not conflict.
        """
        within, between = self._differing(labels)
        rows = np.flatnonzero((within | between)[self.exact])
        rows = rows[np.lexsort((labels[rows], self.groups[rows]))]
        return Conflicts(rows, self.groups[rows], ~within[self.exact[rows]])

    def across(self, part: npt.NDArray[np.str_]) -> Leaks:
        """Find the rows that have a duplicate in another part, with the first such duplicate.

        An exact duplicate is taken before a near one.

        Parameters
        ----------
        part
            (n,) the part that each row is in, such as train or test.
        """
        _, part_number = np.unique(part, return_inverse=True)
        within, between = self._differing(part_number.astype(np.int64))
        rows = np.flatnonzero((within | between)[self.exact]).tolist()
        part_of = dict(zip(rows, part_number[rows].tolist(), strict=True))
        first_rows: dict[int, dict[int, int]] = {}  # exact group → part → its first row
        for row in rows:
            first_rows.setdefault(int(self.exact[row]), {}).setdefault(part_of[row], row)
        near_groups = self._near_groups()
        found = []
        for row in rows:
            group = int(self.exact[row])
            for near, groups in ((False, [group]), (True, near_groups.get(group, []))):
                twins = [
                    twin
                    for each in groups
                    for its_part, twin in first_rows.get(each, {}).items()
                    if its_part != part_of[row]
                ]
                if twins:
                    found.append((row, min(twins), near))
                    break
        leaking, twins_of, only_near = np.array(found, dtype=np.int64).reshape(-1, 3).T
        return Leaks(part, leaking, twins_of, only_near.astype(bool))

    def _near_groups(self) -> dict[int, list[int]]:
        """The exact groups that each exact group is a near duplicate of."""
        groups: dict[int, list[int]] = {}
        for a, b in self.exact[self.near].tolist():
            groups.setdefault(a, []).append(b)
            groups.setdefault(b, []).append(a)
        return groups

    def _differing(self, values: Labels) -> tuple[Mask, Mask]:
        """Which exact groups hold different values (n,) themselves, and which differ from a near one."""
        low = np.full(1 + int(self.exact.max(initial=-1)), np.iinfo(np.int64).max)
        high = np.full(len(low), -1)
        np.minimum.at(low, self.exact, values)
        np.maximum.at(high, self.exact, values)
        a, b = self.exact[self.near].T
        differ = np.minimum(low[a], low[b]) < np.maximum(high[a], high[b])
        between = np.zeros(len(low), dtype=bool)
        between[a[differ]] = True
        between[b[differ]] = True
        return low < high, between


def _components(a: Groups, b: Groups) -> Groups:
    """The finest groups (n,) that hold the groups a and the groups b."""
    from scipy.sparse import coo_array  # noqa: PLC0415  slow to import
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    size = 1 + int(a.max(initial=-1))
    total = size + 1 + int(b.max(initial=-1))
    graph = coo_array((np.ones(len(a)), (a, size + b)), (total, total))
    component: Rows = connected_components(graph, directed=False)[1].astype(np.int64)
    return component[a]


def uncounted(_done: int, _total: int) -> None:
    """Take how many of all rows have been searched, and tell nobody."""


def duplicates_of(dataset: LabeledDataset, counted: Counted = uncounted) -> Duplicates:
    """Find the duplicates in a data set: exact ones among its examples, near ones as models see these."""
    if dataset.embedded is None:
        return find_duplicates(dataset.X, dataset.as_given, counted)
    shown = dataset.shown
    exact = find_exact(shown.X, shown.as_given)
    return _with_near(exact, near_embeddings(dataset.X, _first_rows(exact), counted))


def find_duplicates(X: Examples, given: AsGiven | None = None, counted: Counted = uncounted) -> Duplicates:
    """Find the exact and near duplicates among examples, images (n, h, w, c) or features (n, d).

    Images are near duplicates when, scaled to mean 0 and length 1 and one of them shifted by up to a pixel,
    their difference is at most `near_images.APART` long, without its largest pixels and smoothed. Rows of
    features are near duplicates when they differ by at most `near_features.TOLERANCE` in every column. Chains
    of near pairs that hold more than MOST_SHARE of the rows are cut: there, everything resembles something.
    The result does not depend on the order of the rows. Texts are exact duplicates when they differ in case,
    spaces and punctuation alone, and near ones when they share most of their shingles (`near_texts`).
    Records, of which X has no columns, have exact duplicates alone, by what they are as given.
    """
    content = content_of(X, given)
    exact = find_exact(X, given)
    if not content.size:
        return Duplicates.of(exact, np.empty((0, 2), np.int64))
    return _with_near(exact, _SEARCHES[content.ndim](content, _first_rows(exact), counted))


def find_exact(X: Examples, given: AsGiven | None) -> Groups:
    """A number for each row (n,), equal for equal examples; all different where there are only labels."""
    content = content_of(X, given)
    if content.size:
        return _exact_groups(content)
    if given is None:
        return np.arange(len(X))
    _, exact = np.unique(given_hashes(given), return_inverse=True)
    return exact.astype(np.int64)


def _first_rows(exact: Groups) -> Rows:
    """The first row of each exact group."""
    return np.unique(exact, return_index=True)[1]


def _with_near(exact: Groups, near: Pairs) -> Duplicates:
    """Exact groups and near pairs, without the chains of these that are too long."""
    first = _first_rows(exact)
    found = Duplicates.of(exact, near)
    chain_sizes = np.bincount(found.groups[first])
    short = chain_sizes[found.groups[near[:, 0]]] <= max(LEAST_CHAIN, MOST_SHARE * len(exact))
    if short.all():
        return found
    return Duplicates.of(exact, near[short])


def _exact_groups(X: Examples) -> Groups:
    """A number for each row (n,), equal where the bytes of the examples, or the words of texts, are."""
    numbers: dict[bytes, int] = {}
    return np.array([numbers.setdefault(digest, len(numbers)) for digest in _digests(X)], dtype=np.int64)


def _digests(X: Examples) -> Iterator[bytes]:
    """The sha256 of what each example holds."""
    if X.ndim == 1:
        for row, text in enumerate(X):
            content = normalised(text) or f"row {row}, which holds nothing"
            yield hashlib.sha256(content.encode(errors="surrogatepass")).digest()
        return
    for chunk in chunks(X, len(X)):
        for example in np.ascontiguousarray(X[chunk]):
            yield hashlib.sha256(example).digest()
