"""Arrays in files: an .npy pair or one .npz."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.datasets.arrays import from_arrays
from audit.errors import DataError
from audit.types import LabeledDataset

NPZ_NAMES = (("X", "y"), ("images", "labels"), ("x", "y"), ("data", "labels"), ("data", "target"))


def load_npy_pair(X: Path, y: Path) -> LabeledDataset:
    """The images of one .npy file, memory-mapped, with the labels of another."""
    return from_arrays(
        _read_npy(X, mmap_mode="r"), _read_npy(y, mmap_mode=None), name=X.stem, names=(str(X), str(y))
    )


def load_npz(path: Path) -> LabeledDataset:
    """The images and labels of one .npz file, under any of the names in NPZ_NAMES."""
    try:
        with np.load(path, allow_pickle=False) as file:
            if isinstance(file, np.ndarray):
                raise DataError(f"{path} holds one array, not an .npz archive; give it as --X, with --y")
            for image_key, label_key in NPZ_NAMES:
                if image_key in file and label_key in file:
                    names = (f"{path}[{image_key}]", f"{path}[{label_key}]")
                    return from_arrays(file[image_key], file[label_key], name=path.stem, names=names)
            expected = " or ".join(" and ".join(pair) for pair in NPZ_NAMES)
            raise DataError(f"{path} holds {', '.join(file) or 'nothing'}; expected arrays named {expected}")
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise _unreadable(path, error) from error


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
