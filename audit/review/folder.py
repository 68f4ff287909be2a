"""The folder of corrected labels: filled whole or not at all, by one at a time, and never anybody else's.

::

    y.npy, table.csv, data.npz, moves.csv, …   the corrected labels, called as the source is
    corrected.csv     every row that was decided on: before, after, action, who, when, hash of its example
    keep.npy          which rows of an array are left, where some were dropped
    before/           what came before, for `audit revert`
    provenance.json   which run, form, counts, how the reviewer did, and the sha256 of each file

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

FORMAT, VERSION = "label-audit corrections", 1
STAGE = ".new"


def read_provenance(path: Path) -> dict[str, Any]:
    """What the folder says of itself; ReviewError when it holds no corrected labels, or half of them."""
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
    """A folder to write into, and a function that moves all of it to its place with its provenance.

    Unless that function is called, nothing at the path changes.

    Raises
    ------
    RunError
        When the path holds anything else, is being written to, or cannot be.
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
    """Take files and folders of a folder into the one that is to replace it."""
    for name in names:
        source = path / name
        if source.is_dir():
            shutil.copytree(source, stage / name)
        else:
            shutil.copyfile(source, stage / name)


def refuse_changed(path: Path, names: Sequence[str], provenance: Mapping[str, Any]) -> None:
    """Refuse a folder in which one of these files is missing or is not as its provenance says."""
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
    """The content of provenance.json; empty when it is missing, damaged or somebody else's."""
    try:
        content = json.loads((path / PROVENANCE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    ours = isinstance(content, dict) and content.get("format") == FORMAT
    return content if ours and isinstance(content.get("files"), dict) else {}


def _refuse_foreign(path: Path, fingerprint: str) -> None:
    if path.exists() and not path.is_dir():
        raise RunError(f"{path} is a file, expected a folder for corrected labels; choose another with --out")
    names = {p.name for p in path.iterdir()} - {STAGE, LOCK} if path.exists() else set()
    former = _provenance(path)
    if names and not former:
        raise RunError(f"{path} holds other files ({min(names)} …); choose a new folder with --out")
    if names and former.get("fingerprint") != fingerprint:
        raise RunError(
            f"{path} holds corrected labels of other data ({former.get('data')!r}); "
            "choose a new folder with --out"
        )


def _move(stage: Path, path: Path, provenance: Mapping[str, Any]) -> None:
    """Put everything in its place; of what was there before goes only what was written here, unedited."""
    files = {name: sha256(stage / name) for name in _names(stage)}
    former, there = _provenance(path), _names(path)
    known = former.get("files", {})
    for name in there:
        edited = former.get("state") != "unfinished" and name in known and sha256(path / name) != known[name]
        if edited or (name in files and name not in known):
            raise RunError(
                f"{path / name} was not written by audit apply, or has changed since; move it away, or "
                "choose another folder with --out"
            )
    document = {"format": FORMAT, "version": VERSION, **provenance, "files": files}
    _write(stage / PROVENANCE, document)
    _write(stage / "unfinished", {**document, "files": {**known, **files}, "state": "unfinished"})
    (stage / "unfinished").replace(path / PROVENANCE)
    for name in set(there) & set(known) - set(files):
        (path / name).unlink()
    for name in files:
        (path / name).parent.mkdir(exist_ok=True)
        (stage / name).replace(path / name)
    (stage / PROVENANCE).replace(path / PROVENANCE)


def _names(folder: Path) -> list[str]:
    """The files of a folder and of the one below it, without its own books."""
    found = sorted(p.relative_to(folder) for p in (*folder.glob("*"), *folder.glob("*/*")) if p.is_file())
    return [p.as_posix() for p in found if p.parts[0] not in (STAGE, LOCK, PROVENANCE)]


def _write(path: Path, document: Mapping[str, Any]) -> None:
    with path.open("w", encoding="utf-8") as file:
        json.dump(document, file, indent=1, ensure_ascii=False, allow_nan=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
