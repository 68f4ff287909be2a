"""Out-of-sample probabilities of the user's own, in a file."""

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audit import wording
from audit.errors import DataError

SUFFIXES = ".npy, .npz or .csv"


def read_probabilities(path: Path) -> Any:
    """Read the numbers in a .npy, .npz or .csv file; a frame where their columns have names.

    DataError when it holds none.
    """
    readers = {".npy": _read_npy, ".npz": _read_npz, ".csv": _read_csv}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path} is not a file of probabilities, expected one that ends in {SUFFIXES}")
    try:
        return reader(path)
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist, expected a file of probabilities ({SUFFIXES})") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        why = wording.one_line(getattr(error, "strerror", None) or error)
        raise DataError(f"{path} cannot be read ({why}), expected rows of numbers; save it again") from error


def _read_npy(path: Path) -> npt.NDArray[Any]:
    loaded: Any = np.load(path, mmap_mode="r", allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return loaded
    loaded.close()
    raise DataError(f"{path} is an .npz archive, expected one array; give it the ending .npz")


def _read_npz(path: Path) -> npt.NDArray[Any]:
    with path.open("rb") as file:
        archive: Any = np.load(file, allow_pickle=False)
        if isinstance(archive, np.ndarray):
            raise DataError(f"{path} is one array, expected an .npz archive; give it the ending .npy")
        wanted = "pred_probs"
        if len(archive.files) == 1:
            wanted = archive.files[0]
        if wanted in archive.files:
            return np.asarray(archive[wanted])
    found = ", ".join(map(repr, archive.files))
    raise DataError(f"{path} holds {found}, expected one array, or one named pred_probs")


def _read_csv(path: Path) -> Any:
    import pandas as pd  # noqa: PLC0415  only tables need it

    with path.open(encoding="utf-8-sig") as file:
        cells = [cell.strip().strip('"') for cell in next(iter(file), "").split(",")]
    row_numbers = len(cells) > 1 and cells[0] == ""  # in the first column, as pandas writes them
    names = cells[int(row_numbers) :]
    column_numbers = names == [str(i) for i in range(len(names))]  # as pandas writes them
    has_header = column_numbers or not all(map(_is_number, names))
    frame = pd.read_csv(
        path,
        header=0 if has_header else None,
        index_col=0 if row_numbers else None,
        encoding="utf-8-sig",
    )
    if has_header and not column_numbers:
        return frame
    return frame.to_numpy()


def _is_number(text: str) -> bool:
    try:
        float(text or "nan")
    except ValueError:
        return False
    return True
