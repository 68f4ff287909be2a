"""Images that belong to none of the classes: signs, pieces of photographs, shapes, shuffled pixels."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from audit.kinds.defects.image_scale import Image, ImageScale
from audit.kinds.defects.images import Defect
from audit.types import Examples

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Drawing = Callable[[tuple[int, ...], np.random.Generator], Image]  # draws an image of that shape (h, w, c)

# None of the signs looks like a digit in any of the fonts.
SIGNS = "ADEFHKMNPRTUWXYadefhkmnprtuwxy&@#%§£€¥ΔΣΩλπφψ∂∑∞√≠≈"
FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono-Oblique", "STIXGeneral", "STIXGeneralItalic")
OTHER_FONTS = ("DejaVuSerif", "DejaVuSerif-BoldItalic")
FRAMES = (0.6, 0.85)  # share of the side that a sign fills; MNIST's digits fill .72
MOST_TURN = 15  # degrees that a sign is turned


def defects(class_names: Sequence[str]) -> Mapping[str, Defect]:
    """The defects that make synthetic images off-topic."""
    return {
        "sign": _instead_of_image(signs(class_names)),
        "photograph": _instead_of_image(photograph),
        "thing": _instead_of_image(thing),
        "cut-out": _instead_of_image(cut_out),
        "disorder": disordered,
        "pieces": in_pieces,
    }


def held_out(class_names: Sequence[str], other: Examples | None) -> Mapping[str, Defect]:
    """The defects of `audit inject`: signs in other fonts, photographs, and images of another data set."""
    drawn = {
        "sign": _instead_of_image(signs(class_names, OTHER_FONTS)),
        "photograph": _instead_of_image(photograph),
    }
    if other is None:
        return drawn
    scale = ImageScale.of(other, np.arange(len(other)))

    def other_data(_: Image, rng: np.random.Generator) -> Image:
        return scale.to_unit(other[int(rng.integers(len(other)))])

    return {**drawn, "other data": other_data}


def _instead_of_image(draw: Drawing) -> Defect:
    return lambda image, rng: draw(image.shape, rng)


def signs(class_names: Sequence[str], fonts: Sequence[str] = FONTS) -> Drawing:
    """Return a function that draws signs which are not the name of a class, in matplotlib's fonts."""
    names = {name.casefold() for name in class_names}
    unused = [sign for sign in SIGNS if sign.casefold() not in names]

    def sign(shape: tuple[int, ...], rng: np.random.Generator) -> Image:
        font = fonts[int(rng.integers(len(fonts)))]
        large = _drawn(unused[rng.integers(len(unused))], font, 4 * min(shape[:2]))
        drawn = _placed(large, shape[0], shape[1], rng.uniform(*FRAMES), rng.uniform(-MOST_TURN, MOST_TURN))
        return np.repeat(drawn[:, :, None], shape[2], axis=2)

    return sign


def photograph(shape: tuple[int, ...], rng: np.random.Generator) -> Image:
    """Cut a piece from one of scikit-learn's two photographs, and shrink it."""
    from PIL import Image as Pictures  # noqa: PLC0415  slow to import

    photo = _photographs()[rng.integers(2)]
    side = int(rng.uniform(0.25, 0.9) * min(photo.shape[:2]))
    top, left = (int(rng.integers(length - side)) for length in photo.shape[:2])
    piece = Pictures.fromarray(photo[top : top + side, left : left + side])
    small = np.asarray(piece.resize((shape[1], shape[0]), Pictures.Resampling.BOX), dtype=np.float32) / 255
    grey = np.repeat(small.mean(axis=2, keepdims=True), shape[2], axis=2)
    return np.asarray(small if shape[2] == 3 else grey, dtype=np.float32)


def thing(shape: tuple[int, ...], rng: np.random.Generator) -> Image:
    """Draw a filled shape of random outline, of one or two parts, shaded and grainy."""
    h, w = shape[:2]
    slope = np.linspace(rng.uniform(0.4, 1), rng.uniform(0.4, 1), h)[:, None]
    grain = ndimage.gaussian_filter(rng.standard_normal((h, w)), rng.uniform(0, 0.05, 2) * (h, w))
    shaded = _outline(h, w, rng) * slope * (1 + rng.uniform(0, 0.4) * grain / max(float(grain.std()), 1e-9))
    return np.repeat(np.clip(shaded, 0, 1)[:, :, None], shape[2], axis=2).astype(np.float32)


