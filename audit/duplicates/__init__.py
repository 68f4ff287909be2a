"""Rows that are the same example twice: to the byte, or all but.

Near duplicates of an image are its copies shifted by a pixel, encoded again, a little brighter or of more
contrast, with a few stray pixels or a little noise; those of a row of features are equal but for their last
digits. What resembles by chance, as two thin ones of MNIST do, is none: docs/methods.md has the measurements.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from audit.types import Examples, Floats, Labels, Mask, Rows, Split

CHUNK_BYTES = 1 << 25  # of examples that are looked at together
LARGEST = 1e6  # of pixels, before images are scaled
APART = (
    0.035  # most distance of near duplicates, see `find_duplicates`; of digits of MNIST no two are under .042
)
BLUR = 3  # pixels a side over which a difference is averaged: noise and coding errors vanish, strokes do not
STRAY = 2  # pixels left out, where there are STRAY_AMONG for each
STRAY_AMONG = 200
LEAF = 32  # points that are searched one by one
BLANK = 1e-3  # of its brightness is the contrast of an image with nothing in it, at most
LEAST_SHIFTED = 16  # pixels a side from which a shift by one leaves the image as it was
SHIFTS = ((0, 0), (0, 1), (1, 0), (1, 1), (1, -1))  # the other four are these, seen from the other image
WAVES = 4  # a side: how coarse the image is in which neighbours are sought
RADIUS = 0.04  # there; copies apart by APART of noise, or by two stray pixels, are seldom farther
NEIGHBOURS = 8  # that are looked at, so that many copies of one image do not make a square of pairs
TOLERANCE = 0.01  # of a column's standard deviation, or of the usual distance of a neighbour if smaller
LEAST_FEATURES = 3  # of fewer, numbers are near by chance
MOST_FEATURES = 16  # in which neighbours are sought; more are projected
ASKED = 1000  # rows that tell the usual distance
MISSING = 1e3  # standard deviations away: what is missing is near only what is missing too
MOST_SHARE = 0.1  # of all rows, and LEAST_CHAIN rows: similar ones in larger chains are no copies
LEAST_CHAIN = 10

Pairs = npt.NDArray[np.int64]  # (p, 2) row numbers


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

    def conflicts(self, labels: Labels) -> npt.NDArray[np.int64]:
        """Rows that have a duplicate of another label, group by group: (3, m) rows, groups, 1 if only near.

        Rows that are duplicates only through others in between are no conflict.
        """
        torn, beside = self._met(labels)
        rows = np.flatnonzero((torn | beside)[self.exact])
        rows = rows[np.lexsort((labels[rows], self.groups[rows]))]
        return np.stack([rows, self.groups[rows], (~torn)[self.exact[rows]]])

    def across(self, parts: npt.NDArray[np.str_]) -> Split:
        """The rows that have a duplicate in another of the parts (n,), and the first of them there."""
        _, number = np.unique(parts, return_inverse=True)
        torn, beside = self._met(number.astype(np.int64))
        rows = np.flatnonzero((torn | beside)[self.exact])
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
        return Split(parts, kept, twins, only_near.astype(bool))

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
    near = _near_images(X, first) if X.ndim == 4 else _near_features(X, first)
    found = Duplicates.of(exact, near)
    most = max(LEAST_CHAIN, MOST_SHARE * len(X))
    sizes = np.bincount(found.groups[first])
    short = sizes[found.groups[near[:, 0]]] <= most
    return found if short.all() else Duplicates.of(exact, near[short])


def _exact_groups(X: Examples) -> Rows:
    numbers: dict[bytes, int] = {}
    groups = np.empty(len(X), dtype=np.int64)
    for part in _parts(X, len(X)):
        for row, example in enumerate(np.ascontiguousarray(X[part]), part.start):
            digest = hashlib.blake2b(example, digest_size=16).digest()
            groups[row] = numbers.setdefault(digest, len(numbers))
    return groups


def _parts(X: Examples, length: int) -> Iterator[slice]:
    """Slices of as many rows as are looked at together, as float32."""
    size = max(1, CHUNK_BYTES // (4 * int(np.prod(X.shape[1:]))))
    return (slice(start, min(length, start + size)) for start in range(0, length, size))


def _near_images(X: Examples, rows: Rows) -> Pairs:
    shifts = SHIFTS if min(X.shape[1:3]) >= LEAST_SHIFTED else SHIFTS[:1]
    scale = _scale(X)
    coarse = np.concatenate(
        [_coarse(_scaled(X[rows[part]], scale), shifts) for part in _parts(X, len(rows))], axis=1
    )
    distinct = np.flatnonzero(np.isfinite(coarse).all(axis=(0, 2)))  # blank images are like nothing else
    rows, coarse = rows[distinct], coarse[:, distinct]
    found = []
    for shift, points in zip(shifts, coarse, strict=True):
        here, other = _neighbours(coarse[0], points, RADIUS).T
        near = np.empty(len(here), dtype=bool)
        for part in _parts(X, len(here)):
            one, two = (_scaled(X[rows[which[part]]], scale) for which in (here, other))
            moved, still = _moved(one, shift), _moved(two, (0, 0))
            near[part] = _are_near(moved, still)
        found.append(np.stack([rows[here], rows[other]], axis=1)[near])
    return _unique(np.concatenate(found))


def _scale(X: Examples) -> float:
    """The largest value when it is so large that squares of it would overflow, else 1."""
    if X.dtype.kind != "f":
        return 1.0
    most = max(float(np.abs(X[part]).max()) for part in _parts(X, len(X)))
    return most if most > LARGEST else 1.0


def _scaled(images: npt.NDArray[Any], scale: float) -> npt.NDArray[Any]:
    return images if scale == 1 else images / scale


def _moved(images: npt.NDArray[Any], shift: tuple[int, int]) -> npt.NDArray[np.float32]:
    """The images without their border, which a shift by a pixel moves in or out; whole when small."""
    h, w = images.shape[1:3]
    margin = int(min(h, w) >= LEAST_SHIFTED)
    top, left = margin + shift[0], margin + shift[1]
    return images[:, top : top + h - 2 * margin, left : left + w - 2 * margin].astype(np.float32)


def _coarse(images: npt.NDArray[Any], shifts: tuple[tuple[int, int], ...]) -> npt.NDArray[np.float32]:
    """The first cosine waves of grey images of mean 0 and length 1, shifted: (shifts, m, WAVES² - 1).

    The waves are orthonormal, so images are never farther apart in them than they are; NaN for blank ones.
    """
    grey = images.mean(axis=-1, dtype=np.float32)[..., None]
    described = []
    for shift in shifts:
        image = _moved(grey, shift)[..., 0]
        down, across = (_waves(side) for side in image.shape[1:])
        waves = (down @ (image @ across.T)).reshape(len(image), -1)  # the first is the mean
        length = np.sqrt(np.maximum(np.einsum("nhw,nhw->n", image, image) - np.square(waves[:, 0]), 0))
        blank = length <= BLANK * np.abs(waves[:, 0])
        described.append(waves[:, 1:] / np.where(blank, np.nan, length)[:, None])
    return np.stack(described)


def _waves(side: int) -> npt.NDArray[np.float32]:
    """The first WAVES cosines of the type II transform over a side, each of length 1."""
    angles = np.pi * np.outer(np.arange(WAVES), np.arange(side) + 0.5) / side
    waves = np.cos(angles)
    return np.asarray(waves / np.linalg.norm(waves, axis=1, keepdims=True), dtype=np.float32)


def _are_near(left: npt.NDArray[np.float32], right: npt.NDArray[np.float32]) -> Mask:
    """Which images (p, h, w, c) are at most APART of those beside them."""
    from scipy.ndimage import uniform_filter  # noqa: PLC0415  slow to import

    differences = (_unit(left) - _unit(right)).reshape(len(left), -1)
    pixels, channels = left.shape[1] * left.shape[2], left.shape[3]
    stray = channels * min(STRAY, pixels // STRAY_AMONG)
    if stray:
        worst = np.argpartition(np.abs(differences), -stray, axis=1)[:, -stray:]
        np.put_along_axis(differences, worst, 0, axis=1)
    smooth = uniform_filter(differences.reshape(left.shape), (1, BLUR, BLUR, 1), mode="constant")
    near: Mask = np.square(smooth).sum(axis=(1, 2, 3)) <= APART**2
    return near


def _unit(images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The images with all their pixels of mean 0 and length 1."""
    centred = images - images.mean(axis=(1, 2, 3), keepdims=True)
    return np.asarray(centred / np.sqrt(np.einsum("nhwc,nhwc->n", centred, centred))[:, None, None, None])


