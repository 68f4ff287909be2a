"""Statistics of an image that need no model: ink, strokes, contrast, sharpness, position, noise.

Ink is what is brighter than the background once the images are scaled to a dark background.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.detectors.blocks import in_threads
from audit.kinds.defects.image_scale import Image, ImageScale
from audit.types import Examples, Floats, Mask, Rows

LARGEST_SIDE = 64  # pixels; larger images are shrunk first
LEAST_PEAK = 0.02  # brightness under which an image counts as blank
EVEN = 0.02  # difference of brightness within a neighbourhood that counts as even
INK = 0.5  # of the brightest ink, from which a pixel belongs to a stroke
FAINT_INK = 0.15  # of the brightest ink, up to which a pixel belongs to the background
FULL_INK = 0.7  # of the brightest ink, from which a pixel is not grey
LONGEST = 20.0  # ratio of the axes that is told apart
CHUNK_ROWS = 250  # that fit a cache
STATISTICS = (
    "ink",  # mean brightness over the background
    "ground",  # brightness of the border
    "contrast",  # between the 2 % darkest and the 2 % brightest pixels
    "peak",  # brightest ink
    "grey",  # share of the ink that is neither faint nor full: blurred edges
    "noise",  # mean difference to the median of the neighbourhood
    "edges",  # mean gradient over contrast
    "border",  # most ink along one side
    "pieces",  # connected parts
    "stray",  # share of the ink outside the largest part
    "holes",
    "stroke",  # width in pixels: twice the mean distance to the background, on the ridge
    "widest",  # twice the largest distance to the background
    "height",  # of the frame around the ink, as a share of the side
    "width",
    "off centre",  # distance of the centre of mass from the middle, as a share of the side
    "slant",  # shear that makes the ink upright, from its second moments
    "turn",  # direction of the longest axis
    "long",  # ratio of the axes
    "colour",  # mean spread over channels
    "even",  # share of the image that is evenly bright, neighbours included, and not background
    "straight",  # most contrast from one row or column to the next, along all of it
)

StatisticsByName = Mapping[str, Floats]  # statistics (m,) by name


def statistics(X: Examples, rows: Rows, scale: ImageScale) -> Floats:
    """Compute the statistics (m, s) of these rows of images (n, h, w, c), in the order of STATISTICS."""
    chunks = [slice(start, start + CHUNK_ROWS) for start in range(0, len(rows), CHUNK_ROWS)]
    parts = list(
        in_threads(lambda chunk: _of_images(_shrunk(scale.to_unit(np.asarray(X[rows[chunk]])))), chunks)
    )
    if not parts:
        return np.empty((0, len(STATISTICS)))
    return np.concatenate([np.stack([part[name] for name in STATISTICS], axis=1) for part in parts])


def _shrunk(images: Image) -> Image:
    """Images (m, h, w, c) as means of blocks, so that the longer side is less than twice LARGEST_SIDE."""
    step = max(1, max(images.shape[1:3]) // LARGEST_SIDE)
    m, h, w, c = images.shape
    cut = images[:, : h // step * step, : w // step * step]
    return np.asarray(cut.reshape(m, h // step, step, w // step, step, c).mean(axis=(2, 4)), dtype=np.float32)


def _of_images(images: Image) -> StatisticsByName:
    """All statistics of images (m, h, w, c); those of strokes and frames are 0 for blank images."""
    grey = images.mean(axis=3)
    border = np.concatenate([grey[:, 0], grey[:, -1], grey[:, :, 0], grey[:, :, -1]], axis=1)
    ground = np.median(border, axis=1)
    ink = np.abs(grey - ground[:, None, None])
    low, high = np.quantile(grey.reshape(len(grey), -1), [0.02, 0.98], axis=1)
    peak = ink.reshape(len(ink), -1).max(axis=1)
    contrast = np.maximum(high - low, peak)
    scaled = ink / np.maximum(peak, 1e-6)[:, None, None]
    strokes = np.asarray(scaled > INK, dtype=np.bool_)
    shown = peak > LEAST_PEAK
    of_ink = {**_stroke_statistics(strokes), **_frame_statistics(scaled, strokes)}
    return {
        "ink": ink.mean(axis=(1, 2)),
        "ground": ground,
        "contrast": contrast,
        "peak": peak,
        "border": _most_along_a_side(ink),
        "colour": images.std(axis=3).mean(axis=(1, 2)),
        **_sharpness(grey, scaled, contrast),
        **_evenness(grey, scaled),
        **{name: values * shown for name, values in of_ink.items()},
    }


def _most_along_a_side(ink: Image) -> Floats:
    sides = [ink[:, 0].mean(1), ink[:, -1].mean(1), ink[:, :, 0].mean(1), ink[:, :, -1].mean(1)]
    return np.asarray(np.stack(sides).max(axis=0))


def _sharpness(grey: Image, scaled: Image, contrast: Floats) -> StatisticsByName:
    """Grey ink, noise and edges."""
    from scipy import ndimage  # noqa: PLC0415  slow to import

    inked = (scaled > FAINT_INK).sum(axis=(1, 2))
    between = ((scaled > FAINT_INK) & (scaled < FULL_INK)).sum(axis=(1, 2))
    slopes = np.abs(np.diff(grey, axis=1))[:, :, :-1] + np.abs(np.diff(grey, axis=2))[:, :-1]
    return {
        "grey": between / np.maximum(inked, 1),
        "noise": np.abs(grey - ndimage.median_filter(grey, size=(1, 3, 3))).mean(axis=(1, 2)),
        "edges": slopes.mean(axis=(1, 2)) / np.maximum(contrast, 0.02),
    }


def _evenness(grey: Image, scaled: Image) -> StatisticsByName:
    """The even share and the straightest edge: a covering rectangle shows in both."""
    from scipy import ndimage  # noqa: PLC0415  slow to import

    darkest = ndimage.minimum_filter(grey, size=(1, 3, 3))
    brightest = ndimage.maximum_filter(grey, size=(1, 3, 3))
    down = np.abs(np.diff(scaled, axis=1))
    across = np.abs(np.diff(scaled, axis=2))
    return {
        "even": ((brightest - darkest < EVEN) & (scaled > FAINT_INK)).mean(axis=(1, 2)),
        "straight": np.maximum(down.mean(axis=2).max(axis=1), across.mean(axis=1).max(axis=1)),
    }


def _stroke_statistics(strokes: Mask) -> StatisticsByName:
    """Parts, holes and widths of the strokes in each mask (m, h, w).

    All images are one block whose layers do not touch: a call for each would take four times as long.
    """
    from scipy import ndimage  # noqa: PLC0415  slow to import

    framed = np.pad(strokes, ((0, 0), (1, 1), (1, 1)))
    pieces, largest = _parts(framed, corners=True)
    holes, _ = _parts(~framed, corners=False)
    total = strokes.sum(axis=(1, 2))
    far_apart = 4.0 * sum(strokes.shape[1:])  # distance between layers
    depth = ndimage.distance_transform_edt(framed, sampling=(far_apart, 1, 1))
    ridge = framed & (depth == ndimage.maximum_filter(depth, size=(1, 3, 3)))
    mean_depth = (depth * ridge).sum(axis=(1, 2)) / np.maximum(ridge.sum(axis=(1, 2)), 1)
    return {
        "pieces": pieces,
        "stray": np.where(total > 0, 1 - largest / np.maximum(total, 1), 0),
        "holes": holes - 1,
        "stroke": 2 * mean_depth - (total > 0),
        "widest": 2 * depth.max(axis=(1, 2)) - (total > 0),
    }


def _parts(masks: Mask, *, corners: bool) -> tuple[Floats, Floats]:
    """The number of connected parts of each mask (m, h, w), and the pixels of its largest part."""
    from scipy import ndimage  # noqa: PLC0415  slow to import

    touching = np.zeros((3, 3, 3), dtype=bool)
    touching[1] = ndimage.generate_binary_structure(2, 2 if corners else 1)
    labelled, count = ndimage.label(masks, touching)
    sizes = np.bincount(labelled.ravel(), minlength=count + 1)[1:]
    layer = np.zeros(count + 1, dtype=np.int64)
    pixels = np.nonzero(masks)
    layer[labelled[pixels]] = pixels[0]
    parts = np.bincount(layer[1:], minlength=len(masks)).astype(float)
    largest = np.zeros(len(masks))
    np.maximum.at(largest, layer[1:], sizes)
    return parts, largest


def _frame_statistics(scaled: Image, strokes: Mask) -> StatisticsByName:
    """Size of the frame around the strokes (m, h, w), and position and direction of the ink."""
    _, h, w = strokes.shape
    weight = np.where(scaled > FAINT_INK, scaled, 0) + 1e-9
    total = weight.sum(axis=(1, 2))

    def mean(values: npt.NDArray[Any]) -> Floats:
        return np.asarray((weight * values).sum(axis=(1, 2)) / total)

    y = np.arange(h)[:, None]
    x = np.arange(w)[None, :]
    mean_y = mean(y)
    mean_x = mean(x)
    dy = y - mean_y[:, None, None]
    dx = x - mean_x[:, None, None]
    var_y = mean(dy * dy)
    var_x = mean(dx * dx)
    covariance = mean(dy * dx)
    middle = (var_x + var_y) / 2
    root = np.hypot((var_x - var_y) / 2, covariance)
    ratio = np.sqrt((middle + root) / np.maximum(middle - root, 0.05))
    return {
        "height": _extent(np.any(strokes, axis=2)),
        "width": _extent(np.any(strokes, axis=1)),
        "off centre": np.hypot(mean_y / h - 0.5, mean_x / w - 0.5),
        "slant": covariance / np.maximum(var_y, 0.05),
        "turn": np.arctan2(2 * covariance, var_y - var_x) / 2,
        "long": np.minimum(ratio, LONGEST),
    }


def _extent(inked: Mask) -> Floats:
    """The length from first to last line (m, side) with ink, as a share of the side; 0 if there is none."""
    side = inked.shape[1]
    last = side - inked[:, ::-1].argmax(axis=1)
    return np.where(inked.any(axis=1), (last - inked.argmax(axis=1)) / side, 0)