def cut_out(shape: tuple[int, ...], rng: np.random.Generator) -> Image:
    """Cut a piece of a photograph in such a shape, at full brightness."""
    piece = photograph(shape, rng)
    shown = _outline(shape[0], shape[1], rng)[:, :, None] * (piece - 0.8 * piece.min())
    return np.asarray(shown / max(float(shown.max()), 1e-9), dtype=np.float32)


def _outline(h: int, w: int, rng: np.random.Generator) -> Image:
    """One or two polygons (h, w) around the middle, half of the time mirrored."""
    from PIL import Image as Pictures  # noqa: PLC0415  slow to import
    from PIL import ImageDraw  # noqa: PLC0415

    sheet = Pictures.new("L", (4 * w, 4 * h))
    for _ in range(int(rng.integers(1, 3))):
        angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(4, 9))))
        reach = rng.uniform(0.25, 0.5, (len(angles), 1)) * (4 * w, 4 * h)
        corners = np.array([2 * w, 2 * h]) + reach * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        ImageDraw.Draw(sheet).polygon(
            [tuple(corner) for corner in corners.tolist()], fill=int(rng.integers(90, 256))
        )
    filled = np.asarray(sheet.resize((w, h), Pictures.Resampling.BOX), dtype=np.float32) / np.float32(255)
    if rng.random() < 0.5:
        filled = np.maximum(filled, filled[:, ::-1])
    return filled


def disordered(image: Image, rng: np.random.Generator) -> Image:
    """Shuffle the pixels of an image."""
    pixels = image.reshape(-1, image.shape[2])
    return rng.permutation(pixels).reshape(image.shape)


def in_pieces(image: Image, rng: np.random.Generator) -> Image:
    """Shuffle the four by four pieces of an image."""
    h, w = (4 * (side // 4) for side in image.shape[:2])
    pieces = image[:h, :w].reshape(4, h // 4, 4, w // 4, -1).swapaxes(1, 2).reshape(16, h // 4, w // 4, -1)
    mixed = image.copy()
    whole = rng.permutation(pieces).reshape(4, 4, h // 4, w // 4, -1).swapaxes(1, 2)
    mixed[:h, :w] = whole.reshape(h, w, -1)
    return mixed


@cache
def _photographs() -> list[np.ndarray]:
    from sklearn.datasets import load_sample_images  # noqa: PLC0415  slow to import

    return list(load_sample_images().images)


@cache
def _drawn(sign: str, font: str, size: int) -> "Picture":
    """A sign, cut to its own frame."""
    import matplotlib as mpl  # noqa: PLC0415  slow to import
    from PIL import Image as Pictures  # noqa: PLC0415
    from PIL import ImageDraw, ImageFont  # noqa: PLC0415

    path = Path(mpl.get_data_path(), "fonts", "ttf", f"{font}.ttf")
    letter = ImageFont.truetype(str(path), size)
    left, top, right, bottom = letter.getbbox(sign)
    sheet = Pictures.new("L", (max(1, round(right - left)), max(1, round(bottom - top))))
    ImageDraw.Draw(sheet).text((-left, -top), sign, fill=255, font=letter)
    return sheet


def _placed(picture: "Picture", h: int, w: int, frame: float, degrees: float) -> Image:
    """A picture, turned, in the middle of an image (h, w), where it fills this share of the shorter side."""
    from PIL import Image as Pictures  # noqa: PLC0415  slow to import

    turned = picture.rotate(degrees, Pictures.Resampling.BILINEAR, expand=True)
    scale = frame * min(h, w) / max(turned.size)
    across, down = (max(1, round(scale * side)) for side in turned.size)
    small = np.asarray(turned.resize((across, down), Pictures.Resampling.BOX), dtype=np.float32)
    placed = np.zeros((h, w), dtype=np.float32)
    top, left = (h - down) // 2, (w - across) // 2
    placed[top : top + down, left : left + across] = small / 255
    return placed
