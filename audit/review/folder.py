"""The folder of corrected labels: filled whole or not at all, by one process at a time.

A folder that somebody else filled is never written to.

::

    y.npy, table.csv, data.npz, moves.csv, …   the corrected labels, under the name of the source
    corrected.csv     every decided row: before, after, action, reviewer, time, hash of its example
    keep.npy          which rows of an array to keep, where some were dropped
    before/           the original labels, for `audit revert`
    provenance.json   the run, the form, counts, the reviewer's score, and the sha256 of each file

provenance.json is written last; while files move into place it says that the folder is unfinished, what it
becomes, and what each file may hold meanwhile, so that the same command finishes it.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from audit.errors import ReviewError, RunError
from audit.review.writers.change import BEFORE, PROVENANCE
from audit.runs.documents import conforms, document_in
from audit.runs.files import LOCK, flush_files, flush_folder, locked, sha256, writing

FORMAT = "label-audit corrections"
VERSION = 1
APPLIED, REVERTED, UNFINISHED = "applied", "reverted", "unfinished"
STAGE = ".label-audit.new"
FORM: Mapping[str, Any] = {
    "state": str,
    "fingerprint": str,
    "data": str,
    "form": str,
    "name": str,
    "files": dict[str, str],
}
KNOWN = dict[str, tuple[str, ...]]  # the sha256 that each file may have while the folder is unfinished


def read_provenance(path: Path, unfinished: str | None = None) -> dict[str, Any]:
    """Read provenance.json of corrected labels, or of a folder that was to become so and was not finished.

    Raises
    ------
    ReviewError
        When the folder holds no corrected labels, or only a part of them.
    """
    content = _provenance(path)
    if not content:
        raise ReviewError(
            f"{path} holds no corrected labels, expected a folder made by audit apply; check the path"
        )
    states = {APPLIED, REVERTED}
    if content["state"] == UNFINISHED and unfinished is not None and content.get("becomes") == unfinished:
        states.add(UNFINISHED)
    if content.get("version") != VERSION or content["state"] not in states:
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
    with writing(path):
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
                with suppress(OSError):  # somebody has put a file there
                    (path / LOCK).unlink(missing_ok=True)
                    path.rmdir()


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
    known = _known(provenance)
    for name in names:
        if sha256(path / name) not in known[name]:
            raise ReviewError(
                f"{path / name} is missing or has changed since audit apply wrote it; the source itself was "
                "never changed; move the folder away and run audit apply again"
            )


def _known(provenance: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Every sha256 that each file may have; several while the folder is unfinished."""
    known: dict[str, tuple[str, ...]] = {name: (each,) for name, each in provenance.get("files", {}).items()}
    if conforms(provenance.get("known"), KNOWN):
        known |= {name: tuple(digests) for name, digests in provenance["known"].items()}
    return known


def _provenance(path: Path) -> dict[str, Any]:
    """The content of provenance.json; empty when it is missing, damaged or written by somebody else."""
    try:
        content = document_in(path / PROVENANCE)
    except ValueError:
        return {}
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        return {}
    if not all(conforms(content.get(name), form) for name, form in FORM.items()):
        return {}
    return content


def _refuse_foreign(path: Path, fingerprint: str) -> None:
    if path.exists() and not path.is_dir():
        raise RunError(f"{path} is a file, expected a folder for corrected labels; choose another with --out")
    names: set[str] = set()
    if path.exists():
        names = {p.name for p in path.iterdir()} - {STAGE, LOCK}
    if (path / BEFORE).is_symlink():
        raise RunError(f"{path / BEFORE} is a link, expected a folder; choose a new folder with --out")
    former = _provenance(path)
    if names and not former:
        first = min(names, key=lambda name: (name.startswith("."), name))
        raise RunError(f"{path} holds other files ({first} …); choose a new folder with --out")
    if names and former.get("fingerprint") != fingerprint:
        raise RunError(
            f"{path} holds corrected labels of other data ({former.get('data')!r}); "
            "choose a new folder with --out"
        )


def _move(stage: Path, path: Path, provenance: Mapping[str, Any]) -> None:
    """Move all files into place, and remove former files that were written here and not edited since.

    Until the last file is in place, provenance.json says that the folder is unfinished.
    """
    files = {name: sha256(stage / name) or "" for name in _names(stage)}
    known = _known(_provenance(path))
    present = _names(path)
    for name in present:
        in_the_way = name in known or name in files
        if in_the_way and sha256(path / name) not in known.get(name, ()):
            raise RunError(
                f"{path / name} was not written by audit apply, or has changed since; move it away, or "
                "choose another folder with --out"
            )
    document = {"format": FORMAT, "version": VERSION, **provenance, "files": files}
    either = dict(known)
    for name, digest in files.items():
        either[name] = (*known.get(name, ()), digest)
    unfinished = {**document, "state": UNFINISHED, "becomes": document["state"], "known": either}
    _write_json(stage / PROVENANCE, document)
    _write_json(stage / UNFINISHED, unfinished)
    flush_files(stage)
    (stage / UNFINISHED).replace(path / PROVENANCE)
    with writing(path, "its files are partly in place, and the same command finishes it"):
        flush_folder(path)
        for name in present:
            if name in known and name not in files:
                (path / name).unlink()
        for name in files:
            (path / name).parent.mkdir(exist_ok=True)
            (stage / name).replace(path / name)
        for folder in {(path / name).parent for name in files}:
            flush_folder(folder)
        (stage / PROVENANCE).replace(path / PROVENANCE)
        flush_folder(path)


def _names(folder: Path) -> list[str]:
    """The files of a folder and of its folders, without the stage, the lock and the provenance."""
    found = sorted(p.relative_to(folder) for p in (*folder.glob("*"), *folder.glob("*/*")) if p.is_file())
    return [p.as_posix() for p in found if p.parts[0] not in (STAGE, LOCK, PROVENANCE)]


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    with path.open("w", encoding="utf-8") as file:
        json.dump(document, file, indent=1, ensure_ascii=False, allow_nan=False)
        file.write("\n")