def _near_features(X: Examples, rows: Rows) -> Pairs:
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415  slow to import

    if X.shape[1] < LEAST_FEATURES or len(rows) < LEAST_FEATURES:
        return np.empty((0, 2), np.int64)
    scaler = StandardScaler()
    for part in _parts(X, len(rows)):
        scaler.partial_fit(X[rows[part]].astype(np.float64))

    def scaled(some: Rows) -> Floats:
        return np.asarray(np.nan_to_num(scaler.transform(X[some].astype(np.float64)), nan=MISSING))

    def apart(pairs: Pairs) -> Floats:
        parts = [np.abs(scaled(rows[pairs[p, 0]]) - scaled(rows[pairs[p, 1]])) for p in _parts(X, len(pairs))]
        return np.concatenate([np.empty(0), *(part.max(axis=1) for part in parts)])

    project = _projection(X.shape[1])
    points = np.concatenate([scaled(rows[part]) @ project for part in _parts(X, len(rows))])
    some = np.argsort(points[:, 0], kind="stable")  # an order that is not the rows' own
    some = some[:: max(1, len(some) // ASKED)]
    usual = float(np.median(apart(_farthest(points, some))))
    most = TOLERANCE * min(1.0, usual)
    pairs = _neighbours(points, points, 1.5 * most * np.sqrt(X.shape[1]))
    return _unique(rows[pairs[apart(pairs) <= most]])


def _projection(d: int) -> Floats:
    """A fixed random projection (d, MOST_FEATURES) that keeps distances on average; all of few features."""
    if d <= MOST_FEATURES:
        return np.eye(d)
    return np.random.default_rng(0).normal(0, MOST_FEATURES**-0.5, (d, MOST_FEATURES))


def _farthest(points: Floats, some: Rows) -> Pairs:
    """Each of some points with the last of its NEIGHBOURS: the first ones may be its copies."""
    from scipy.spatial import KDTree  # noqa: PLC0415  slow to import

    _, others = KDTree(points).query(points[some], [min(NEIGHBOURS + 1, len(points))])
    return np.stack([some, others[:, 0]], axis=1)


def _neighbours(points: npt.NDArray[Any], asking: npt.NDArray[Any], radius: float) -> Pairs:
    """Each of the asking points (m, d) with the nearest of the others within the radius."""
    from scipy.spatial import KDTree  # noqa: PLC0415  slow to import

    if not len(points):
        return np.empty((0, 2), np.int64)
    tree = KDTree(points, leafsize=LEAF)  # asked on one thread: others would outlive an interrupt
    nearest = list(range(1, 1 + min(NEIGHBOURS + 1, len(points))))
    distances, others = tree.query(asking, nearest, distance_upper_bound=radius)
    here, column = np.nonzero(np.isfinite(distances))
    pairs = np.stack([here, others[here, column]], axis=1)
    others_only: Pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    return others_only


def _unique(pairs: Pairs) -> Pairs:
    """The pairs once each, the smaller row first."""
    once: Pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    return once
