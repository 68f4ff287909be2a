"""Known defects put into a data set's own rows, so that anybody can measure any tool on them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audit.kinds.defects import features, images, off_topic
from audit.kinds.defects.canvas import Canvas, Image
from audit.kinds.defects.synthetic import Sources, in_turn, partners_of, rows_of_features
from audit.types import KINDS, Examples, LabeledDataset, Labels, Rows

INSERTED_KINDS = ("ambiguous", "atypical", "low quality", "duplicate", "off-topic")
NONE = KINDS.index("none")


@dataclass(frozen=True, eq=False)
class Inserted:
    """A data set in which some rows were replaced, and what was done to them."""

    X: Examples  # (n, …)
    labels: Labels  # (n,)
    kind: npt.NDArray[np.int64]  # (n,) index into KINDS
    defect: npt.NDArray[np.str_]  # (n,) as people call it; empty for rows that are as they were
    sources: npt.NDArray[np.int64]  # (n, 2) rows that each was made of; -1 is none


def insert(
    dataset: LabeledDataset,
    counts: Mapping[str, int],
    rng: np.random.Generator,
    *,
    free: Rows | None = None,
    other: Examples | None = None,
) -> Inserted:
    """The data set with so many rows of each of INSERTED_KINDS replaced by ones with a defect.

    Some of the ways to draw a defect are never planted by a run, see `drawing.HELD_OUT`.
    Ambiguous rows have the label of either of their two, off-topic ones any, duplicates another than their
    twin's; all others keep theirs.

    Parameters
    ----------
    dataset
        Images or features.
    counts
        Rows of each kind.
    rng
        Source of randomness.
    free
        The rows that may be replaced; all when None.
    other
        Images (m, …) of another data set for the off-topic rows, of the size of these.
    """
    free = np.arange(len(dataset.labels)) if free is None else free
    chosen = np.split(rng.permutation(free)[: sum(counts.values())], np.cumsum(list(counts.values()))[:-1])
    rows = dict(zip(counts, chosen, strict=True))
    sources = Sources(dataset.X, dataset.labels, free, dataset.class_names)
    X, labels = np.array(dataset.X), dataset.labels.copy()
    kind = np.full(len(labels), NONE)
    defect = np.full(len(labels), "", dtype=object)
    made_of = np.full((len(labels), 2), -1)
    partners = partners_of(sources, rows.get("ambiguous", np.empty(0, np.int64)), rng)
    made = (
        _images(sources, rows, partners, other, rng)
        if dataset.are_images
        else _features(sources, rows, partners, rng)
    )
    for name, of_kind in rows.items():
        kind[of_kind], made_of[of_kind, 0] = KINDS.index(name), of_kind
        for row, (done, example) in zip(of_kind, made.get(name, []), strict=False):
            X[row], defect[row] = example, done
    if len(partners):
        torn = rows["ambiguous"]
        made_of[torn, 1] = partners
        labels[torn] = np.where(rng.random(len(torn)) < 0.5, labels[torn], labels[partners])
    if "off-topic" in rows:
        labels[rows["off-topic"]] = rng.permutation(labels[rows["off-topic"]])
    _duplicate(X, labels, kind, defect, made_of, rows.get("duplicate", np.empty(0, np.int64)), sources, rng)
    return Inserted(X, labels, kind, np.array(defect, dtype=np.str_), made_of)


def _images(
    sources: Sources,
    rows: Mapping[str, Rows],
    partners: Rows,
    other: Examples | None,
    rng: np.random.Generator,
) -> dict[str, list[tuple[str, Examples]]]:
    canvas = Canvas.of(sources.X, sources.rows)
    come = {name: canvas.enter(sources.X[of_kind]) for name, of_kind in rows.items()}
    ways = {
        "ambiguous": images.with_partners(
            {"blend": images.blended, "shape between": images.morphed, "overlay": images.overlaid}
            if canvas.drawings
            else {"blend": images.blended},
            canvas.enter(sources.X[partners]),
        ),
        "atypical": {**images.ATYPICAL, **images.HELD_OUT["atypical"]},
        "low quality": {
            **images.LOW_QUALITY,
            **(images.STROKES if canvas.drawings else {}),
            **images.HELD_OUT["low quality"],
        },
        "off-topic": _off_topic(sources, other),
    }
    return {
        name: [(done, canvas.leave(image)) for done, image in in_turn(ways[name], come[name], rng)]
        for name in rows
        if name in ways
    }


def _off_topic(sources: Sources, other: Examples | None) -> Mapping[str, images.Defect]:
    sign = off_topic.signs(sources.class_names, off_topic.OTHER_FONTS)
    ways: dict[str, images.Defect] = {
        "sign": lambda image, rng: sign(image.shape, rng),
        "photograph": lambda image, rng: off_topic.photograph(image.shape, rng),
    }
    if other is not None:
        there = Canvas.of(other, np.arange(len(other)))

        def strange(_: Image, rng: np.random.Generator) -> Image:
            return there.enter(other[int(rng.integers(len(other)))])

        ways["other data"] = strange
    return ways


def _features(
    sources: Sources, rows: Mapping[str, Rows], partners: Rows, rng: np.random.Generator
) -> dict[str, list[tuple[str, Examples]]]:
    kinds = {name: of_kind for name, of_kind in rows.items() if name != "duplicate"}
    every = {
        name: kinds.get(name, np.empty(0, np.int64)) for name in (*INSERTED_KINDS, "mislabelled", "none")
    }
    del every["duplicate"]
    made = rows_of_features(sources, every, partners, rng)
    ends = np.cumsum([len(of_kind) for of_kind in every.values()])[:-1]
    parts = zip(
        every, np.split(made.X, ends), np.split(np.array(made.defects, dtype=object), ends), strict=True
    )
    return {name: list(zip(defects.tolist(), X, strict=True)) for name, X, defects in parts}


def _duplicate(
    X: Examples,
    labels: Labels,
    kind: npt.NDArray[np.int64],
    defect: npt.NDArray[np.object_],
    made_of: npt.NDArray[np.int64],
    rows: Rows,
    sources: Sources,
    rng: np.random.Generator,
) -> None:
    """Make these rows copies of rows without a defect, exact or moved by a pixel, with another label."""
    still = sources.rows[kind[sources.rows] == NONE]
    twins = rng.permutation(still)[: len(rows)]
    for number, (row, twin) in enumerate(zip(rows, twins, strict=False)):
        near = bool(number % 2)
        X[row] = _nearly(X[twin]) if near else X[twin]
        labels[row] = (labels[twin] + rng.integers(1, sources.k)) % sources.k
        kind[twin], made_of[row, 0] = kind[row], twin
        defect[row] = defect[twin] = "near copy" if near else "exact copy"


def _nearly(example: Examples) -> Examples:
    """An image moved by a pixel, or features with a last digit changed."""
    if example.ndim == 3:
        return np.roll(example, 1, axis=1)
    return features.back(np.asarray(example, dtype=np.float64) * (1 + 1e-6), example.dtype)
