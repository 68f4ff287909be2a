"""Images that are nearly the same: one is a copy of the other that was changed a little.

Images are compared by their difference in full, which is dear, only where the first waves of their discrete
cosine transform are near: those are few numbers, in which a k-d tree finds neighbours.
"""

from functools import cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.datasets.duplicates.search import Counted, Pairs, chunks, neighbours, unique
from audit.types import Examples, Mask, Rows

LARGEST_PIXEL = 1e6  # images with larger ones are scaled down, so that squares do not overflow
APART = 0.035  # largest distance of near images; no two digits of MNIST are nearer than .042
BLUR = 3  # pixels a side over which a difference is averaged: noise and coding errors vanish, strokes do not
STRAY = 2  # pixels whose difference is ignored, where the image has STRAY_AMONG for each
STRAY_AMONG = 200
BLANK = 1e-3  # contrast, as a share of the brightness, up to which an image counts as blank
LEAST_SHIFTED = 16  # pixels a side: smaller images change too much when they are shifted by one pixel
SHIFTS = ((0, 0), (0, 1), (1, 0), (1, 1), (1, -1))  # the other four are these, seen from the other image
WAVES = 6  # a side: in these, pairs are compared before they are compared in full
SEARCH_WAVES = 4  # a side, the first of the WAVES: in these, neighbours are searched
# Among SEARCH_WAVES, copies of images of RADIUS_SIDE pixels a side that differ by APART of noise, or by two
# stray pixels, are seldom farther apart than RADIUS. The radius shrinks with the share of one pixel, but
# stays large enough for copies of another contrast.
RADIUS = 0.04
RADIUS_SIDE = 26
LEAST_RADIUS = 0.02
FINER = ((WAVES**2 - 1) / (SEARCH_WAVES**2 - 1)) ** 0.5  # how much farther noise puts copies in all WAVES


def near_images(X: Examples, rows: Rows, counted: Counted) -> Pairs:
    """Find the pairs among these rows (m,) of images (n, h, w, c) that are near duplicates.

    Neighbours are searched among the SEARCH_WAVES; pairs that are near in all WAVES are then compared pixel
    by pixel.
    """
    shifts = SHIFTS if min(X.shape[1:3]) >= LEAST_SHIFTED else SHIFTS[:1]
    scale = _scale(X)
    described = [_waves_of(_scaled(X[rows[chunk]], scale), shifts) for chunk in chunks(X, len(rows))]
    waves = np.concatenate(described, axis=1)
    distinct = np.flatnonzero(np.isfinite(waves).all(axis=(0, 2)))  # blank images are not like anything
    rows = rows[distinct]
    waves = waves[:, distinct]
    searched = _searched_waves()
    radius = float(np.clip(RADIUS * RADIUS_SIDE / (min(X.shape[1:3]) - 2), LEAST_RADIUS, RADIUS))
    found = []
    for number, (shift, shifted) in enumerate(zip(shifts, waves, strict=True)):
        count = partial(_count, counted, number, len(shifts), len(rows))
        pairs = neighbours(waves[0][:, searched], shifted[:, searched], radius, count)
        pairs = pairs[_are_within(shifted, waves[0], pairs, FINER * radius)]
        near = np.empty(len(pairs), dtype=bool)
        for chunk in chunks(X, len(pairs)):
            moved = _scaled(X[rows[pairs[chunk, 0]]], scale)
            still = _scaled(X[rows[pairs[chunk, 1]]], scale)
            near[chunk] = _are_near(_shifted(moved, shift), _shifted(still, (0, 0)))
        found.append(rows[pairs[near]])
    return unique(np.concatenate(found))


