"""The folder of corrected labels: filled whole or not at all, by one process at a time.

A folder that somebody else filled is never written to.

::

    y.npy, table.csv, data.npz, moves.csv, …   the corrected labels, under the name of the source
    corrected.csv     every decided row: before, after, action, reviewer, time, hash of its example
    keep.npy          which rows of an array to keep, where some were dropped
    before/           the original labels, for `audit revert`
    provenance.json   the run, the form, counts, the reviewer's score, and the sha256 of each file

provenance.json is written last; while files move into place it says that the folder is unfinished.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from audit.errors import ReviewError, RunError
from audit.review.writers.change import PROVENANCE
from audit.runs.files import LOCK, locked, writing

FORMAT = "label-audit corrections"
VERSION = 1
STAGE = ".new"


def read_provenance(path: Path) -> dict[str, Any]:
    """Read provenance.json; ReviewError when the folder holds no corrected labels, or only a part of them."""
    content = _provenance(path)
    if not content:
        raise ReviewError(
            f"{path} holds no corrected labels, expected a folder made by audit apply; check the path"
        )
    if content.get("version") != VERSION or content.get("state") not in ("applied", "reverted"):
        raise ReviewError(f"{path} was not written to its end; run audit apply again with --out {path}")
    return content


@contextmanager
def filled(path: Path, fingerprint: str) -> Iterator[tuple[Path, Callable[[Mapping[str, Any]], None]]]:
    """Give a folder to write into, and a function that moves its files into place with their provenance.

    Unless that function is called, nothing at the path changes.

    Parameters
    ----------
    path
        The folder of corrected labels, new or written by `audit apply` before.
    fingerprint
        Of the data set; a folder of labels of other data is refused.

    Raises
    ------
    RunError
        When the path holds anything else, another process is writing to it, or it cannot be written.
    """
    _refuse_foreign(path, fingerprint)
    new = not path.exists()
    stage = path / STAGE
    busy = f"{path} is being written to; wait for it, or choose another --out"
    with locked(path, busy), writing(path):
        try:
            shutil.rmtree(stage, ignore_errors=True)
            stage.mkdir()
            yield stage, lambda provenance: _move(stage, path, provenance)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
            if new and not (path / PROVENANCE).exists():
                shutil.rmtree(path, ignore_errors=True)


def copy(path: Path, stage: Path, names: tuple[str, ...]) -> None:
    """Copy these files and folders of the folder into the stage that will replace it."""
    for name in names:
        source = path / name
        if source.is_dir():
            shutil.copytree(source, stage / name)
        else:
            shutil.copyfile(source, stage / name)


def refuse_changed(path: Path, names: Sequence[str], provenance: Mapping[str, Any]) -> None:
    """Refuse a folder in which one of these files is missing or differs from its recorded sha256."""
    for name in names:
        if not (path / name).is_file() or sha256(path / name) != provenance["files"][name]:
            raise ReviewError(
                f"{path / name} is missing or has changed since audit apply wrote it; the source itself was "
                "never changed; move the folder away and run audit apply again"
            )


def sha256(path: Path) -> str:
    """The sha256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _provenance(path: Path) -> dict[str, Any]:
    """The content of provenance.json; empty when it is missing, damaged or written by somebody else."""
    try:
        content = json.loads((path / PROVENANCE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        return {}
    if not isinstance(content.get("files"), dict):
        return {}
    return content


def _refuse_foreign(path: Path, fingerprint: str) -> None:
    if path.exists() and not path.is_dir():
        raise RunError(f"{path} is a file, expected a folder for corrected labels; choose another with --out")
    names: set[str] = set()
    if path.exists():
        names = {p.name for p in path.iterdir()} - {STAGE, LOCK}
    former = _provenance(path)
    if names and not former:
        raise RunError(f"{path} holds other files ({min(names)} …); choose a new folder with --out")
    if names and former.get("fingerprint") != fingerprint:
        raise RunError(
            f"{path} holds corrected labels of other data ({former.get('data')!r}); "
            "choose a new folder with --out"
        )


def _move(stage: Path, path: Path, provenance: Mapping[str, Any]) -> None:
    """Move all files into place, and remove former files that were written here and not edited since.

    Until the last file is in place, provenance.json says that the folder is unfinished.
    """
    files = {name: sha256(stage / name) for name in _names(stage)}
    former = _provenance(path)
    former_files: dict[str, str] = former.get("files", {})
    present = _names(path)
    for name in present:
        if name in former_files:
            ours = former.get("state") == "unfinished" or sha256(path / name) == former_files[name]
        else:
            ours = name not in files
        if not ours:
            raise RunError(
                f"{path / name} was not written by audit apply, or has changed since; move it away, or "
                "choose another folder with --out"
            )
    document = {"format": FORMAT, "version": VERSION, **provenance, "files": files}
    unfinished = {**document, "files": {**former_files, **files}, "state": "unfinished"}
    _write_json(stage / PROVENANCE, document)
    _write_json(stage / "unfinished", unfinished)
    (stage / "unfinished").replace(path / PROVENANCE)
    for name in present:
        if name in former_files and name not in files:
            (path / name).unlink()
    for name in files:
        (path / name).parent.mkdir(exist_ok=True)
        (stage / name).replace(path / name)
    (stage / PROVENANCE).replace(path / PROVENANCE)


def _names(folder: Path) -> list[str]:
    """The files of a folder and of its folders, without the stage, the lock and the provenance."""
    found = sorted(p.relative_to(folder) for p in (*folder.glob("*"), *folder.glob("*/*")) if p.is_file())
    return [p.as_posix() for p in found if p.parts[0] not in (STAGE, LOCK, PROVENANCE)]


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    with path.open("w", encoding="utf-8") as file:
        json.dump(document, file, indent=1, ensure_ascii=False, allow_nan=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
