"""Images that belong to no class: letters and signs, pieces of photographs, pixels in disorder."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from audit.kinds.defects.canvas import Image

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Foreign = Callable[[tuple[int, ...], np.random.Generator], Image]

# No sign that looks like a digit, whatever the font.
SIGNS = "ADEFHKMNPRTUWXYadefhkmnprtuwxy&@#%§£€¥ΔΣΩλπφψ∂∑∞√≠≈"
FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono-Oblique", "STIXGeneral", "STIXGeneralItalic")
OTHER_FONTS = ("DejaVuSerif", "DejaVuSerif-BoldItalic")
FRAMES = 0.6, 0.85  # of the side that a sign fills; MNIST's digits fill .72
TURN = 15  # degrees that a sign is turned at most


def signs(class_names: Sequence[str], fonts: Sequence[str] = FONTS) -> Foreign:
    """Signs of matplotlib's fonts that are the name of no class."""
    names = {name.casefold() for name in class_names}
    left = [sign for sign in SIGNS if sign.casefold() not in names]

    def sign(shape: tuple[int, ...], rng: np.random.Generator) -> Image:
        font = fonts[int(rng.integers(len(fonts)))]
        large = _drawn(left[rng.integers(len(left))], font, 4 * min(shape[:2]))
        drawn = _placed(large, shape[0], shape[1], rng.uniform(*FRAMES), rng.uniform(-TURN, TURN))
        return np.repeat(drawn[:, :, None], shape[2], axis=2)

    return sign


def photograph(shape: tuple[int, ...], rng: np.random.Generator) -> Image:
    """A piece of one of scikit-learn's two photographs, shrunk to the size of the data."""
    from PIL import Image as Pictures  # noqa: PLC0415  slow to import

    photo = _photographs()[rng.integers(2)]
    side = int(rng.uniform(0.25, 0.9) * min(photo.shape[:2]))
    top, left = (int(rng.integers(length - side)) for length in photo.shape[:2])
    piece = Pictures.fromarray(photo[top : top + side, left : left + side])
    small = np.asarray(piece.resize((shape[1], shape[0]), Pictures.Resampling.BOX), dtype=np.float32) / 255
    grey = np.repeat(small.mean(axis=2, keepdims=True), shape[2], axis=2)
    return np.asarray(small if shape[2] == 3 else grey, dtype=np.float32)


def thing(shape: tuple[int, ...], rng: np.random.Generator) -> Image:
    """A filled shape of random outline, perhaps of two parts or with two like sides, shaded and grainy."""
    h, w = shape[:2]
    slope = np.linspace(rng.uniform(0.4, 1), rng.uniform(0.4, 1), h)[:, None]
    grain = ndimage.gaussian_filter(rng.standard_normal((h, w)), rng.uniform(0, 0.05, 2) * (h, w))
    shaded = _outline(h, w, rng) * slope * (1 + rng.uniform(0, 0.4) * grain / max(float(grain.std()), 1e-9))
    return np.repeat(np.clip(shaded, 0, 1)[:, :, None], shape[2], axis=2).astype(np.float32)


def cut_out(shape: tuple[int, ...], rng: np.random.Generator) -> Image:
    """A piece of a photograph in such a shape, as bright as there is."""
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
    return np.maximum(filled, filled[:, ::-1]) if rng.random() < 0.5 else filled


def disordered(image: Image, rng: np.random.Generator) -> Image:
    """The pixels of an image in random order."""
    pixels = image.reshape(-1, image.shape[2])
    return rng.permutation(pixels).reshape(image.shape)


def in_pieces(image: Image, rng: np.random.Generator) -> Image:
    """The four by four pieces of an image in random order."""
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
    """A picture in the middle of an image (h, w), turned, filling so much of the shorter side."""
    from PIL import Image as Pictures  # noqa: PLC0415  slow to import

    turned = picture.rotate(degrees, Pictures.Resampling.BILINEAR, expand=True)
    scale = frame * min(h, w) / max(turned.size)
    across, down = (max(1, round(scale * side)) for side in turned.size)
    small = np.asarray(turned.resize((across, down), Pictures.Resampling.BOX), dtype=np.float32)
    placed = np.zeros((h, w), dtype=np.float32)
    top, left = (h - down) // 2, (w - across) // 2
    placed[top : top + down, left : left + across] = small / 255
    return placed
