"""Files that are gzipped or in a zip archive, read without unpacking them on the disk."""

import gzip
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from audit import wording
from audit.datasets.files import BLOCK_BYTES, refuse_bomb
from audit.errors import DataError

GZIP = (".gz", ".tgz")
ZIP = ".zip"
TEXT_TABLES = (".csv", ".tsv")
JSON_TABLES = (".jsonl", ".ndjson", ".json")
TABLES = (*TEXT_TABLES, *JSON_TABLES)  # that may be packed
LITTER = "__MACOSX"  # a folder that macOS puts into archives


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes] | gzip.GzipFile]:
    """Open a file to read its bytes: unpacked where its name says that it is gzipped, or in a zip archive.

    Raises
    ------
    DataError
        When a zip archive does not hold exactly one table.
    Exception
        Whatever the readers of gzip and zip raise on damaged files.
    """
    if is_zip(path):
        with zipfile.ZipFile(path) as archive, archive.open(only_table(path, archive)) as member:
            yield member
    elif path.suffix.lower() in GZIP:
        with gzip.open(path, "rb") as file:
            yield file
    else:
        with path.open("rb") as file:
            yield file


def content_of(path: Path, copies: int) -> bytes:
    """The bytes of a file as `opened` gives them; DataError when it unpacks to far more than its size.

    Their reader will take as many copies of them.
    """
    blocks: list[bytes] = []
    size = 0
    with opened(path) as file:
        while block := file.read(BLOCK_BYTES):
            size += len(block)
            refuse_bomb(path, size, unpack(path), copies)
            blocks.append(block)
    return b"".join(blocks)


def plain_name(path: Path) -> str:
    """The name of what a file holds, in lower case: its own without .gz, or that of an archive's table."""
    if is_zip(path):
        with zipfile.ZipFile(path) as archive:
            return only_table(path, archive).filename.lower()
    return path.name.lower().removesuffix(".gz")


def is_zip(path: Path) -> bool:
    """Whether the name of a file says that it is a zip archive."""
    return path.suffix.lower() == ZIP


def unpack(path: Path) -> str:
    """What to do with a file that unpacks to too much."""
    return "unpack it" if is_zip(path) else "unpack it with gunzip"


def only_table(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The table in an archive; DataError when there is none, or are several."""
    files = entries(path, archive)
    tables = [info for info in files if info.filename.lower().endswith(TABLES)]
    if len(tables) != 1:
        found = wording.some([wording.writable(info.filename) for info in tables or files]) or "nothing"
        raise DataError(
            f"{path} holds {found}, expected one table that ends in {wording.either(TABLES)}, or images in "
            "folders of their classes; unpack it and give the file that you mean"
        )
    return tables[0]


def entries(path: Path, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The files in an archive, without links and what is hidden.

    Raises
    ------
    DataError
        When one has a name that leads out of the folder that it would be unpacked into.
    """
    found = []
    for info in archive.infolist():
        parts = PurePosixPath(info.filename).parts
        if ".." in parts or info.filename.startswith("/"):
            name = wording.writable(info.filename)
            raise DataError(f"{path} has the entry {name!r}, which leads out of it; pack it again")
        is_link = stat.S_ISLNK(info.external_attr >> 16)
        is_hidden = LITTER in parts[:1] or any(part.startswith(".") for part in parts)
        if not (info.is_dir() or is_link or is_hidden):
            found.append(info)
    return found
