"""Arrays in files: an .npy pair, one .npz, or one HDF5 file."""

import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audit import wording
from audit.datasets import probe
from audit.datasets.files import reading, refuse_bomb
from audit.datasets.given_rows import with_sparse
from audit.datasets.source import LabelPlace, Source
from audit.datasets.sources import npy, sparse
from audit.errors import DataError
from audit.events import Listener
from audit.settings.data import DataSettings

PAIRS = (("X", "y"), ("images", "labels"), ("x", "y"), ("data", "labels"), ("data", "target"))
AS_NUMPY = ("cannot be read as a NumPy file", "; save it with numpy.save or numpy.savez")
AS_HDF5 = ("cannot be read as HDF5", "; write or copy it again")
UNPACK = "write it without compression, or audit fewer rows with --limit"


def load_npy_pair(path: Path, settings: DataSettings, _: Listener) -> Source:
    """Load the examples of one .npy file, memory-mapped, with the labels of another, `settings.y`, if any.

    The examples may also be a sparse matrix, as scipy.sparse.save_npz writes it.
    """
    source = Source(path.stem, None, None, names=(str(path), "y"))
    if settings.y is not None:
        source = replace(
            source,
            y=_read_npy(settings.y, mapped=False),
            names=(str(path), str(settings.y)),
            place=LabelPlace("npy", (settings.y,)),
        )
    with _npz_members(path) as (archive, names):
        matrix = sparse.matrix_in(path, archive) if sparse.is_sparse(names) else None
    if matrix is not None:
        return with_sparse(source, matrix)
    X, notes = npy.with_bfloat16(_read_npy(path, mapped=True), str(path))
    return replace(source, X=X, notes=notes)


def load_labels(_path: Path, settings: DataSettings, _: Listener) -> Source:
    """Load the labels of one .npy file, `settings.y`, which has no examples."""
    assert settings.y is not None
    y = _read_npy(settings.y, mapped=False)
    return Source(
        settings.y.stem, None, y, names=("X", str(settings.y)), place=LabelPlace("npy", (settings.y,))
    )


@contextmanager
def _npz_members(path: Path) -> Iterator[tuple[Any, list[str]]]:
    """Open an .npz archive in the block, with the names of its arrays; none for any other file."""
    with reading(path, *AS_NUMPY), _plain_arrays(path), path.open("rb") as file:
        if not zipfile.is_zipfile(file):
            yield None, []
            return
        file.seek(0)
        with np.load(file, allow_pickle=False) as archive:
            yield archive, archive.files


def load_npz(path: Path, settings: DataSettings, _: Listener) -> Source:
    """Load the examples and labels of one .npz file, under the names in the settings or any pair in PAIRS."""
    # NumPy leaves a damaged archive open when it opens the file itself.
    with reading(path, *AS_NUMPY), path.open("rb") as opened, _plain_arrays(path):
        npy.refuse_lies(opened, path.stat().st_size)
        opened.seek(0)
        file = np.load(opened, allow_pickle=False)
        if isinstance(file, np.ndarray):
            raise DataError(f"{path} holds one array, not an .npz archive; give it as --X, with --y")
        if sparse.is_sparse(file.files) and settings.x_name is None:
            raise DataError(
                f"{path} holds a sparse matrix without labels; give it as --X {path}, with the labels as --y"
            )
        keys = _keys(path, file.files, settings)
        names = [f"{path}[{key}]" for key in keys]
        arrays = dict(zip(names, npy.members(path, file, keys), strict=True))
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):  # np.load returns the bytes of members of another format
            raise DataError(f"{name} is not an array; save it with numpy.savez")
    (x_name, X), (y_name, y) = arrays.items()
    X, notes = npy.with_bfloat16(X, x_name)
    place = LabelPlace("npz", (path,), keys[1])
    return Source(path.stem, X, y, names=(x_name, y_name), place=place, notes=notes)


