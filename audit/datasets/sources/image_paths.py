"""Which image file each row of a table means: by its path, as any system writes it, or by its id."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from audit.datasets.labels.raw import as_whole_number
from audit.datasets.source import shown
from audit.datasets.sources.columns import bare, listed, usual_column
from audit.datasets.sources.encoded import ImageSource
from audit.datasets.sources.trees import ENDINGS, files_below
from audit.errors import DataError
from audit.types import Rows, evenly_at_most

PATHS = ("path", "file", "filename", "image", "image_path")  # what a column of paths is usually called
IDS = re.compile(
    "(?:image|img|picture|pic|photo|file)[ _.-]?(?:id|ids|name|names|key|uuid|guid|stem)", re.IGNORECASE
)
IMAGES = (*PATHS, "img", "picture", "pic", "photo")  # what ids of images may be called, if files have them
PLAIN_IDS = ("id", "name")  # what they may be called where there is nothing else
NO_COLUMN = "none"  # what the setting says where no column names images
TRIED = 50  # of the names, to find out where the files are
LEAST_FOUND = 0.9  # of ids have to be those of files
MOST_DEEP = 3  # folders below the table's, in which files are looked for by their ids
MOST_FILES = 200_000  # that are looked at


@dataclass(frozen=True, eq=False)
class NamedImages:
    """The image files that the rows of a table name."""

    column: str  # that names them
    names: npt.NDArray[np.str_] | None  # (m,) as they stand there; None where images have no names
    rows: Rows  # (m,) of the table, those that name a file
    paths: Sequence[ImageSource]  # (m,)
    found: bool = False  # whether some of them are there
    notes: tuple[str, ...] = ()

    def refuse_gaps(self, rows: int, path: Path) -> None:
        """Raise DataError when some of the table's rows name no file."""
        named = set(self.rows.tolist())
        missing = [row for row in range(rows) if row not in named]
        if missing:
            raise DataError(
                f"column {self.column!r} of {path} is empty in {len(missing):,} of {rows:,} rows, first in "
                f"row {missing[0]}, expected the path of an image; fill it in, or leave such rows out with "
                "--skip-broken"
            )


def identifies_images(column: str) -> bool:
    """Whether a column is called as ids of images are; they are never features."""
    return IDS.fullmatch(bare(column)) is not None


def names_one_image_each(values: "pd.Series[Any]") -> bool:
    """Whether the values of a column name image files, each another one."""
    return _end_like_images(values) and bool(values.is_unique)


def images_of_column(frame: pd.DataFrame, column: str, folder: Path) -> NamedImages:
    """The files that a column names, by path where some of them are there, else by id."""
    by_path = _by_path(frame[column], column, folder)
    if by_path.found:
        return by_path
    return _by_id(frame[column], column, folder) or by_path


def guessed_images(frame: pd.DataFrame, folder: Path) -> NamedImages | None:
    """The files that some column names, found by what columns hold and are called; None where none does.

    Parameters
    ----------
    frame
        The columns beside the labels.
    folder
        The folder of the table.
    """
    columns = list(frame.columns)
    holding = [column for column in columns if _end_like_images(frame[column])]
    usual = usual_column(holding, PATHS)
    if usual is not None:
        return images_of_column(frame, usual, folder)
    for column in sorted(holding, key=_sounds_unlike_images):
        images = images_of_column(frame, column, folder)
        if images.found:
            return _with_note(images, f"column {column!r} names image files", columns)
    ids = [column for column in columns if identifies_images(column) or bare(column).lower() in IMAGES]
    ids += [column for column in columns if len(columns) == 1 and bare(column).lower() in PLAIN_IDS]
    for column in ids:
        by_id = _by_id(frame[column], column, folder)
        if by_id is not None:
            return _with_note(by_id, f"column {column!r} holds the ids of image files", columns)
    return None


def images_at_paths(frame: pd.DataFrame) -> NamedImages | None:
    """The files that a column of a frame names from the current folder on, if they are there."""
    columns = [str(column) for column in frame.columns]
    images = guessed_images(frame.set_axis(columns, axis="columns"), Path())
    if images is None or not images.found:
        return None
    return images


def _sounds_unlike_images(column: str) -> bool:
    """Whether a column has no word for images or files in its name, as one of masks has not."""
    return not any(word in column.lower() for word in IMAGES)


