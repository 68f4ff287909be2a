"""What can be measured in an image without any model: ink, strokes, contrast, sharpness, place, noise."""

import numpy as np
import numpy.typing as npt

from audit.kinds.defects.canvas import Canvas, Image
from audit.types import Examples, Floats, Rows

LARGEST_SIDE = 64  # pixels; larger images are looked at smaller
LEAST_PEAK = 0.02  # under which there is nothing to see
EVEN = 0.02  # difference of brightness that is none
INK = 0.5  # of the brightest, from which a pixel is ink
CHUNK_ROWS = 2000
STATISTICS = (
    "ink",  # mean brightness of what lies over the ground
    "ground",  # brightness of the border
    "contrast",  # between the 2 % darkest and the 2 % brightest pixels
    "peak",
    "grey",  # share of what is not ground that is neither dark nor bright: blurred edges
    "noise",  # mean difference to the median of the neighbourhood
    "edges",  # mean gradient over contrast
    "border",  # most ink along one side
    "pieces",  # connected parts
    "stray",  # share of the ink beside the largest part
    "holes",
    "stroke",  # width in pixels: twice the mean distance to the ground, on the ridge
    "widest",  # twice the largest distance to the ground
    "height",  # of the ink's frame, as a share of the side
    "width",
    "off centre",  # distance of the centre of mass from the middle, as a share of the side
    "slant",  # of the second moments: the shear that makes it upright
    "turn",  # direction of the longest axis
    "long",  # ratio of the axes
    "colour",  # mean spread over channels
    "even",  # share of the image that is one brightness other than the ground's, with all its neighbours
    "straight",  # most contrast from one row or column to the next, along all of it
)


def statistics(X: Examples, rows: Rows, canvas: Canvas) -> Floats:
    """Those of these rows of images (n, h, w, c), in the order of STATISTICS, (m, 22)."""
    parts = [
        _of_images(_small(canvas.enter(np.asarray(X[rows[start : start + CHUNK_ROWS]]))))
        for start in range(0, len(rows), CHUNK_ROWS)
    ]
    return np.concatenate(parts) if parts else np.empty((0, len(STATISTICS)))


