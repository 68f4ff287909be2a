"""Which fold each row is in: stratified on the labels, duplicates together."""

import warnings

import numpy as np
import numpy.typing as npt

from audit.errors import DataError
from audit.types import Groups, Labels


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