def load_hdf5(path: Path, settings: DataSettings, _: Listener) -> Source:
    """Load the examples, lazily, and the labels of one HDF5 file; names as in an .npz."""
    try:
        import h5py  # noqa: PLC0415  optional
    except ImportError as error:
        remedy = 'pip install "label-audit[hdf5]"'
        raise DataError(f"{path} needs h5py, which is not installed; {remedy}") from error
    with reading(path, *AS_HDF5):
        probe.tried(path, "hdf5")
        file = h5py.File(path, "r")
        members: dict[str, Any] = {}
        file.visititems(lambda key, value: members.update({_as_text(key): value}))
        arrays = {
            key: value for key, value in members.items() if isinstance(value, h5py.Dataset) and value.shape
        }
        x_key, y_key = _keys(path, arrays, settings)
        for key in (x_key, y_key):
            _refuse_other_files(f"{path}[{key}]", arrays[key])
        refuse_bomb(path, arrays[y_key].nbytes, UNPACK)
        y = arrays[y_key][:]  # texts as bytes, which the labels' parser decodes
    return Source(
        name=path.stem,
        X=Hdf5Rows(arrays[x_key], path),
        y=y,
        names=(f"{path}[{x_key}]", f"{path}[{y_key}]"),
        place=LabelPlace("hdf5", (path,), y_key),
    )


def _refuse_other_files(name: str, dataset: Any) -> None:
    """Refuse a data set whose rows are in other files."""
    if probe.reads_others(dataset):
        raise DataError(
            f"{name} keeps its rows in other files, expected them in its own; copy all into one file, for "
            "example with h5repack"
        )


def _as_text(key: str | bytes) -> str:
    """A name in the file; h5py returns bytes where it is not UTF-8."""
    if isinstance(key, str):
        return key
    return key.decode("utf-8", "backslashreplace")


class Hdf5Rows:
    """The rows of an HDF5 data set, read when they are asked for."""

    def __init__(self, dataset: Any, path: Path) -> None:
        self.dataset = dataset
        self.path = path
        self.shape: tuple[int, ...] = tuple(dataset.shape)
        self.dtype: np.dtype[Any] = dataset.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> npt.NDArray[Any]:
        """Read these rows; HDF5 itself takes only increasing row numbers."""
        all_rows = np.arange(len(self))
        wanted = all_rows[rows]
        unique, inverse = np.unique(wanted, return_inverse=True)
        with reading(self.path, *AS_HDF5):
            refuse_bomb(self.path, len(wanted) * self.dtype.itemsize * prod(self.shape[1:]), UNPACK)
            if np.array_equal(wanted, all_rows):
                return np.asarray(self.dataset[:])
            return np.asarray(self.dataset[unique])[inverse]


def _keys(path: Path, found: Collection[str], settings: DataSettings) -> tuple[str, str]:
    """What examples and labels are called among the arrays found."""
    x_name = settings.x_name
    y_name = settings.y_name
    for flag, name in (("--x-name", x_name), ("--y-name", y_name)):
        if name is not None and name not in found:
            raise DataError(f"{path} has no array {name!r}, found {_listed(found)}; check {flag}")
    if x_name is not None and y_name is not None:
        if x_name == y_name:
            raise DataError(
                f"--x-name and --y-name are both {x_name!r}, expected two arrays; {path} has {_listed(found)}"
            )
        return x_name, y_name
    pairs = [(x, y) for x, y in PAIRS if x_name in (None, x) and y_name in (None, y)]
    with_names = [(x_name or x, y_name or y) for x, y in PAIRS]
    for x_key, y_key in pairs + with_names:
        if x_key in found and y_key in found and x_key != y_key:
            return x_key, y_key
    expected = wording.either([" and ".join(pair) for pair in PAIRS])
    raise DataError(
        f"{path} holds {_listed(found)}, expected two arrays called {expected}; name yours with --x-name and "
        "--y-name"
    )


def _listed(found: Collection[str]) -> str:
    return ", ".join(found) or "nothing"


def _read_npy(path: Path, *, mapped: bool) -> npt.NDArray[Any]:
    with reading(path, *AS_NUMPY), _plain_arrays(path):
        array = npy.load(path, mapped=mapped)
    if not isinstance(array, np.ndarray):
        array.close()
        raise DataError(
            f"{path} is an .npz archive, expected one .npy array; give it as: audit detect {path}"
        )
    return array


@contextmanager
def _plain_arrays(path: Path) -> Iterator[None]:
    """Say in other words than NumPy's that a file holds Python objects, or is none of NumPy's."""
    try:
        yield
    except ValueError as error:
        if any(word in str(error) for word in ("pickle", "Object arrays", "Python objects")):
            raise DataError(
                f"{path} is not a plain array: it holds Python objects (or is not a NumPy file), which are "
                "never unpickled; save numbers or strings with numpy.save, for example after .astype(str)"
            ) from error
        raise
