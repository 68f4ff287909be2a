"""Arrays in files: an .npy pair, one .npz, or one HDF5 file."""

import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
import numpy.typing as npt

from audit import wording
from audit.datasets.source import LabelPlace, Source
from audit.errors import DataError

PAIRS = (("X", "y"), ("images", "labels"), ("x", "y"), ("data", "labels"), ("data", "target"))
DAMAGE = (  # what NumPy and zipfile raise on files that are none of theirs, damaged or encrypted
    OSError, ValueError, EOFError, RuntimeError, TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
HDF5_DAMAGE = (OSError, RuntimeError, KeyError, ValueError)


def load_npy_pair(X: Path, y: Path) -> Source:
    """The examples of one .npy file, memory-mapped, with the labels of another."""
    return Source(
        name=X.stem,
        X=_read_npy(X, mmap_mode="r"),
        y=_read_npy(y, mmap_mode=None),
        names=(str(X), str(y)),
        place=LabelPlace("npy", (y,)),
    )


def load_npz(path: Path, x_name: str | None, y_name: str | None) -> Source:
    """The examples and labels of one .npz file, under these names or any pair in PAIRS."""
    try:
        # NumPy leaves a damaged archive open when it opens the file itself.
        with path.open("rb") as opened:
            file = np.load(opened, allow_pickle=False)
            if isinstance(file, np.ndarray):
                raise DataError(f"{path} holds one array, not an .npz archive; give it as --X, with --y")
            x_key, y_key = _keys(path, file.files, x_name, y_name)
            names = (f"{path}[{x_key}]", f"{path}[{y_key}]")
            arrays = [file[key] for key in (x_key, y_key)]
    except DAMAGE as error:
        raise _unreadable(path, error) from error
    for name, array in zip(names, arrays, strict=True):
        if not isinstance(array, np.ndarray):  # np.load gives the bytes of what is no .npy
            raise DataError(f"{name} is no array; save it with numpy.savez")
    return Source(
        name=path.stem, X=arrays[0], y=arrays[1], names=names, place=LabelPlace("npz", (path,), y_key)
    )


def load_hdf5(path: Path, x_name: str | None, y_name: str | None) -> Source:
    """The examples, read when they are asked for, and labels of one HDF5 file; names as in an .npz."""
    try:
        import h5py  # noqa: PLC0415  optional
    except ImportError as error:
        remedy = 'pip install "label-audit[hdf5]"'
        raise DataError(f"{path} needs h5py, which is not installed; {remedy}") from error
    _refuse_no_file(path)
    try:
        file = h5py.File(path, "r")
        found: dict[str, Any] = {}
        file.visititems(lambda key, value: found.update({_as_text(key): value}))
        arrays = {key: value for key, value in found.items() if isinstance(value, h5py.Dataset)}
        x_key, y_key = _keys(path, [key for key in arrays if arrays[key].shape], x_name, y_name)
        y = arrays[y_key][:]  # texts as bytes, which the labels' parser decodes
    except HDF5_DAMAGE as error:
        raise _no_hdf5(path, error) from error
    names = (f"{path}[{x_key}]", f"{path}[{y_key}]")
    X, place = Hdf5Rows(arrays[x_key], path), LabelPlace("hdf5", (path,), y_key)
    return Source(name=path.stem, X=X, y=y, names=names, place=place)


def _as_text(key: str | bytes) -> str:
    """A name in the file; h5py gives bytes where it is no UTF-8."""
    return key if isinstance(key, str) else key.decode("utf-8", "backslashreplace")


class Hdf5Rows:
    """The rows of an HDF5 data set, read when they are asked for."""

    def __init__(self, dataset: Any, path: Path) -> None:
        self.dataset, self.path = dataset, path
        self.shape: tuple[int, ...] = tuple(dataset.shape)
        self.dtype: np.dtype[Any] = dataset.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> npt.NDArray[Any]:
        """The rows of these numbers; HDF5 itself takes only increasing ones."""
        every = np.arange(len(self))
        wanted = every[rows]
        unique, back = np.unique(wanted, return_inverse=True)
        try:
            if np.array_equal(wanted, every):
                return np.asarray(self.dataset[:])
            return np.asarray(self.dataset[unique])[back]
        except HDF5_DAMAGE as error:
            raise _no_hdf5(self.path, error) from error


def _keys(path: Path, found: Collection[str], x_name: str | None, y_name: str | None) -> tuple[str, str]:
    """What examples and labels are called among the arrays found."""
    for flag, name in (("--x-name", x_name), ("--y-name", y_name)):
        if name is not None and name not in found:
            raise DataError(f"{path} holds {_listed(found)} and no {name!r}; check {flag}")
    pairs = [(x, y) for x, y in PAIRS if x_name in (None, x) and y_name in (None, y)]
    if x_name is not None and y_name is not None:
        return x_name, y_name
    fitting = [(x_name or x, y_name or y) for x, y in PAIRS]
    for x_key, y_key in pairs + fitting:
        if x_key in found and y_key in found and x_key != y_key:
            return x_key, y_key
    expected = " or ".join(" and ".join(pair) for pair in PAIRS)
    raise DataError(
        f"{path} holds {_listed(found)}; expected arrays named {expected}, or give --x-name and --y-name"
    )


def _listed(found: Collection[str]) -> str:
    return ", ".join(found) or "nothing"


def _read_npy(path: Path, *, mmap_mode: Any) -> npt.NDArray[Any]:
    try:
        array = np.load(path, mmap_mode=mmap_mode, allow_pickle=False)
    except DAMAGE as error:
        raise _unreadable(path, error) from error
    if not isinstance(array, np.ndarray):
        array.close()
        raise DataError(
            f"{path} is an .npz archive, expected one .npy array; give it as: audit detect {path}"
        )
    return array


def _refuse_no_file(path: Path) -> None:
    if not path.exists():
        raise DataError(wording.no_such_file(path))


def _no_hdf5(path: Path, error: Exception) -> DataError:
    return DataError(f"{path} cannot be read as HDF5 ({wording.one_line(error)}); was it written whole?")


def _unreadable(path: Path, error: Exception) -> DataError:
    if isinstance(error, FileNotFoundError):
        return DataError(wording.no_such_file(path))
    if any(word in str(error) for word in ("pickle", "Object arrays", "Python objects")):
        return DataError(
            f"{path} is not a plain array: it holds Python objects (or is no NumPy file), which are never "
            "unpickled; save numbers or strings with numpy.save, for example after .astype(str)"
        )
    return DataError(
        f"{path} cannot be read as a NumPy file ({wording.one_line(error)}); "
        "save it with numpy.save or numpy.savez"
    )
