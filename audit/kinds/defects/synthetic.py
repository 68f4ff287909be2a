"""Copies of rows with known defects: what every kind of suspect looks like in this data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from audit.kinds.defects import features
from audit.kinds.defects import images as drawing
from audit.kinds.defects import off_topic as foreign
from audit.kinds.defects.canvas import Canvas, Image
from audit.settings.choices import SYNTHETIC_KINDS
from audit.types import KINDS, Examples, Labels, Rows, Synthetic

PARTNERS = 40  # rows of other classes, of which the nearest is blended with every second source


@dataclass(frozen=True, eq=False)
class Sources:
    """The rows that planted ones are made of."""

    X: Examples  # (n, …)
    labels: Labels  # (n,)
    rows: Rows  # that may be copied
    class_names: Sequence[str]

    @property
    def k(self) -> int:
        """Number of classes."""
        return len(self.class_names)


def synthesize(sources: Sources, rng: np.random.Generator, per_kind: int) -> Synthetic | None:
    """As many rows of each of SYNTHETIC_KINDS, fewer where there are not as many to copy.

    None where there is none of each, or only one class among them.
    """
    count = min(per_kind, len(sources.rows) // len(SYNTHETIC_KINDS))
    if not count or len(np.unique(sources.labels[sources.rows])) < 2 or not sources.X.shape[1]:
        return None
    drawn = rng.permutation(sources.rows)[: count * len(SYNTHETIC_KINDS)]
    chosen = drawn.reshape(len(SYNTHETIC_KINDS), count)
    partners = partners_of(sources, chosen[1], rng)
    make = images if sources.X.ndim == 4 else rows_of_features
    made = make(sources, dict(zip(SYNTHETIC_KINDS, chosen, strict=True)), partners, rng)
    labels = sources.labels[chosen]
    labels[0] = (labels[0] + rng.integers(1, sources.k, count)) % sources.k
    labels[1] = np.where(rng.random(count) < 0.5, labels[1], sources.labels[partners])
    labels[4] = rng.permutation(labels[4])
    second = np.full(chosen.shape, -1)
    second[1] = partners
    return Synthetic(
        X=made.X,
        labels=labels.ravel(),
        kind=np.repeat([KINDS.index(kind) for kind in SYNTHETIC_KINDS], count),
        defect=np.array(made.defects, dtype=np.str_),
        sources=np.stack([chosen.ravel(), second.ravel()], axis=1),
    )


class Made(NamedTuple):
    """Synthetic rows (p, …), and what was done to each."""

    X: Examples
    defects: list[str]


def partners_of(sources: Sources, rows: Rows, rng: np.random.Generator) -> Rows:
    """For each row another of another class; every second time the nearest of some."""
    found = np.empty(len(rows), dtype=np.int64)
    for number, row in enumerate(rows):
        fits = sources.labels[sources.rows] != sources.labels[row]
        others = sources.rows[fits] if fits.any() else sources.rows[sources.rows != row]
        some = np.sort(rng.choice(others, min(PARTNERS if number % 2 else 1, len(others)), replace=False))
        here, there = (np.asarray(sources.X[each], dtype=np.float64) for each in ([row], some))
        apart = np.nan_to_num(there - here).reshape(len(some), -1)
        found[number] = some[np.square(apart).sum(axis=1).argmin()]
    return found


def images(sources: Sources, rows: Mapping[str, Rows], partners: Rows, rng: np.random.Generator) -> Made:
    """Images of every kind, of these rows of each; ambiguous ones are made with the partners."""
    canvas = Canvas.of(sources.X, sources.rows)
    others = canvas.enter(sources.X[partners])
    low_quality = {**drawing.LOW_QUALITY, **(drawing.STROKES if canvas.drawings else {})}
    sign = foreign.signs(sources.class_names)
    off_topic: dict[str, drawing.Defect] = {
        "sign": lambda image, rng: sign(image.shape, rng),
        "photograph": lambda image, rng: foreign.photograph(image.shape, rng),
        "thing": lambda image, rng: foreign.thing(image.shape, rng),
        "cut-out": lambda image, rng: foreign.cut_out(image.shape, rng),
        "disorder": foreign.disordered,
        "pieces": foreign.in_pieces,
    }
    between: dict[str, drawing.Between] = {"blend": drawing.blended}
    if canvas.drawings:
        between |= {"shape between": drawing.morphed, "overlay": drawing.overlaid}
    come = {kind: canvas.enter(sources.X[of_kind]) for kind, of_kind in rows.items()}
    made = {
        "mislabelled": [("another label", image) for image in come["mislabelled"]],
        "ambiguous": in_turn(drawing.with_partners(between, others), come["ambiguous"], rng),
        "atypical": in_turn(drawing.ATYPICAL, come["atypical"], rng),
        "low quality": in_turn(low_quality, come["low quality"], rng),
        "off-topic": in_turn(off_topic, come["off-topic"], rng),
        "none": [("nothing", image) for image in come["none"]],
    }
    pairs = [pair for kind in rows for pair in made[kind]]
    return Made(canvas.leave(np.stack([image for _, image in pairs])), [name for name, _ in pairs])


def in_turn(
    defects: Mapping[str, drawing.Defect], come: Image, rng: np.random.Generator
) -> list[tuple[str, Image]]:
    """Images with the defects, one each, in turn from any of them on, beside their names."""
    names = np.roll(list(defects), -rng.integers(len(defects))).tolist()
    turns = [names[number % len(names)] for number in range(len(come))]
    return [(name, defects[name](image, rng)) for name, image in zip(turns, come, strict=True)]


def rows_of_features(
    sources: Sources, rows: Mapping[str, Rows], partners: Rows, rng: np.random.Generator
) -> Made:
    """The same of features."""
    usual = features.Usual.of(sources.X)
    come = {kind: features.rows_of(sources.X, of_kind) for kind, of_kind in rows.items()}
    made = {
        "mislabelled": ("another label", come["mislabelled"]),
        "ambiguous": (
            "blend",
            features.between(come["ambiguous"], features.rows_of(sources.X, partners), rng),
        ),
        "atypical": ("far off", features.far_off(come["atypical"], usual, rng)),
        "low quality": ("lost or in another unit", features.mistaken(come["low quality"], usual, rng)),
        "off-topic": ("disorder", features.disordered(come["off-topic"], usual, rng)),
        "none": ("nothing", come["none"]),
    }
    X = features.back(np.concatenate([made[kind][1] for kind in rows]), sources.X.dtype)
    return Made(X, [made[kind][0] for kind in rows for _ in rows[kind]])
