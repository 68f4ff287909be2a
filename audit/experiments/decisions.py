"""A person's decisions, as an experiment needs them: which rows, and what becomes of them."""

from dataclasses import dataclass
from pathlib import Path

from audit.errors import ReviewError
from audit.review.decisions import read_decisions as read_review
from audit.types import LabeledDataset


@dataclass(frozen=True)
class Decision:
    """What a person decided on one row of the data set."""

    row: int  # 0..n-1
    action: str
    label: int | None  # the class that relabel gives


def read_decisions(path: Path, dataset: LabeledDataset) -> list[Decision]:
    """The decisions of a decisions.json on rows of this data set, found by their ids.

    Decisions on a label that the row does not have are left out: it was a hidden control.

    Raises
    ------
    ReviewError
        When the file cannot be read, or names a row or a class that does not exist.
    """
    rows = {str(each): row for row, each in enumerate(dataset.ids.tolist())}
    numbers = {name: number for number, name in enumerate(dataset.class_names)}
    decisions = []
    for each in read_review(path).decisions:
        if each.id not in rows:
            raise ReviewError(
                f"{path} decides on id {each.id!r}, which {dataset.name} does not have; give the decisions "
                "of a run on this data"
            )
        if each.label is not None and each.label not in numbers:
            raise ReviewError(
                f"{path} gives id {each.id!r} the label {each.label!r}, expected a class of {dataset.name}: "
                f"{', '.join(dataset.class_names)}; export the decisions again"
            )
        row = rows[each.id]
        if dataset.class_names[dataset.labels[row]] == each.given:
            label = None if each.label is None else numbers[each.label]
            decisions.append(Decision(row, each.action, label))
    return decisions
