"""The content of a report as values: numbers, captions and the rows to show, without any HTML."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from audit.detectors.scores import Scores
from audit.report import selection
from audit.report.annotators import Annotators, annotators
from audit.report.cards import Grid, grid, queue, things
from audit.report.classes import Classes, classes
from audit.report.facts import facts
from audit.report.first_screen import FirstScreen, first_screen
from audit.report.kinds import Proof, counts, proof
from audit.runs.folder import RunRecord
from audit.types import Leaks
from audit.wording import shared_rows

MOST_TWINS = 4  # of a group that are shown
IN_WORDS = {  # what the common detectors flag
    "posterior": "labels that are sooner wrong than right, by a model of the noise",
    "consensus": "labels on which models and careful people would disagree, as far down as it pays",
    "self-confidence": "labels that the models find least probable",
    "given-differs": "labels that are not the most probable class",
    "cleanlab": "what the package cleanlab flags as it comes",
}


@dataclass(frozen=True)
class DuplicateGroup:
    """Rows with the same example, or nearly: of different labels, or of different parts."""

    shown: tuple[tuple[int, str, str], ...]  # row, id and label of the first ones
    more: int  # rows beside them
    near: bool  # whether some are only nearly the same


@dataclass(frozen=True)
class Report:
    """Everything that the page shows, in its order."""

    data_name: str
    rows: int
    injected: bool
    scores: Scores
    things: str  # what the examples are called
    texts: Mapping[int, str]  # by row, where the examples are texts
    cautions: tuple[str, ...]  # what may make the score misleading, a line each
    first: FirstScreen
    failed: bool  # whether the models learned nothing
    weak: bool  # whether they are too weak to judge by, which the last caution says
    conflicts: tuple[DuplicateGroup, ...]
    more_conflicts: int  # groups that only issues.csv has
    parts: tuple[str, ...]  # what each part of the data shares with the others, where they do
    leaks: tuple[DuplicateGroup, ...]  # rows of a part with their twin in a larger one
    more_leaks: int  # that only shared.csv has
    unlabelled: int
    suspects: Grid
    kinds: tuple[tuple[int, str, str, int], ...]  # number, name, proposed action and count of those on cards
    proof: Proof | None  # how often a named kind is right
    verdict: str  # whether another detector does better, in a sentence or none
    found: Grid
    missed: Grid
    doubtful: Grid
    classes: Classes
    annotators: Annotators | None  # where several people gave labels
    folds: tuple[dict[str, Any], ...]
    facts: tuple[tuple[str, str], ...]
    version: str
    guidelines: str  # by which labels were given; empty where nobody gave any
    blind: bool  # whether what the models think is hidden until a card is decided

    @property
    def shown(self) -> list[int]:
        """The rows whose image the page shows, each once."""
        reviewed = [row for card in self.suspects.cards for row in (card.row, *card.near) if row >= 0]
        twins = [row for each in (*self.conflicts, *self.leaks) for row, _, _ in each.shown]
        more = [] if self.annotators is None else [each.row for each in self.annotators.one_more]
        others = [card.row for grid in (self.found, self.missed, self.doubtful) for card in grid.cards]
        return list(dict.fromkeys([*reviewed, *twins, *others, *more]))


def verdict(scores: Scores) -> str:
    """Whether another of the common detectors has a higher F1 than the one used, and if so, beyond chance."""
    rates = {
        name: figures.detection.score.f1
        for name, figures in scores.main_detectors.items()
        if figures.detection is not None
    }
    used = rates.get(scores.detector)
    if used is None or used.value is None:
        return ""
    best, f1 = max(rates.items(), key=lambda item: item[1].value or 0.0)
    if (f1.value or 0.0) <= used.value:
        return ""
    if f1.low <= used.high:
        return f"The F1 of {best} is higher by no more than chance explains."
    return f"Here {best} has the higher F1, beyond chance."


def report(record: RunRecord, most_suspects: int, files: Mapping[int, str] | None = None) -> Report:
    """Gather the content of the page, with at most `most_suspects` suspects and the URLs of some rows."""
    issues = record.issues
    flipped = record.labels.flipped
    others = min(selection.MOST_OTHERS, most_suspects)
    conflicts = _conflicts(record)
    leaks = _leaks(record)
    suspects = queue(record, most_suspects, files or {})
    blind = len(record.controls.rows) > 0
    return Report(
        data_name=record.data["name"],
        rows=len(flipped),
        injected=record.injected,
        scores=record.scores,
        things=things(record),
        texts=_texts(record),
        cautions=_cautions(record),
        first=first_screen(record, suspects),
        failed=bool(record.data.get("failures")),
        weak=bool(record.data.get("weak")),
        conflicts=conflicts[:others],
        more_conflicts=max(0, len(conflicts) - others),
        parts=_parts(record) if leaks else (),
        leaks=leaks[:others],
        more_leaks=max(0, len(leaks) - others),
        unlabelled=0 if record.unlabelled is None else len(record.unlabelled),
        suspects=suspects,
        kinds=counts([card.kind for card in suspects.cards]),
        proof=proof(record),
        verdict=verdict(record.scores),
        found=grid(record, selection.injected_and_found(issues, flipped), others),
        missed=grid(record, selection.injected_and_missed(issues, flipped), others),
        doubtful=grid(record, selection.false_alarms(issues, flipped), 0 if blind else others),
        classes=classes(record),
        annotators=annotators(record),
        folds=tuple(dict(fold) for fold in record.folds),
        facts=facts(record),
        version=record.versions["label-audit"],
        guidelines=record.data.get("guidelines", ""),
        blind=blind,
    )


def _cautions(record: RunRecord) -> tuple[str, ...]:
    """What may make the score misleading; a blind review does not tell how many suspects are false alarms."""
    weak = record.data.get("weak", ()) if len(record.controls.rows) else ()
    told = "the model predicts the labels of too few held-out rows"
    return tuple(told if line in weak else line for line in record.cautions)


def _parts(record: RunRecord) -> tuple[str, ...]:
    """What each part of the data shares with the others, a line each."""
    return tuple(
        shared_rows(part.part, part.rows, part.shared, part.exact) for part in record.scores.several_parts
    )


def _texts(record: RunRecord) -> dict[int, str]:
    """The text of each row that was kept for the report; empty where the examples are no texts."""
    if not record.data.get("texts"):
        return {}
    kept = zip(record.thumbnails.rows.tolist(), record.thumbnails.unusual, strict=True)
    return {row: "\n".join(feature.value for feature in features) for row, features in kept}


def _conflicts(record: RunRecord) -> tuple[DuplicateGroup, ...]:
    """The groups of duplicates with different labels, in the order of the rows."""
    groups: dict[int, list[int]] = {}
    conflicts = record.conflicts
    for row, group in zip(conflicts.rows.tolist(), conflicts.groups.tolist(), strict=True):
        groups.setdefault(group, []).append(row)
    kept = set(record.thumbnails.rows.tolist())
    only_near = set(conflicts.rows[conflicts.near].tolist())
    return tuple(
        DuplicateGroup(
            shown=tuple(_labelled(record, row) for row in _of_each_label(record, rows)[:MOST_TWINS]),
            more=max(0, len(rows) - MOST_TWINS),
            near=not only_near.isdisjoint(rows),
        )
        for rows in sorted(map(sorted, groups.values()))
        if kept.issuperset(rows)
    )


def _leaks(record: RunRecord) -> tuple[DuplicateGroup, ...]:
    """The rows that have a duplicate in a larger part, each beside that duplicate."""
    leaks = record.leaks
    if leaks is None:
        return ()
    pairs = []
    for index in selection.of_smaller_parts(leaks).tolist():
        shown = (
            _in_part(record, leaks, int(leaks.rows[index])),
            _in_part(record, leaks, int(leaks.twins[index])),
        )
        pairs.append(DuplicateGroup(shown, more=0, near=bool(leaks.near[index])))
    return tuple(pairs)


def _in_part(record: RunRecord, leaks: Leaks, row: int) -> tuple[int, str, str]:
    _, name, label = _labelled(record, row)
    return row, name, f"{leaks.part[row]}: {label}"


def _labelled(record: RunRecord, row: int) -> tuple[int, str, str]:
    return row, str(record.ids[row]), record.class_names[record.labels.original[row]]


def _of_each_label(record: RunRecord, rows: list[int]) -> list[int]:
    """The rows, first one of each label, so that those side by side differ."""
    _, first = np.unique(record.labels.original[rows], return_index=True)
    return [rows[i] for i in sorted(first)] + [row for i, row in enumerate(rows) if i not in first]
