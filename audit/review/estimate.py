"""How many errors there are, as far as a reviewer's decisions and checked labels tell."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from audit.datasets.files import reading
from audit.datasets.labels.raw import class_called
from audit.detectors.calibration import Bin, reliability
from audit.detectors.error_curve import doubt_of
from audit.detectors.scores import ExpectedErrors
from audit.detectors.scoring import Estimate
from audit.errors import ConfigError, ReviewError
from audit.review.decisions import Decisions, check_decisions, shown
from audit.runs.folder import RunRecord
from audit.runs.tables import csv_rows
from audit.types import Mask
from audit.wording import one_line, some

NEXT = 50  # suspects that one looks ahead
STOP_BELOW = 5.0  # errors among them, below which a review may well end
COLUMNS = ("id", "label")  # of a file of checked labels

Told = Mapping[int, bool | None]  # row → whether its label is wrong; None for an ambiguous row


@dataclass(frozen=True)
class ReviewEstimate:
    """What decisions and checked labels say of the errors among all suspects."""

    decided: int  # suspects
    wrong: int  # of them
    expected: tuple[ExpectedErrors, ...]  # in longer and longer parts of the list, all of it last
    left: Estimate  # errors among the suspects that nobody decided on
    next: ExpectedErrors  # among the first of those
    stop_below: float
    calibration: tuple[Bin, ...]  # p_error as the run states it, against what was decided or checked

    @property
    def may_stop(self) -> bool:
        """Whether the next suspects are expected to hold fewer errors than the chosen number."""
        return (self.next.errors.value or 0.0) < self.stop_below

    def to_json(self) -> dict[str, Any]:
        """The figures, as `audit estimate --json` prints them."""
        return {
            "decided": self.decided,
            "wrong": self.wrong,
            "expected": [each.to_json() for each in self.expected],
            "left": self.left.to_json(),
            "next": self.next.to_json(),
            "stop_below": self.stop_below,
            "may_stop": self.may_stop,
            "calibration": [each.to_json() for each in self.calibration],
        }


def told_by(decisions: Decisions, record: RunRecord, name: str) -> Told:
    """Read what decisions on suspects say; hidden controls and other rows are left out.

    To keep a label says that it is right. To relabel or to drop its row says that it is wrong. An ambiguous
    row has no right label.

    Raises
    ------
    ReviewError
        When the decisions of this name are about another run.
    """
    check_decisions(decisions, record, name)
    wrong = {"keep": False, "relabel": True, "drop": True, "ambiguous": None}
    rows = set(record.suspects.ranking.tolist()) - set(record.controls.rows.tolist())
    return {each.row: wrong[each.effective_action] for each in decisions.decisions if each.row in rows}


def checked_labels(path: Path, record: RunRecord) -> Told:
    """Read verified labels of some rows, a CSV file with the columns id and label.

    Raises
    ------
    ReviewError
        When the file cannot be read, or has an id or a class that the run does not have.
    """
    with reading(path, "cannot be read as CSV", "; save it as UTF-8", ReviewError):
        found, rows = csv_rows(path)
        if not set(COLUMNS) <= set(found):
            raise ReviewError(
                f"{path} has the columns {one_line(some(found))}, expected id and label; "
                "name them so in its first line"
            )
        return _told(path, rows, record)


def _told(path: Path, rows: Iterable[tuple[int, dict[str, str]]], record: RunRecord) -> Told:
    """Whether the label of each row that the file names is another than the checked one."""
    row_of = {str(each): row for row, each in enumerate(record.ids)}
    label_of = {name: label for label, name in enumerate(record.class_names)}
    told: dict[int, bool | None] = {}
    for number, line in rows:
        line["label"] = class_called(line["label"], record.class_names)
        for column, known in zip(COLUMNS, (row_of, label_of), strict=True):
            if line[column] not in known:
                raise ReviewError(
                    f"line {number} of {path} has {shown(line[column])} as {column}, expected one of "
                    "the run; leave out rows that were not audited, and spell classes as the run does"
                )
        row = row_of[line["id"]]
        told[row] = bool(record.labels.original[row] != label_of[line["label"]])
    return told


def estimate(record: RunRecord, told: Told, stop_below: float = STOP_BELOW) -> ReviewEstimate:
    """Update the curve of p_error by what was told of some rows, and estimate with it.

    Raises
    ------
    AuditError
        When the run is too old to hold a curve, or stop_below is no number of errors.
    """
    if not (isfinite(stop_below) and stop_below >= 0):
        raise ConfigError(
            f"--stop-below must be a number of errors, 0 or more, found {stop_below:g}; 5 is usual"
        )
    prior = record.scores.suspects.curve
    if prior is None:
        raise ReviewError("the run holds no curve of p_error, expected one; run audit detect again")
    rows = np.array([row for row, wrong in told.items() if wrong is not None], dtype=np.int64)
    wrong = np.array([bool(told[row]) for row in rows.tolist()], dtype=bool)
    doubt = doubt_of(record.suspects.label_quality)
    curve = prior.curve.updated(doubt[rows], wrong)

    ranking = record.suspects.ranking
    is_open = ~np.isin(ranking, list(told))
    is_wrong = np.isin(ranking, rows[wrong])

    def errors_in(part: Mask) -> Estimate:
        return curve.expected(doubt[ranking[part & is_open]], known=int((part & is_wrong).sum()))

    places = np.arange(len(ranking))
    lengths = [each.first for each in record.scores.suspects.expected]
    left = doubt[ranking[is_open]]
    return ReviewEstimate(
        decided=int((~is_open).sum()),
        wrong=int(is_wrong.sum()),
        expected=tuple(ExpectedErrors(length, errors_in(places < length)) for length in lengths),
        left=curve.expected(left),
        next=ExpectedErrors(len(left[:NEXT]), curve.expected(left[:NEXT])),
        stop_below=stop_below,
        calibration=tuple(reliability(record.suspects.p_error[rows], wrong)),
    )
