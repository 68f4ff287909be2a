"""Write corrected labels of arrays in files: as long as before, so that they still fit the examples.

Examples are not copied, except where they share an archive with the labels. Dropped rows keep their label,
and keep.npy says which rows to keep: X[keep], y[keep].
"""

import gzip
import io
import shutil
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from audit.datasets.source import LabelPlace
from audit.datasets.sources.idx import GZIP, unpacked
from audit.review.writers.change import BEFORE, KEEP, LABELS, Change, corrected_name

LEAST_ZIP64 = 1 << 31  # bytes of an entry from which zip needs its 64-bit form


def write_npy(place: LabelPlace, change: Change, folder: Path) -> None:
    """Write an .npy of the same type."""
    (path,) = place.paths
    shutil.copyfile(path, folder / BEFORE / corrected_name(path))
    y = np.load(path, allow_pickle=False)
    np.save(folder / corrected_name(path), y[change.donors], allow_pickle=False)
    write_keep(change, folder)


def write_npz(place: LabelPlace, change: Change, folder: Path) -> None:
    """Write the whole archive with other labels; `before` gets only the original labels."""
    (path,) = place.paths
    with np.load(path, allow_pickle=False) as arrays:
        y = arrays[place.name]
    with zipfile.ZipFile(path) as archive:
        original = archive.read(_entry(archive, place.name))
    (folder / BEFORE / LABELS).write_bytes(original)
    corrected = io.BytesIO()
    np.save(corrected, y[change.donors], allow_pickle=False)
    _replace_entry(path, folder / corrected_name(path), place.name, corrected.getvalue())
    write_keep(change, folder)


def restore_npz(corrected: Path, name: str, folder: Path) -> None:
    """Write the archive with its original labels, byte for byte."""
    original = (corrected.parent / BEFORE / LABELS).read_bytes()
    _replace_entry(corrected, folder / corrected.name, name, original)


def write_hdf5(place: LabelPlace, change: Change, folder: Path) -> None:
    """Write an HDF5 file of the labels alone, under their own name, with their own type and attributes."""
    import h5py  # noqa: PLC0415  optional

    (path,) = place.paths
    name = corrected_name(path)
    with h5py.File(path, "r") as source:
        labels = source[place.name]
        for target, values in (
            (folder / BEFORE / name, labels[:]),
            (folder / name, labels[:][change.donors]),
        ):
            with h5py.File(target, "w") as file:
                source.copy(labels, file, name=place.name)
                file[place.name][...] = values
    write_keep(change, folder)


class _IdxLabels(NamedTuple):
    """One IDX file of labels."""

    path: Path
    content: bytes  # as it is on disk
    header: bytes
    labels: npt.NDArray[np.uint8]  # (m, bytes of a label)

    @classmethod
    def read(cls, path: Path) -> "_IdxLabels":
        content = path.read_bytes()
        plain = unpacked(content)
        header_bytes = 4 + 4 * plain[3]  # the fourth byte counts the axes, whose sizes follow
        size = int.from_bytes(plain[4:8], "big")
        labels = np.frombuffer(plain, np.uint8, offset=header_bytes).reshape(size, -1)
        return cls(path, content, plain[:header_bytes], labels)

    @property
    def is_gzipped(self) -> bool:
        return self.content[:2] == GZIP


def write_idx(place: LabelPlace, change: Change, folder: Path) -> None:
    """Write IDX files of the same header and type, gzipped where they were, one for each part."""
    files = [_IdxLabels.read(path) for path in place.paths]
    corrected = np.concatenate([file.labels for file in files])[change.donors]
    ends = np.cumsum([len(file.labels) for file in files])
    for file, labels in zip(files, np.split(corrected, ends[:-1]), strict=True):
        name = corrected_name(file.path)
        (folder / BEFORE / name).write_bytes(file.content)
        content = file.header + labels.tobytes()
        if file.is_gzipped:
            content = gzip.compress(content, mtime=0)
        (folder / name).write_bytes(content)
    write_keep(change, folder)


def write_plain(change: Change, folder: Path) -> None:
    """Write an .npy of class names, as integers where all are, for sources that are not a user's files."""
    _save_names(folder / BEFORE / LABELS, change.names_before)
    _save_names(folder / LABELS, change.names)
    write_keep(change, folder)


def write_keep(change: Change, folder: Path) -> None:
    """Write which rows to keep, where some are dropped."""
    if change.dropped.any():
        np.save(folder / KEEP, ~change.dropped)


def _save_names(path: Path, names: list[str]) -> None:
    if all(_is_integer(name) for name in names):
        np.save(path, np.array([int(name) for name in names]))
    else:
        np.save(path, np.array(names))


def _is_integer(name: str) -> bool:
    """Whether a name is an integer in its usual spelling, without leading zeros or signs for nothing."""
    return name.removeprefix("-").isdecimal() and str(int(name)) == name


def _entry(archive: zipfile.ZipFile, name: str) -> str:
    """The name in the archive of what numpy calls by this name, which may leave out the ending."""
    if name in archive.namelist():
        return name
    return f"{name}.npy"


def _replace_entry(source: Path, target: Path, name: str, content: bytes) -> None:
    """Copy an archive, with other content for one entry."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        replaced = _entry(old, name)
        for info in old.infolist():
            fresh = zipfile.ZipInfo(info.filename, info.date_time)
            fresh.compress_type = info.compress_type
            fresh.external_attr = info.external_attr
            if info.filename == replaced:
                new.writestr(fresh, content)
                continue
            large = info.file_size >= LEAST_ZIP64
            with old.open(info) as reader, new.open(fresh, "w", force_zip64=large) as writer:
                shutil.copyfileobj(reader, writer)
