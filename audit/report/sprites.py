"""Put many small images into a few large ones, with style sheet rules that cut each out of them."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from audit.types import Thumbnails

if TYPE_CHECKING:
    from PIL.Image import Image

COLUMNS = 32  # of a sheet, of which a browser decodes only those that it shows
LINES = 16
SIZES = {"card": 112, "small": 56, "near": 48, "review": 224, "review-near": 84, "worst": 96}  # longer sides
PIXELATED_UP_TO = 40  # smaller images are kept to the pixel and shown as squares, larger ones smoothly
JPEG_QUALITY = 88


@dataclass(frozen=True)
class SpriteSheet:
    """Where each row's image is in the sheets, and the rules that show it."""

    cells: dict[int, str]  # row number → its classes
    css: str


def sprite_sheet(thumbnails: Thumbnails, rows: Sequence[int]) -> SpriteSheet:
    """Put the images of these rows, each of which must be among the thumbnails, into a few sheets."""
    if not rows:
        return SpriteSheet({}, "")
    index_of = {int(row): index for index, row in enumerate(thumbnails.rows)}
    images = thumbnails.images[[index_of[row] for row in rows]]
    full = COLUMNS * LINES
    sheets = [_sheet(images[start : start + full]) for start in range(0, len(images), full)]
    places = ((row, *divmod(i, full)) for i, row in enumerate(rows))
    return SpriteSheet(
        cells={row: f"s{sheet} c{i % COLUMNS} r{i // COLUMNS}" for row, sheet, i in places},
        css=_rules(images.shape[1], images.shape[2], sheets),
    )


def as_picture(image: npt.NDArray[np.uint8]) -> "Image":
    """An image (h, w, c) as PIL's, in grey where it has one channel."""
    from PIL import Image  # noqa: PLC0415  only a report needs it

    if image.shape[-1] == 1:
        image = image.squeeze(-1)
    return Image.fromarray(image)


def _sheet(images: npt.NDArray[np.uint8]) -> str:
    """The images (m, h, w, c) line after line as a data URI: PNG, or JPEG where they are shown smoothly."""
    m, height, width, channels = images.shape
    cells = np.zeros((LINES * COLUMNS, height, width, channels), dtype=np.uint8)
    cells[:m] = images
    sheet = cells.reshape(LINES, COLUMNS, height, width, channels).swapaxes(1, 2)
    sheet = sheet.reshape(LINES * height, COLUMNS * width, channels)
    buffer = io.BytesIO()
    picture = as_picture(sheet)
    kind = "png"
    if max(height, width) <= PIXELATED_UP_TO:
        picture.save(buffer, format="PNG", optimize=True)
    else:  # without subsampling, so that no image runs into its neighbour's colours
        kind = "jpeg"
        picture.save(buffer, format="JPEG", quality=JPEG_QUALITY, subsampling=0, optimize=True)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _rules(height: int, width: int, sheets: Sequence[str]) -> str:
    """One rule for each sheet, column and line, so that nothing needs inline styles; sizes as variables."""
    longer = max(height, width)
    scales = {name: side / longer for name, side in SIZES.items()}
    rendering = "auto"
    if longer <= PIXELATED_UP_TO:  # then only whole multiples are sharp
        scales = {name: max(1, round(scale)) for name, scale in scales.items()}
        rendering = "pixelated"
    variables = ";".join(f"--{name}:{scale:.4g}" for name, scale in scales.items())
    w, h = (f"calc(var(--scale)*{side}px)" for side in (width, height))
    whole = f"calc(var(--scale)*{COLUMNS * width}px) calc(var(--scale)*{LINES * height}px)"

    rules = [
        f":root{{{variables};--ratio:{width}/{height}}}",
        f".thumb{{width:{w};height:{h};background-size:{whole};image-rendering:{rendering}}}",
    ]
    rules.append(".own{background-size:contain;background-position:center;image-rendering:auto}")
    rules += [f'.s{i}{{background-image:url("{sheet}")}}' for i, sheet in enumerate(sheets)]
    rules += [f".c{i}{{background-position-x:{100 * i / (COLUMNS - 1):.4f}%}}" for i in range(COLUMNS)]
    rules += [f".r{i}{{background-position-y:{100 * i / (LINES - 1):.4f}%}}" for i in range(LINES)]
    return "\n".join(rules)
