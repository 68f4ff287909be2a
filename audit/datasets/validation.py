"""Turn what a loader read into a LabeledDataset, or say in one line why it cannot be audited.

Rows are chosen by their labels before any example is read, so that a small sample of a large file is cheap.
"""

from dataclasses import dataclass
from mmap import mmap
from typing import Any

import numpy as np
import numpy.typing as npt

from audit import wording
from audit.datasets.examples import fingerprint, in_one_form, refuse_form, row_hashes
from audit.datasets.given_rows import given_hashes
from audit.datasets.labels import NO_LABEL, ParsedLabels
from audit.datasets.lazy_rows import read_rows
from audit.datasets.row_columns import order_note, row_groups, row_parts, row_ranks, votes_on
from audit.datasets.source import Source
from audit.errors import DataError
from audit.types import (
    AsGiven,
    Examples,
    LabeledDataset,
    Labels,
    Rows,
    Unlabelled,
    largest_remainder,
    taken,
)

MAPPED_ROWS = 1024  # that are read from one mapping of a file
LEAST_ROWS = 2  # of a class in a sample: a model that judges one of them learns the class from the other


@dataclass(frozen=True)
class Selection:
    """Which rows of a source are audited."""

    limit: int | None = None  # at most this many rows, every class keeping its share
    seed: int = 0  # of that sample
    min_class_size: int = 1  # smaller classes are left out


@dataclass(frozen=True, eq=False)
class ChosenRows:
    """The rows of a source that are audited, chosen by their labels before any example is read."""

    selection: Selection
    parsed: ParsedLabels
    rows: Rows  # (m,) in the source
    labels: Labels  # (m,)
    class_names: tuple[str, ...]
    notes: tuple[str, ...]
    limited: bool  # whether the limit is reached

    def name(self, source: Source) -> str:
        """The name of the data set: the source's, with the limit where that is reached."""
        if not self.limited:
            return source.name
        return f"{source.name}-{self.selection.limit}"


def choose_rows(source: Source, selection: Selection) -> ChosenRows:
    """Choose the rows that are audited, from labels alone; DataError when these cannot be audited."""
    x_name, y_name = source.names
    if source.X is not None:
        refuse_form(source.X, x_name)
    parsed = source.parsed_labels()
    source.refuse_other_length(len(parsed.codes))
    codes, class_names, notes = _large_classes(parsed, y_name, selection.min_class_size)
    kept = np.flatnonzero(codes != NO_LABEL)
    rows = _sample(kept, codes, len(class_names), selection)
    limited = selection.limit is not None and len(rows) >= selection.limit
    codes, class_names, more_notes = _sampled_classes(codes, rows, class_names, selection, y_name)
    rows = rows[codes[rows] != NO_LABEL]
    return ChosenRows(selection, parsed, rows, codes[rows], class_names, (*notes, *more_notes), limited)


def read_chosen(source: Source, chosen: ChosenRows) -> LabeledDataset:
    """Read and check the examples of the chosen rows; DataError when these cannot be audited."""
    n = len(chosen.parsed.codes)
    part = None
    if source.part is not None:
        part = row_parts(source.part, n)[chosen.rows]
    groups = None
    if source.groups is not None:
        groups = row_groups(source.groups, n)[chosen.rows]
    order = None
    notes = [*source.notes, *chosen.parsed.notes, *chosen.notes]
    if source.order is not None:
        order = row_ranks(source.order, n)[chosen.rows]
        notes += filter(None, [order_note(source.order)])
    votes = None
    if source.votes is not None:
        votes, vote_notes = votes_on(source.votes, chosen.rows, n, chosen.class_names)
        notes += vote_notes
    examples = in_one_form(_take(source, chosen.rows), source.names[0])
    given = None if source.as_given is None else source.as_given[chosen.rows]
    ids = source.row_ids(n)[chosen.rows]
    _refuse_no_names(source, ids)
    return LabeledDataset(
        name=chosen.name(source),
        X=examples,
        labels=chosen.labels,
        class_names=chosen.class_names,
        ids=ids,
        rows=chosen.rows,
        fingerprint=fingerprint(_content(examples, given), chosen.labels, chosen.class_names),
        notes=tuple(notes),
        unlabelled=_unlabelled(source, chosen.parsed, chosen.selection),
        feature_names=source.feature_names,
        part=part,
        as_given=given,
        groups=groups,
        order=order,
        votes=votes,
        pictures=None if source.pictures is None else source.pictures[chosen.rows],
        features=taken(source.features, chosen.rows),
    )


