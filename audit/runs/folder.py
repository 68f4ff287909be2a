"""The run folder: what a run leaves on disk, written whole, keyed, checksummed, and never unpickled.

::

    manifest.json    product, kind, format, versions, settings, data, stages with their keys, folds, score,
                     the sha256 of every file, and of itself
    .label-audit     product, kind and format once more, and the seconds of steps and folds
    labels.npz       ids, rows of the source, hashes, given, fold; true and transition (when known)
    embedding/rows-0.npz …  features of examples that an embedder computed, key, batch by batch
    folds/ROUND/0.npz …  rows, pred_probs, trained, margins, losses, seconds, device, key, as each fold ends
    pred_probs.npy   (n, k) float32, in the row order of labels.npz
    features.npz     (n, d) float16, what the models see in each row, when they can say
    split.npz        part of every row, and which rows have a twin in another part, when there are parts
    votes.npz        rows, annotators, labels, noisy and qualities of people's labels, when there are several
    kinds.npz        rows, kind, probability and reason of the suspects, when they have a kind
    issues.npz       is_issue, label_quality, p_error, suggested of every row, of the labels with noise
    suspects.npz     the same of the original labels
    conflicts.npy    (3, m) rows of duplicates with different labels, their groups, 1 where only near
    unlabelled.npz   ids and pred_probs of the rows without a label, when there are any
    thumbnails.npz   rows, their images or most unusual features (JSON), and the nearest agreeing rows
    pictures.npz     larger JPEG pictures of suspects and the names of their files, when the source has such
    controls.npz     rows, injected and places of the hidden controls, when there are any
    scores.json      every figure of the report
    issues.csv, unlabelled.csv, annotators.csv, consensus.csv, votes.csv, one_more.csv (when there are any),
    issues.parquet (where pyarrow is installed), report.html, plots/*.png
    .outputs         the sha256 of files that other commands made of the run, where it was told to

A stage's key is the sha256 of its format, the settings it reads and the key of the stage before.
What is stored under an equal key is reused; anything else, and what is damaged, is computed again.
"""

import errno
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np

from audit.errors import RunError
from audit.runs import files, record
from audit.runs.arrays import Array, Arrays, archive_of, arrays_in
from audit.runs.documents import conforms
from audit.runs.manifest import (
    MANIFEST,
    MARK,
    Identity,
    identify,
    is_finished,
    refuse,
    sealed,
    visible_names,
)
from audit.runs.record import STEPS, Damaged, RunRecord
from audit.runs.stages import Stage
from audit.wording import setting_changes

__all__ = ["RunFolder", "RunRecord", "load_record"]

RUN = "run"
REPORT = "report"  # the step that makes the files which no other step makes
FOLDS = "folds"  # the folder of fold checkpoints, and the step that makes them
EMBEDDING = "embedding"  # the folder of features of examples, which the step embed makes
EMBED = "embed"
RESUMES = "finished folds are kept, and the same command resumes"
CHECK_PATH = "check the path, or make a run in a new folder with --out"


