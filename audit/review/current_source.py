"""Where the source of a run is now, and where in it the decided rows are, if they are unchanged."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audit import datasets
from audit.datasets.labels import NO_LABEL
from audit.datasets.reread import Reread
from audit.errors import ReviewError
from audit.review.corrections import Correction, rows_of
from audit.runs.folder import RunRecord
from audit.runs.matching import NONE, KnownRows, has_row_numbers, match
from audit.settings.data import DataSettings
from audit.settings.detect import Config
from audit.types import Rows

MOST_NAMED = 5  # rows in a message


def locate(record: RunRecord, moved: str | Path | None) -> DataSettings:
    """Give the settings of the run's data with the paths at which its source is now.

    Parameters
    ----------
    record
        The run.
    moved
        Where a person says the source is; the folder of all files for --X, --y and --annotations.

    Raises
    ------
    ReviewError
        When the source is not there.
    """
    settings = Config.of(**record.config).data
    files = datasets.files_of(settings)
    beside = settings.annotations
    data = Path(settings.data)
    in_folder = moved is not None and beside is not None and Path(moved, data.name).exists()
    alone = settings.X is None and not in_folder
    folder = moved
    if moved is not None and alone and not Path(moved).is_dir():
        folder = Path(moved).parent
    found: dict[Path, Path] = {}
    for path in files:
        if path == beside:
            found[path] = _locate_beside(record, path, folder)
        else:
            found[path] = _locate_file(record, path, moved, alone=alone)
    if settings.annotations is not None:
        settings = replace(settings, annotations=found[settings.annotations])
    if settings.X is not None:
        y = None if settings.y is None else found[settings.y]
        return replace(settings, X=found[settings.X], y=y)
    return replace(settings, data=str(found[data])) if data in found else settings


def _locate_beside(record: RunRecord, path: Path, folder: str | Path | None) -> Path:
    """Find the annotations: in the folder where a person says the source is, else where they were."""
    if folder is not None and Path(folder, path.name).exists():
        return Path(folder, path.name)
    return _locate_file(record, path, None, alone=True)


def _locate_file(record: RunRecord, path: Path, moved: str | Path | None, *, alone: bool) -> Path:
    """Find one file or folder of the source, by its path in the settings."""
    if moved is None:
        former = Path(record.data["folder"]) / path
        candidates = [path]
        if former != Path.cwd() / path:
            candidates = [former, path]
    elif alone:
        candidates = [Path(moved)]
    else:
        candidates = [Path(moved, path.name)]
    for candidate in candidates:
        if candidate.exists():
            return candidate
    what = "PATH" if alone else "FOLDER"
    raise ReviewError(
        f"{candidates[0]}, which the run audited, is not there; say where it is now with --data {what}"
    )


def find_unchanged_rows(record: RunRecord, now: Reread, corrections: Sequence[Correction]) -> Rows:
    """Find the row of the source (m,) that each correction is about.

    Raises
    ------
    ReviewError
        With the names of the rows whose example or label is not the one that the run saw.
    """
    rows = rows_of(corrections)
    ids = record.ids[rows].astype(np.str_)
    source_rows = _find_ids(ids, record.rows[rows], now.ids)
    if has_row_numbers(record) and now.source.ids is None:
        source_rows = _find_content(record, now, rows, source_rows)
    problems = [f"{name} is gone" for name in ids[source_rows < 0].tolist()]
    present = np.flatnonzero(source_rows >= 0)
    examples = now.examples(source_rows[present])
    if list(examples.shape[1:]) != record.data["shape"][1:] or str(examples.dtype) != record.data["dtype"]:
        raise ReviewError(
            f"{now.source.names[0]} has examples of shape {examples.shape[1:]} and type {examples.dtype}, "
            f"the run saw {tuple(record.data['shape'][1:])} and {record.data['dtype']}; audit it again"
        )
    hash_differs = now.hashes(source_rows[present]) != record.hashes[rows[present]]
    for i, differs in zip(present.tolist(), hash_differs.tolist(), strict=True):
        label = _label_name(now, int(source_rows[i]))
        if differs:
            problems.append(f"the example of {ids[i]} has changed")
        elif label != corrections[i].before:
            problems.append(f"{ids[i]} is labelled {label!r} and was {corrections[i].before!r}")
    if problems:
        listed = ", ".join(problems[:MOST_NAMED])
        if len(problems) > MOST_NAMED:
            listed += f" and {len(problems) - MOST_NAMED} more"
        raise ReviewError(
            f"{now.source.names[0]} has changed since the run, in {len(problems)} of {len(rows)} decided "
            f"rows: {listed}; audit it again, or take these decisions out"
        )
    return source_rows


def _find_content(record: RunRecord, now: Reread, rows: Rows, numbered: Rows) -> Rows:
    """Find rows (m,) that have no ids by their content, if some are not where their numbers (m,) say.

    Those whose content is gone stay at their numbers.
    """
    present = np.flatnonzero(numbered >= 0)
    unchanged = now.hashes(numbered[present]) == record.hashes[rows[present]]
    if len(present) == len(rows) and unchanged.all():
        return numbered
    every = np.arange(len(now.codes))
    hashes = now.hashes(every)
    labels = [_label_name(now, row) for row in every.tolist()]
    found = match(KnownRows.of(record), KnownRows(now.ids.tolist(), hashes, labels, numbered=True))
    place = np.full(len(record.ids), NONE)
    place[found[found != NONE]] = np.flatnonzero(found != NONE)
    return np.where(place[rows] == NONE, numbered, place[rows])


def _label_name(now: Reread, row: int) -> str:
    code = int(now.codes[row])
    if code == NO_LABEL:
        return "no label"
    return now.class_names[code]


def _find_ids(ids: npt.NDArray[np.str_], former: Rows, ids_now: npt.NDArray[np.str_]) -> Rows:
    """Find the row of each id: the former row if the id still stands there, else the only row that has it.

    Rows are -1 for ids that are gone, and for ids that moved and that several rows have.
    """
    stayed = former < len(ids_now)
    stayed[stayed] = ids_now[former[stayed]] == ids[stayed]
    rows = np.where(stayed, former, -1)
    if not stayed.all():
        unique, first, count = np.unique(ids_now, return_index=True, return_counts=True)
        row_of = dict(zip(unique[count == 1].tolist(), first[count == 1].tolist(), strict=True))
        rows[~stayed] = [row_of.get(name, -1) for name in ids[~stayed].tolist()]
    return rows
