"""Pictures of suspects that are larger than their thumbnails, as large as a page has room for them."""

import base64
import io
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from audit.report.selection import LARGEST_SIDE
from audit.report.sprites import as_picture
from audit.runs.folder import RunRecord
from audit.types import LabeledDataset, LargePictures, Rows

MOST_KEPT = 600  # pictures of a run, in the order of the page
MOST_BYTES = 24_000_000  # that they have in all
READ_AT_ONCE = 32  # pictures in memory, decoded
SIDES = (320, 256, 192, 128)  # pixels of the longer side, of which a page takes the largest that fits
QUALITY = 82
SAMPLE = 12  # pictures from which the size of all is told
BASE64 = 1.35  # bytes in the page for one of a picture, and a rule for each


def kept(dataset: LabeledDataset, rows: Rows) -> LargePictures:
    """Keep pictures of the first of these rows (m,), where their source has more pixels than a thumbnail.

    Files are read again, since what models read is smaller. At most READ_AT_ONCE pictures are decoded at a
    time, and at most MOST_KEPT with MOST_BYTES are kept.
    """
    found: list[int] = []
    contents: list[bytes] = []
    size = 0
    for row, picture in _read(dataset, rows[:MOST_KEPT]):
        if max(picture.shape[:2]) <= LARGEST_SIDE:
            continue
        content = _encoded(as_picture(picture), SIDES[0])
        size += len(content)
        if size > MOST_BYTES:
            break
        found.append(row)
        contents.append(content)
    names = [] if dataset.pictures is None else dataset.pictures[np.array(found, dtype=np.int64)].names
    return LargePictures(
        rows=np.array(found, dtype=np.int64),
        ends=np.cumsum([len(content) for content in contents], dtype=np.int64),
        content=np.frombuffer(b"".join(contents), dtype=np.uint8),
        names=np.array(names or [""] * len(found), dtype=np.str_),
    )


def fitting(large: LargePictures, rows: Iterable[int], room: float) -> dict[int, str]:
    """The pictures of these rows as data URIs, as large as this room in bytes allows, by row.

    All have the same longest side; where not even the smallest have room, the last ones are left out.
    """
    place = {row: index for index, row in enumerate(large.rows.tolist())}
    wanted = [row for row in rows if row in place]
    if not wanted:
        return {}
    sample = [_opened(large.of(place[row])) for row in wanted[:: max(1, len(wanted) // SAMPLE)]]
    for side in SIDES:
        mean = BASE64 * sum(len(_encoded(picture, side)) for picture in sample) / len(sample)
        if mean * len(wanted) <= room:
            break
    uris = {}
    for row in wanted:
        content = large.of(place[row])
        if side < SIDES[0]:
            content = _encoded(_opened(content), side)
        room -= BASE64 * len(content)
        if room < 0:
            break
        uris[row] = f"data:image/jpeg;base64,{base64.b64encode(content).decode()}"
    return uris


def links(record: RunRecord, folder: Path) -> dict[int, str]:
    """The files that pictures are of, by row, as URLs relative to this folder; those that are known."""
    if record.large is None:
        return {}
    base = record.data["folder"]
    found = {}
    for row, name in zip(record.large.rows.tolist(), record.large.names.tolist(), strict=True):
        path = Path(base or "", name)
        if name and path.is_absolute():
            found[row] = _relative_url(path, folder)
    return found


def _relative_url(path: Path, folder: Path) -> str:
    try:
        return quote(Path(os.path.relpath(path, folder.resolve())).as_posix())  # a colon is quoted: no scheme
    except ValueError:  # on another drive
        return path.as_uri()


def _read(dataset: LabeledDataset, rows: Rows) -> Iterator[tuple[int, npt.NDArray[np.uint8]]]:
    """Yield rows with their images (h, w, c), a few at a time."""
    for start in range(0, len(rows), READ_AT_ONCE):
        some = rows[start : start + READ_AT_ONCE]
        if dataset.pictures is not None:
            pictures = dataset.pictures[some].read(SIDES[0])
        elif dataset.are_images and dataset.X.dtype == np.uint8 and max(dataset.X.shape[1:3]) > LARGEST_SIDE:
            pictures = list(dataset.X[some][..., :3])
        else:
            return
        yield from zip(some.tolist(), pictures, strict=True)


def _encoded(picture: Any, side: int) -> bytes:
    """A picture as JPEG, scaled down to this longest side."""
    scaled = picture.copy()
    scaled.thumbnail((side, side))
    buffer = io.BytesIO()
    scaled.save(buffer, format="JPEG", quality=QUALITY, optimize=True)
    return buffer.getvalue()


def _opened(content: bytes) -> Any:
    from PIL import Image  # noqa: PLC0415  only a report needs it

    picture = Image.open(io.BytesIO(content), formats=["JPEG"])
    if max(picture.size) > SIDES[0]:
        raise ValueError(f"a picture of {picture.size}")
    picture.load()
    return picture