class RunFolder:
    """A folder that holds one run; use it as `with RunFolder.locked(path) as folder`."""

    def __init__(self, path: Path, kind: str = RUN) -> None:
        self.path = path
        self.kind = kind
        self.sums: dict[str, str] = {}  # the sha256 of each file that was written here, or read and is sound
        self.fold_seconds: dict[str, float] = {}  # by round/fold

    @classmethod
    @contextmanager
    def locked(cls, path: Path, kind: str = RUN) -> Iterator["RunFolder"]:
        """The folder, made if need be, held against every other run until the block ends.

        Its kind, a run or an experiment's name, stands in the manifest; one never writes over the other.

        Raises
        ------
        RunError
            When another run holds it, when it holds something else, or when it cannot be written.
        """
        with files.writing(path, RESUMES):
            if path.exists() and not path.is_dir():
                raise RunError(f"{path} is a file, expected a folder for the run; choose another with --out")
            _refuse_other(path, identify(path), kind)
        busy = f"another run is writing to {path}; wait for it, or choose another folder with --out"
        with files.locked(path, busy, RESUMES):
            identity = identify(path)
            _refuse_other(path, identity, kind)
            files.remove_parts(path)
            folder = cls(path, kind)
            if not identity.mark:
                folder.write_mark()
            if identity.kind is None or not visible_names(path):
                folder.write_manifest({"stages": {}})
            yield folder

    @classmethod
    def refuse_unusable(cls, path: Path) -> None:
        """Raise RunError when the folder cannot be one for a run; nothing is made or changed."""
        with files.writing(path, RESUMES):
            if path.exists() and not path.is_dir():
                raise RunError(f"{path} is a file, expected a folder for the run; choose another with --out")
            _refuse_other(path, identify(path), RUN)
            there = next(each for each in (path, *path.absolute().parents) if each.exists())
            if not there.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            if not os.access(there, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    def manifest(self) -> Mapping[str, Any]:
        """The manifest, empty when there is none yet, or it is damaged or of something else."""
        return identify(self.path).manifest

    def why_not_reused(self, stage: Stage) -> str | None:
        """None when the stored stage has this key; else what differs, empty when nothing is stored."""
        manifest = self.manifest()
        if not is_finished(manifest) or stage.name not in manifest["stages"]:
            return ""
        stored = manifest["stages"][stage.name]
        if stored["key"] == stage.key:
            return None
        changed = setting_changes(stored["settings"], stage.settings)
        return ", ".join(changed) or "the data or an earlier step changed"

    def damage(self) -> dict[str, str]:
        """What is wrong with each file that the manifest lists: missing, empty or damaged."""
        identity = identify(self.path)
        if identity.damage is not None:
            return {MANIFEST: identity.damage}
        found = {}
        for name, expected in identity.manifest.get("files", {}).items():
            path = self.path / name
            if not path.is_file():
                found[name] = "missing"
            elif not path.stat().st_size:
                found[name] = "empty"
            elif files.sha256(path) != expected:
                found[name] = "damaged"
        return found

    def write(self, name: str, content: bytes | Callable[[IO[bytes]], object]) -> None:
        """Write a file whole or not at all, from bytes or by a function that writes to the open file."""
        path = self.path / name
        if not path.parent.resolve().is_relative_to(self.path.resolve()):
            raise RunError(f"{path.parent} is a link out of {self.path}, expected a folder; remove the link")
        digest = files.write_whole(path, content, RESUMES)
        if name not in {MANIFEST, MARK}:
            self.sums[name] = digest

    def write_text(self, name: str, text: str) -> None:
        """Write a text file as UTF-8."""
        self.write(name, text.encode())

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a JSON document; figures that are not numbers are refused, not written as NaN."""
        self.write_text(name, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")

    def write_arrays(self, name: str, arrays: Arrays) -> None:
        """Write a compressed .npz that carries its own checksum."""
        self.write(name, archive_of(arrays))

    def write_array(self, name: str, array: Array) -> None:
        """Write an .npy."""
        self.write(name, lambda file: np.save(file, array, allow_pickle=False))

    def write_manifest(self, content: Mapping[str, Any]) -> None:
        """Write the manifest, with the kind of the folder and its own checksum."""
        self.write_json(MANIFEST, sealed(self.kind, content))

    def read_arrays(self, name: str) -> dict[str, Array]:
        """The arrays of an .npz; RunError when it is missing or damaged."""
        try:
            return arrays_in(files.read(self.path / name))
        except ValueError as error:
            raise RunError(_damaged(self.path, name, str(error))) from error

    def keep(self, name: str) -> None:
        """Make a sound file that is there a part of what the manifest will list."""
        self.sums[name] = files.sha256(self.path / name) or ""

    def keep_fold(self, name: str, fold: int, seconds: float) -> None:
        """Make a fold checkpoint that is there a part of the run."""
        self.keep(fold_file(name, fold))
        self.fold_seconds[f"{name}/{fold}"] = seconds

    def save_record(self, run: RunRecord) -> None:
        """Write everything but the report; until the manifest, the last, is there the run is unfinished."""
        before = {name: each for name, each in self.sums.items() if step_of(name) in {EMBED, FOLDS}}
        self.write_manifest({"stages": {}})
        self.write_mark(run)
        arrays = run.arrays()
        for name, content in arrays.items():
            if isinstance(content, Mapping):
                self.write_arrays(name, content)
            else:
                self.write_array(name, content)
        self.write_json(record.SCORES, run.scores.to_json())
        for name in STEPS.keys() - arrays.keys() - {record.SCORES}:
            (self.path / name).unlink(missing_ok=True)
        made = {name: self.sums[name] for name in (*arrays, record.SCORES)}
        self.write_manifest({**run.facts(), "files": dict(sorted({**before, **made}.items()))})

    def sign_report(self, written: Sequence[str]) -> None:
        """List in the manifest the files of the report that were written, and those of the steps before."""
        manifest = self.manifest()
        before = {name: each for name, each in manifest["files"].items() if step_of(name) != REPORT}
        listed = {**before, **{name: self.sums[name] for name in written}}
        self.write_manifest({**manifest, "files": dict(sorted(listed.items()))})

    def former_seconds(self, stage: str, key: str) -> Mapping[str, Any]:
        """The seconds that the run of this key took when it was made first: seconds and fold_seconds."""
        mark = identify(self.path).mark
        times = dict[str, float]
        form = {"keys": dict[str, str], "seconds": times, "fold_seconds": times}
        if not all(conforms(mark.get(name), each) for name, each in form.items()):
            return {}
        return mark if mark["keys"].get(stage) == key else {}

    def with_former_seconds(self, run: RunRecord) -> RunRecord:
        """The record of a run that was made again in part, with the seconds of when it was made first."""
        former = self.former_seconds("issues", run.stages["issues"]["key"])
        if not former:
            return run
        seconds = former["fold_seconds"]
        folds = tuple(
            {**fold, "seconds": round(seconds.get(f"{fold['round']}/{fold['fold']}", fold["seconds"]), 2)}
            for fold in run.folds
        )
        return replace(run, folds=folds, scores=replace(run.scores, timings=former["seconds"]))

    def restore_mark(self, run: RunRecord) -> None:
        """Write the mark of a finished run again where it is missing or damaged."""
        if self.former_seconds("issues", run.stages["issues"]["key"]):
            return
        for fold in run.folds:
            path = fold_file(fold["round"], fold["fold"])
            if path in self.manifest()["files"]:
                self.keep_fold(fold["round"], fold["fold"], float(self.read_arrays(path)["seconds"]))
        self.write_mark(run)

    def load_record(self) -> RunRecord:
        """What `save_record` wrote; RunError when the folder holds no finished run, or a damaged one."""
        identity = identify(self.path)
        refuse(self.path, identity, CHECK_PATH)
        if identity.damage is not None:
            raise RunError(_damaged(self.path, MANIFEST, identity.damage))
        if identity.kind not in {None, self.kind}:
            raise RunError(f"{self.path} holds a {identity.kind}, expected a {self.kind}; check the path")
        if not is_finished(identity.manifest):
            raise RunError(
                f"{self.path} holds no finished run; make one with: audit detect --out {self.path}"
            )
        listed = {**identity.manifest["files"], **self.sums}

        def content_of(name: str) -> bytes:
            try:
                content = files.read(self.path / name)
            except ValueError as error:
                raise Damaged(name, str(error)) from error
            if files.digest(content) != listed.get(name):
                raise Damaged(name, "it is not what the run wrote")
            return content

        try:
            return record.read(identity.manifest, content_of)
        except Damaged as error:
            raise RunError(_damaged(self.path, error.name, error.why)) from error

    def write_mark(self, run: RunRecord | None = None) -> None:
        """Write what the folder is beside the manifest, and the seconds that a run took."""
        mark: dict[str, Any] = {}
        if run is not None:
            mark["keys"] = {name: stage["key"] for name, stage in run.stages.items()}
            mark["seconds"] = dict(run.scores.timings)
            mark["fold_seconds"] = dict(sorted(self.fold_seconds.items()))
        self.write_json(MARK, sealed(self.kind, mark))


def load_record(path: Path) -> RunRecord:
    """Read the finished run in a folder; RunError when there is none."""
    try:
        is_folder = path.is_dir()
    except (OSError, ValueError):  # a name that is too long, or none
        is_folder = False
    if not is_folder:
        raise RunError(f"{path} is not a folder, expected a run made by audit detect; check the path")
    try:
        return RunFolder(path).load_record()
    except OSError as error:
        raise RunError(
            f"{error.filename} cannot be read ({error.strerror}); check its permissions"
        ) from error


def fold_file(name: str, fold: int) -> str:
    """The checkpoint of a fold of the cross-validation of that name."""
    return f"{FOLDS}/{name}/{fold}.npz"


def embedding_file(name: str) -> str:
    """The file of the features of some rows."""
    return f"{EMBEDDING}/{name}.npz"


def step_of(name: str) -> str:
    """The step that makes a file of a run."""
    if name.startswith(f"{EMBEDDING}/"):
        return EMBED
    if name.startswith(f"{FOLDS}/"):
        return FOLDS
    return STEPS.get(name, REPORT)


def _refuse_other(path: Path, identity: Identity, kind: str) -> None:
    """RunError where a folder holds something else than what this kind of command writes."""
    refuse(path, identity)
    if identity.kind not in {None, kind}:
        raise RunError(f"{path} holds a {identity.kind}, expected a {kind}; choose another folder with --out")


def _damaged(path: Path, name: str, why: str) -> str:
    return (
        f"{path / name} is damaged ({why}); audit detect with the settings of the run and --out {path} makes "
        "that step again"
    )
