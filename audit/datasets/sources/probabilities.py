"""Out-of-sample probabilities of the user's own, in a file."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.datasets.files import reading
from audit.datasets.sources import npy
from audit.datasets.sources.delimited import refuse_misshapen
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
    missing = f"{path} does not exist, expected a file of probabilities ({SUFFIXES})"
    with reading(path, "cannot be read", ", expected rows of numbers; save it again", missing=missing):
        return reader(path)


def _read_npy(path: Path) -> npt.NDArray[Any]:
    loaded = npy.load(path, mapped=True)
    if isinstance(loaded, np.ndarray):
        return loaded
    loaded.close()
    raise DataError(f"{path} is an .npz archive, expected one array; give it the ending .npz")


def _read_npz(path: Path) -> npt.NDArray[Any]:
    with path.open("rb") as file:
        npy.refuse_lies(file, path.stat().st_size)
        file.seek(0)
        archive: Any = np.load(file, allow_pickle=False)
        if isinstance(archive, np.ndarray):
            raise DataError(f"{path} is one array, expected an .npz archive; give it the ending .npy")
        wanted = "pred_probs"
        if len(archive.files) == 1:
            wanted = archive.files[0]
        if wanted in archive.files:
            return np.asarray(npy.members(path, archive, [wanted])[0])
    found = ", ".join(map(repr, archive.files))
    raise DataError(f"{path} holds {found}, expected one array, or one named pred_probs")


def _read_csv(path: Path) -> Any:
    import pandas as pd  # noqa: PLC0415  only tables need it

    refuse_misshapen(path)
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
