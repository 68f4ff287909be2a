"""Defects applied to rows of a data set, kind by kind, and the labels that changed rows are shown with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from audit.datasets.words import words
from audit.kinds.defects import tabular, texts
from audit.kinds.defects.image_scale import ImageScale
from audit.kinds.defects.images import Defect
from audit.types import Examples, Floats, Labels, Rows, evenly

PARTNERS = 40  # rows of other classes, of which the nearest is the partner of every second row


@dataclass(frozen=True, eq=False)
class Sources:
    """The rows that defects are applied to."""

    X: Examples  # (n, …)
    labels: Labels  # (n,)
    rows: Rows  # that may be used
    class_names: Sequence[str]

    @property
    def k(self) -> int:
        """Number of classes."""
        return len(self.class_names)


class Changed(NamedTuple):
    """Examples with a defect."""

    X: Examples  # (m, …) in the form of the data
    defects: list[str]  # (m,) the name of each


def partners_of(sources: Sources, rows: Rows, rng: np.random.Generator) -> Rows:
    """Draw a partner of another class for each row; for every second row, take the nearest of several."""
    partners = np.empty(len(rows), dtype=np.int64)
    for number, row in enumerate(rows):
        differs = sources.labels[sources.rows] != sources.labels[row]
        candidates = sources.rows[differs] if differs.any() else sources.rows[sources.rows != row]
        count = PARTNERS if number % 2 else 1
        drawn = np.sort(rng.choice(candidates, min(count, len(candidates)), replace=False))
        partners[number] = drawn[_distances(sources.X, drawn, row).argmin()]
    return partners


def _distances(X: Examples, rows: Rows, row: np.int64) -> Floats:
    """How far each of the rows (m,) is from the row: by squares of numbers, or by words that only one has."""
    if X.ndim == 1:
        own = set(words(X[row]))
        others = [set(words(text)) for text in X[rows]]
        return np.array([1 - len(own & each) / max(1, len(own | each)) for each in others])
    difference = tabular.as_floats(X, rows) - tabular.as_floats(X, np.array([row]))
    return np.asarray(np.square(np.nan_to_num(difference)).reshape(len(rows), -1).sum(axis=1))


def shown_labels(
    sources: Sources, rows: Mapping[str, Rows], partners: Rows, rng: np.random.Generator
) -> dict[str, Labels]:
    """Draw the labels of rows with defects, by kind.

    Mislabelled rows get another label, ambiguous ones that of either of their two sources, and off-topic ones
    exchange theirs. All others keep their labels.
    """
    labels = {kind: sources.labels[of_kind] for kind, of_kind in rows.items()}
    if "mislabelled" in rows:
        shift = rng.integers(1, sources.k, len(rows["mislabelled"]))
        labels["mislabelled"] = (labels["mislabelled"] + shift) % sources.k
    if "ambiguous" in rows:
        keeps = rng.random(len(partners)) < 0.5
        labels["ambiguous"] = np.where(keeps, labels["ambiguous"], sources.labels[partners])
    if "off-topic" in rows:
        labels["off-topic"] = rng.permutation(labels["off-topic"])
    return labels


def change_images(
    sources: Sources,
    rows: Mapping[str, Rows],
    defects: Mapping[str, Mapping[str, Defect]],
    scale: ImageScale,
    rng: np.random.Generator,
) -> dict[str, Changed]:
    """Apply the defects of each kind to its rows in turn, starting with a random one; by kind."""
    changed = {}
    for kind, of_kind in rows.items():
        if kind not in defects:
            continue
        names = np.roll(list(defects[kind]), -rng.integers(len(defects[kind]))).tolist()
        turns = [names[number % len(names)] for number in range(len(of_kind))]
        X = np.empty((len(of_kind), *sources.X.shape[1:]), sources.X.dtype)
        for number, (name, image) in enumerate(zip(turns, scale.to_unit(sources.X[of_kind]), strict=True)):
            X[number] = scale.from_unit(defects[kind][name](image, rng))
        changed[kind] = Changed(X, turns)
    return changed


def change_texts(
    sources: Sources, rows: Mapping[str, Rows], partners: Rows, rng: np.random.Generator
) -> dict[str, Changed]:
    """Apply the defects of each kind to its texts in turn; by kind."""
    some = [text[: texts.LONGEST] for text in sources.X[evenly(sources.rows, PARTNERS)]]
    defects: dict[str, Mapping[str, texts.Defect]] = {
        "ambiguous": texts.ambiguous([text[: texts.LONGEST] for text in sources.X[partners]]),
        "atypical": texts.ATYPICAL,
        "low quality": texts.LOW_QUALITY,
        "off-topic": texts.off_topic(some),
    }
    changed = {}
    for kind, of_kind in rows.items():
        if kind in defects:
            names = list(defects[kind])
            turns = [names[number % len(names)] for number in range(len(of_kind))]
            X = [
                defects[kind][name](text[: texts.LONGEST], rng)[: texts.LONGEST]
                for name, text in zip(turns, sources.X[of_kind], strict=True)
            ]
            changed[kind] = Changed(np.array(X, dtype=np.str_), turns)
    return changed


def change_features(
    sources: Sources, rows: Mapping[str, Rows], partners: Rows, rng: np.random.Generator
) -> dict[str, Changed]:
    """Apply the defect that each kind has for rows of features; by kind."""
    usual = tabular.ColumnStatistics.of(sources.X)
    others = tabular.as_floats(sources.X, partners)
    defects: dict[str, tuple[str, Callable[[Floats], Floats]]] = {
        "ambiguous": ("blend", lambda X: tabular.blended(X, others, rng)),
        "atypical": ("far off", lambda X: tabular.far_off(X, usual, rng)),
        "low quality": ("lost or in another unit", lambda X: tabular.mistaken(X, rng)),
        "off-topic": ("disorder", lambda X: tabular.disordered(X, usual, rng)),
    }
    changed = {}
    for kind, (name, change) in defects.items():
        if kind in rows:
            X = change(tabular.as_floats(sources.X, rows[kind]))
            changed[kind] = Changed(tabular.as_dtype(X, sources.X.dtype), [name] * len(X))
    return changed
