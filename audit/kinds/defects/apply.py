"""Defects applied to rows of a data set, kind by kind, and the labels that changed rows are shown with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from audit.kinds.defects import tabular
from audit.kinds.defects.image_scale import ImageScale
from audit.kinds.defects.images import Defect
from audit.types import Examples, Floats, Labels, Rows

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
        difference = tabular.as_floats(sources.X, drawn) - tabular.as_floats(sources.X, np.array([row]))
        squares = np.square(np.nan_to_num(difference)).reshape(len(drawn), -1).sum(axis=1)
        partners[number] = drawn[squares.argmin()]
    return partners


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
