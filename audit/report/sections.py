"""The content of a report as values: numbers, captions and the rows to show, without any HTML."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.detectors.figures import LIKELY
from audit.detectors.scores import NoiseFigures, Scores
from audit.report import selection
from audit.report.annotators import Annotators, annotators
from audit.report.classes import Classes, classes
from audit.report.kinds import Kind, Proof, counts, kind_of_rows, proof
from audit.runs.folder import RunRecord
from audit.types import FeatureValue, Leaks, Rows
from audit.wording import interval, percent, shared_rows, whole_percent

MOST_BAR_CLASSES = 30
BAR_HEIGHT = 20
MOST_TWINS = 4  # of a group that are shown
MOST_LIKELY = 5  # classes whose probability the review panel shows, where there are too many for bars


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
    bars: str  # SVG path of the class probabilities
    given_bar: str
    suggested_bar: str
    likely: tuple[tuple[int, int], ...]  # classes and their probability in per cent, the likeliest first
    near: tuple[int, int]  # rows of the nearest agreeing examples of the given and the suggested class, or -1
    kind: Kind | None = None
    votes: str = ""  # 3 × cat, 2 × dog

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
    failed: bool  # whether the models learned nothing
    weak: bool  # whether they are too weak to judge by, which the last caution says
    conflicts: tuple[DuplicateGroup, ...]
    more_conflicts: int  # groups that only issues.csv has
    parts: tuple[str, ...]  # what each part of the data shares with the others, a line each
    leaks: tuple[DuplicateGroup, ...]  # rows of a part with their twin in a larger one
    more_leaks: int  # that only shared.csv has
    unlabelled: int
    suspects: Grid
    kinds: tuple[tuple[int, str, str, int], ...]  # number, name, proposed action and count of those on cards
    proof: Proof | None  # how often a named kind is right
    found: Grid
    missed: Grid
    doubtful: Grid
    classes: Classes
    annotators: Annotators | None  # where several people gave labels
    folds: tuple[dict[str, Any], ...]
    facts: tuple[tuple[str, str], ...]
    version: str
    blind: bool  # whether what the models think is hidden until a card is decided

    @property
    def shown(self) -> list[int]:
        """The rows whose image the page shows, each once."""
        reviewed = [row for card in self.suspects.cards for row in (card.row, *card.near) if row >= 0]
        twins = [row for each in (*self.conflicts, *self.leaks) for row, _, _ in each.shown]
        more = [] if self.annotators is None else [each.row for each in self.annotators.one_more]
        others = [card.row for grid in (self.found, self.missed, self.doubtful) for card in grid.cards]
        return list(dict.fromkeys([*reviewed, *twins, *others, *more]))


def report(record: RunRecord, most_suspects: int) -> Report:
    """Gather the content of the page, with at most `most_suspects` suspects."""
    issues = record.issues
    flipped = record.labels.flipped
    others = min(selection.MOST_OTHERS, most_suspects)
    conflicts = _conflicts(record)
    leaks = _leaks(record)
    suspects = _queue(record, most_suspects)
    return Report(
        data_name=record.data["name"],
        rows=len(flipped),
        injected=record.injected,
        scores=record.scores,
        things=_things(record),
        texts=_texts(record),
        cautions=record.cautions,
        failed=bool(record.data.get("failures")),
        weak=bool(record.data.get("weak")),
        conflicts=conflicts[:others],
        more_conflicts=max(0, len(conflicts) - others),
        parts=tuple(
            shared_rows(part.part, part.rows, part.shared, part.exact) for part in record.scores.several_parts
        ),
        leaks=leaks[:others],
        more_leaks=max(0, len(leaks) - others),
        unlabelled=0 if record.unlabelled is None else len(record.unlabelled),
        suspects=suspects,
        kinds=counts([card.kind for card in suspects.cards]),
        proof=proof(record),
        found=_grid(record, selection.injected_and_found(issues, flipped), others),
        missed=_grid(record, selection.injected_and_missed(issues, flipped), others),
        doubtful=_grid(record, selection.false_alarms(issues, flipped), others),
        classes=classes(record),
        annotators=annotators(record),
        folds=tuple(dict(fold) for fold in record.folds),
        facts=_facts(record),
        version=record.versions["label-audit"],
        blind=len(record.controls.rows) > 0,
    )


def _things(record: RunRecord) -> str:
    """What the examples are called."""
    if len(record.data["shape"]) == 4:
        return "images"
    return "texts" if record.data.get("texts") else "rows"


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


def _grid(record: RunRecord, rows: Rows, most: int) -> Grid:
    """The cards of the first rows of a group that are not hidden controls; the total counts all its rows."""
    index_of = _thumbnail_index(record)
    shown = selection.without_controls(rows, record.controls.rows)[:most].tolist()
    cards = tuple(_card(record, row, index_of[row], original=False) for row in shown)
    return Grid(total=len(rows), cards=cards)


def _queue(record: RunRecord, most: int) -> Grid:
    """The cards to review, hidden controls among them, which nothing marks."""
    index_of = _thumbnail_index(record)
    kinds = kind_of_rows(record)
    cards = tuple(
        replace(_card(record, row, index_of[row], original=original), true=None, kind=kinds.get(row))
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
    bars = _bars(probs)
    others = [bar for label, bar in enumerate(bars) if label not in (given, suggested)]
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
        bars="".join(others),
        given_bar=bars[given],
        suggested_bar=bars[suggested],
        likely=_likely(probs),
        near=(int(kept.nearest[thumbnail, 0]), int(kept.nearest[thumbnail, 1])),
        votes=record.votes_on(row, noisy=not original),
    )


def _bars(probs: npt.NDArray[np.float32]) -> list[str]:
    """One bar for each class probability, as an SVG path; empty ones where there are too many."""
    if len(probs) > MOST_BAR_CLASSES:
        return [""] * len(probs)
    heights = np.maximum(1, np.round(probs * BAR_HEIGHT)).astype(int).tolist()
    return [f"M{10 * label} {BAR_HEIGHT}v-{height}h8v{height}z" for label, height in enumerate(heights)]


def _likely(probs: npt.NDArray[np.float32]) -> tuple[tuple[int, int], ...]:
    """The most likely classes of a row, as many as the review panel shows; of few, those not near zero."""
    order = np.argsort(-probs, kind="stable").tolist()
    percents = np.round(100 * probs.astype(float)).astype(int).tolist()
    if len(probs) > MOST_BAR_CLASSES:
        return tuple((label, percents[label]) for label in order[:MOST_LIKELY])
    return tuple((label, percents[label]) for label in order if percents[label] or label == order[0])


def _estimated(noise: NoiseFigures) -> str:
    """The estimated noise rates, of the labels with the changed ones and of the original labels."""
    noisy, original = (
        f"{percent(rate.value, 2)} % ({interval(rate, 2)})" for rate in (noise.estimated, noise.natural)
    )
    return f"{noisy} of the labels with noise, {original} of the original labels"


def _work(record: RunRecord) -> str:
    """The models, and how often they were cross-validated."""
    if not record.folds:
        return "none: the probabilities were given"
    rounds = len({fold["round"] for fold in record.folds})
    model = f"{record.config['model']} model, {record.config['preset']}"
    if rounds == 1:
        return f"{model}: 1 cross-validation"
    return f"{model}: {rounds} cross-validations; the last trained on {record.scores.kept:,} rows"


def _data(record: RunRecord) -> str:
    """The data set, its size and the form of its examples."""
    sides = record.data["shape"][1:]
    if len(sides) > 1:
        examples = f"images of {' × '.join(map(str, sides))}"
    elif sides[0]:
        examples = f"rows of {sides[0]} features"
    elif record.data.get("texts"):
        examples = "texts"
    elif record.data.get("records"):
        examples = "records"
    else:
        examples = "labels without examples"
    return f"{record.data['name']}: {len(record.ids):,} {examples}, {record.data['dtype']}"


def _noise(record: RunRecord) -> str:
    """The noise that was added: its kind, the rate that was asked for and the one that came about."""
    if not record.injected:
        return "none: no label was changed"
    noise = record.scores.noise
    requested = "by its matrix"
    if noise.requested is not None:
        requested = f"rate {noise.requested:.4g}"
    return f"{record.config['noise_kind']}, {requested}, {noise.realised:.4g} of the labels changed"


def _facts(record: RunRecord) -> tuple[tuple[str, str], ...]:
    """How the run was made, as pairs of a name and a fact; the command that repeats it comes first."""
    scores = record.scores
    suspects = f"truth {scores.suspects.truth}; likely: p_error of {LIKELY:g} or more"
    return (
        ("repeat it", record.repeat),
        ("data", _data(record)),
        *[("note", line) for line in record.data["notes"]],
        ("fingerprint", f"sha256 {record.data['fingerprint']}"),
        ("noise", _noise(record)),
        ("noise estimated", _estimated(scores.noise)),
        ("seed", str(record.config["seed"])),
        ("detector", f"{scores.detector} for changed labels, truth process"),
        ("suspects", suspects),
        ("work", _work(record)),
        ("time", ", ".join(f"{step} {seconds:.1f} s" for step, seconds in scores.timings.items())),
        ("versions", ", ".join(f"{name} {number}" for name, number in record.versions.items())),
    )
