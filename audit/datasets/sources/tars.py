"""Tar archives, gzipped or not: the files in them, read without unpacking them on the disk."""

import io
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from audit.datasets.files import reading
from audit.datasets.sources.packed import GZIP, content_of

TARS = (".tar", ".tar.gz", ".tgz")  # what their names end in
AS_TAR = ("cannot be read as a tar archive", "; write or copy it again")
BLOCK_BYTES = 512


@dataclass(frozen=True, eq=False)
class Member:
    """A file in a tar archive."""

    path: PurePosixPath  # in the archive
    read: Callable[[], bytes]


def is_tar_folder(folder: Path) -> bool:
    """Whether a folder holds tar archives, and no folders."""
    try:
        return bool(tars_in(folder)) and not any(each.is_dir() for each in _shown(folder))
    except OSError:  # the loader of folders says why
        return False


def tars_in(folder: Path) -> list[Path]:
    """The tar archives in a folder, in the order of their names."""
    return sorted(each for each in _shown(folder) if each.name.lower().endswith(TARS))


def _shown(folder: Path) -> list[Path]:
    return [each for each in folder.iterdir() if not each.name.startswith(".")]


def members(path: Path) -> list[Member]:
    """List the files in an archive, without links, devices and what is hidden.

    A gzipped archive is kept in memory, of any other one only what is asked for is read.

    Raises
    ------
    DataError
        When it cannot be read to its end, or unpacks to far more than its size.
    """
    with reading(path, *AS_TAR):
        if path.suffix.lower() in GZIP:
            content = memoryview(content_of(path, 1))
            spans = _spans(io.BytesIO(content), len(content))
            return [Member(name, partial(bytes, content[start:end])) for name, start, end in spans]
        with path.open("rb") as file:
            spans = _spans(file, path.stat().st_size)
        return [Member(name, partial(_read, path, start, end)) for name, start, end in spans]


def _spans(file: IO[bytes], size: int) -> list[tuple[PurePosixPath, int, int]]:
    """Where the content of each file in an archive of this size begins and ends."""
    spans = []
    with tarfile.open(fileobj=file, mode="r:") as archive:
        for info in archive:
            name = PurePosixPath(info.name)
            is_hidden = any(part.startswith(".") for part in name.parts)
            if not info.isreg() or is_hidden:
                continue
            end = info.offset_data + info.size
            if info.issparse() or end > size:
                raise ValueError(f"{info.name} has {info.size:,} bytes, more than there are")
            spans.append((name, info.offset_data, end))
        file.seek(archive.offset)
    if file.read(BLOCK_BYTES).strip(b"\0"):  # which tarfile takes for the end
        raise ValueError(f"it is damaged after {len(spans):,} files")
    return spans


def _read(path: Path, start: int, end: int) -> bytes:
    """Read these bytes of a file."""
    with path.open("rb") as file:
        file.seek(start)
        return file.read(end - start)
