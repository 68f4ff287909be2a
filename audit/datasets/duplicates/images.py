"""Images that are copies of each other, all but."""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.datasets.duplicates.search import Pairs, neighbours, parts, unique
from audit.types import Examples, Mask, Rows

LARGEST = 1e6  # of pixels, before images are scaled
APART = 0.035  # most distance of near images; of digits of MNIST no two are under .042
BLUR = 3  # pixels a side over which a difference is averaged: noise and coding errors vanish, strokes do not
STRAY = 2  # pixels left out, where there are STRAY_AMONG for each
STRAY_AMONG = 200
BLANK = 1e-3  # of its brightness is the contrast of an image with nothing in it, at most
LEAST_SHIFTED = 16  # pixels a side from which a shift by one leaves the image as it was
SHIFTS = ((0, 0), (0, 1), (1, 0), (1, 1), (1, -1))  # the other four are these, seen from the other image
WAVES = 6  # a side: how coarse the image is in which pairs are compared before they are in full
FEW = 4  # a side, the first of them: how coarse the one is in which neighbours are sought
# There, of images of 26 pixels a side, copies apart by APART of noise, or by two stray pixels, are seldom
# farther than RADIUS. It shrinks as the share of a pixel does, to what copies of another contrast need.
RADIUS, RADIUS_SIDE, LEAST_RADIUS = 0.04, 26, 0.02
FINER = ((WAVES**2 - 1) / (FEW**2 - 1)) ** 0.5  # times the radius among all WAVES, as noise has it


def near_images(X: Examples, rows: Rows) -> Pairs:
    """The pairs among these rows (m,) of images (n, h, w, c) that are near duplicates.

    Neighbours are sought among the FEW coarsest waves of the images; pairs that are near in all WAVES are
    then compared pixel by pixel.
    """
    shifts = SHIFTS if min(X.shape[1:3]) >= LEAST_SHIFTED else SHIFTS[:1]
    scale = _scale(X)
    coarse = np.concatenate(
        [_coarse(_scaled(X[rows[part]], scale), shifts) for part in parts(X, len(rows))], axis=1
    )
    distinct = np.flatnonzero(np.isfinite(coarse).all(axis=(0, 2)))  # blank images are like nothing else
    rows, coarse = rows[distinct], coarse[:, distinct]
    found = []
    few = _of_few()
    radius = float(np.clip(RADIUS * RADIUS_SIDE / (min(X.shape[1:3]) - 2), LEAST_RADIUS, RADIUS))
    for shift, moved in zip(shifts, coarse, strict=True):
        pairs = neighbours(coarse[0][:, few], moved[:, few], radius)
        pairs = pairs[_are_close(moved, coarse[0], pairs, FINER * radius)]
        near = np.empty(len(pairs), dtype=bool)
        for part in parts(X, len(pairs)):
            other, still = (_scaled(X[rows[pairs[part, side]]], scale) for side in (0, 1))
            near[part] = _are_near(_moved(other, shift), _moved(still, (0, 0)))
        found.append(rows[pairs[near]])
    return unique(np.concatenate(found))


def _scale(X: Examples) -> float:
    """The largest value when it is so large that squares of it would overflow, else 1."""
    if X.dtype.kind != "f":
        return 1.0
    most = max(float(np.abs(X[part]).max()) for part in parts(X, len(X)))
    return most if most > LARGEST else 1.0


def _scaled(images: npt.NDArray[Any], scale: float) -> npt.NDArray[Any]:
    return images if scale == 1 else images / scale


def _moved(images: npt.NDArray[Any], shift: tuple[int, int]) -> npt.NDArray[np.float32]:
    """The images without their border, which a shift by a pixel moves in or out; whole when small."""
    h, w = images.shape[1:3]
    margin = _margin(h, w)
    top, left = margin + shift[0], margin + shift[1]
    return images[:, top : top + h - 2 * margin, left : left + w - 2 * margin].astype(np.float32)


def _margin(h: int, w: int) -> int:
    return int(min(h, w) >= LEAST_SHIFTED)


def _coarse(images: npt.NDArray[Any], shifts: tuple[tuple[int, int], ...]) -> npt.NDArray[np.float32]:
    """The first cosine waves of grey images of mean 0 and length 1, shifted: (shifts, m, WAVES² - 1).

    The waves are orthonormal, so images are never farther apart in them than they are; NaN for blank ones.
    """
    grey = images[..., 0].astype(np.float32)
    for channel in range(1, images.shape[-1]):
        grey += images[..., channel]
    grey /= images.shape[-1]
    h, w = grey.shape[1:]
    margin = _margin(h, w)
    places = range(1 + 2 * margin)  # where a moved image may begin, down and across
    down, across = (np.concatenate([_waves(side, margin, at) for at in places]) for side in (h, w))
    rows, columns = (np.abs(waves[::WAVES]) > 0 for waves in (down, across))  # that are left of each
    waves = np.tensordot(down, grey @ across.T, (1, 1)).reshape(len(places), WAVES, -1, len(places), WAVES)
    squares = np.tensordot(rows.astype(np.float32), np.square(grey) @ columns.T.astype(np.float32), (1, 1))
    described = []
    for top, left in np.add(shifts, margin):
        found = waves[top, :, :, left].swapaxes(0, 1).reshape(len(grey), -1)  # the first is the mean
        length = np.sqrt(np.maximum(squares[top, :, left] - np.square(found[:, 0]), 0))
        blank = length <= BLANK * np.abs(found[:, 0])
        described.append(found[:, 1:] / np.where(blank, np.nan, length)[:, None])
    return np.stack(described)


@cache  # of every part of the images again
def _waves(side: int, margin: int, at: int) -> npt.NDArray[np.float32]:
    """The first WAVES cosines of the type II transform, each of length 1, over a side without its margins.

    Of (WAVES, side), with zeros outside of what begins there.
    """
    inner = side - 2 * margin
    angles = np.pi * np.outer(np.arange(WAVES), np.arange(inner) + 0.5) / inner
    waves = np.zeros((WAVES, side), dtype=np.float32)
    waves[:, at : at + inner] = np.cos(angles)
    return np.asarray(waves / np.linalg.norm(waves, axis=1, keepdims=True), dtype=np.float32)


def _of_few() -> Rows:
    """Which of all waves but the first, the mean, are among the FEW a side."""
    down, across = np.divmod(np.arange(1, WAVES**2), WAVES)
    return np.flatnonzero((down < FEW) & (across < FEW))


def _are_close(
    asking: npt.NDArray[np.float32], points: npt.NDArray[np.float32], pairs: Pairs, most: float
) -> Mask:
    """Which pairs of an asking one (m, w) and a point (m, w) are at most so far apart in all waves."""
    close = np.empty(len(pairs), dtype=bool)
    for part in parts(asking, len(pairs)):
        apart = asking[pairs[part, 0]] - points[pairs[part, 1]]
        close[part] = np.einsum("pw,pw->p", apart, apart) <= most**2
    return close


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
