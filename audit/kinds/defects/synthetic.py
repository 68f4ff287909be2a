"""Synthetic rows: copies of rows with known defects, which show what each kind looks like in this data."""

from collections.abc import Mapping

import numpy as np

from audit.kinds.defects import images, off_topic
from audit.kinds.defects.apply import (
    Changed,
    Sources,
    change_features,
    change_images,
    change_texts,
    partners_of,
    shown_labels,
)
from audit.kinds.defects.image_scale import ImageScale
from audit.kinds.defects.texts import LONGEST
from audit.settings.choices import SYNTHETIC_KINDS
from audit.types import KINDS, Rows, Synthetic

UNCHANGED = {"mislabelled": "another label", "none": "nothing"}  # kinds whose examples stay, and their defect


def synthesize(sources: Sources, rng: np.random.Generator, per_kind: int) -> Synthetic | None:
    """Make `per_kind` synthetic rows of each of SYNTHETIC_KINDS, or fewer where there are too few sources.

    Each source row is used for one kind only. None where there are fewer sources than kinds, or all are of
    one class.
    """
    count = min(per_kind, len(sources.rows) // len(SYNTHETIC_KINDS))
    nothing = sources.X.ndim == 2 and not sources.X.shape[1]
    if nothing or not count or len(np.unique(sources.labels[sources.rows])) < 2:
        return None
    drawn = rng.permutation(sources.rows)[: count * len(SYNTHETIC_KINDS)]
    rows = dict(zip(SYNTHETIC_KINDS, drawn.reshape(-1, count), strict=True))
    partners = partners_of(sources, rows["ambiguous"], rng)
    changed = _changed(sources, rows, partners, rng)
    labels = shown_labels(sources, rows, partners, rng)
    second = {kind: np.full(count, -1) for kind in rows} | {"ambiguous": partners}
    return Synthetic(
        X=np.concatenate([changed[kind].X for kind in rows]),
        labels=np.concatenate([labels[kind] for kind in rows]),
        kind=np.repeat([KINDS.index(kind) for kind in rows], count),
        defect=np.array([defect for kind in rows for defect in changed[kind].defects], dtype=np.str_),
        sources=np.stack([drawn, np.concatenate([second[kind] for kind in rows])], axis=1),
    )


def _changed(
    sources: Sources, rows: Mapping[str, Rows], partners: Rows, rng: np.random.Generator
) -> dict[str, Changed]:
    """The examples of all kinds."""
    unchanged = {kind: sources.X[rows[kind]] for kind in UNCHANGED}
    if sources.X.ndim == 4:
        scale = ImageScale.of(sources.X, sources.rows)
        changed = change_images(sources, rows, _defects_of_images(sources, partners, scale), scale, rng)
        # Through the scale and back, as the others: no kind is told apart by how its pixels are rounded.
        unchanged = {kind: scale.from_unit(scale.to_unit(X)) for kind, X in unchanged.items()}
    elif sources.X.ndim == 1:
        changed = change_texts(sources, rows, partners, rng)
        unchanged = {kind: np.array([text[:LONGEST] for text in X]) for kind, X in unchanged.items()}
    else:
        changed = change_features(sources, rows, partners, rng)
    for kind, X in unchanged.items():
        changed[kind] = Changed(X, [UNCHANGED[kind]] * len(X))
    return changed


def _defects_of_images(
    sources: Sources, partners: Rows, scale: ImageScale
) -> dict[str, Mapping[str, images.Defect]]:
    return {
        "ambiguous": images.ambiguous(scale.to_unit(sources.X[partners]), drawings=scale.drawings),
        "atypical": images.ATYPICAL,
        "low quality": images.low_quality(drawings=scale.drawings),
        "off-topic": off_topic.defects(sources.class_names),
    }