def _with_note(images: NamedImages, why: str, columns: Sequence[str]) -> NamedImages:
    """The files with a line that says why they are audited, and instead of what."""
    line = f"{why}, which are audited"
    others = [name for name in columns if name != images.column]
    if others:
        line += f" instead of {listed(others)}; --path-column names another column, or {NO_COLUMN}"
    return replace(images, notes=(line, *images.notes))


def _end_like_images(values: "pd.Series[Any]") -> bool:
    """Whether most values of a column are texts that end like names of image files."""
    if pd.api.types.infer_dtype(values, skipna=True) != "string":
        return False
    texts = values.dropna().tolist()
    images = [text for text in texts if PurePosixPath(_parts(text)[-1]).suffix.lower() in ENDINGS]
    return 2 * len(images) > len(texts)


def _parts(name: str) -> tuple[str, ...]:
    """The folders and the file of a path with separators of any system."""
    return tuple(part for part in re.split(r"[/\\]", name.strip()) if part not in ("", ".")) or ("",)


def _named(values: "pd.Series[Any]") -> tuple[Rows, list[str]]:
    """The rows (m,) that name a file, and the names."""
    texts = [as_whole_number(str(value)) for value in values.tolist()]
    there = values.notna().to_numpy()
    rows = np.array([row for row, text in enumerate(texts) if there[row] and text.strip()], dtype=np.int64)
    return rows, [texts[row] for row in rows.tolist()]


def _by_path(values: "pd.Series[Any]", column: str, folder: Path) -> NamedImages:
    """The files at the paths that a column holds: as they stand, else from another folder on."""
    rows, names = _named(values)
    images = NamedImages(column, np.array(names, dtype=np.str_), rows, [folder / name for name in names])
    tried = evenly_at_most(np.arange(len(names)), TRIED).tolist()
    if any(images.paths[i].is_file() for i in tried):
        return replace(images, found=True)
    parts = [_parts(name) for name in names]
    for base, dropped in _places(parts, folder):
        paths = [base.joinpath(*each[dropped:]) for each in parts]
        if any(paths[i].is_file() for i in tried):
            notes: tuple[str, ...] = ()
            if dropped or base != folder:
                notes = (_read_from(column, names[tried[0]], paths[tried[0]]),)
            return replace(images, paths=paths, found=True, notes=notes)
    return images


def _read_from(column: str, name: str, path: Path) -> str:
    return f"column {column!r} names {shown(name)}, which is read from {path}"


def _places(parts: Sequence[tuple[str, ...]], folder: Path) -> Iterator[tuple[Path, int]]:
    """The folders that paths may start from, and how many of their first folders are not there.

    Paths that would become the same are not shortened so far.
    """
    different = len(set(parts))
    for dropped in range(max(map(len, parts), default=0)):
        if dropped and len({each[dropped:] for each in parts}) < different:
            return
        for base in dict.fromkeys((folder, Path(), folder.parent)):
            yield base, dropped


def _by_id(values: "pd.Series[Any]", column: str, folder: Path) -> NamedImages | None:
    """The files below the folder whose names a column holds; None unless there is one for nearly each."""
    rows, names = _named(values)
    path_of = _files_by_id(folder)
    found = [next((path_of[key] for key in _ids(name) if key in path_of), None) for name in names]
    if not names or sum(path is not None for path in found) < LEAST_FOUND * len(names):
        return None
    paths = [path or folder / name for path, name in zip(found, names, strict=True)]
    note = _read_from(column, names[0], paths[0])
    return NamedImages(column, np.array(names, dtype=np.str_), rows, paths, found=True, notes=(note,))


def _files_by_id(folder: Path) -> dict[str | int, Path]:
    """The image files below the folder by their ids, without those that two files have."""
    by_id: dict[str | int, Path] = {}
    twice = set()
    try:
        files = list(islice(files_below(folder, MOST_DEEP), MOST_FILES))
    except OSError:  # a folder that may not be read
        return {}
    for path in files:
        if path.suffix.lower() in ENDINGS:
            for key in _ids(path.stem):
                if key in by_id:
                    twice.add(key)
                by_id[key] = path
    return {key: path for key, path in by_id.items() if key not in twice}


def _ids(name: str) -> list[str | int]:
    """What a file is known by: its name without ending, in any case; an id that is a number by that too."""
    file = PurePosixPath(_parts(name)[-1].casefold())
    if file.suffix in ENDINGS:
        return [file.stem]
    if file.name.isdecimal():
        return [file.name, int(file.name)]
    return [file.name]
