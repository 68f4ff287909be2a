"""The run folder: what a run leaves on disk, written whole, keyed, and never unpickled.

::

    manifest.json    format, versions, settings, data, stages with their keys and seconds, folds, score
    labels.npz       ids, rows of the source, hashes, given, fold; true and transition (when known)
    folds/ROUND/0.npz …  rows, pred_probs, trained, margins, losses, seconds, device, key, as each fold ends
    pred_probs.npy   (n, k) float32, in the row order of labels.npz
    features.npz     (n, d) float16, what the models see in each row, when they can say
    split.npz        part of every row, and which rows have a twin in another part, when there are parts
    kinds.npz        rows, kind, probability and reason of the suspects, when they have a kind
    issues.npz       is_issue, label_quality, p_error, suggested of every row, of the labels with noise
    suspects.npz     the same of the original labels
    conflicts.npy    (3, m) rows of duplicates with different labels, their groups, 1 where only near
    unlabelled.npz   ids and pred_probs of the rows without a label, when there are any
    thumbnails.npz   rows, their images or most unusual features (JSON), and the nearest agreeing rows
    controls.npz     rows, injected and places of the hidden controls, when there are any
    scores.json      every figure of the report
    issues.csv, unlabelled.csv (when there are any), report.html, plots/*.png

A stage's key is the sha256 of its format, the settings it reads and the key of the stage before.
What is stored under an equal key is reused; anything else is computed again.
"""

import errno
import io
import json
import os
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np
import numpy.typing as npt

from audit.detectors.scores import Scores
from audit.errors import RunError
from audit.runs import files
from audit.runs.stages import Stage
from audit.types import (
    Conflicts,
    Controls,
    FeatureValue,
    Issues,
    Kinds,
    Leaks,
    NoisyLabels,
    OutOfSample,
    Thumbnails,
)
from audit.wording import setting_changes

FORMAT = 5
RESUMES = "finished folds are kept, and the same command resumes"
UNFINISHED: dict[str, Any] = {"format": FORMAT, "stages": {}}
# A line of a caption: the name of a feature, which may have tabs and line breaks itself, and three numbers.
OLD_CAPTION = re.compile(r"(.*?)\t(\S+)\t(\S+)\t(\S+)(?:\n|\Z)", re.DOTALL)
Arrays = Mapping[str, npt.NDArray[Any]]
T = TypeVar("T", Controls, Kinds, Leaks)


@dataclass(frozen=True, eq=False)
class RunRecord:
    """Everything that a finished run knows: the content of its folder, and all that a report needs."""

    config: Mapping[str, Any]
    data: Mapping[str, Any]  # name, fingerprint, shape, dtype, notes, cautions, folder (of relative paths)
    class_names: tuple[str, ...]
    ids: npt.NDArray[Any]
    rows: npt.NDArray[np.int64]  # (n,) the number of each row in the source
    hashes: npt.NDArray[np.uint64]  # (n,) of each row's example
    labels: NoisyLabels  # noisy equals original when no label was changed
    probs: OutOfSample
    issues: Issues  # of the labels with noise
    suspects: Issues  # of the original labels
    conflicts: Conflicts
    unlabelled: npt.NDArray[Any] | None  # (u,) ids of the rows without a label
    thumbnails: Thumbnails
    controls: Controls
    leaks: Leaks | None  # the parts that the rows are in, and duplicates between them
    kinds: Kinds | None  # of the suspects, or of all rows; None where no synthetic rows could be made
    scores: Scores
    folds: tuple[Mapping[str, Any], ...]  # fold, rows, seconds, device, losses
    stages: Mapping[str, Any]  # name → key, settings
    versions: Mapping[str, str]
    repeat: str  # the command or call that makes this run again

    @property
    def injected(self) -> bool:
        """Whether labels were changed on purpose."""
        return bool(self.labels.flipped.any())

    @property
    def cautions(self) -> tuple[str, ...]:
        """What may make the score misleading, a line each; none in runs that are older than they are."""
        return tuple(self.data.get("cautions", ()))

    @property
    def score(self) -> dict[str, Any] | None:
        """Precision, recall, F1 and the rest, each with its interval; None when nothing was injected."""
        if self.scores.detection is None:
            return None
        return self.scores.detection.to_json()