def _refuse_no_names(source: Source, ids: npt.NDArray[Any]) -> None:
    """Refuse names of columns and rows that no file can hold."""
    texts = ids.tolist() if ids.dtype.kind == "U" else ()
    for what, names in (("column", source.feature_names), ("id", texts)):
        found = wording.unwritable(names)
        if found is not None:
            raise DataError(f"{source.names[0]} has the {what} '{found}', which is not UTF-8 text; rename it")


def hashes_of(examples: Examples, given: AsGiven | None) -> npt.NDArray[np.uint64]:
    """The hash of each example (n,): of its numbers, or where it has none, of what it is as it came."""
    if given is None or examples.shape[1]:
        return row_hashes(examples)
    return given_hashes(given)


def refuse_without_numbers(dataset: LabeledDataset) -> None:
    """Raise DataError for texts, which models of numbers cannot read, and records, which none can."""
    if dataset.has_numbers or dataset.as_given is None:
        return
    if dataset.are_texts:
        raise DataError(
            f"{dataset.name} has texts, expected numbers or categories; leave --model out, which then is text"
        )
    raise DataError(
        f"{dataset.name} has no texts, numbers or categories beside its labels, which the built-in models "
        "could read; give --pred-probs, or a model of your own with --model package.module:build"
    )


def _content(examples: Examples, given: AsGiven | None) -> Examples:
    """What a fingerprint is taken of: the numbers, or where there are none, the hashes of the examples."""
    if given is None or examples.shape[1]:
        return examples
    return given_hashes(given)


