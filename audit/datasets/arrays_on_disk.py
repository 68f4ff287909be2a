"""Arrays in files: an .npy pair, one .npz, or one HDF5 file."""

import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.datasets.source import Source
from audit.errors import DataError

PAIRS = (("X", "y"), ("images", "labels"), ("x", "y"), ("data", "labels"), ("data", "target"))


def load_npy_pair(X: Path, y: Path) -> Source:
    """The examples of one .npy file, memory-mapped, with the labels of another."""
    return Source(
        name=X.stem, X=_read_npy(X, mmap_mode="r"), y=_read_npy(y, mmap_mode=None), names=(str(X), str(y))
    )


def load_npz(path: Path, x_name: str | None, y_name: str | None) -> Source:
    """The examples and labels of one .npz file, under these names or any pair in PAIRS."""
    try:
        with np.load(path, allow_pickle=False) as file:
            if isinstance(file, np.ndarray):
                raise DataError(f"{path} holds one array, not an .npz archive; give it as --X, with --y")
            x_key, y_key = _keys(path, file.files, x_name, y_name)
            names = (f"{path}[{x_key}]", f"{path}[{y_key}]")
            return Source(name=path.stem, X=file[x_key], y=file[y_key], names=names)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise _unreadable(path, error) from error


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
    except OSError as error:
        raise DataError(f"{path} cannot be read as HDF5 ({error}); was it written whole?") from error
    found = [key for key, value in _datasets(file).items() if value.shape]
    x_key, y_key = _keys(path, found, x_name, y_name)
    labels = file[y_key]
    y = labels.asstr()[:] if labels.dtype.kind == "O" else labels[:]
    names = (f"{path}[{x_key}]", f"{path}[{y_key}]")
    return Source(name=path.stem, X=Hdf5Rows(file[x_key]), y=y, names=names)


class Hdf5Rows:
    """The rows of an HDF5 data set, read when they are asked for."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset
        self.shape: tuple[int, ...] = tuple(dataset.shape)
        self.dtype: np.dtype[Any] = dataset.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> npt.NDArray[Any]:
        """The rows of these numbers; HDF5 itself takes only increasing ones."""
        rows = np.asarray(rows)
        if len(rows) == len(self) and (rows == np.arange(len(self))).all():
            return np.asarray(self.dataset[:])
        unique, back = np.unique(rows, return_inverse=True)
        return np.asarray(self.dataset[unique])[back]


def _datasets(file: Any) -> dict[str, Any]:
    """All data sets of the file, also those in groups, by their path."""
    found: dict[str, Any] = {}
    file.visititems(lambda key, value: found.update({key: value}) if hasattr(value, "dtype") else None)
    return found


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
    except (OSError, ValueError, EOFError) as error:
        raise _unreadable(path, error) from error
    if not isinstance(array, np.ndarray):
        array.close()
        raise DataError(
            f"{path} is an .npz archive, expected one .npy array; give it as: audit detect {path}"
        )
    return array


def _refuse_no_file(path: Path) -> None:
    if not path.exists():
        raise DataError(f"{path} does not exist (looked in {Path.cwd()}); check the path")


def _unreadable(path: Path, error: Exception) -> DataError:
    if isinstance(error, FileNotFoundError):
        return DataError(f"{path} does not exist (looked in {Path.cwd()}); check the path")
    if any(word in str(error) for word in ("pickle", "Object arrays", "Python objects")):
        return DataError(
            f"{path} is not a plain array: it holds Python objects (or is no NumPy file), which are never "
            "unpickled; save numbers or strings with numpy.save, for example after .astype(str)"
        )
    return DataError(
        f"{path} cannot be read as a NumPy file ({error}); save it with numpy.save or numpy.savez"
    )
