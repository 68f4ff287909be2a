"""Many small images as one PNG, and the stylesheet rules that cut each out of it."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audit.types import Thumbnails

COLUMNS = 32
CARD_PIXELS, SMALL_PIXELS = 112, 56  # the longer side on the page; whole multiples of the image stay sharp
PIXELATED_UP_TO = 40  # images of fewer pixels are shown as squares, larger ones smoothly


@dataclass(frozen=True)
class SpriteSheet:
    """Where each row's image is in the sheet, and the rules that show it."""

    cells: dict[int, str]  # row number → its classes
    css: str


def sprite_sheet(thumbnails: Thumbnails, rows: Sequence[int]) -> SpriteSheet:
    """The images of these rows, each of which must be among the thumbnails, in one PNG."""
    from PIL import Image  # noqa: PLC0415  only a report needs it

    if not rows:
        return SpriteSheet({}, "")
    where = {int(row): index for index, row in enumerate(thumbnails.rows)}
    images = thumbnails.images[[where[row] for row in rows]]
    m, height, width, channels = images.shape
    lines = -(-m // COLUMNS)
    cells = np.zeros((lines * COLUMNS, height, width, channels), dtype=np.uint8)
    cells[:m] = images
    sheet = cells.reshape(lines, COLUMNS, height, width, channels).swapaxes(1, 2)
    sheet = sheet.reshape(lines * height, COLUMNS * width, channels)
    buffer = io.BytesIO()
    Image.fromarray(sheet.squeeze(-1) if channels == 1 else sheet).save(buffer, format="PNG", optimize=True)
    return SpriteSheet(
        cells={row: f"c{i % COLUMNS} r{i // COLUMNS}" for i, row in enumerate(rows)},
        css=_rules(height, width, lines, base64.b64encode(buffer.getvalue()).decode()),
    )


def _rules(height: int, width: int, lines: int, png: str) -> str:
    """One rule for the sheet, one for each of its columns and lines, so that nothing needs inline styles."""
    smooth = "pixelated" if max(height, width) <= PIXELATED_UP_TO else "auto"
    rules = [f'.thumb{{background-image:url("data:image/png;base64,{png}");image-rendering:{smooth}}}']
    for selector, pixels in ((".thumb", CARD_PIXELS), (".small .thumb", SMALL_PIXELS)):
        scale = max(1, round(pixels / max(height, width)))
        w, h = width * scale, height * scale
        rules.append(f"{selector}{{width:{w}px;height:{h}px;background-size:{COLUMNS * w}px {lines * h}px}}")
    rules += [f".c{i}{{background-position-x:{100 * i / (COLUMNS - 1):.4f}%}}" for i in range(COLUMNS)]
    rules += [f".r{i}{{background-position-y:{100 * i / max(1, lines - 1):.4f}%}}" for i in range(lines)]
    return "\n".join(rules)
