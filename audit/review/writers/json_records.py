"""Write corrected records as JSON: only the labels change, and dropped records are left out."""

import json
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from audit.datasets.source import LabelPlace
from audit.datasets.sources.json_records import skip_spaces
from audit.review.writers.change import Change
from audit.review.writers.tables import Edit, edited, rewrite

BYTE_ORDER_MARK = "\ufeff"


class Span(NamedTuple):
    """Where something begins and ends in a text."""

    start: int
    end: int


def write_json(place: LabelPlace, change: Change, folder: Path) -> None:
    """Write JSON that equals the source byte for byte, except for the labels that change.

    Raises
    ------
    ReviewError
        When the labels cannot be told apart safely.
    """
    (path,) = place.paths

    def correct(text: str) -> str:
        bare = text.removeprefix(BYTE_ORDER_MARK)
        mark = text[: len(text) - len(bare)]
        return mark + _corrected(bare, place, change)

    rewrite(path, folder, correct, label=f"field {place.name!r}", anew="to_json")


def _corrected(text: str, place: LabelPlace, change: Change) -> str:
    """The corrected records; LookupError when they do not read back as expected."""
    records = _records(text)
    labels = [_label(text, record, place.name) for record in records]
    rows = list(range(len(records))) if place.kept is None else list(place.kept)
    if len(rows) != len(change.codes):
        raise LookupError
    dropped = {rows[i] for i in np.flatnonzero(change.dropped).tolist()}
    expected = [_part(text, label) for label in labels]
    edits = []
    for i in np.flatnonzero(change.relabelled & ~change.dropped).tolist():
        row = rows[i]
        label = labels[row]
        expected[row] = _part(text, labels[rows[change.donors[i]]])
        if label is None or expected[row] is None:
            raise LookupError
        edits.append(Edit(*label, str(expected[row])))
    corrected = edited(text, [*edits, *_without(text, records, dropped)])
    kept = [label for row, label in enumerate(expected) if row not in dropped]
    if [_part(corrected, _label(corrected, each, place.name)) for each in _records(corrected)] != kept:
        raise LookupError
    return corrected


def _part(text: str, span: Span | None) -> str | None:
    """What stands there."""
    return None if span is None else text[span.start : span.end]


def _records(text: str) -> list[Span]:
    """Where the records of a text are, which has them one after the other or in a list."""
    decoder = json.JSONDecoder()
    at = skip_spaces(text, 0)
    if text.startswith("[", at):
        at = skip_spaces(text, at + 1)
    records = []
    while text.startswith("{", at):
        _, end = decoder.raw_decode(text, at)
        records.append(Span(at, end))
        at = skip_spaces(text, end)
        if text.startswith(",", at):
            at = skip_spaces(text, at + 1)
    return records


def _without(text: str, records: list[Span], dropped: set[int]) -> list[Edit]:
    """What to take out so that these records are gone, with what separates them from the next."""
    edits = []
    last = len(records)  # of those that are dropped up to the end, the first
    while last and last - 1 in dropped:
        last -= 1
    for row, (record, following) in enumerate(pairwise(records[: last + 1])):
        if row in dropped:
            edits.append(Edit(record.start, following.start, ""))
    if last < len(records):
        start = records[last].start
        if last and text[skip_spaces(text, 0)] == "[":
            start = records[last - 1].end
        edits.append(Edit(start, records[-1].end, ""))
    return edits


def _label(text: str, record: Span, name: str) -> Span | None:
    """Where the field of this name is in a record, or that of an object in it; None where it has none."""
    fields = _fields(text, record)
    if name in fields:
        return fields[name]
    for outer, span in fields.items():
        if name.startswith(f"{outer}.") and text[span.start] == "{":
            inner = _fields(text, span).get(name.removeprefix(f"{outer}."))
            if inner is not None:
                return inner
    return None


def _fields(text: str, record: Span) -> dict[str, Span]:
    """Where the value of each field of an object is."""
    decoder = json.JSONDecoder()
    fields = {}
    at = skip_spaces(text, record.start + 1)
    while text[at] != "}":
        name, colon = decoder.raw_decode(text, at)
        start = skip_spaces(text, skip_spaces(text, colon) + 1)
        _, end = decoder.raw_decode(text, start)
        fields[name] = Span(start, end)
        at = skip_spaces(text, end)
        if text[at] == ",":
            at = skip_spaces(text, at + 1)
    return fields