def _small(images: Image) -> Image:
    """Images (m, h, w, c) as means of blocks, so that no side is over LARGEST_SIDE by much."""
    step = max(1, max(images.shape[1:3]) // LARGEST_SIDE)
    m, h, w, c = images.shape
    cut = images[:, : h // step * step, : w // step * step]
    return np.asarray(cut.reshape(m, h // step, step, w // step, step, c).mean(axis=(2, 4)), dtype=np.float32)


def _of_images(images: Image) -> Floats:
    from scipy import ndimage  # noqa: PLC0415  slow to import

    grey = images.mean(axis=3)
    m = len(grey)
    border = np.concatenate([grey[:, 0], grey[:, -1], grey[:, :, 0], grey[:, :, -1]], axis=1)
    ground = np.median(border, axis=1)
    ink = np.abs(grey - ground[:, None, None])
    low, high = np.quantile(grey.reshape(m, -1), [0.02, 0.98], axis=1)
    peak = ink.reshape(m, -1).max(axis=1)
    contrast = np.maximum(high - low, peak)
    scaled = ink / np.maximum(peak, 1e-6)[:, None, None]
    middle = ((scaled > 0.15) & (scaled < 0.7)).sum(axis=(1, 2))
    noise = np.abs(grey - ndimage.median_filter(grey, size=(1, 3, 3))).mean(axis=(1, 2))
    slopes = np.abs(np.diff(grey, axis=1))[:, :, :-1] + np.abs(np.diff(grey, axis=2))[:, :-1]
    sides = np.stack([ink[:, 0].mean(1), ink[:, -1].mean(1), ink[:, :, 0].mean(1), ink[:, :, -1].mean(1)])
    found = np.zeros((m, len(STATISTICS)))
    found[:, :8] = np.stack(
        [
            ink.mean(axis=(1, 2)),
            ground,
            contrast,
            peak,
            middle / np.maximum((scaled > 0.15).sum(axis=(1, 2)), 1),
            noise,
            slopes.mean(axis=(1, 2)) / np.maximum(contrast, 0.02),
            sides.max(axis=0),
        ],
        axis=1,
    )
    inked: npt.NDArray[np.bool_] = np.asarray(scaled > INK, dtype=np.bool_)
    shown = (peak > LEAST_PEAK)[:, None]
    found[:, 8:13] = _strokes(inked) * shown
    found[:, 13:19] = _frame(scaled, inked) * shown
    found[:, 19] = images.std(axis=3).mean(axis=(1, 2))
    found[:, 20:] = _even(grey, scaled)
    return found


def _even(grey: Image, scaled: Image) -> Floats:
    """Share of the image that is even and no ground, and its straightest edge: both show a cover."""
    from scipy import ndimage  # noqa: PLC0415  slow to import

    low, high = (of(grey, size=(1, 3, 3)) for of in (ndimage.minimum_filter, ndimage.maximum_filter))
    even = ((high - low < EVEN) & (scaled > 0.15)).mean(axis=(1, 2))
    down, across = (np.abs(np.diff(scaled, axis=axis)) for axis in (1, 2))
    straight = np.maximum(down.mean(axis=2).max(axis=1), across.mean(axis=1).max(axis=1))
    return np.stack([even, straight], axis=1)


def _strokes(masks: npt.NDArray[np.bool_]) -> Floats:
    """Pieces, share of stray ink, holes, width of the strokes and of the widest, of each mask (m, h, w).

    All images are one block whose layers do not touch: a call for each would take four times as long.
    """
    from scipy import ndimage  # noqa: PLC0415  slow to import

    framed = np.pad(masks, ((0, 0), (1, 1), (1, 1)))
    pieces, sizes = _parts(framed, corners=True)
    holes, _ = _parts(~framed, corners=False)
    total = masks.sum(axis=(1, 2))
    stray = np.where(total > 0, 1 - sizes / np.maximum(total, 1), 0)
    depth = ndimage.distance_transform_edt(framed, sampling=(4.0 * sum(masks.shape[1:]), 1, 1))
    ridge = framed & (depth == ndimage.maximum_filter(depth, size=(1, 3, 3)))
    mean = (depth * ridge).sum(axis=(1, 2)) / np.maximum(ridge.sum(axis=(1, 2)), 1)
    widths = 2 * np.stack([mean, depth.max(axis=(1, 2))]) - (total > 0)
    return np.stack([pieces, stray, holes - 1, *widths], axis=1)


def _parts(masks: npt.NDArray[np.bool_], *, corners: bool) -> tuple[Floats, Floats]:
    """How many connected parts each mask (m, h, w) has, and the pixels of its largest."""
    from scipy import ndimage  # noqa: PLC0415  slow to import

    touching = np.zeros((3, 3, 3), dtype=bool)
    touching[1] = ndimage.generate_binary_structure(2, 2 if corners else 1)
    labelled, count = ndimage.label(masks, touching)
    sizes = np.bincount(labelled.ravel(), minlength=count + 1)[1:]
    layer = np.zeros(count + 1, dtype=np.int64)
    where = np.nonzero(masks)
    layer[labelled[where]] = where[0]
    parts, largest = np.bincount(layer[1:], minlength=len(masks)).astype(float), np.zeros(len(masks))
    np.maximum.at(largest, layer[1:], sizes)
    return parts, largest


def _frame(scaled: Image, mask: npt.NDArray[np.bool_]) -> Floats:
    """Height and width of the ink's frame, its distance from the middle, slant, direction and length."""
    _, h, w = mask.shape
    spans = []
    for axis, side in ((2, h), (1, w)):
        there = np.asarray(mask.any(axis=axis))
        last = side - there[:, ::-1].argmax(axis=1)
        spans.append(np.where(there.any(axis=1), (last - there.argmax(axis=1)) / side, 0))
    weight = np.where(scaled > 0.15, scaled, 0) + 1e-9
    total = weight.sum(axis=(1, 2))
    y, x = np.arange(h)[:, None], np.arange(w)[None, :]
    my, mx = ((weight * at).sum(axis=(1, 2)) / total for at in (y, x))
    dy, dx = y - my[:, None, None], x - mx[:, None, None]
    vyy, vxx, vxy = ((weight * part).sum(axis=(1, 2)) / total for part in (dy * dy, dx * dx, dy * dx))
    away = np.hypot(my / h - 0.5, mx / w - 0.5)
    root = np.hypot((vxx - vyy) / 2, vxy)
    long = np.sqrt(((vxx + vyy) / 2 + root) / np.maximum((vxx + vyy) / 2 - root, 0.05))
    turn = np.arctan2(2 * vxy, vyy - vxx) / 2
    return np.stack([*spans, away, vxy / np.maximum(vyy, 0.05), turn, np.minimum(long, 20)], axis=1)