def _count(counted: Counted, number: int, shifts: int, rows: int, queries: int) -> None:
    """Tell how many rows the queries of this shift and those before it come to."""
    counted((number * rows + queries) // shifts, rows)


def _scale(X: Examples) -> float:
    """What to divide pixels by: their largest value where it exceeds LARGEST_PIXEL, else 1."""
    if X.dtype.kind != "f":
        return 1.0
    largest = max(float(np.abs(X[chunk]).max()) for chunk in chunks(X, len(X)))
    if largest <= LARGEST_PIXEL:
        return 1.0
    return largest


def _scaled(images: npt.NDArray[Any], scale: float) -> npt.NDArray[Any]:
    return images if scale == 1 else images / scale


def _shifted(images: npt.NDArray[Any], shift: tuple[int, int]) -> npt.NDArray[np.float32]:
    """The images shifted by a pixel, without the border that a shift moves in or out; small ones whole."""
    h, w = images.shape[1:3]
    margin = _margin(h, w)
    top = margin + shift[0]
    left = margin + shift[1]
    return images[:, top : top + h - 2 * margin, left : left + w - 2 * margin].astype(np.float32)


def _margin(h: int, w: int) -> int:
    """The border, in pixels, that a shift moves in or out."""
    return int(min(h, w) >= LEAST_SHIFTED)


def _waves_of(images: npt.NDArray[Any], shifts: tuple[tuple[int, int], ...]) -> npt.NDArray[np.float32]:
    """The first cosine waves of grey images of mean 0 and length 1, shifted: (shifts, m, WAVES² - 1).

    The waves are orthonormal, so images are never farther apart in them than they are; NaN for blank ones.
    """
    grey = images[..., 0].astype(np.float32)
    for channel in range(1, images.shape[-1]):
        grey += images[..., channel]
    grey /= images.shape[-1]
    h, w = grey.shape[1:]
    margin = _margin(h, w)
    offsets = range(1 + 2 * margin)  # where a shifted image may begin, down and across
    down = np.concatenate([_cosines(h, margin, offset) for offset in offsets])
    across = np.concatenate([_cosines(w, margin, offset) for offset in offsets])
    rows_kept = (np.abs(down[::WAVES]) > 0).astype(np.float32)  # that are left at each offset
    columns_kept = (np.abs(across[::WAVES]) > 0).astype(np.float32)
    waves = np.tensordot(down, grey @ across.T, (1, 1))
    waves = waves.reshape(len(offsets), WAVES, -1, len(offsets), WAVES)
    squares = np.tensordot(rows_kept, np.square(grey) @ columns_kept.T, (1, 1))
    described = []
    for top, left in np.add(shifts, margin):
        coefficients = waves[top, :, :, left].swapaxes(0, 1).reshape(len(grey), -1)
        mean = coefficients[:, 0]  # times a constant
        length = np.sqrt(np.maximum(squares[top, :, left] - np.square(mean), 0))
        blank = length <= BLANK * np.abs(mean)
        described.append(coefficients[:, 1:] / np.where(blank, np.nan, length)[:, None])
    return np.stack(described)


@cache  # every chunk of the images needs the same ones
def _cosines(side: int, margin: int, offset: int) -> npt.NDArray[np.float32]:
    """The first WAVES cosines of the type II transform, each of length 1: (WAVES, side).

    They span a side without its margins, beginning at the offset, and are zero elsewhere.
    """
    inner = side - 2 * margin
    angles = np.pi * np.outer(np.arange(WAVES), np.arange(inner) + 0.5) / inner
    cosines = np.zeros((WAVES, side), dtype=np.float32)
    cosines[:, offset : offset + inner] = np.cos(angles)
    return np.asarray(cosines / np.linalg.norm(cosines, axis=1, keepdims=True), dtype=np.float32)


def _searched_waves() -> Rows:
    """Which of all waves but the first, the mean, are among the SEARCH_WAVES a side."""
    down, across = np.divmod(np.arange(1, WAVES**2), WAVES)
    return np.flatnonzero((down < SEARCH_WAVES) & (across < SEARCH_WAVES))


def _are_within(
    queries: npt.NDArray[np.float32], points: npt.NDArray[np.float32], pairs: Pairs, distance: float
) -> Mask:
    """Which pairs of a query (m, w) and a point (m, w) are within this distance."""
    within = np.empty(len(pairs), dtype=bool)
    for chunk in chunks(queries, len(pairs)):
        difference = queries[pairs[chunk, 0]] - points[pairs[chunk, 1]]
        within[chunk] = np.einsum("pw,pw->p", difference, difference) <= distance**2
    return within


def _are_near(left: npt.NDArray[np.float32], right: npt.NDArray[np.float32]) -> Mask:
    """Which images (p, h, w, c) of one side are near those of the other, row by row."""
    from scipy.ndimage import uniform_filter  # noqa: PLC0415  slow to import

    differences = (_unit(left) - _unit(right)).reshape(len(left), -1)
    pixels = left.shape[1] * left.shape[2]
    stray = left.shape[3] * min(STRAY, pixels // STRAY_AMONG)
    if stray:
        worst = np.argpartition(np.abs(differences), -stray, axis=1)[:, -stray:]
        np.put_along_axis(differences, worst, 0, axis=1)
    smooth = uniform_filter(differences.reshape(left.shape), (1, BLUR, BLUR, 1), mode="constant")
    near: Mask = np.square(smooth).sum(axis=(1, 2, 3)) <= APART**2
    return near


def _unit(images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The images (n, h, w, c) scaled so that each has mean 0 and length 1."""
    centred = images - images.mean(axis=(1, 2, 3), keepdims=True)
    return np.asarray(centred / np.sqrt(np.einsum("nhwc,nhwc->n", centred, centred))[:, None, None, None])
