"""Images that the cells of a table hold: as the bytes of a file, or as bytes beside a path."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from audit.datasets.sources.columns import find_column, listed, usual_column
from audit.datasets.sources.encoded import Encoded, ImageSource
from audit.datasets.sources.image_paths import IMAGES, NO_COLUMN, NamedImages
from audit.datasets.sources.trees import ENDINGS

BEGINNINGS = (  # of the files of images
    *(b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF", b"II*\0", b"MM\0*"),
    *(b"P1", b"P2", b"P3", b"P4", b"P5", b"P6"),
)
FIELDS = {"bytes", "path"}  # of an image, as Hugging Face's datasets write it into a table
TRIED = 10  # of the cells, to find out whether they hold images


def held_images(frame: pd.DataFrame, path: Path, asked: str | None) -> NamedImages | None:
    """The images that a column of the frame holds; None where none does, or another column is asked for.

    Parameters
    ----------
    frame
        The columns beside the labels.
    path
        Of the table. Images that a cell has only the path of are looked for from its folder on.
    asked
        The column to read, or none.
    """
    columns = [column for column in frame.columns if _holds_images(frame[column])]
    if asked is not None and asked != NO_COLUMN:
        asked = find_column(frame, path, asked, (), "--path-column")
    if not columns or (asked is not None and asked not in columns):
        return None
    column = asked or usual_column(columns, IMAGES) or columns[0]
    others = [str(each) for each in frame.columns if each != column]
    notes: tuple[str, ...] = ()
    if others and asked is None:
        line = f"column {column!r} holds images, which are audited instead of {listed(others)}"
        notes = (f"{line}; --path-column names another column, or {NO_COLUMN}",)
    found = images_of(frame[column].tolist(), column, path.parent)
    names = [_path_in(value) for value in frame[column].dropna().tolist()]
    ids = None
    if None not in names and len(set(names)) == len(found):
        ids = np.array(names, dtype=np.str_)
    return NamedImages(column, ids, np.array(list(found)), list(found.values()), found=True, notes=notes)


def images_of(values: Sequence[Any], column: str, folder: Path) -> dict[int, ImageSource]:
    """The image that each row of a column holds, or names from this folder on, where there is one."""
    found = {}
    for row, value in enumerate(values):
        image = as_image(value, f"row {row} of column {column!r}", folder)
        if image is not None:
            found[row] = image
    return found


def as_image(value: Any, name: str, folder: Path) -> ImageSource | None:
    """The image of this name that a cell holds, or names from this folder on; None where there is none."""
    if isinstance(value, Encoded):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return Encoded(name, partial(bytes, value))
    if isinstance(value, Mapping):
        if value.get("bytes") is not None:
            return as_image(value["bytes"], str(value.get("path") or name), folder)
        value = value.get("path")
    if isinstance(value, str) and value:
        return folder / value
    return None


def _holds_images(values: "pd.Series[Any]") -> bool:
    """Whether the first cells of a column that are not empty hold images."""
    if values.dtype != object:
        return False
    first = values.dropna().iloc[:TRIED].tolist()
    return bool(first) and any(map(_is_image, first)) and all(map(_may_be_image, first))


def _may_be_image(value: Any) -> bool:
    """Whether a cell has a type that images have."""
    is_fields = isinstance(value, Mapping) and bool(value) and set(value) <= FIELDS
    return is_fields or isinstance(value, Encoded | bytes | bytearray | memoryview)


def _is_image(value: Any) -> bool:
    """Whether a cell holds what begins, or is called, like the file of an image."""
    if isinstance(value, Encoded):
        return True
    if isinstance(value, Mapping):
        path = str(value.get("path") or "")
        return PurePosixPath(path).suffix.lower() in ENDINGS or _is_image(value.get("bytes"))
    return isinstance(value, bytes | bytearray | memoryview) and bytes(value[:8]).startswith(BEGINNINGS)


def _path_in(value: Any) -> str | None:
    """The path that a cell has beside or in place of bytes, or the id of its image."""
    if isinstance(value, Encoded):
        return value.id or None
    if isinstance(value, Mapping) and isinstance(value.get("path"), str):
        return str(value["path"])
    return None
