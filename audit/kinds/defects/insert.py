"""Known defects inserted into a data set's own rows, so that any tool can be measured on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audit.kinds.defects import images, off_topic, tabular
from audit.kinds.defects.apply import (
    Changed,
    Sources,
    change_features,
    change_images,
    partners_of,
    shown_labels,
)
from audit.kinds.defects.image_scale import ImageScale
from audit.types import KINDS, Examples, LabeledDataset, Labels, Rows

INSERTED_KINDS = ("ambiguous", "atypical", "low quality", "duplicate", "off-topic")
NO_ROWS: Rows = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Inserted:
    """A data set in which some rows were replaced, and what was done to them."""

    X: Examples  # (n, …)
    labels: Labels  # (n,)
    kind: npt.NDArray[np.int64]  # (n,) index into KINDS
    defect: npt.NDArray[np.str_]  # (n,) name of the defect; empty for rows that were not touched
    sources: npt.NDArray[np.int64]  # (n, 2) the rows that each was made from; -1 for none


@dataclass(frozen=True, eq=False)
class Replacement:
    """The rows of one kind, and what replaces them."""

    kind: str
    rows: Rows  # (m,)
    X: Examples  # (m, …)
    labels: Labels  # (m,)
    defect: npt.NDArray[np.str_]  # (m,)
    sources: npt.NDArray[np.int64]  # (m, 2)


def insert(
    dataset: LabeledDataset,
    counts: Mapping[str, int],
    rng: np.random.Generator,
    *,
    free: Rows | None = None,
    other: Examples | None = None,
) -> Inserted:
    """Replace rows of a data set by rows with a defect, in exact numbers for each kind.

    Some of the defects are never used for synthetic rows, see `images.HELD_OUT`. An ambiguous row is labelled
    as either of its two sources, off-topic rows exchange their labels, and a duplicate gets another label
    than the row that it copies. All others keep their labels.

    Parameters
    ----------
    dataset
        Images or features.
    counts
        The number of rows of each of INSERTED_KINDS.
    rng
        Source of randomness.
    free
        The rows that may be replaced or copied; all when None.
    other
        Images (m, …) of another data set, of the same size, which off-topic rows may show.
    """
    if free is None:
        free = np.arange(len(dataset.labels))
    rows = _drawn_rows(counts, free, rng)
    sources = Sources(dataset.X, dataset.labels, free, dataset.class_names)
    partners = partners_of(sources, rows.get("ambiguous", NO_ROWS), rng)
    if dataset.are_images:
        changed = _changed_images(sources, rows, partners, other, rng)
    else:
        changed = change_features(sources, rows, partners, rng)
    labels = shown_labels(sources, rows, partners, rng)
    second = {"ambiguous": partners}
    replacements = [
        Replacement(
            kind=kind,
            rows=rows[kind],
            X=X,
            labels=labels[kind],
            defect=np.array(defects, dtype=np.str_),
            sources=_sources(rows[kind], second.get(kind)),
        )
        for kind, (X, defects) in changed.items()
    ]
    untouched = free[~np.isin(free, np.concatenate([NO_ROWS, *rows.values()]))]
    replacements.append(_duplicates(sources, rows.get("duplicate", NO_ROWS), untouched, rng))
    return _replaced(dataset, replacements)


def _drawn_rows(counts: Mapping[str, int], free: Rows, rng: np.random.Generator) -> dict[str, Rows]:
    """Draw the rows of each kind, none of them twice."""
    shuffled = rng.permutation(free)
    ends = np.cumsum([0, *counts.values()]).tolist()
    return {kind: shuffled[ends[i] : ends[i + 1]] for i, kind in enumerate(counts)}


def _sources(first: Rows, second: Rows | None = None) -> npt.NDArray[np.int64]:
    """Pairs of sources (m, 2), the second -1 where there is none."""
    if second is None:
        second = np.full(len(first), -1)
    return np.stack([first, second], axis=1)


def _changed_images(
    sources: Sources,
    rows: Mapping[str, Rows],
    partners: Rows,
    other: Examples | None,
    rng: np.random.Generator,
) -> dict[str, Changed]:
    scale = ImageScale.of(sources.X, sources.rows)
    defects = {
        "ambiguous": images.ambiguous(scale.to_unit(sources.X[partners]), drawings=scale.drawings),
        "atypical": {**images.ATYPICAL, **images.HELD_OUT["atypical"]},
        "low quality": {
            **images.low_quality(drawings=scale.drawings),
            **images.HELD_OUT["low quality"],
        },
        "off-topic": off_topic.held_out(sources.class_names, other),
    }
    return change_images(sources, rows, defects, scale, rng)


def _duplicates(sources: Sources, rows: Rows, untouched: Rows, rng: np.random.Generator) -> Replacement:
    """Replace these rows by copies of untouched ones, exact and near in turn, each with another label.

    The copied rows are duplicates too, and stay as they are.
    """
    copied = rng.permutation(untouched)[: len(rows)]
    if len(copied) < len(rows):
        raise ValueError(f"{len(rows)} duplicates need as many other rows, found {len(copied)}")
    X = np.array(sources.X[copied])
    for number in range(1, len(rows), 2):
        X[number] = _near_copy(X[number])
    shifts = np.array([rng.integers(1, sources.k) for _ in rows], dtype=np.int64)
    labels = sources.labels[copied]
    defect = np.array([("exact copy", "near copy")[number % 2] for number in range(len(rows))], dtype=np.str_)
    return Replacement(
        kind="duplicate",
        rows=np.concatenate([rows, copied]),
        X=np.concatenate([X, sources.X[copied]]),
        labels=np.concatenate([(labels + shifts) % sources.k, labels]),
        defect=np.concatenate([defect, defect]),
        sources=np.concatenate([_sources(copied), np.full((len(copied), 2), -1)]),
    )


def _near_copy(example: Examples) -> Examples:
    """An image moved by a pixel, or features with a last digit changed."""
    if example.ndim == 3:
        return np.roll(example, 1, axis=1)
    return tabular.as_dtype(np.asarray(example, dtype=np.float64) * (1 + 1e-6), example.dtype)


def _replaced(dataset: LabeledDataset, replacements: Sequence[Replacement]) -> Inserted:
    """The data set with these rows replaced."""
    n = len(dataset.labels)
    X = np.array(dataset.X)
    labels = dataset.labels.copy()
    kind = np.full(n, KINDS.index("none"))
    defect = np.full(n, "", dtype=np.concatenate([each.defect for each in replacements]).dtype)
    sources = np.full((n, 2), -1)
    for each in replacements:
        X[each.rows] = each.X
        labels[each.rows] = each.labels
        kind[each.rows] = KINDS.index(each.kind)
        defect[each.rows] = each.defect
        sources[each.rows] = each.sources
    return Inserted(X, labels, kind, defect, sources)
