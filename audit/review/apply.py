"""The order of applying decisions to the labels of a source, and of undoing it."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from audit import datasets
from audit.datasets.reread import NO_LABEL, Reread, reread
from audit.datasets.source import LabelPlace
from audit.errors import ConfigError, ReviewError
from audit.events import Listener
from audit.review import decisions as decided
from audit.review import folder
from audit.review.corrected import Correction, Reviewer, corrections, counts, on_controls, rows_of
from audit.review.writers import forms
from audit.review.writers.change import BEFORE, RECORD, Change
from audit.runs.folder import RunRecord, load_record
from audit.settings.detect import Config
from audit.types import Rows

MOST_NAMED = 5  # rows in a message
ROWS = "rows.npy"  # of a user's arrays, where only some of them were audited
COLUMNS = ("id", "row", "before", "after", "action", "reviewer", "time", "hash", "source", "note")


@dataclass(frozen=True)
class Applied:
    """What `apply` did."""

    path: Path
    form: str  # npy, npz, hdf5, idx, text, parquet, tree, or labels where there is no file of the user's
    compared: bool  # with the source; else the labels are the run's own, because it was made of arrays
    files: tuple[str, ...]
    counts: Mapping[str, int]
    reviewer: Reviewer | None  # None without hidden controls among the decisions
    accept_above: float | None

    def to_json(self) -> dict[str, Any]:
        """The same as JSON can hold it."""
        return {
            "schema_version": 1,
            "out": str(self.path),
            "form": self.form,
            "compared_with_source": self.compared,
            "files": list(self.files),
            **self.counts,
            "accept_above": self.accept_above,
            "controls": None if self.reviewer is None else self.reviewer.to_json(),
        }


def apply(
    run: str | Path,
    decisions: str | Path | None = None,
    *,
    out: str | Path = "corrected",
    accept_above: float | None = None,
    data: str | Path | None = None,
    listener: Listener | None = None,
) -> Applied:
    """Write corrected labels in the form of the run's source, with a record of every decision.

    Parameters
    ----------
    run
        The run's folder.
    decisions
        decisions.json as the report exports it or `merge` writes it.
    out
        The folder to write; the source is never changed.
    accept_above
        Also accept, without review, the suggestion for every suspect with a p_error of this or more.
    data
        Where the source is now, when it has moved: a file, a folder, or the folder of the files --X and --y.
    listener
        Receives the progress where many files are read; silent when not given.

    Raises
    ------
    AuditError
        When anything does not fit; nothing is written then.
    """
    path, out = Path(run), Path(out)
    _check_settings(decisions, accept_above)
    record = load_record(path)
    found = None
    if decisions is not None:
        found = decided.read(Path(decisions))
        decided.check(found, record, str(decisions))
    fixes = corrections(record, found, accept_above)
    place, change, rows = _planned(record, fixes, None if data is None else Path(data), listener)
    reviewer = on_controls(record, found) if found else Reviewer()
    measured = reviewer if reviewer.injected or reviewer.clean else None
    with folder.filled(out, record.data["fingerprint"]) as (stage, finish):
        form = forms.write(place, change, stage)
        compared = record.data["folder"] is not None
        if not compared and len(record.rows) <= record.rows.max():
            np.save(stage / ROWS, record.rows)
        (stage / RECORD).write_text(_record_text(record, fixes, rows), encoding="utf-8", newline="")
        files = tuple(sorted(p.name for p in stage.iterdir() if p.name not in (BEFORE, RECORD)))
        applied = Applied(out, form, compared, files, counts(fixes), measured, accept_above)
        finish(
            {
                "state": "applied",
                "label_audit": version("label-audit"),
                "run": record.stages["issues"]["key"],
                "fingerprint": record.data["fingerprint"],
                "data": record.data["name"],
                "source": [] if place is None else [str(each) for each in place.paths],
                "form": form,
                "name": "" if place is None else place.name,
                "summary": applied.to_json(),
            }
        )
    return applied


def revert(corrected: str | Path) -> list[str]:
    """Put the labels as they came back into a folder of corrected labels; returns the files restored.

    corrected.csv stays, and the folder says that it is reverted. A reverted folder is left as it is. The
    plan of a tree of images becomes the moves back.

    Raises
    ------
    AuditError
        When the folder is none of `apply`'s, or a file in it has changed since.
    """
    path = Path(corrected)
    before = folder.read_provenance(path)
    needed = [name for name in before["files"] if name == RECORD or name.startswith(f"{BEFORE}/")]
    names = [name.removeprefix(f"{BEFORE}/") for name in needed if name != RECORD]
    if before["form"] == "npz":  # of which only the labels are kept
        names = [name for name in before["files"] if name.endswith(".npz")]
        needed += names
    folder.refuse_changed(path, needed, before)
    if before["state"] == "reverted":
        return names
    with folder.filled(path, before["fingerprint"]) as (stage, finish):
        folder.copy(path, stage, (RECORD, BEFORE))
        forms.restore(before["form"], before["name"], path, stage)
        finish({**before, "state": "reverted"})
    return names


def _check_settings(decisions: str | Path | None, accept_above: float | None) -> None:
    if decisions is None and accept_above is None:
        raise ConfigError(
            "there is nothing to apply: expected decisions.json, --accept-above or both; "
            "export decisions from the report"
        )
    if accept_above is not None and not 0 < accept_above <= 1:
        raise ConfigError(
            f"--accept-above must be a share above 0 and up to 1, found {accept_above:g}; 95 % is 0.95"
        )


def _planned(
    record: RunRecord, fixes: tuple[Correction, ...], moved: Path | None, listener: Listener | None
) -> tuple[LabelPlace | None, Change, Rows]:
    """Where the labels are, what they become, and in which row of the source each correction is."""
    if record.data["folder"] is None:
        if moved is not None:
            raise ConfigError(
                "--data says where the files of a run are now, but this run was made of arrays in Python; "
                "leave it out"
            )
        names = record.class_names
        n = len(record.ids)
        now = Change(
            np.arange(n), np.zeros(n, bool), record.labels.original, names, record.ids.astype(np.str_)
        )
        return None, _changed(now, fixes, rows_of(fixes)), record.rows[rows_of(fixes)]
    source = datasets.open_source(located(record, moved), listener)
    again = reread(source)
    rows = _unchanged(record, again, fixes)
    n = len(again.codes)
    now = Change(np.arange(n), np.zeros(n, bool), again.codes, again.class_names, again.ids)
    return source.place, _changed(now, fixes, rows), rows


def located(record: RunRecord, moved: Path | None) -> Config:
    """The run's settings with the paths at which its source is now; ReviewError when it is not there."""
    config = Config.from_json(record.config)
    files = datasets.files_of(config)
    found = []
    for path in files:
        former = Path(record.data["folder"]) / path
        tried = [former if former != Path.cwd() / path else path, path]
        if moved is not None:
            tried = [moved / path.name if len(files) > 1 else moved]
        there = next((each for each in tried if each.exists()), None)
        if there is None:
            raise ReviewError(
                f"{tried[0]}, which the run audited, is not there; say where it is now with --data "
                f"{'FOLDER' if len(files) > 1 else 'PATH'}"
            )
        found.append(there)
    if not found:
        return config
    if config.X is not None:
        return replace(config, X=found[0], y=found[1])
    return replace(config, data=str(found[0]))


