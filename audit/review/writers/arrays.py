"""Corrected labels of arrays in files: as long as before, so that they still fit the examples.

Examples are not copied, except where they share an archive with the labels. Rows to drop keep their label,
and keep.npy says which rows are left: X[keep], y[keep].
"""

import gzip
import io
import shutil
import zipfile
from pathlib import Path

import numpy as np

from audit.datasets.source import LabelPlace
from audit.review.writers.change import BEFORE, KEEP, LABELS, Change, corrected_name

GZIP = b"\x1f\x8b"


def write_npy(place: LabelPlace, change: Change, folder: Path) -> None:
    """An .npy of the same type."""
    (path,) = place.paths
    shutil.copyfile(path, folder / BEFORE / corrected_name(path))
    y = np.load(path, allow_pickle=False)
    np.save(folder / corrected_name(path), y[change.take], allow_pickle=False)
    write_keep(change, folder)


def write_npz(place: LabelPlace, change: Change, folder: Path) -> None:
    """The whole archive with other labels; before it only its labels."""
    (path,) = place.paths
    with np.load(path, allow_pickle=False) as arrays:
        y = arrays[place.name]
    with zipfile.ZipFile(path) as archive:
        former = archive.read(_entry(archive, place.name))
    (folder / BEFORE / LABELS).write_bytes(former)
    new = io.BytesIO()
    np.save(new, y[change.take], allow_pickle=False)
    _with_entry(path, folder / corrected_name(path), place.name, new.getvalue())
    write_keep(change, folder)


def restore_npz(corrected: Path, name: str, folder: Path) -> None:
    """The archive with its former labels, byte for byte."""
    former = (corrected.parent / BEFORE / LABELS).read_bytes()
    _with_entry(corrected, folder / corrected.name, name, former)


def write_hdf5(place: LabelPlace, change: Change, folder: Path) -> None:
    """An HDF5 file of the labels alone, under their own name and with their own type and attributes."""
    import h5py  # noqa: PLC0415  optional

    (path,) = place.paths
    name = corrected_name(path)
    with h5py.File(path, "r") as source:
        for target, take in ((folder / BEFORE / name, slice(None)), (folder / name, change.take)):
            with h5py.File(target, "w") as file:
                source.copy(source[place.name], file, name=place.name)
                file[place.name][...] = source[place.name][:][take]
    write_keep(change, folder)


def write_idx(place: LabelPlace, change: Change, folder: Path) -> None:
    """IDX files of the same header and type, gzipped where they were; the parts of a folder apart."""
    contents = [path.read_bytes() for path in place.paths]
    plain = [gzip.decompress(each) if each[:2] == GZIP else each for each in contents]
    begins = [4 + 4 * each[3] for each in plain]  # after the sizes of the axes
    sizes = [int.from_bytes(each[4:8], "big") for each in plain]
    parts = [
        np.frombuffer(each, np.uint8, offset=begin).reshape(size, -1)
        for each, begin, size in zip(plain, begins, sizes, strict=True)
    ]
    new = np.split(np.concatenate(parts)[change.take], np.cumsum(sizes)[:-1])
    for path, content, each, begin, items in zip(place.paths, contents, plain, begins, new, strict=True):
        name = corrected_name(path)
        (folder / BEFORE / name).write_bytes(content)
        corrected = each[:begin] + items.tobytes()
        (folder / name).write_bytes(gzip.compress(corrected, mtime=0) if content is not each else corrected)
    write_keep(change, folder)


def write_plain(change: Change, folder: Path) -> None:
    """An .npy of class names, as integers where all are; for sources that are no files of the user's."""
    for where, names in ((folder / BEFORE, _names(change)), (folder, change.names)):
        whole = all(name.removeprefix("-").isdecimal() and str(int(name)) == name for name in names)
        np.save(where / LABELS, np.array([int(each) for each in names] if whole else names))
    write_keep(change, folder)


def write_keep(change: Change, folder: Path) -> None:
    """The rows that are left, where some are dropped."""
    if change.dropped.any():
        np.save(folder / KEEP, ~change.dropped)


def _names(change: Change) -> list[str]:
    return Change(
        np.arange(len(change.take)), change.dropped, change.codes, change.class_names, change.ids
    ).names


def _entry(archive: zipfile.ZipFile, name: str) -> str:
    """What numpy calls an array is with or without its ending in the archive."""
    return name if name in archive.namelist() else f"{name}.npy"


def _with_entry(source: Path, target: Path, name: str, content: bytes) -> None:
    """A copy of an archive in which one entry has another content."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        entry = _entry(old, name)
        for info in old.infolist():
            fresh = zipfile.ZipInfo(info.filename, info.date_time)
            fresh.compress_type, fresh.external_attr = info.compress_type, info.external_attr
            if info.filename == entry:
                new.writestr(fresh, content)
                continue
            with (
                old.open(info) as reader,
                new.open(fresh, "w", force_zip64=info.file_size >= 1 << 31) as writer,
            ):
                shutil.copyfileobj(reader, writer)
