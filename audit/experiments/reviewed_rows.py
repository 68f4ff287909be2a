"""The rows of a data set that a person decided on, and what becomes of them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audit.errors import ReviewError
from audit.review.decisions import Decision, read_decisions
from audit.types import LabeledDataset, Labels, Mask, Rows

UNCHANGED = -1  # in place of a new label
LEFT_OUT = ("ambiguous", "drop")


@dataclass(frozen=True, eq=False)
class ReviewedRows:
    """What a person decided on rows of a data set."""

    rows: Rows  # (m,)
    new_labels: Labels  # (m,) the class to relabel to, UNCHANGED where the label stays
    left_out: Mask  # (m,) rows that are dropped or ambiguous

    def relabel(self, labels: Labels) -> Labels:
        """Copy the labels (n,) of the data set, with the new ones in place."""
        relabelled = labels.copy()
        changed = self.new_labels != UNCHANGED
        relabelled[self.rows[changed]] = self.new_labels[changed]
        return relabelled


def read_reviewed_rows(path: Path, dataset: LabeledDataset) -> ReviewedRows:
    """Read a decisions.json and find its rows in the data set by their ids.

    Decisions on a label that the row does not have are left out: it was a hidden control.

    Raises
    ------
    ReviewError
        When the file cannot be read, or names a row or a class that does not exist.
    """
    row_of = {str(name): row for row, name in enumerate(dataset.ids.tolist())}
    class_of = {name: number for number, name in enumerate(dataset.class_names)}
    rows = []
    new_labels = []
    left_out = []
    for decision in read_decisions(path).decisions:
        _refuse_unknown(decision, row_of, class_of, path, dataset)
        row = row_of[decision.id]
        if dataset.class_names[dataset.labels[row]] != decision.given:
            continue
        rows.append(row)
        new_labels.append(UNCHANGED if decision.label is None else class_of[decision.label])
        left_out.append(decision.action in LEFT_OUT)
    return ReviewedRows(
        rows=np.array(rows, dtype=np.int64),
        new_labels=np.array(new_labels, dtype=np.int64),
        left_out=np.array(left_out, dtype=bool),
    )


def _refuse_unknown(
    decision: Decision,
    row_of: dict[str, int],
    class_of: dict[str, int],
    path: Path,
    dataset: LabeledDataset,
) -> None:
    if decision.id not in row_of:
        raise ReviewError(
            f"{path} decides on id {decision.id!r}, which {dataset.name} does not have; give the decisions "
            "of a run on this data"
        )
    if decision.label is not None and decision.label not in class_of:
        raise ReviewError(
            f"{path} gives id {decision.id!r} the label {decision.label!r}, expected a class of "
            f"{dataset.name}: {', '.join(dataset.class_names)}; export the decisions again"
        )
