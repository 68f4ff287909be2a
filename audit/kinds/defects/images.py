"""Defects of images: each function takes an image (h, w, c) and a generator, and returns a changed image.

Images hold brightness 0 to 1 on a dark background, as `ImageScale.to_unit` makes them.
"""

from collections.abc import Callable, Mapping

import numpy as np
from scipy import ndimage

from audit.kinds.defects.image_scale import Image

Defect = Callable[[Image, np.random.Generator], Image]
Between = Callable[[Image, Image, np.random.Generator], Image]


def elastic(image: Image, rng: np.random.Generator) -> Image:
    """Bend it by a smooth random field, by up to a fifth of the side (Simard et al. 2003)."""
    side = min(image.shape[:2])
    fields = [ndimage.gaussian_filter(rng.uniform(-1, 1, image.shape[:2]), side / 7) for _ in range(2)]
    reach = rng.uniform(0.13, 0.22) * side
    moves = [field * reach / max(float(np.abs(field).max()), 1e-9) for field in fields]
    grid = np.indices(image.shape[:2]) + np.array(moves)
    return _each_channel(image, lambda plane: ndimage.map_coordinates(plane, grid, order=1, mode="nearest"))


def slanted(image: Image, rng: np.random.Generator) -> Image:
    """Shear it far to one side."""
    return _mapped(image, np.array([[1, 0], [_of_either_sign(rng, 0.6, 1.0), 1]]))


def stretched(image: Image, rng: np.random.Generator) -> Image:
    """Make it much too wide, too narrow, too flat or too tall."""
    sizes = np.array([1.0, rng.choice([rng.uniform(0.55, 0.7), rng.uniform(1.7, 2.4)])])
    return _mapped(image, np.diag(rng.permutation(sizes)))


def turned(image: Image, rng: np.random.Generator) -> Image:
    """Turn it by 35 to 60 degrees."""
    angle = np.radians(_of_either_sign(rng, 35, 60))
    cosine = np.cos(angle)
    sine = np.sin(angle)
    return _mapped(image, np.array([[cosine, -sine], [sine, cosine]]))


def swirled(image: Image, rng: np.random.Generator) -> Image:
    """Twist it around its centre, most in the middle."""
    h, w = image.shape[:2]
    y, x = np.indices((h, w)) - np.array([h / 2, w / 2])[:, None, None]
    angle = _of_either_sign(rng, 0.9, 1.5) * np.exp(-np.hypot(y, x) / (0.35 * min(h, w)))
    grid = np.array(
        [y * np.cos(angle) - x * np.sin(angle) + h / 2, y * np.sin(angle) + x * np.cos(angle) + w / 2]
    )
    return _each_channel(image, lambda plane: ndimage.map_coordinates(plane, grid, order=1, mode="nearest"))


def stray_marks(image: Image, rng: np.random.Generator) -> Image:
    """Draw one to three strokes across it."""
    return _with_ink(image, _strokes(image.shape[0], image.shape[1], int(rng.integers(1, 4)), rng))


