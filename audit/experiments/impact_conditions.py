"""What the models of an impact experiment are trained on, and what they are tested against."""

import hashlib
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from audit.errors import DataError
from audit.experiments.reviewed_rows import ReviewedRows
from audit.runs.folder import RunRecord
from audit.types import LabeledDataset, Labels, Mask, Rows

MOST_CONDITIONS = 6


class Condition(NamedTuple):
    """What one model is trained on: some of the training rows, with labels."""

    name: str
    rows: Rows  # (m,) numbers within the training part
    labels: Labels  # (m,)
    original: Labels  # (m,)

    @property
    def wrong(self) -> int:
        """How many labels differ from the original ones."""
        return int((self.labels != self.original).sum())


class AuditedLabels(NamedTuple):
    """The labels that models are tested against, after an audit of all rows."""

    labels: Labels  # (n,) original, or as a person decided
    apart: Mask  # (n,) suspects that nobody decided on, and rows that a person left out


def audited_labels(record: RunRecord, original: Labels, reviewed: ReviewedRows | None) -> AuditedLabels:
    """Set the suspects of an audit of all rows apart, and follow a person's decisions.

    Parameters
    ----------
    record
        The audit of the original labels.
    original
        (n,) the labels of the data set.
    reviewed
        A person's decisions, if there are any.
    """
    apart = record.suspects.is_issue.copy()
    if reviewed is None:
        return AuditedLabels(original.copy(), apart)
    apart[reviewed.rows] = reviewed.left_out
    return AuditedLabels(reviewed.relabel(original), apart)


def conditions_of(
    record: RunRecord, *, with_noise: bool, reviewed_training: Condition | None, rng: np.random.Generator
) -> list[Condition]:
    """List the conditions: the training part as given, cleaned in every way, and true where that is known.

    Parameters
    ----------
    record
        The audit of the training part.
    with_noise
        Whether labels were changed, so that the original ones are the truth.
    reviewed_training
        The training part after a person's decisions, if there are any.
    rng
        Draws the rows of the control.

    Raises
    ------
    DataError
        When all training rows are suspects.
    """
    given = record.labels.noisy
    original = record.labels.original
    issues = record.issues if with_noise else record.suspects
    rows = np.arange(len(given))
    kept = np.flatnonzero(~issues.is_issue)
    if not len(kept):
        raise DataError(
            f"all {len(given):,} training rows are suspects, expected some to be left when they are "
            "dropped; use less noise, more rows or another --detector"
        )
    at_random = np.sort(rng.choice(rows, len(kept), replace=False))
    relabelled = np.where(issues.is_issue, issues.suggested, given)
    conditions = [
        Condition("given", rows, given, original),
        Condition("suspects dropped", kept, given[kept], original[kept]),
        Condition("suspects relabelled", rows, relabelled, original),
        Condition("random rows dropped", at_random, given[at_random], original[at_random]),
    ]
    if reviewed_training is not None:
        conditions.append(reviewed_training)
    if with_noise:
        conditions.append(Condition("true", rows, original, original))
    return conditions


def follow_decisions(
    reviewed: ReviewedRows, record: RunRecord, train: Rows, dataset: LabeledDataset
) -> Condition:
    """Apply a person's decisions to the training rows (m,) of the data set that the record audited."""
    whole = dataset.labels.copy()
    whole[train] = record.labels.noisy
    labels = reviewed.relabel(whole)[train]
    left_out = np.zeros(len(whole), dtype=bool)
    left_out[reviewed.rows] = reviewed.left_out
    rows = np.flatnonzero(~left_out[train])
    return Condition("a person's decisions", rows, labels[rows], record.labels.original[rows])


def digest(values: npt.NDArray[np.int64]) -> str:
    """The sha256 of integers, as hexadecimal digits."""
    return hashlib.sha256(np.ascontiguousarray(values, dtype=np.int64).tobytes()).hexdigest()
