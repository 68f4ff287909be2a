"""Write corrected labels in the form of their source, and restore the original ones.

A writer gets the place of the labels, the change, and a folder. It writes the corrected file there under the
source's own name, and the original into `before`. A new label is copied from a donor row, so that it has the
type and the spelling of the source.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from audit.datasets.source import LabelPlace
from audit.review.writers import arrays, folders, json_records, tables
from audit.review.writers.change import BEFORE, Change

PLAIN = "labels"  # the form of sources that are not a user's files

WRITERS: dict[str, Callable[[LabelPlace, Change, Path], None]] = {
    "npy": arrays.write_npy,
    "npz": arrays.write_npz,
    "hdf5": arrays.write_hdf5,
    "idx": arrays.write_idx,
    "text": tables.write_text,
    "json": json_records.write_json,
    "parquet": tables.write_parquet,
    "tree": folders.write_moves,
}


def write(place: LabelPlace | None, change: Change, folder: Path) -> str:
    """Write the corrected and the original labels into a folder; returns the form."""
    (folder / BEFORE).mkdir()
    if place is None:
        arrays.write_plain(change, folder)
        return PLAIN
    WRITERS[place.form](place, change, folder)
    return place.form


def restore(form: str, name: str, corrected: Path, folder: Path) -> None:
    """Write the original labels into a folder, from the folder of corrected labels."""
    if form == "npz":
        (archive,) = corrected.glob("*.npz")
        arrays.restore_npz(archive, name, folder)
        return
    for path in (corrected / BEFORE).iterdir():
        shutil.copyfile(path, folder / path.name)