def _unchanged(record: RunRecord, again: Reread, fixes: tuple[Correction, ...]) -> Rows:
    """Where in the source the rows are; ReviewError that names those that are not as the run saw them."""
    rows = rows_of(fixes)
    ids = record.ids[rows].astype(np.str_)
    places = _places(ids, record.rows[rows], again.ids)
    changed = [f"{name} is gone" for name in ids[places < 0].tolist()]
    here = np.flatnonzero(places >= 0)
    examples = again.examples(places[here])
    if list(examples.shape[1:]) != record.data["shape"][1:] or str(examples.dtype) != record.data["dtype"]:
        raise ReviewError(
            f"{again.source.names[0]} has examples of shape {examples.shape[1:]} and type {examples.dtype}, "
            f"the run saw {tuple(record.data['shape'][1:])} and {record.data['dtype']}; audit it again"
        )
    differ = datasets.row_hashes(examples) != record.hashes[rows[here]]
    names = [*again.class_names, "no label"]
    for i, differs in zip(here.tolist(), differ.tolist(), strict=True):
        now = names[again.codes[places[i]] if again.codes[places[i]] != NO_LABEL else -1]
        if differs:
            changed.append(f"{ids[i]} has another content")
        elif now != fixes[i].before:
            changed.append(f"{ids[i]} is labelled {now!r} and was {fixes[i].before!r}")
    if changed:
        more = f" and {len(changed) - MOST_NAMED} more" if len(changed) > MOST_NAMED else ""
        raise ReviewError(
            f"{again.source.names[0]} has changed since the run, in {len(changed)} of {len(rows)} decided "
            f"rows: {', '.join(changed[:MOST_NAMED])}{more}; audit it again, or take these decisions out"
        )
    return places


def _places(ids: Any, rows: Rows, now: Any) -> Rows:
    """The place of each id now: where it was, or wherever it is the only one; -1 when it is gone."""
    there = rows < len(now)
    there[there] = now[rows[there]] == ids[there]
    places = np.where(there, rows, -1)
    if not there.all():
        unique, first, count = np.unique(now, return_index=True, return_counts=True)
        index = dict(zip(unique[count == 1].tolist(), first[count == 1].tolist(), strict=True))
        places[~there] = [index.get(name, -1) for name in ids[~there].tolist()]
    return places


def _changed(now: Change, fixes: tuple[Correction, ...], rows: Rows) -> Change:
    """The change that the corrections ask for; a new label is taken from the first row that has it."""
    take, dropped = now.take.copy(), now.dropped.copy()
    donors: dict[str, int] = {}
    for code, name in enumerate(now.class_names):
        having = np.flatnonzero(now.codes == code)
        if len(having):
            donors[name] = int(having[0])
    for each, row in zip(fixes, rows.tolist(), strict=True):
        if each.action == "relabel":
            if each.after not in donors:
                raise ReviewError(
                    f"{now.ids[row]} is relabelled to {each.after!r}, a class that no row has, so that it is "
                    "not known how it is written there; take this decision out"
                )
            take[row] = donors[each.after]
        dropped[row] |= each.action == "drop"
    return replace(now, take=take, dropped=dropped)


def _record_text(record: RunRecord, fixes: tuple[Correction, ...], rows: Rows) -> str:
    """corrected.csv: every row that was decided on, by a person or without one."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for each, row in zip(fixes, rows.tolist(), strict=True):
        writer.writerow(
            (
                record.ids[each.row],
                row,
                each.before,
                each.after,
                each.action,
                each.reviewer,
                each.time,
                f"{record.hashes[each.row]:016x}",
                each.source,
                each.note,
            )
        )
    return text.getvalue()
