"""Which rows are held out together: duplicates, groups that a person names, and blocks in order."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audit import wording
from audit.datasets.duplicates import Duplicates
from audit.datasets.giveaways.near_rows import caution_of_near_rows
from audit.events import optional
from audit.training.folds import check_fold_count, check_groups, copies_of_class, spread_copies
from audit.types import Groups, LabeledDataset, Labels, Mask, Rows

MOST_NOTES = 3  # of classes that are copies of few examples


@dataclass(frozen=True, eq=False)
class HeldTogether:
    """The groups (n,) that no fold splits."""

    groups: Groups
    order: Rows | None  # (n,) of which folds are blocks
    named: bool  # whether a person named groups, which may be large
    notes: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()  # of groups that nobody named


def held_together(
    dataset: LabeledDataset, labels: Labels, duplicates: Duplicates, folds: int
) -> HeldTogether:
    """Decide what folds hold together; copies of one example that make up a class are spread over them.

    Parameters
    ----------
    dataset
        Its labels are those of the source.
    labels
        (n,) to train on.
    duplicates
        Of all rows.
    folds
        Their number.

    Raises
    ------
    DataError
        When there are too few groups, or a class is in one of them only.
    """
    named = dataset.groups is not None
    groups = duplicates.joined(dataset.groups)
    if named or dataset.order is not None:
        check_groups(dataset.labels, groups, dataset.order, folds, dataset.class_names)
        return HeldTogether(groups, dataset.order, named, _named_notes(dataset))
    copies = copies_of_class(labels, groups, folds)
    notes = tuple(
        _copies_note(dataset.class_names[label], labels == label, examples)
        for label, examples in copies.items()
    )
    if len(notes) > MOST_NOTES:
        more = f"{len(notes) - MOST_NOTES:,} more classes are copies of a few examples, too"
        notes = (*notes[:MOST_NOTES], more)
    for examples in copies.values():
        groups = spread_copies(groups, np.any(examples, axis=0))
    check_fold_count(labels, groups, folds)
    cautions: list[str] = []
    with optional("the search for groups of near rows", cautions.append):
        cautions += filter(None, [caution_of_near_rows(dataset.X, dataset.labels, duplicates.groups)])
    return HeldTogether(groups, None, named=False, notes=notes, cautions=tuple(cautions))


def _copies_note(name: str, of_class: Mask, examples: Sequence[Mask]) -> str:
    """The line for a class of which rows (n,) are copies of these examples."""
    rows = int((of_class & np.any(examples, axis=0)).sum())
    return (
        f"class {name!r}: {wording.count(rows, 'row')} of {int(of_class.sum()):,} are copies of "
        f"{wording.count(len(examples), 'example')}; they are spread over the folds and judge each other"
    )


def _named_notes(dataset: LabeledDataset) -> tuple[str, ...]:
    """What follows from groups and an order that a person named."""
    notes: tuple[str, ...] = ()
    if dataset.order is not None:
        line = "blocks in order are judged by models of the rows before them; the first, which has none, by "
        notes = (f"{line}models of the second",)
    if dataset.groups is None:
        return notes
    number = len(np.unique(dataset.groups))
    line = (
        f"{number:,} groups are held out whole; rows of a group are found or missed together, so intervals, "
        "which count rows, are too narrow"
    )
    return (*notes, line)
