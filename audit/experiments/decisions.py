"""A person's decisions, as an experiment needs them: which rows, and what becomes of them."""

import json
from dataclasses import dataclass
from pathlib import Path

from audit.errors import DataError
from audit.types import LabeledDataset

ACTIONS = ("keep", "relabel", "ambiguous", "drop")


@dataclass(frozen=True)
class Decision:
    """What a person decided on one row of the data set."""

    row: int  # 0..n-1
    action: str
    label: int | None  # the class that relabel gives


def read_decisions(path: Path, dataset: LabeledDataset) -> list[Decision]:
    """The decisions of a decisions.json on rows of this data set, found by their ids.

    Raises
    ------
    DataError
        When the file cannot be read, or names a row, an action or a class that does not exist.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["decisions"]
        found = [(str(each["id"]), each["action"], each.get("label")) for each in entries]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(
            f"{path} cannot be read as decisions ({type(error).__name__}), expected a decisions.json that a "
            "report exported; check --decisions"
        ) from error
    rows = {str(each): row for row, each in enumerate(dataset.ids.tolist())}
    numbers = {name: number for number, name in enumerate(dataset.class_names)}
    decisions = []
    for each, action, label in found:
        if each not in rows:
            raise DataError(
                f"{path} decides on id {each!r}, which {dataset.name} does not have; give the decisions of a "
                "run on this data"
            )
        if action not in ACTIONS or (action == "relabel" and label not in numbers):
            raise DataError(
                f"{path} has {action!r} with the label {label!r} for id {each!r}, expected "
                f"{', '.join(ACTIONS)}, relabel with a class of {dataset.name}; export the decisions again"
            )
        decisions.append(Decision(rows[each], action, numbers[label] if action == "relabel" else None))
    return decisions
