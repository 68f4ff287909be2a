"""The door: what a loader found becomes a LabeledDataset, or one line says why it cannot.

Rows are chosen by their labels before any example is read, so that a small sample of a large file is cheap.
"""

from dataclasses import dataclass
from mmap import mmap
from typing import Any

import numpy as np
import numpy.typing as npt

from audit import wording
from audit.datasets import labels as label_forms
from audit.datasets.examples import fingerprint, in_one_form, refuse_form
from audit.datasets.lazy_rows import read_rows
from audit.datasets.source import Source
from audit.errors import DataError
from audit.types import LabeledDataset, Labels, Rows, Unlabelled

MAPPED_ROWS = 1024  # that are read from one mapping of a file


@dataclass(frozen=True)
class Selection:
    """Which rows of a source are audited."""

    limit: int | None = None  # at most so many, every class keeping its share
    seed: int = 0  # of that sample
    min_class_size: int = 1  # smaller classes are left out


def validate(source: Source, selection: Selection = Selection()) -> LabeledDataset:
    """Check what a loader found and give it the one form that the rest of the package reads.

    Parameters
    ----------
    source
        Images (n, h, w), (n, h, w, c) or (n, c, h, w), c in 1, 3, 4, sides from 8 pixels up, or features
        (n, d); with labels of any form that `labels.parse` takes. Not copied when all rows are taken.
    selection
        Which rows are audited.

    Raises
    ------
    DataError
        When examples and labels do not fit together or cannot be audited.
    """
    x_name, y_name = source.names
    if source.X is not None:
        refuse_form(source.X, x_name)
    parsed = label_forms.parse(source.y, y_name, source.class_names)
    n = len(parsed.codes)
    X: Any = np.empty((n, 0)) if source.X is None else source.X
    if n != len(X):
        raise DataError(
            f"{y_name} has {n:,} entries but {x_name} has {len(X):,} rows; "
            "there must be one label for each row, in the same order"
        )
    part = None if source.part is None else _parts(source.part, n)
    rows, codes, names, left_out = _large_classes(parsed, y_name, selection.min_class_size)
    rows = _sample(rows, codes, len(names), selection)
    labels = codes[rows]
    examples = in_one_form(_taken(X, rows), x_name)
    ids = np.arange(n) if source.ids is None else np.asarray(source.ids)
    sampled = "" if selection.limit is None or len(rows) < selection.limit else f"-{selection.limit}"
    return LabeledDataset(
        name=source.name + sampled,
        X=examples,
        labels=labels,
        class_names=names,
        ids=ids[rows],
        rows=rows,
        fingerprint=fingerprint(examples, labels, names),
        notes=(*source.notes, *parsed.notes, *left_out),
        unlabelled=_unlabelled(X, x_name, parsed, ids, selection),
        feature_names=source.feature_names,
        part=None if part is None else part[rows],
    )


def _parts(part: npt.NDArray[Any], n: int) -> npt.NDArray[np.str_]:
    """The name of the part that each row (n,) is in."""
    from pandas import isna  # noqa: PLC0415  slow to import

    if part.shape != (n,):
        raise DataError(f"split has shape {part.shape}, expected ({n},), the part of each row; mend it")
    missing = np.flatnonzero(isna(part))
    if len(missing):
        raise DataError(
            f"split is missing in {len(missing):,} of {n:,} rows, first in row {missing[0]}, expected a part "
            "for every row, such as train or test; fill it in"
        )
    return part.astype(np.str_)


def _unlabelled(
    X: Any,
    name: str,
    parsed: label_forms.ParsedLabels,
    ids: npt.NDArray[Any],
    selection: Selection,
) -> Unlabelled | None:
    """The first rows without a label, no more than the limit."""
    rows = np.flatnonzero(parsed.codes == label_forms.MISSING)[: selection.limit]
    if not len(rows):
        return None
    return Unlabelled(in_one_form(_taken(X, rows), name), ids[rows])


def _large_classes(
    parsed: label_forms.ParsedLabels, name: str, least: int
) -> tuple[Rows, Labels, tuple[str, ...], tuple[str, ...]]:
    """The labelled rows of classes that are large enough, all codes counted anew, the names, and notes."""
    counts = np.bincount(parsed.codes[parsed.codes != label_forms.MISSING], minlength=len(parsed.class_names))
    large = np.flatnonzero(counts >= least)
    if len(large) < 2:
        raise DataError(
            f"{name} has classes of {least} examples or more: {len(large)}, expected two or more; "
            "lower --min-class-size or add examples"
        )
    number = np.full(len(counts) + 1, label_forms.MISSING)  # the last entry is for MISSING itself
    number[large] = np.arange(len(large))
    codes = number[parsed.codes]
    lone = np.flatnonzero(counts == 1)
    if len(lone) and least == 1:
        raise DataError(
            f"{name} has classes with one example: {len(lone)}, such as {parsed.class_names[lone[0]]!r}; "
            "expected two or more of each, so that one is judged by others; use --min-class-size 2, "
            "which leaves such classes out, or add examples"
        )
    small = [f"{parsed.class_names[i]!r} ({counts[i]})" for i in np.flatnonzero(counts < least)]
    notes: tuple[str, ...] = ()
    if small:
        listed = wording.some(small)
        notes = (f"classes of fewer than {least} examples, left out: {len(small)}, {listed}",)
    return np.flatnonzero(codes >= 0), codes, tuple(parsed.class_names[i] for i in large), notes


def _sample(rows: Rows, codes: Labels, k: int, selection: Selection) -> Rows:
    """So many of the rows that every class keeps its share; all when there are no more than the limit."""
    if selection.limit is None or selection.limit >= len(rows):
        return rows
    rng = np.random.default_rng(selection.seed)
    quotas = _largest_remainder(np.bincount(codes[rows], minlength=k), selection.limit)
    drawn = [
        rng.choice(rows[codes[rows] == label], quota, replace=False) for label, quota in enumerate(quotas)
    ]
    return np.sort(np.concatenate(drawn))


def _largest_remainder(counts: Rows, size: int) -> Rows:
    """Whole numbers in proportion to counts that add up to size, none above its count."""
    shares = counts * (size / counts.sum())
    quotas: Rows = np.floor(shares).astype(np.int64)
    short = size - int(quotas.sum())
    quotas[np.argsort(quotas - shares, kind="stable")[:short]] += 1
    return quotas


def _taken(X: Any, rows: Rows) -> npt.NDArray[Any]:
    """The rows as an array; the array itself, not a copy, when it is one and all are taken."""
    if isinstance(X, np.ndarray) and len(rows) == len(X):
        return X
    whole = isinstance(X, np.memmap) and isinstance(X.base, mmap) and X.mode == "r"  # a view has another base
    if whole and X.flags.c_contiguous:
        return _read(X, rows)
    return np.asarray(X[rows])


def _read(X: np.memmap[Any, Any], rows: Rows) -> npt.NDArray[Any]:
    """Rows of a file, which is mapped anew now and then: what was read stays in memory as long as the map."""
    taken = np.empty((len(rows), *X.shape[1:]), dtype=X.dtype)
    for start in range(0, len(rows), MAPPED_ROWS):
        mapped: Any = np.memmap(str(X.filename), X.dtype, "r", X.offset, X.shape)
        taken[start : start + MAPPED_ROWS] = read_rows(mapped, rows[start : start + MAPPED_ROWS])
    return taken
