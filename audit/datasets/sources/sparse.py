"""Sparse matrices as scipy.sparse.save_npz writes them: plain arrays in an .npz archive."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.datasets.files import refuse_bomb
from audit.datasets.given_rows import COMPONENTS
from audit.datasets.sources import npy
from audit.errors import DataError

MEMBERS = {  # what an archive holds beside the shape and the data, by the format of the matrix
    "csr": ("indices", "indptr"),
    "csc": ("indices", "indptr"),
    "coo": ("row", "col"),
}
NUMBER_BYTES = 8
REMEDY = "leave out rows and columns that are all 0"


def is_sparse(names: Collection[str]) -> bool:
    """Whether an .npz archive of these arrays holds a sparse matrix."""
    return {"format", "shape", "data"} <= set(names)


def matrix_in(path: Path, archive: Any) -> Any:
    """The matrix (n, d) in an open archive, as CSR.

    Raises
    ------
    DataError
        When it is in another format, or takes far more memory than the file.
    ValueError
        When its arrays do not fit together.
    """
    form, shape, data = npy.members(path, archive, ["format", "shape", "data"])
    kind = _text(form)
    if kind not in MEMBERS:
        raise DataError(
            f"{path} holds a sparse matrix in the format {kind!r}, expected csr, csc or coo; save "
            "matrix.tocsr()"
        )
    first, second = npy.members(path, archive, MEMBERS[kind])
    if shape.shape != (2,) or shape.dtype.kind not in "iu" or data.ndim != 1 or data.dtype.kind not in "buif":
        raise ValueError(f"it has the shape {shape.tolist()} and numbers of the type {data.dtype}")
    n, d = (int(side) for side in shape)
    for indices in (first, second):
        if indices.ndim != 1 or indices.dtype.kind not in "iu":
            raise ValueError(f"its indices are of the type {indices.dtype}")
    refuse_bomb(path, NUMBER_BYTES * (n + d), REMEDY)
    matrix = _built(kind, (n, d), data, first, second)
    refuse_bomb(path, NUMBER_BYTES * COMPONENTS * (n + len(np.unique(matrix.indices))), REMEDY)
    return matrix


def _text(form: npt.NDArray[Any]) -> str:
    value = form.item() if form.size == 1 else form
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)[:20]


def _built(
    kind: str,
    shape: tuple[int, int],
    data: npt.NDArray[Any],
    first: npt.NDArray[Any],
    second: npt.NDArray[Any],
) -> Any:
    """The matrix of these arrays, whose indices are checked before anything is done with them."""
    from scipy import sparse  # noqa: PLC0415  slow to import

    if data.dtype == np.float16:  # which scipy does not compute with
        data = data.astype(np.float32)
    if kind == "coo":
        matrix = sparse.coo_array((data, (first, second)), shape=shape)
    else:
        compressed = {"csr": sparse.csr_array, "csc": sparse.csc_array}[kind]
        matrix = compressed((data, first, second), shape=shape)
        matrix.check_format(full_check=True)
    return matrix.tocsr()
