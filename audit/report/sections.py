"""What the report says, as values: numbers, captions and the rows to show, without any HTML."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from audit.report import selection
from audit.report.wording import interval, percent
from audit.store import RunRecord
from audit.summary import LIKELY, main_detectors
from audit.types import Rows

MOST_MATRIX_CLASSES = 24
MOST_BAR_CLASSES = 30
BAR_HEIGHT = 20
SHORT_NAME = 4  # letters
MOST_MOVES = 10
HEATS = 6  # shades of the matrix


@dataclass(frozen=True)
class Card:
    """One row with its image."""

    row: int
    id: str
    given: str
    suggested: str
    true: str | None  # what the label was before it was changed on purpose
    percent: int  # p_error
    fold: int
    values: tuple[tuple[str, ...], ...]  # feature, value, its median in the given and the suggested class
    bars: str  # SVG path of the class probabilities
    given_bar: str
    suggested_bar: str


@dataclass(frozen=True)
class Grid:
    """Cards of one group, and how many there are beside them."""

    total: int
    cards: tuple[Card, ...]
    controls: int = 0  # how many of the cards are hidden controls, which the total leaves out

    @property
    def hidden(self) -> int:
        """Rows of the group that only issues.csv has."""
        return self.total - (len(self.cards) - self.controls)


@dataclass(frozen=True)
class Twins:
    """Rows with the same example and different labels."""

    row: int  # one of which the image is kept
    labels: tuple[tuple[str, str], ...]  # id and label of each


@dataclass(frozen=True)
class Cell:
    """A count of the matrix with its shade, 0 to HEATS - 1."""

    count: int
    heat: int


@dataclass(frozen=True)
class Classes:
    """Given × suggested counts of the natural suspects, and what is known of each class."""

    names: tuple[str, ...]
    matrix: tuple[tuple[Cell, ...], ...]  # empty when there are too many classes to draw
    pairs: tuple[tuple[str, str, int], ...]  # the commonest given → suggested
    moves: tuple[tuple[str, str, dict[str, float]], ...]  # the likeliest true → given, with intervals
    table: tuple[dict[str, Any], ...]

    @property
    def worded(self) -> bool:
        """Whether names are too long to stand side by side on a card."""
        return max(map(len, self.names)) > SHORT_NAME


@dataclass(frozen=True)
class Report:
    """Everything that the page shows, in its order."""

    data_name: str
    rows: int
    injected: bool
    main_detectors: dict[str, Any]
    scores: dict[str, Any]
    things: str  # what the examples are called
    conflicts: tuple[Twins, ...]
    more_conflicts: int  # groups that only issues.csv has
    unlabelled: int
    suspects: Grid
    found: Grid
    missed: Grid
    doubtful: Grid
    classes: Classes
    folds: tuple[dict[str, Any], ...]
    facts: tuple[tuple[str, str], ...]
    version: str

    @property
    def shown(self) -> list[int]:
        """The rows whose image the page shows, each once."""
        grids = (self.suspects, self.found, self.missed, self.doubtful)
        twins = [each.row for each in self.conflicts]
        return list(dict.fromkeys([*twins, *(card.row for grid in grids for card in grid.cards)]))


def report(record: RunRecord, most_suspects: int) -> Report:
    """The content of the page, with at most so many natural suspects."""
    issues, flipped = record.issues, record.labels.flipped
    others = min(selection.MOST_OTHERS, most_suspects)
    conflicts = _conflicts(record)
    return Report(
        data_name=record.data["name"],
        rows=len(flipped),
        injected=record.injected,
        main_detectors=main_detectors(record.scores),
        scores=dict(record.scores),
        things="images" if len(record.data["shape"]) == 4 else "rows",
        conflicts=conflicts[:others],
        more_conflicts=max(0, len(conflicts) - others),
        unlabelled=0 if record.unlabelled is None else len(record.unlabelled),
        suspects=_queue(record, most_suspects),
        found=_grid(record, selection.injected_and_found(issues, flipped), others),
        missed=_grid(record, selection.injected_and_missed(issues, flipped), others),
        doubtful=_grid(record, selection.false_alarms(issues, flipped), others),
        classes=_classes(record),
        folds=tuple(dict(fold) for fold in record.folds),
        facts=_facts(record),
        version=record.versions["label-audit"],
    )


def _conflicts(record: RunRecord) -> tuple[Twins, ...]:
    """The groups of duplicates with different labels, in the order of the rows."""
    groups: dict[int, list[int]] = {}
    for row, group in record.conflicts.T.tolist():
        groups.setdefault(group, []).append(row)
    names, kept = record.class_names, set(record.thumbnails.rows.tolist())
    return tuple(
        Twins(rows[0], tuple((str(record.ids[row]), names[record.labels.true[row]]) for row in rows))
        for rows in sorted(groups.values())
        if rows[0] in kept
    )


def _grid(record: RunRecord, rows: Rows, most: int) -> Grid:
    """The first rows of a group without hidden controls, and how many there are with them."""
    captions = _captions(record)
    shown = selection.unhidden(rows, record.controls.rows)[:most]
    cards = tuple(_card(record, int(row), captions[int(row)], as_came=False) for row in shown)
    return Grid(total=len(rows), cards=cards)


def _queue(record: RunRecord, most: int) -> Grid:
    """The cards to review, hidden controls among them, which nothing marks."""
    captions = _captions(record)
    cards = tuple(
        replace(_card(record, row, captions[row], as_came=as_came), true=None)
        for row, as_came in selection.queue(record, most)
    )
    return Grid(len(record.suspects.ranking), cards, controls=len(record.controls.rows))


def _captions(record: RunRecord) -> dict[int, str]:
    return dict(zip(record.thumbnails.rows.tolist(), record.thumbnails.captions.tolist(), strict=True))


def _card(record: RunRecord, row: int, caption: str, *, as_came: bool) -> Card:
    """The card of a row, of its label as it came or as it was changed to."""
    names = record.class_names
    issues, labels = (
        (record.suspects, record.labels.true) if as_came else (record.issues, record.labels.given)
    )
    given, suggested = int(labels[row]), int(issues.suggested[row])
    bars = ["", "", ""]
    if len(names) <= MOST_BAR_CLASSES:
        heights = np.maximum(1, np.round(record.probs.pred_probs[row] * BAR_HEIGHT)).astype(int)
        for label, height in enumerate(heights):
            kind = 1 if label == given else 2 if label == suggested else 0
            bars[kind] += f"M{10 * label} {BAR_HEIGHT}v-{height}h8v{height}z"
    return Card(
        row=row,
        id=str(record.ids[row]),
        given=names[given],
        suggested=names[suggested],
        true=names[record.labels.true[row]] if record.labels.flipped[row] and not as_came else None,
        percent=_floor_percent(float(issues.p_error[row])),
        fold=int(record.probs.fold[row]),
        values=tuple(tuple(line.split("\t")) for line in caption.splitlines()),
        bars=bars[0],
        given_bar=bars[1],
        suggested_bar=bars[2],
    )


def _floor_percent(share: float) -> int:
    """Whole per cent, rounded, but 100 only for exactly 1."""
    return 100 if share == 1 else min(99, round(100 * share))


def _classes(record: RunRecord) -> Classes:
    k = len(record.class_names)
    counts = np.zeros((k, k), dtype=int)
    rows = record.suspects.ranking
    np.add.at(counts, (record.labels.true[rows], record.suspects.suggested[rows]), 1)
    heats = np.ceil((HEATS - 1) * np.sqrt(counts / max(1, counts.max()))).astype(int)
    order = np.argsort(-counts, axis=None, kind="stable")[:12]
    pairs = [(int(i), int(j)) for i, j in zip(*np.unravel_index(order, counts.shape), strict=True)]
    names = record.class_names
    return Classes(
        names=names,
        matrix=tuple(
            tuple(Cell(int(c), int(h)) for c, h in zip(line, shades, strict=True))
            for line, shades in zip(counts, heats, strict=True)
        )
        if k <= MOST_MATRIX_CLASSES
        else (),
        moves=_moves(record),
        pairs=tuple((names[i], names[j], int(counts[i, j])) for i, j in pairs if counts[i, j]),
        table=tuple({**figures, "name": names[figures["class"]]} for figures in record.scores["classes"]),
    )


def _moves(record: RunRecord) -> tuple[tuple[str, str, dict[str, float]], ...]:
    """The largest entries off the diagonal of the estimated transition matrix."""
    transition = record.scores["noise"]["transition"]
    if transition is None:
        return ()
    T = {name: np.array(part) for name, part in transition.items()}
    off_diagonal = T["value"] * (1 - np.eye(len(T["value"])))
    order = np.argsort(-off_diagonal, axis=None, kind="stable")[:MOST_MOVES]
    names = record.class_names
    return tuple(
        (names[i], names[j], {name: float(part[i, j]) for name, part in T.items()})
        for i, j in zip(*np.unravel_index(order, off_diagonal.shape), strict=True)
        if i != j
    )


def _estimated(scores: Mapping[str, Any]) -> str:
    """The noise rates that the audit reckons with, of the labels it was given and as they came."""
    given, came = (
        f"{percent(noise['value'], 2)} % ({interval(noise, 2)})"
        for noise in (scores["noise"]["estimated"], scores["noise"]["natural"])
    )
    return f"{given} of the labels with noise, {came} of the labels as they came"


def _work(record: RunRecord) -> str:
    if not record.folds:
        return "none: the probabilities came along"
    rounds = len({fold["round"] for fold in record.folds})
    kept = f"; the last trained on {record.scores['kept']:,} rows" if rounds > 1 else ""
    work = f"{rounds} cross-validation{'s' * (rounds > 1)}"
    return f"{record.config['model']} model, {record.config['preset']}: {work}{kept}"


def _facts(record: RunRecord) -> tuple[tuple[str, str], ...]:
    """How the run was made, as pairs of a word and what it was."""
    config, scores = record.config, record.scores
    sides = record.data["shape"][1:]
    what = f"images of {' × '.join(map(str, sides))}" if len(sides) > 1 else f"rows of {sides[0]} features"
    what = what if sides[0] else "labels without examples"
    noise = scores["noise"]
    asked = "by its matrix" if noise["requested"] is None else f"rate {noise['requested']:.4g}"
    rates = f"{asked}, {noise['realised']:.4g} of the labels changed"
    times = ", ".join(f"{step} {seconds:.1f} s" for step, seconds in scores["timings"].items())
    return (
        ("repeat it", record.repeat),
        ("data", f"{record.data['name']}: {len(record.ids):,} {what}, {record.data['dtype']}"),
        *[("on the way in", line) for line in record.data["notes"]],
        ("fingerprint", f"sha256 {record.data['fingerprint']}"),
        ("noise", f"{config['noise_kind']}, {rates}" if record.injected else "none: the labels as they are"),
        ("noise estimated", _estimated(scores)),
        ("seed", str(config["seed"])),
        ("detector", f"{scores['detector']} for changed labels, in the sense of process"),
        ("suspects", f"in the sense of {scores['suspects']['truth']}; likely: p_error of {LIKELY:g} or more"),
        ("work", _work(record)),
        ("time", times),
        ("versions", ", ".join(f"{name} {number}" for name, number in record.versions.items())),
    )
