"""Apply decisions to the labels of a run's source, and undo it: the order of the steps."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from audit import datasets
from audit.datasets.reread import reread
from audit.datasets.source import LabelPlace
from audit.errors import ConfigError, ReviewError
from audit.events import Listener
from audit.review import folder
from audit.review.corrections import (
    Correction,
    collect_corrections,
    corrections_csv,
    count_actions,
    rows_of,
)
from audit.review.current_source import find_unchanged_rows, locate
from audit.review.decisions import check_decisions
from audit.review.merge import read_as_one
from audit.review.reviewer import ReviewerScore, score_reviewer
from audit.review.writers import forms
from audit.review.writers.change import BEFORE, CORRECTIONS, Change
from audit.runs.folder import RunRecord, load_record
from audit.types import Rows
from audit.wording import one_line

ROWS = "rows.npy"  # of a user's arrays, where only some of them were audited
NOWHERE = LabelPlace(form="", paths=())  # of labels that are not in a file


@dataclass(frozen=True)
class Applied:
    """What `apply` did."""

    path: Path
    form: str  # of LabelPlace, or labels where the source's own form is not written
    compared: bool  # with the source; False for arrays from Python, where the run's own labels are corrected
    files: tuple[str, ...]
    counts: Mapping[str, int]
    reviewer: ReviewerScore | None  # None without decisions on hidden controls
    accept_above: float | None

    @property
    def is_plain(self) -> bool:
        """Whether labels are written as an array, in place of the source's own form."""
        return self.form == forms.PLAIN

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


class Plan(NamedTuple):
    """What is written, and where the decided rows are."""

    place: LabelPlace | None
    change: Change
    source_rows: Rows  # (m,) the row in the source of each correction


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
        decisions.json as the report exports it or `merge` writes it, or an export of Label Studio or CVAT.
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
    _check_settings(decisions, accept_above)
    out = Path(out)
    record = load_record(Path(run))
    reviewed = None
    reviewer = None
    if decisions is not None:
        reviewed = read_as_one(Path(decisions), record)
        check_decisions(reviewed, record, str(decisions))
        reviewer = score_reviewer(record, reviewed)
    corrections = collect_corrections(record, reviewed, accept_above)
    plan = _plan(record, corrections, data, listener)
    with folder.filled(out, record.data["fingerprint"]) as (stage, finish):
        form = _write_files(record, corrections, plan, stage)
        applied = Applied(
            path=out,
            form=form,
            compared=_has_source(record),
            files=tuple(sorted(p.name for p in stage.iterdir() if p.name not in (BEFORE, CORRECTIONS))),
            counts=count_actions(corrections),
            reviewer=reviewer,
            accept_above=accept_above,
        )
        finish(_provenance(record, plan.place, applied))
    return applied


def revert(corrected: str | Path) -> list[str]:
    """Restore the original labels in a folder of corrected labels; returns the files restored.

    corrected.csv stays, and the folder says that it is reverted. A reverted folder is left as it is. The
    plan of a tree of images becomes the moves back.

    Raises
    ------
    AuditError
        When `apply` did not write the folder, or a file in it has changed since.
    """
    path = Path(corrected)
    provenance = folder.read_provenance(path, unfinished=folder.REVERTED)
    needed = [name for name in provenance["files"] if name == CORRECTIONS or name.startswith(f"{BEFORE}/")]
    restored = [name.removeprefix(f"{BEFORE}/") for name in needed if name != CORRECTIONS]
    if provenance["form"] == "npz":  # of which only the labels are kept in `before`
        restored = [name for name in provenance["files"] if name.endswith(".npz")]
        needed += restored
    folder.refuse_changed(path, needed, provenance)
    if provenance["state"] == folder.REVERTED:
        return restored
    kept = {name: value for name, value in provenance.items() if name not in {"becomes", "known"}}
    with folder.filled(path, provenance["fingerprint"]) as (stage, finish):
        folder.copy(path, stage, (CORRECTIONS, BEFORE))
        with _restoring(path):
            forms.restore(provenance["form"], provenance["name"], path, stage)
        finish({**kept, "state": folder.REVERTED})
    return restored


@contextmanager
def _restoring(path: Path) -> Iterator[None]:
    """Turn what reading a damaged archive raises in the block into a ReviewError."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:  # of archives: a dozen kinds
        raise ReviewError(
            f"{path} cannot be restored ({one_line(error)}); the source itself was never changed; move the "
            "folder away and run audit apply again"
        ) from error


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


def _has_source(record: RunRecord) -> bool:
    """Whether the labels came from a file or a bundled set, not from arrays in Python."""
    return record.data["folder"] is not None


def _plan(
    record: RunRecord, corrections: Sequence[Correction], moved: str | Path | None, listener: Listener | None
) -> Plan:
    """Read the source again and plan the change of its labels."""
    if not _has_source(record):
        if moved is not None:
            raise ConfigError(
                "--data says where the files of a run are now, but this run was made of arrays in Python; "
                "leave it out"
            )
        own = Change.none(record.labels.original, record.class_names, record.ids.astype(np.str_))
        rows = rows_of(corrections)
        return Plan(None, _corrected(own, corrections, rows), record.rows[rows])
    source = datasets.open_source(locate(record, moved), listener)
    now = reread(source)
    rows = find_unchanged_rows(record, now, corrections)
    unchanged = Change.none(now.codes, now.class_names, now.ids)
    return Plan(source.place, _corrected(unchanged, corrections, rows), rows)


def _corrected(unchanged: Change, corrections: Sequence[Correction], rows: Rows) -> Change:
    """The change that the corrections of these rows (m,) ask for.

    The donor of a new label is the first row that has it.
    """
    first_with: dict[str, int] = {}
    for code, name in enumerate(unchanged.class_names):
        having = np.flatnonzero(unchanged.codes == code)
        if len(having):
            first_with[name] = int(having[0])
    donors = unchanged.donors.copy()
    dropped = unchanged.dropped.copy()
    for correction, row in zip(corrections, rows.tolist(), strict=True):
        if correction.action == "drop":
            dropped[row] = True
        elif correction.action == "relabel":
            if correction.after not in first_with:
                raise ReviewError(
                    f"{unchanged.ids[row]} is relabelled to {correction.after!r}, a class that no row has, "
                    "so its spelling in the source is not known; take this decision out"
                )
            donors[row] = first_with[correction.after]
    return unchanged.with_donors(donors, dropped)


def _write_files(record: RunRecord, corrections: Sequence[Correction], plan: Plan, stage: Path) -> str:
    """Write the corrected labels and corrected.csv into a folder; returns the form."""
    form = forms.write(plan.place, plan.change, stage)
    sampled = len(record.rows) <= record.rows.max()
    if sampled and not _has_source(record):
        np.save(stage / ROWS, record.rows)
    text = corrections_csv(record, corrections, plan.source_rows)
    (stage / CORRECTIONS).write_bytes(text.encode())
    return form


def _provenance(record: RunRecord, place: LabelPlace | None, applied: Applied) -> dict[str, Any]:
    place = place or NOWHERE
    return {
        "state": folder.APPLIED,
        "label_audit": version("label-audit"),
        "run": record.stages["issues"]["key"],
        "fingerprint": record.data["fingerprint"],
        "data": record.data["name"],
        "source": [str(path) for path in place.paths],
        "form": applied.form,
        "name": place.name,
        "summary": applied.to_json(),
    }
