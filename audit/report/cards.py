"""The cards of a report: one for each row that it shows, with what the models say of the row."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from audit.report import selection
from audit.report.kinds import Kind, kind_of_rows
from audit.runs.folder import RunRecord
from audit.types import FeatureValue, Rows
from audit.wording import whole_percent

FEW_CLASSES = 30  # of which the desk has every probability that is not near zero
MOST_LIKELY = 5  # of more classes, those whose probability it has


@dataclass(frozen=True)
class Card:
    """One row with its image."""

    row: int
    id: str
    given: str
    suggested: str
    true: str | None  # the original label, where it was changed on purpose
    p_error: float
    label_quality: float
    fold: int
    values: tuple[FeatureValue, ...]  # what is unusual in a row without an image
    likely: tuple[tuple[int, int], ...]  # classes and their probability in per cent, the likeliest first
    near: tuple[int, int]  # rows of the nearest agreeing examples of the given and the suggested class, or -1
    kind: Kind | None = None
    votes: str = ""  # 3 × cat, 2 × dog
    file: str = ""  # the URL of its picture, relative to the report, where that is known

    @property
    def percent(self) -> int:
        """p_error in whole per cent, but 100 only for exactly 1."""
        return whole_percent(self.p_error)


@dataclass(frozen=True)
class Grid:
    """The cards of one group of rows, and the size of the group."""

    total: int
    cards: tuple[Card, ...]
    controls: int = 0  # how many of the cards are hidden controls, which the total leaves out

    @property
    def hidden(self) -> int:
        """How many rows of the group have no card."""
        return self.total - (len(self.cards) - self.controls)


def things(record: RunRecord) -> str:
    """What the examples are called: images, texts or rows."""
    if len(record.data["shape"]) == 4:
        return "images"
    return "texts" if record.data.get("texts") else "rows"


def grid(record: RunRecord, rows: Rows, most: int) -> Grid:
    """The cards of the first rows of a group that are not hidden controls; the total counts all its rows."""
    index_of = _thumbnail_index(record)
    shown = selection.without_controls(rows, record.controls.rows)[:most].tolist()
    cards = tuple(_card(record, row, index_of[row], original=False) for row in shown)
    return Grid(total=len(rows), cards=cards)


def queue(record: RunRecord, most: int, files: Mapping[int, str]) -> Grid:
    """The cards to review, hidden controls among them, which nothing marks, with the files of some rows."""
    index_of = _thumbnail_index(record)
    kinds = kind_of_rows(record)
    cards = tuple(
        replace(
            _card(record, row, index_of[row], original=original),
            true=None,
            kind=kinds.get(row),
            file=files.get(row, ""),
        )
        for row, original in selection.queue(record, most)
    )
    return Grid(len(record.suspects.ranking), cards, controls=len(record.controls.rows))


def _thumbnail_index(record: RunRecord) -> dict[int, int]:
    """The index of each row's thumbnail."""
    return {row: index for index, row in enumerate(record.thumbnails.rows.tolist())}


def _card(record: RunRecord, row: int, thumbnail: int, *, original: bool) -> Card:
    """The card of a row, with its original label or with the one that it may have been changed to."""
    names = record.class_names
    kept = record.thumbnails
    if original:
        issues = record.suspects
        labels = record.labels.original
    else:
        issues = record.issues
        labels = record.labels.noisy
    given = int(labels[row])
    suggested = int(issues.suggested[row])
    true = None
    if record.labels.flipped[row] and not original:
        true = names[record.labels.original[row]]
    probs = record.probs.pred_probs[row]
    return Card(
        row=row,
        id=str(record.ids[row]),
        given=names[given],
        suggested=names[suggested],
        true=true,
        p_error=float(issues.p_error[row]),
        label_quality=float(issues.label_quality[row]),
        fold=int(record.probs.fold[row]),
        values=kept.unusual[thumbnail],
        likely=_likely(probs),
        near=(int(kept.nearest[thumbnail, 0]), int(kept.nearest[thumbnail, 1])),
        votes=record.votes_on(row, noisy=not original),
    )


def _likely(probs: npt.NDArray[np.float32]) -> tuple[tuple[int, int], ...]:
    """The most likely classes of a row, as many as the review panel shows; of few, those not near zero."""
    order = np.argsort(-probs, kind="stable").tolist()
    percents = np.round(100 * probs.astype(float)).astype(int).tolist()
    if len(probs) > FEW_CLASSES:
        return tuple((label, percents[label]) for label in order[:MOST_LIKELY])
    return tuple((label, percents[label]) for label in order if percents[label] or label == order[0])