class RunFolder:
    """A folder that holds one run; use it as `with RunFolder.locked(path) as folder`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    @contextmanager
    def locked(cls, path: Path, kind: str = "run") -> Iterator["RunFolder"]:
        """The folder, made if need be, held against every other run until the block ends.

        Its kind, a run or an experiment's name, stands in the manifest; one never writes over the other.

        Raises
        ------
        RunError
            When another run holds it, when it holds something else, or when it cannot be written.
        """
        if path.exists() and not path.is_dir():
            raise RunError(f"{path} is a file, expected a folder for the run; choose another with --out")
        names = _visible_names(path)
        if names and "manifest.json" not in names:
            raise RunError(
                f"{path} holds other files ({min(names)} …) and no run; choose a new folder with --out"
            )
        busy = f"another run is writing to {path}; wait for it, or choose another folder with --out"
        with files.locked(path, busy, RESUMES):
            folder = cls(path)
            manifest = folder.manifest()
            present_kind = manifest.get("kind", "run")
            if not manifest:
                folder.write_json("manifest.json", {**UNFINISHED, "kind": kind})
            elif present_kind != kind:
                raise RunError(
                    f"{path} holds a {present_kind}, expected a {kind}; choose another folder with --out"
                )
            yield folder

    @classmethod
    def refuse_unusable(cls, path: Path) -> None:
        """Raise RunError when the folder cannot be one for a run; it is not made."""
        with files.writing(path, RESUMES):
            if path.exists() and not (path.is_dir() and not _visible_names(path)):
                with cls.locked(path):
                    return
            there = next(each for each in (path, *path.absolute().parents) if each.exists())
            if not there.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            if not os.access(there, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    def manifest(self) -> dict[str, Any]:
        """The manifest, empty when there is none yet or it is damaged."""
        try:
            content = json.loads((self.path / "manifest.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            return {}
        return content

    def why_not_reused(self, stage: Stage) -> str | None:
        """None when the stored stage has this key; else what differs, empty when nothing is stored."""
        stored = self.manifest().get("stages", {}).get(stage.name)
        if stored is None:
            return ""
        if stored["key"] == stage.key:
            return None
        changed = setting_changes(stored["settings"], stage.settings)
        return ", ".join(changed) or "the data or an earlier step changed"

    def write(self, name: str, content: bytes | Callable[[IO[bytes]], object]) -> None:
        """Write a file whole or not at all, from bytes or by a function that writes to the open file."""
        files.write_whole(self.path / name, content, RESUMES)

    def write_text(self, name: str, text: str) -> None:
        """Write a text file as UTF-8."""
        self.write(name, text.encode())

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a JSON document; figures that are not numbers are refused, not written as NaN."""
        self.write_text(name, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")

    def write_arrays(self, name: str, arrays: Arrays) -> None:
        """Write a compressed .npz."""
        self.write(name, lambda file: np.savez_compressed(file, **arrays))  # type: ignore[arg-type]

    def read_arrays(self, name: str) -> dict[str, npt.NDArray[Any]]:
        """The arrays of an .npz; RunError when it is missing or damaged."""
        try:
            content = io.BytesIO((self.path / name).read_bytes())
            with np.load(content, allow_pickle=False) as file:
                return dict(file)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise RunError(
                f"{self.path / name} is missing or damaged ({error}); run it again with --out {self.path}"
            ) from error

    def _read_if_there(self, name: str) -> dict[str, npt.NDArray[Any]]:
        """The arrays of an .npz; empty when there is none."""
        if not (self.path / name).exists():
            return {}
        return self.read_arrays(name)

    def _read_value(self, kind: type[T], name: str) -> T | None:
        """The value whose fields an .npz holds; None when there is none."""
        fields = self._read_if_there(name)
        if not fields:
            return None
        return kind(**fields)

    def _write_or_remove(self, name: str, arrays: Mapping[str, npt.NDArray[Any] | None]) -> None:
        """Write an .npz of the arrays that are there; remove an earlier one when none is."""
        present = {key: array for key, array in arrays.items() if array is not None}
        if present:
            self.write_arrays(name, present)
        else:
            (self.path / name).unlink(missing_ok=True)

    def save_record(self, record: RunRecord) -> None:
        """Write everything but the report; until the manifest, the last, is there the run is unfinished."""
        self.write_json("manifest.json", UNFINISHED)
        self.write("pred_probs.npy", lambda file: np.save(file, record.probs.pred_probs, allow_pickle=False))
        self._write_or_remove("features.npz", {"features": record.probs.features})
        labels = {"ids": record.ids, "rows": record.rows, "hashes": record.hashes}
        labels |= {"given": record.labels.noisy, "fold": record.probs.fold}
        if record.injected:
            labels["true"] = record.labels.original
        if record.labels.transition is not None:
            labels["transition"] = record.labels.transition
        self.write_arrays("labels.npz", labels)
        self.write_arrays("issues.npz", _fields(record.issues))
        self.write_arrays("suspects.npz", _fields(record.suspects))
        conflicts = np.stack([record.conflicts.rows, record.conflicts.groups, record.conflicts.near])
        self.write("conflicts.npy", lambda file: np.save(file, conflicts, allow_pickle=False))
        suggested = {}
        if record.unlabelled is not None:
            suggested = {"ids": record.unlabelled, "pred_probs": record.probs.unlabelled}
        self._write_or_remove("unlabelled.npz", suggested)
        self.write_arrays("thumbnails.npz", _thumbnail_arrays(record.thumbnails))
        controls = record.controls if len(record.controls.rows) else None
        self._write_or_remove("controls.npz", _fields(controls))
        self._write_or_remove("split.npz", _fields(record.leaks))
        self._write_or_remove("kinds.npz", _fields(record.kinds))
        self.write_json("scores.json", record.scores.to_json())
        self.write_json(
            "manifest.json",
            {
                "format": FORMAT,
                "versions": record.versions,
                "repeat": record.repeat,
                "config": record.config,
                "data": record.data,
                "class_names": record.class_names,
                "stages": record.stages,
                "folds": record.folds,
                "score": record.score,
            },
        )

    def load_record(self) -> RunRecord:
        """What `save_record` wrote; RunError when the folder holds no finished run."""
        manifest = self.manifest()
        if "stages" not in manifest or "issues" not in manifest["stages"]:
            raise RunError(
                f"{self.path} holds no finished run; make one with: audit detect --out {self.path}"
            )
        labels = self.read_arrays("labels.npz")
        noisy = labels["given"]
        try:
            pred_probs = np.load(self.path / "pred_probs.npy", allow_pickle=False)
            conflicts = np.load(self.path / "conflicts.npy", allow_pickle=False)
            scores = Scores.from_json(json.loads((self.path / "scores.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunError(
                f"{self.path} is damaged ({error}); make the run again with --out {self.path}"
            ) from error
        suggested = self._read_if_there("unlabelled.npz")
        features = self._read_if_there("features.npz").get("features")

        return RunRecord(
            config=manifest["config"],
            data=manifest["data"],
            class_names=tuple(manifest["class_names"]),
            ids=labels["ids"],
            rows=labels["rows"],
            hashes=labels["hashes"],
            labels=NoisyLabels(noisy, labels.get("true", noisy), labels.get("transition")),
            probs=OutOfSample(
                pred_probs, labels["fold"], unlabelled=suggested.get("pred_probs"), features=features
            ),
            issues=Issues(**self.read_arrays("issues.npz")),
            suspects=Issues(**self.read_arrays("suspects.npz")),
            conflicts=Conflicts(rows=conflicts[0], groups=conflicts[1], near=conflicts[2].astype(bool)),
            unlabelled=suggested.get("ids"),
            thumbnails=_thumbnails(self.read_arrays("thumbnails.npz")),
            controls=self._read_value(Controls, "controls.npz") or Controls.none(),
            leaks=self._read_value(Leaks, "split.npz"),
            kinds=self._read_value(Kinds, "kinds.npz"),
            scores=scores,
            folds=tuple(manifest["folds"]),
            stages=manifest["stages"],
            versions=manifest["versions"],
            repeat=manifest["repeat"],
        )


def _visible_names(path: Path) -> set[str]:
    """The names in a folder that are not hidden; none where there is no folder."""
    if not path.exists():
        return set()
    return {each.name for each in path.iterdir() if not each.name.startswith(".")}


def load_record(path: Path) -> RunRecord:
    """Read the finished run in a folder; RunError when there is none."""
    if not path.is_dir():
        raise RunError(f"{path} is not a folder, expected a run made by audit detect; check the path")
    return RunFolder(path).load_record()


def _fields(value: Issues | Controls | Kinds | Leaks | None) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a value by name; none where there is no value."""
    if value is None:
        return {}
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def _thumbnail_arrays(thumbnails: Thumbnails) -> dict[str, npt.NDArray[Any]]:
    """The thumbnails as arrays; features as one JSON text a row, which holds names of any characters."""
    return {
        "rows": thumbnails.rows,
        "images": thumbnails.images,
        "unusual": np.array([json.dumps(features) for features in thumbnails.unusual], dtype=np.str_),
        "nearest": thumbnails.nearest,
    }


def _thumbnails(arrays: Arrays) -> Thumbnails:
    """The thumbnails of a run folder, also of one that has captions instead of unusual features."""
    if "captions" in arrays:
        rows = [OLD_CAPTION.findall(text) for text in arrays["captions"].tolist()]
    else:
        rows = [json.loads(text) for text in arrays["unusual"].tolist()]
    unusual = tuple(tuple(FeatureValue(*feature) for feature in features) for features in rows)
    return Thumbnails(arrays["rows"], arrays["images"], unusual, arrays["nearest"])
