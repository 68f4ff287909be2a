"""Draw a map of the data: rows that look alike to the models lie together, suspects are marked by kind."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from audit.report.charts import Palette
from audit.report.kinds import kind_of_rows
from audit.runs.folder import RunRecord
from audit.types import KINDS, Rows, evenly_spaced

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKS = "osD^vPX*"  # of suspects without a kind, then of each kind
WIDTH, HEIGHT = 720, 480  # pixels on the page, in which names are as large as elsewhere
EDGE = 24  # beyond the outermost rows
OUTLINES = (  # the same marks as paths about their middle
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "M-4-4h8v8h-8z",
    "M0-5.5L5.5 0L0 5.5L-5.5 0z",
    "M0-5L5 4H-5z",
    "M0 5L5-4H-5z",
    "M-2-5h4v3h3v4h-3v3h-4v-3h-3v-4h3z",
    "M-5-3L-3-5L0-2L3-5L5-3L2 0L5 3L3 5L0 2L-3 5L-5 3L-2 0z",
    "M0-6L1.5-2H6L2.5 1L4 5.5L0 3L-4 5.5L-2.5 1L-6-2H-1.5z",
)
MOST_NAMES = 30  # of classes, those with the most rows
LONGEST_NAME = 18  # letters of a name
LETTER, LINE = 7.5, 15  # pixels of a bold letter, nearly, and of a line
MOST_SUSPECTS = 500  # worst first
MOST_OTHERS = 1500  # spread evenly over the data
PERPLEXITY = 30
ITERATIONS = 500


@dataclass(frozen=True)
class Mark:
    """A suspect on the map: where it is, the outline of its kind, and what it is."""

    row: int
    x: float
    y: float
    outline: str
    said: str


@dataclass(frozen=True)
class DataMap:
    """The map as the page draws it, in pixels."""

    width: int
    height: int
    dots: str  # an SVG path with a point for each row that is no suspect
    marks: tuple[Mark, ...]
    names: tuple[tuple[float, float, str], ...]  # where each class is, and its name
    legend: tuple[tuple[str, str, int], ...]  # outline, kind and count


@lru_cache(maxsize=1)
def places(record: RunRecord) -> tuple[Rows, npt.NDArray[np.float32]]:
    """Choose the rows of the map (m,), and compute the place of each (m, 2).

    t-SNE (van der Maaten and Hinton, 2008), started at the first two principal components, if there are two,
    of the features that models which never saw a row see in it.
    """
    from sklearn.manifold import TSNE  # noqa: PLC0415  slow to import

    from audit.training.cross_validation import one_thread  # noqa: PLC0415  slow to import

    assert record.probs.features is not None
    spread = evenly_spaced(len(record.ids), MOST_OTHERS)
    rows = np.union1d(record.suspects.ranking[:MOST_SUSPECTS], spread)
    seen = record.probs.features[rows].astype(np.float32)
    perplexity = min(PERPLEXITY, (len(rows) - 1) / 3)
    start = "random"
    if seen.shape[1] > 1 and np.ptp(seen, axis=0).any():  # else there are no two components
        start = "pca"
    method = TSNE(init=start, perplexity=perplexity, max_iter=ITERATIONS, random_state=0)
    with one_thread():
        return rows, np.asarray(method.fit_transform(seen), dtype=np.float32)


def draw(record: RunRecord, palette: Palette, axes: "Axes") -> None:
    """Draw the rows as dots and the suspects with a mark for each kind; without kinds all have the same."""
    rows, positions = places(record)
    suspects = np.isin(rows, record.suspects.ranking) & (len(record.controls.rows) == 0)
    dots: dict[str, Any] = {"linestyle": "none", "markeredgewidth": 0}
    axes.plot(*positions[~suspects].T, marker=".", markersize=2, color=palette.muted, alpha=0.5, **dots)
    number_of = {row: kind.number for row, kind in kind_of_rows(record).items()}
    number = np.array([number_of.get(row, -1) for row in rows.tolist()])
    for kind, (name, marker) in enumerate(zip(("suspect", *KINDS), MARKS, strict=True), start=-1):
        marked = suspects & (number == kind)
        if marked.any():
            label = f"{name} ({marked.sum():,})"
            axes.plot(
                *positions[marked].T, marker=marker, markersize=2.5, color=palette.accent, label=label, **dots
            )
    for x, y, name in _names(record, rows, positions):
        text = axes.text(x, y, shortened(name), color=palette.ink, fontsize=8, ha="center", va="center")
        text.set_parse_math(False)
    axes.set_axis_off()
    low, high = positions.min(axis=0), positions.max(axis=0)
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1] - 0.25 * (high[1] - low[1]), high[1])  # the legend lies below the points
    if suspects.any():
        axes.legend(
            frameon=False, labelcolor=palette.ink, loc="lower left", ncols=3, fontsize=8, markerscale=2
        )


def on_page(record: RunRecord) -> DataMap:
    """Lay the map out for the page; a blind review does not say which rows are suspects."""
    rows, positions = places(record)
    low, high = positions.min(axis=0), positions.max(axis=0)
    room = np.array([WIDTH - 2 * EDGE, HEIGHT - 2 * EDGE])
    at = EDGE + (positions - low) / np.maximum(high - low, 1e-9) * room
    at[:, 1] = HEIGHT - at[:, 1]
    suspects = np.isin(rows, record.suspects.ranking) & (len(record.controls.rows) == 0)
    kinds = kind_of_rows(record)
    number = {row: kinds[row].number if row in kinds else -1 for row in rows[suspects].tolist()}
    marks = tuple(
        Mark(row, round(x, 1), round(y, 1), OUTLINES[1 + number[row]], _said(record, row, number[row]))
        for row, (x, y) in zip(rows[suspects].tolist(), at[suspects].tolist(), strict=True)
    )
    found = Counter(number.values())
    names = [(x, y, shortened(name)) for x, y, name in _names(record, rows, at)]
    return DataMap(
        width=WIDTH,
        height=HEIGHT,
        dots="".join(f"M{x:.1f} {y:.1f}h0" for x, y in at[~suspects].tolist()),
        marks=marks,
        names=tuple(apart(names)),
        legend=tuple((OUTLINES[1 + kind], _kind_name(kind), found[kind]) for kind in sorted(found)),
    )


def _names(
    record: RunRecord, rows: Rows, positions: npt.NDArray[np.floating[Any]]
) -> list[tuple[float, float, str]]:
    """The median place (x, y) of each class, and its name."""
    labels = record.labels.original[rows]
    largest = np.argsort(-np.bincount(labels, minlength=len(record.class_names)), kind="stable")
    shown = [label for label in largest[:MOST_NAMES].tolist() if (labels == label).any()]
    medians = [np.median(positions[labels == label], axis=0).tolist() for label in shown]
    return [(x, y, record.class_names[label]) for label, (x, y) in zip(shown, medians, strict=True)]


def shortened(name: str) -> str:
    """Cut a long name, which would lie over half of the map."""
    if len(name) > LONGEST_NAME:
        return f"{name[: LONGEST_NAME - 1]}…"
    return name


def apart(names: Sequence[tuple[float, float, str]]) -> Iterator[tuple[float, float, str]]:
    """Move names up and down until none lies on another or beyond an edge; one without room is left out."""
    taken: list[tuple[float, float, float]] = []
    for x, y, name in names:
        half = LETTER * len(name) / 2
        middle = min(max(x, half), WIDTH - half)
        for step in (0, -1, 1, -2, 2):
            height = y + step * LINE
            beside = all(
                abs(height - other) >= LINE or abs(middle - their) >= half + width
                for their, other, width in taken
            )
            if beside and LINE / 2 <= height <= HEIGHT - LINE / 2:
                taken.append((middle, height, half))
                yield round(middle, 1), round(height, 1), name
                break


def _said(record: RunRecord, row: int, kind: int) -> str:
    given = record.class_names[record.labels.original[row]]
    suggested = record.class_names[record.suspects.suggested[row]]
    return f"{given} → {suggested}, {_kind_name(kind)}, #{record.ids[row]}"


def _kind_name(kind: int) -> str:
    return "suspect" if kind < 0 else KINDS[kind]