def validate(source: Source, selection: Selection = Selection()) -> LabeledDataset:
    """Check examples and labels and give them the one form that the rest of the package reads.

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
    return read_chosen(source, choose_rows(source, selection))


def _unlabelled(source: Source, parsed: ParsedLabels, selection: Selection) -> Unlabelled | None:
    """The first rows without a label, no more than the limit; None when all have one."""
    rows = np.flatnonzero(parsed.codes == NO_LABEL)[: selection.limit]
    if not len(rows):
        return None
    examples = in_one_form(_take(source, rows), source.names[0])
    given = None if source.as_given is None else source.as_given[rows]
    return Unlabelled(
        examples,
        source.row_ids(len(parsed.codes))[rows],
        given,
        pictures=None if source.pictures is None else source.pictures[rows],
        features=taken(source.features, rows),
    )


def _large_classes(
    parsed: ParsedLabels, name: str, least: int
) -> tuple[Labels, tuple[str, ...], tuple[str, ...]]:
    """The class codes (n,) among classes that are large enough, else NO_LABEL; their names; and notes."""
    labelled = parsed.codes[parsed.codes != NO_LABEL]
    counts = np.bincount(labelled, minlength=len(parsed.class_names))
    large = np.flatnonzero(counts >= least)
    if len(large) < 2:
        raise DataError(
            f"{name} needs at least two classes of {least} examples or more, found {len(large)}; "
            "lower --min-class-size, or add examples"
        )
    single = np.flatnonzero(counts == 1)
    if len(single) and least == 1:
        raise DataError(
            f"{name} has only one example in {len(single):,} of {len(counts):,} classes, such as "
            f"{parsed.class_names[single[0]]!r}; expected two or more in each, because the models that judge "
            "an example learn its class from others; leave such classes out with --min-class-size 2, or add "
            "examples"
        )
    new_code = np.full(len(counts) + 1, NO_LABEL)  # the last entry is for NO_LABEL itself, which is -1
    new_code[large] = np.arange(len(large))
    small = [f"{parsed.class_names[i]!r} ({counts[i]})" for i in np.flatnonzero(counts < least)]
    notes: tuple[str, ...] = ()
    if small:
        notes = (f"classes of fewer than {least} examples, left out: {len(small)}, {wording.some(small)}",)
    return new_code[parsed.codes], tuple(parsed.class_names[i] for i in large), notes


def _sample(rows: Rows, codes: Labels, k: int, selection: Selection) -> Rows:
    """Draw rows up to the limit, every class keeping its share; all rows when they are no more than it.

    Of a rare class LEAST_ROWS are drawn nevertheless, as long as the limit allows that for all.
    """
    if selection.limit is None or selection.limit >= len(rows):
        return rows
    rng = np.random.default_rng(selection.seed)
    counts = np.bincount(codes[rows], minlength=k)
    quotas = largest_remainder(counts * (selection.limit / counts.sum()), selection.limit)
    least = np.minimum(counts, LEAST_ROWS)
    if least.sum() <= selection.limit:
        while (short := np.flatnonzero(quotas < least)).size:
            quotas[short[0]] += 1
            quotas[(quotas - least).argmax()] -= 1
    drawn = [
        rng.choice(rows[codes[rows] == label], quota, replace=False) for label, quota in enumerate(quotas)
    ]
    return np.sort(np.concatenate(drawn))


def _sampled_classes(
    codes: Labels, rows: Rows, class_names: tuple[str, ...], selection: Selection, name: str
) -> tuple[Labels, tuple[str, ...], tuple[str, ...]]:
    """The class codes (n,) without the classes of which a sample has too few rows; their names; and notes."""
    k = len(class_names)
    counts = np.bincount(codes[rows], minlength=k)
    few = (counts < LEAST_ROWS) & (selection.limit is not None)
    if not few.any():
        return codes, class_names, ()
    large = np.flatnonzero(~few)
    if len(large) < 2:
        raise DataError(
            f"--limit {selection.limit} leaves {LEAST_ROWS} examples in {len(large)} of the {k:,} classes of "
            f"{name}, expected them in two or more; raise it to {LEAST_ROWS * k:,}"
        )
    new_code = np.full(k + 1, NO_LABEL)  # the last entry is for NO_LABEL itself, which is -1
    new_code[large] = np.arange(len(large))
    small = [f"{class_names[i]!r} ({counts[i]})" for i in np.flatnonzero(few)]
    note = (
        f"classes of which --limit {selection.limit} leaves fewer than {LEAST_ROWS} examples, left out: "
        f"{len(small)}, {wording.some(small)}"
    )
    return new_code[codes], tuple(class_names[i] for i in large), (note,)


def _take(source: Source, rows: Rows) -> npt.NDArray[Any]:
    """Read these rows of the examples; an array of which all rows are taken is not copied."""
    X = source.X
    if X is None:
        return np.empty((len(rows), 0))
    if isinstance(X, np.ndarray) and len(rows) == len(X):
        return X
    if isinstance(X, np.memmap) and _maps_a_file(X):
        return _read_mapped(X, rows)
    return np.asarray(X[rows])


def _maps_a_file(X: np.memmap[Any, Any]) -> bool:
    """Whether the array is the file itself, read-only, and not a view of a part of it."""
    return isinstance(X.base, mmap) and X.mode == "r" and X.flags.c_contiguous


def _read_mapped(X: np.memmap[Any, Any], rows: Rows) -> npt.NDArray[Any]:
    """Read rows of a mapped file through several maps: what was read stays in memory as long as its map."""
    taken = np.empty((len(rows), *X.shape[1:]), dtype=X.dtype)
    for start in range(0, len(rows), MAPPED_ROWS):
        mapped: Any = np.memmap(str(X.filename), X.dtype, "r", X.offset, X.shape)
        taken[start : start + MAPPED_ROWS] = read_rows(mapped, rows[start : start + MAPPED_ROWS])
    return taken
