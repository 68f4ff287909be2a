"""Raw labels, in every form that people keep them in, become class codes with class names."""

import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from audit import wording
from audit.datasets.labels.foreign import shown
from audit.datasets.labels.no_label import without_label_note
from audit.datasets.labels.raw import (
    EXPECTED,
    NO_LABEL,
    DistinctLabels,
    RawLabels,
    distinct_labels,
    open_labels,
)
from audit.errors import DataError
from audit.types import Labels

FEW_ROWS = 20  # of fewer, many different integers do not show that they are measurements
MOST_LETTERS = 1000  # of a class name
MOST_PAIRS = 3  # of similar class names in a note
MOST_COMPARED = 20_000  # class names


@dataclass(frozen=True, eq=False)
class ParsedLabels:
    """Class codes with the names of the classes."""

    codes: Labels  # (n,) 0..k-1, NO_LABEL where there is no label
    class_names: tuple[str, ...]  # (k,) in sorted order
    notes: tuple[str, ...] = ()
    values: tuple[Any, ...] = ()  # (k,) the label of each class as y holds it; of one-hot rows the column


def parse(y: Any, name: str, class_names: Any = None, missing: Collection[str] = ()) -> ParsedLabels:
    """Turn raw labels y, in whatever form, into class codes.

    Parameters
    ----------
    y
        (n,) integers, strings, booleans, whole floats or categories, in a list, an array or a column of a
        frame; or one-hot rows (n, k). None, NaN, blank strings and rows of zeros are missing labels.
    name
        What y is called in messages.
    class_names
        The names of the labels 0..k-1, when y holds such numbers.
    missing
        Labels that mean "no label", such as NA and -1, as they are written or as their classes are called.

    Raises
    ------
    DataError
        When y does not hold one class for each row, or fewer than two classes.
    """
    raw = open_labels(y, name)
    found = distinct_labels(raw.array, name, missing)
    if class_names is None:
        class_names = raw.names
    if class_names is None:
        if raw.array.ndim == 1 and not raw.are_classes:
            _refuse_identifiers(found, name)
        texts = _texts(found, name)
    else:
        texts = _given_names(found, name, [str(each) for each in class_names])
        found, texts = _without(found, texts, missing)
    key_of = dict(zip(texts, _sort_keys(raw, found, texts), strict=True))
    classes = tuple(sorted(key_of, key=key_of.__getitem__))
    code_of = {text: code for code, text in enumerate(classes)}
    table = np.array([*(code_of[text] for text in texts), NO_LABEL], dtype=np.int64)
    codes = table[found.position]  # the last entry is for NO_LABEL itself, which is -1
    if len(classes) < 2:
        only = f"only {shown(classes[0])}" if classes else f"none in {len(codes):,} rows"
        raise DataError(f"{name} needs at least two classes, found {only}")
    _refuse_no_names(classes, name)
    values = found.values
    if raw.names is not None:
        values = texts
    value_of = dict(zip(texts, values, strict=True))
    notes = (
        _missing_note(codes),
        without_label_note(_rows_of_classes(codes, classes), len(codes)),
        _similar_names_note(classes),
    )
    return ParsedLabels(
        codes,
        classes,
        tuple(note for note in notes if note),
        tuple(value_of[text] for text in classes),
    )


def _refuse_no_names(classes: Sequence[str], name: str) -> None:
    """Refuse classes that no file can hold, or that are whole texts."""
    found = wording.unwritable(classes)
    if found is not None:
        raise DataError(f"{name} has the class '{found}', which is not UTF-8 text; rename it")
    longest = max(classes, key=len)
    if len(longest) > MOST_LETTERS:
        raise DataError(
            f"{name} has a class of {len(longest):,} letters ({shown(longest)}), expected names of "
            f"{MOST_LETTERS:,} or fewer; give its classes shorter names"
        )


def _without(
    found: DistinctLabels, texts: list[str], missing: Collection[str]
) -> tuple[DistinctLabels, list[str]]:
    """The labels, and their names, less those whose name is missing."""
    kept = [i for i, text in enumerate(texts) if text not in missing]
    return found.only(kept), [texts[i] for i in kept]


