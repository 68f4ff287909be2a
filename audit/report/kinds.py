"""The kinds of suspects in the report: on each card, their counts, and how reliable they are."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audit.runs.folder import RunRecord
from audit.types import KINDS
from audit.wording import whole_percent

ACTIONS = {
    "mislabelled": "change",
    "ambiguous": "set aside",
    "atypical": "keep",
    "low quality": "inspect",
    "duplicate": "decide both",
    "off-topic": "drop",
    "none": "keep",
}


@dataclass(frozen=True)
class Kind:
    """The kind of a suspect, its probability, the reason, and the proposed action."""

    number: int  # in KINDS
    percent: int  # its probability; 100 only for exactly 1
    reason: str

    @property
    def name(self) -> str:
        """The kind in a word."""
        return KINDS[self.number]

    @property
    def action(self) -> str:
        """What a reviewer would usually do."""
        return ACTIONS[self.name]


@dataclass(frozen=True)
class Proof:
    """How well the kinds of synthetic rows with known defects are recognised."""

    names: tuple[str, ...]
    shares: tuple[
        tuple[str, int, tuple[int, ...], float], ...
    ]  # true kind, rows, per cent of each predicted kind, F1
    macro_f1: float


def isolated(sentence: str, names: Sequence[str]) -> str:
    """The sentence with names that are written from right to left kept from turning what is around them."""
    for name in sorted(filter(_is_right_to_left, names), key=len, reverse=True):
        sentence = sentence.replace(name, f"\u2068{name}\u2069")
    return sentence


def _is_right_to_left(name: str) -> bool:
    return any(unicodedata.bidirectional(character) in ("R", "AL") for character in name)


def kind_of_rows(record: RunRecord) -> dict[int, Kind]:
    """The kind of each row that has one; none in a blind review, where it would give the controls away."""
    kinds = record.kinds
    if kinds is None or len(record.controls.rows):
        return {}
    probability = kinds.probability[np.arange(len(kinds.rows)), kinds.kind].tolist()
    percents = [whole_percent(p) for p in probability]
    reasons = [isolated(reason, record.class_names) for reason in kinds.reason.tolist()]
    columns = (kinds.rows.tolist(), kinds.kind.tolist(), percents, reasons)
    return {row: Kind(*values) for row, *values in zip(*columns, strict=True)}


def counts(kinds: list[Kind | None]) -> tuple[tuple[int, str, str, int], ...]:
    """Number, name, proposed action and count of the kinds that some of these cards have."""
    found = np.bincount([kind.number for kind in kinds if kind], minlength=len(KINDS)).tolist()
    return tuple((i, name, ACTIONS[name], found[i]) for i, name in enumerate(KINDS) if found[i])


def proof(record: RunRecord) -> Proof | None:
    """How reliable the kinds are, measured on synthetic rows; None where there are none."""
    figures = record.scores.kinds
    if figures is None:
        return None
    named = np.array(figures.confusion, dtype=float)
    synthetic = named.sum(axis=1)
    percents = np.round(100 * named / np.maximum(synthetic, 1)[:, None]).astype(int).tolist()
    lines = zip(figures.names, synthetic.astype(int).tolist(), map(tuple, percents), strict=True)
    shares = tuple((name, count, line, figures.f1[name]) for name, count, line in lines)
    return Proof(figures.names, shares, figures.macro_f1)