def dotted(image: Image, rng: np.random.Generator) -> Image:
    """Add four to eight blots."""
    h, w = image.shape[:2]
    blots = np.zeros((h, w), dtype=np.float32)
    for _ in range(rng.integers(4, 9)):
        blots[rng.integers(h), rng.integers(w)] = 1
    return _with_ink(image, ndimage.grey_dilation(blots, size=max(2, min(h, w) // 12)))


def low_contrast(image: Image, rng: np.random.Generator) -> Image:
    """Make it hardly brighter than its background."""
    ground = float(np.median(image))
    return np.asarray(ground + rng.uniform(0.12, 0.35) * (image - ground), dtype=np.float32)


def cut_off(image: Image, rng: np.random.Generator) -> Image:
    """Move it out of the frame by a third of the side or more."""
    reach = rng.uniform(0.32, 0.5) * np.array(image.shape[:2])
    moved = np.where(rng.permutation(2) == 0, reach, 0) * rng.choice([-1, 1])
    return np.asarray(ndimage.shift(image, (*moved, 0), order=1, mode="nearest"), dtype=np.float32)


def blank(image: Image, rng: np.random.Generator) -> Image:
    """Leave only the background, with a speck in half of the cases."""
    empty = np.full_like(image, float(np.median(image)))
    if rng.random() < 0.5:
        empty[rng.integers(image.shape[0]), rng.integers(image.shape[1])] = rng.random()
    return empty


def blurred(image: Image, rng: np.random.Generator) -> Image:
    """Blur it, as if out of focus."""
    sigma = rng.uniform(0.07, 0.11) * min(image.shape[:2])
    return np.asarray(ndimage.gaussian_filter(image, (sigma, sigma, 0)), dtype=np.float32)


def shaken(image: Image, rng: np.random.Generator) -> Image:
    """Blur it along a line, as a moving hand does."""
    length = int(max(3, rng.uniform(0.22, 0.35) * min(image.shape[:2])))
    kernel = np.eye(length)
    if rng.random() >= 0.5:
        kernel = np.zeros((length, length))
        kernel[length // 2] = 1
    kernel /= kernel.sum()
    return _each_channel(image, lambda plane: ndimage.convolve(plane, kernel, mode="nearest"))


def inverted(image: Image, _: np.random.Generator) -> Image:
    """Exchange dark and light."""
    return np.asarray(1 - image, dtype=np.float32)


def thick_strokes(image: Image, rng: np.random.Generator) -> Image:
    """Make the strokes much too thick, up to a blob."""
    size = max(2, round(rng.uniform(0.14, 0.32) * min(image.shape[:2])))
    return np.asarray(ndimage.grey_dilation(image, size=(size, size, 1)), dtype=np.float32)


def thin_strokes(image: Image, rng: np.random.Generator) -> Image:
    """Wear the strokes away to a thread."""
    size = max(2, round(rng.uniform(0.07, 0.11) * min(image.shape[:2])))
    return np.asarray(ndimage.grey_erosion(image, size=(size, size, 1)), dtype=np.float32)


def broken_strokes(image: Image, rng: np.random.Generator) -> Image:
    """Put gaps into the strokes, as a dry pen or a bad scan does."""
    h, w = image.shape[:2]
    grain = ndimage.gaussian_filter(rng.standard_normal((h, w)), rng.uniform(0.03, 0.07) * min(h, w))
    ink = image.max(axis=2) > 0.5 * float(image.max())
    least = np.quantile(grain[ink] if ink.any() else grain, rng.uniform(0.3, 0.6))
    left = np.clip((grain - least) / max(float(grain.std()), 1e-9) * 2 + 0.5, 0, 1)
    return np.asarray(image * left[:, :, None], dtype=np.float32)


def covered(image: Image, rng: np.random.Generator) -> Image:
    """Hide a rectangle of it."""
    return _hidden(image, rng.uniform(0.25, 0.7, 2), rng)


def barred(image: Image, rng: np.random.Generator) -> Image:
    """Hide a bar from side to side."""
    return _hidden(image, rng.permutation([1.0, rng.uniform(0.2, 0.3)]), rng)


def pixel_noise(image: Image, rng: np.random.Generator) -> Image:
    """Add grain to all of it."""
    grain = rng.normal(0, rng.uniform(0.15, 0.4), image.shape)
    return np.asarray(np.clip(image + grain, 0, 1), dtype=np.float32)


def salt_and_pepper(image: Image, rng: np.random.Generator) -> Image:
    """Make single pixels black or white."""
    struck = rng.random(image.shape[:2]) < rng.uniform(0.08, 0.25)
    return np.where(struck[:, :, None], rng.integers(0, 2, image.shape[:2])[:, :, None], image).astype(
        np.float32
    )


def blended(image: Image, other: Image, rng: np.random.Generator) -> Image:
    """Lay two images over each other, at half strength or at full brightness."""
    weight = rng.uniform(0.45, 0.55)
    both = weight * image + (1 - weight) * other
    strength = rng.choice([1.0, float(max(image.max(), other.max())) / max(float(both.max()), 1e-6)])
    return np.asarray(np.clip(strength * both, 0, 1), dtype=np.float32)


def overlaid(image: Image, other: Image, _: np.random.Generator) -> Image:
    """Draw both on one sheet."""
    return np.maximum(image, other)


def morphed(image: Image, other: Image, rng: np.random.Generator) -> Image:
    """Draw the shape half way between two, the mean of their signed distances; a blend if little is left."""
    weight = rng.uniform(0.45, 0.55)
    distance = weight * _signed_distance(image) + (1 - weight) * _signed_distance(other)
    between = np.clip(distance + 0.5, 0, 1)
    least = 0.6 * min(float(part.mean(axis=2).sum()) for part in (image, other))
    if between.sum() < least:
        return blended(image, other, rng)
    return np.repeat(between[:, :, None], image.shape[2], axis=2).astype(np.float32)


def mixed_with(partners: Image, ways: Mapping[str, Between]) -> Mapping[str, Defect]:
    """Turn ways to mix two images into defects of one, which is mixed with the next of the partners."""
    remaining = iter(partners)

    def defect(way: Between) -> Defect:
        return lambda image, rng: way(image, at_centre_of(image, next(remaining)), rng)

    return {name: defect(way) for name, way in ways.items()}


def at_centre_of(image: Image, other: Image) -> Image:
    """Move the other image so that its centre of mass is that of the image."""
    y, x = ndimage.center_of_mass(image.sum(axis=2) + 1e-9)
    other_y, other_x = ndimage.center_of_mass(other.sum(axis=2) + 1e-9)
    move = (y - other_y, x - other_x, 0)
    return np.asarray(ndimage.shift(other, move, order=1, mode="nearest"), dtype=np.float32)


def _signed_distance(image: Image) -> Image:
    ink = image.mean(axis=2)
    inside = ink > 0.5 * ink.max()
    outside = ndimage.distance_transform_edt(~inside)
    return np.asarray(ndimage.distance_transform_edt(inside) - outside, dtype=np.float32)


def _strokes(h: int, w: int, count: int, rng: np.random.Generator) -> Image:
    from PIL import Image as Pictures  # noqa: PLC0415  slow to import
    from PIL import ImageDraw  # noqa: PLC0415

    sheet = Pictures.new("L", (4 * w, 4 * h))
    pen = ImageDraw.Draw(sheet)
    for _ in range(count):
        points = rng.uniform(0, 1, (int(rng.integers(2, 5)), 2)) * (4 * w, 4 * h)
        pen.line([tuple(point) for point in points.tolist()], fill=255, width=max(2, round(0.3 * min(h, w))))
    drawn = sheet.resize((w, h), Pictures.Resampling.BOX)
    return np.asarray(drawn, dtype=np.float32) / np.float32(255)


def _with_ink(image: Image, ink: Image) -> Image:
    return np.asarray(np.maximum(image, ink[:, :, None] * float(image.max())), dtype=np.float32)


def _hidden(image: Image, shares: np.ndarray, rng: np.random.Generator) -> Image:
    """The image with a rectangle of these shares of its sides, near its middle, made black, white or grey."""
    sides = np.array(image.shape[:2])
    size = np.maximum(1, np.round(shares * sides)).astype(int)
    top, left = (rng.uniform(0.15, 0.85, 2) * (sides - size)).astype(int)
    hidden = image.copy()
    hidden[top : top + size[0], left : left + size[1]] = rng.choice([0.0, 1.0, rng.random()])
    return hidden


def _of_either_sign(rng: np.random.Generator, least: float, most: float) -> float:
    """A number between the two, of either sign."""
    return float(rng.uniform(least, most) * rng.choice([-1, 1]))


def _mapped(image: Image, matrix: np.ndarray) -> Image:
    """The image seen through a linear map around its centre."""
    centre = (np.array(image.shape[:2]) - 1) / 2
    start = centre - matrix @ centre
    return _each_channel(
        image, lambda plane: ndimage.affine_transform(plane, matrix, start, order=1, mode="nearest")
    )


def _each_channel(image: Image, change: Callable[[Image], Image]) -> Image:
    return np.stack([change(image[:, :, c]) for c in range(image.shape[2])], axis=2).astype(np.float32)


ATYPICAL: Mapping[str, Defect] = {
    "bent": elastic,
    "slanted": slanted,
    "stretched": stretched,
    "turned": turned,
}
LOW_QUALITY: Mapping[str, Defect] = {
    "stray marks": stray_marks,
    "low contrast": low_contrast,
    "cut off": cut_off,
    "blank": blank,
    "blurred": blurred,
    "inverted": inverted,
    "covered": covered,
    "noisy": pixel_noise,
    "specks": dotted,
}
STROKES: Mapping[str, Defect] = {  # low quality of drawings
    "thick strokes": thick_strokes,
    "thin strokes": thin_strokes,
    "broken strokes": broken_strokes,
}
MIXTURES: Mapping[str, Between] = {"blend": blended}
MIXTURES_OF_DRAWINGS: Mapping[str, Between] = {"shape between": morphed, "overlay": overlaid}
# Never used for synthetic rows, so that `audit inject --defects` also has defects that no run was fitted to.
HELD_OUT: Mapping[str, Mapping[str, Defect]] = {
    "atypical": {"swirled": swirled},
    "low quality": {"shaken": shaken, "barred": barred, "speckled": salt_and_pepper},
}


def ambiguous(partners: Image, *, drawings: bool) -> Mapping[str, Defect]:
    """The defects that make images ambiguous: each is mixed with the next of the partners."""
    if drawings:
        return mixed_with(partners, {**MIXTURES, **MIXTURES_OF_DRAWINGS})
    return mixed_with(partners, MIXTURES)


def low_quality(*, drawings: bool) -> Mapping[str, Defect]:
    """The defects that make images of low quality."""
    if drawings:
        return {**LOW_QUALITY, **STROKES}
    return LOW_QUALITY