def _rows_of_classes(codes: Labels, classes: tuple[str, ...]) -> dict[str, int]:
    """The number of rows of each class."""
    counts = np.bincount(codes[codes != NO_LABEL], minlength=len(classes))
    return dict(zip(classes, counts.tolist(), strict=True))


def _sort_keys(raw: RawLabels, found: DistinctLabels, texts: list[str]) -> list[Any]:
    """What each different label is sorted by: its rank, its name or its number."""
    if raw.rank:
        return [raw.rank[value] for value in found.values]
    if found.are_strings:
        return texts
    return found.values


def _texts(found: DistinctLabels, name: str) -> list[str]:
    """The name of each different label."""
    texts = []
    for i, label in enumerate(found.values):
        try:
            texts.append(_text(label))
        except ValueError as error:  # UnicodeError is one
            raise DataError(
                f"{name} holds {shown(label)} in row {found.first_row(i)}, which is not UTF-8 text, "
                f"{EXPECTED}; decode it, or give strings"
            ) from error
    return texts


def _text(label: Any) -> str:
    if isinstance(label, bytes):
        return label.decode()
    if isinstance(label, str):
        return str.__str__(label).encode().decode()  # fails on half of a surrogate pair
    if isinstance(label, bool | np.bool_):
        return str(bool(label))
    return str(int(label))


def _given_names(found: DistinctLabels, name: str, names: list[str]) -> list[str]:
    """The name of each different label, which is a number of the list of names."""
    if len(set(names)) < len(names):
        twice = next(each for each in names if names.count(each) > 1)
        raise DataError(f"two classes of {name} are called {shown(twice)}, rename one of them")
    for i, value in enumerate(found.values):
        if isinstance(value, str | bytes) or not 0 <= value < len(names):
            raise DataError(
                f"{name} holds {shown(value)} in row {found.first_row(i)}, expected integers 0 to "
                f"{len(names) - 1} for {len(names):,} class names; correct the labels or the names"
            )
    return [names[int(value)] for value in found.values]


def _refuse_identifiers(found: DistinctLabels, name: str) -> None:
    """Refuse numbers that differ in most rows, as identifiers and measurements do."""
    n = np.count_nonzero(found.position != NO_LABEL)
    if n >= FEW_ROWS and len(found.values) > n / 2 and not found.are_strings:
        raise DataError(
            f"{name} holds {len(found.values):,} different numbers in {n:,} rows, {EXPECTED}; it looks "
            "like an identifier or a regression target; if these are classes, give them as strings"
        )


def _missing_note(codes: Labels) -> str:
    """How many rows have no label; empty when all have one."""
    missing = codes == NO_LABEL
    count = int(missing.sum())
    n = len(codes)
    first = int(missing.argmax())
    if not count:
        return ""
    if count == 1:
        return (
            f"1 of {n:,} rows has no label (row {first}); it is left out of the audit, "
            "and gets a suggested label at the end"
        )
    return (
        f"{count:,} of {n:,} rows have no label (first row {first}); they are left out of the audit, "
        "and get a suggested label at the end"
    )


def _similar_names_note(classes: tuple[str, ...]) -> str:
    """A warning of class names that may have been meant as one; empty when there are none."""
    similar: dict[str, list[str]] = {}
    for each in classes[:MOST_COMPARED]:
        composed = unicodedata.normalize("NFC", each)
        similar.setdefault(wording.one_line(composed.casefold()), []).append(each)
    pairs = [" and ".join(map(_visible, pair)) for names in similar.values() for pair in pairwise(names)]
    if not pairs:
        return ""
    what = f"classes {', '.join(pairs[:MOST_PAIRS])}"
    if len(pairs) > MOST_PAIRS:
        what += f" and {len(pairs) - MOST_PAIRS:,} pairs more"
    return f"{what} differ only in spaces, case or Unicode form: are they the same?"


def _visible(name: str) -> str:
    """The name quoted; combining signs are escaped, because they look like a letter of their own."""
    if unicodedata.is_normalized("NFC", name):
        return shown(name)
    return ascii(name)
