"""Which fold each row is in: stratified on the labels, duplicates and groups together, or blocks in order."""

import warnings
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from audit import wording
from audit.errors import DataError
from audit.types import Groups, Labels, Mask, Rows

MOST_BALANCED = 2000  # groups whose sizes are balanced one by one; more of them are even on average
MOST_OF_CLASS = 0.5  # share of a class from which on copies of one example make it up


def check_fold_count(labels: Labels, groups: Groups, folds: int) -> None:
    """Check that some class has at least as many groups as there are folds.

    Raises
    ------
    DataError
        When none has.
    """
    _, first = np.unique(groups, return_index=True)
    most = int(np.bincount(labels[first]).max())
    if most < folds:
        remedy = f"use --folds {most}" if most > 1 else "there is nothing to learn a class from; add examples"
        raise DataError(
            f"the largest class has {most} distinct examples, expected {folds} or more, one for each fold; "
            f"{remedy}"
        )


def check_groups(
    labels: Labels, groups: Groups, order: Rows | None, folds: int, class_names: Sequence[str]
) -> None:
    """Check that models of every fold learn every class, where groups or blocks in order are held out whole.

    Raises
    ------
    DataError
        With the name of a class that one group holds all of, or that no block before has.
    """
    number = len(np.unique(groups))
    if number < folds:
        raise DataError(
            f"there are {wording.count(number, 'group')}, expected {folds} or more, one for each fold; name "
            "smaller groups, or use fewer --folds"
        )
    if order is not None:
        times = len(np.unique(order))
        if times < folds:
            raise DataError(
                f"the order has {wording.count(times, 'different value')}, expected {folds} or more, one for "
                "each fold; use a finer time, or fewer --folds"
            )
        _check_blocks(labels, assign_blocks(groups, order, folds), order, folds, class_names)
        return
    for label in np.unique(labels).tolist():
        rows = groups[labels == label]
        if (rows == rows[0]).all():
            raise DataError(
                f"all {wording.count(len(rows), 'row')} of the class {class_names[label]!r} are in one "
                "group, expected two or more: models that judge them never saw the class; name smaller "
                "groups, or leave the class out"
            )


def _check_blocks(
    labels: Labels, block: npt.NDArray[np.int64], order: Rows, folds: int, class_names: Sequence[str]
) -> None:
    """Check that every block has rows, and that its models learn every class that is in it."""
    sizes = np.bincount(block, minlength=folds)
    if not sizes.all():
        raise DataError(
            "too many rows share one value of the order, or belong to one group: its blocks have "
            f"{wording.some(list(map(str, sizes)))} rows, expected some in each; use a finer time, or fewer "
            "--folds"
        )
    for number in range(folds):
        known = labels[rows_before(block, order, number)]
        unknown = np.setdiff1d(labels[block == number], known)
        if len(unknown):
            those = "the blocks before it have" if number else "the second, which judges it, has"
            raise DataError(
                f"block {number + 1} of {folds} in order has rows of the class {class_names[unknown[0]]!r}, "
                f"but {those} none, expected some: models that judge them never saw the class; use fewer "
                "--folds, or leave the class out"
            )


def assign_folds(labels: Labels, groups: Groups, folds: int, seed: int) -> npt.NDArray[np.int64]:
    """Draw the fold of every row (n,), stratified on the labels, with each group in one fold.

    A group is stratified by the label of its first row. A class of fewer groups than folds is in some folds
    only, and every model but theirs is trained on all of it.
    """
    from sklearn.model_selection import StratifiedKFold  # noqa: PLC0415  slow to import

    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    fold = np.empty(len(first), dtype=np.int64)
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # about small classes
        splits = list(splitter.split(first, labels[first]))
    for number, (_, held_out) in enumerate(splits):
        fold[held_out] = number
    return fold[group]


def assign_balanced_folds(labels: Labels, groups: Groups, folds: int, seed: int) -> npt.NDArray[np.int64]:
    """Draw the fold of every row (n,) as `assign_folds`, with as many rows of each class in every fold.

    Groups of many rows, or of several labels, would make folds of very different sizes.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # noqa: PLC0415  slow to import

    if len(np.unique(groups)) > MOST_BALANCED:
        return assign_folds(labels, groups, folds, seed)
    fold = np.empty(len(labels), dtype=np.int64)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # about small classes
        splits = list(splitter.split(labels, labels, groups))
    for number, (_, held_out) in enumerate(splits):
        fold[held_out] = number
    return fold


def assign_blocks(groups: Groups, order: Rows, folds: int) -> npt.NDArray[np.int64]:
    """Cut the rows (n,) in their order into blocks of nearly one size; each group and each time in one block.

    A group stands where its first row stands.
    """
    _, first_time = np.unique(order, return_inverse=True)
    earliest = np.full(groups.max() + 1, len(order))
    np.minimum.at(earliest, groups, first_time)
    time = earliest[groups]
    before = np.concatenate([[0], np.cumsum(np.bincount(time))])  # rows that stand before each time
    middle = (before[time] + before[time + 1]) / 2
    return np.asarray(np.minimum((middle * folds / len(order)).astype(np.int64), folds - 1))


def rows_before(block: npt.NDArray[np.int64], order: Rows, number: int) -> Mask:
    """The rows (n,) that models of a block may be trained on: those that stand before all of it in the order.

    So a later row of a group that begins earlier is not among them. The first block has nothing before it;
    its models are trained on the second one.
    """
    if number == 0:
        return np.asarray(block == 1)
    begin = order[block == number].min()
    return np.asarray((block < number) & (order < begin))


def copies_of_class(labels: Labels, groups: Groups, folds: int) -> dict[int, list[Mask]]:
    """The copies of each example that make up most of a class, as rows (n,), by the number of the class.

    Fewer examples than folds, each with copies, are meant. Held out together, as duplicates are, copies would
    leave models to judge examples of a class that these hardly saw.
    """
    _, group = np.unique(groups, return_inverse=True)
    pairs, counts = np.unique(np.stack([group, labels]), axis=1, return_counts=True)
    found = {}
    for label, size in enumerate(np.bincount(labels).tolist()):
        copied = np.flatnonzero((pairs[1] == label) & (counts > 1))
        largest = copied[np.argsort(-counts[copied], kind="stable")][: folds - 1]
        if counts[largest].sum() > MOST_OF_CLASS * size:
            found[label] = [group == number for number in pairs[0, largest].tolist()]
    return found


def spread_copies(groups: Groups, rows: Mask) -> Groups:
    """The groups (n,) with each of these rows in a group of its own, so that they are in all folds."""
    spread = groups.copy()
    spread[rows] = groups.max() + 1 + np.arange(rows.sum())
    return spread
