"""The data of the page's script: the run, its classes and the cards, in a form that JSON can hold."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from audit.detectors.error_curve import DOUBT, KNOTS, doubt_of, nearest_knots
from audit.report.kinds import ACTIONS
from audit.report.sections import Report
from audit.runs.folder import RunRecord
from audit.types import Votes

SAMPLE = 30  # cards, unless the settings say another number
PROPOSALS = {  # what the desk does for the action that a kind proposes
    "change": "accept",
    "set aside": "ambiguous",
    "keep": "keep",
    "drop": "drop",
    "inspect": "inspect",
    "decide both": "both",
}
HIDDEN = ("others", "curve", "sample", "sample_first")  # of the data, in a blind review
HIDDEN_OF_CARDS = ("suggested", "p_error", "knot", "likely", "kind")


def review_data(record: RunRecord, report: Report) -> dict[str, Any]:
    """Gather the run's key, its classes and the cards, column by column in the order of the page.

    curve is None in runs of older versions, which hold none. Its `more` has the suspects without a card.
    """
    cards = report.suspects.cards
    rows = [card.row for card in cards]
    votes = record.votes
    parts, part = _parts(record, rows)
    number = {name: label for label, name in enumerate(record.class_names)}
    return {
        "run": record.stages["issues"]["key"],
        "fingerprint": record.data["fingerprint"],
        "data": record.data["name"],
        "class_names": record.class_names,
        "blind": report.blind,
        "kinds": {
            number: {"name": name, "count": count, "proposes": PROPOSALS[ACTIONS[name]]}
            for number, name, _, count in report.kinds
        },
        "parts": parts,
        "people": [] if votes is None else list(votes.names),
        "others": _others(record, report, number),
        "curve": _curve(record, len(cards) - report.suspects.controls),
        "sample": _sample(record, rows),
        "sample_first": record.config.get("sample", 0) > 0,
        "cards": {
            "row": rows,
            "id": [card.id for card in cards],
            "given": [number[card.given] for card in cards],
            "suggested": [number[card.suggested] for card in cards],
            "p_error": [round(card.p_error, 4) for card in cards],
            "knot": nearest_knots(doubt_of(np.array([card.label_quality for card in cards]))).tolist(),
            "likely": [card.likely for card in cards],
            "kind": [-1 if card.kind is None else card.kind.number for card in cards],
            "fold": [card.fold for card in cards],
            "part": part,
            "people": [[] if votes is None else _voters(votes, row) for row in rows],
        },
    }


def without_hidden(data: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The data of a blind page without what it hides, and what it hides."""
    shown = {name: value for name, value in data.items() if name not in HIDDEN}
    hidden = {name: data[name] for name in HIDDEN}
    cards = data["cards"]
    shown["cards"] = {name: column for name, column in cards.items() if name not in HIDDEN_OF_CARDS}
    hidden["cards"] = {name: cards[name] for name in HIDDEN_OF_CARDS}
    return shown, hidden


def _others(record: RunRecord, report: Report, number: Mapping[str, int]) -> dict[str, list[Any]]:
    """Rows without a card that a reviewer may decide: duplicates with different labels, and false alarms.

    Both are shown with their labels as they came. A label that was changed on purpose is not the data's own.
    """
    twins = [twin for group in report.conflicts for twin in group.shown]
    alarms = [(card.row, card.id, card.given) for card in report.doubtful.cards if card.true is None]
    carded = {card.row for card in report.suspects.cards}
    rows = {row: (name, given) for row, name, given in [*twins, *alarms] if row not in carded}
    return {
        "row": list(rows),
        "id": [name for name, _ in rows.values()],
        "given": [number[given] for _, given in rows.values()],
        "suggested": record.suspects.suggested[list(rows)].tolist() if rows else [],
    }


def _parts(record: RunRecord, rows: list[int]) -> tuple[list[str], list[int]]:
    """The names of the parts of the data, if any, and the number of each row's part."""
    if record.leaks is None:
        return [], [0] * len(rows)
    names, part = np.unique(record.leaks.part, return_inverse=True)
    return names.tolist(), part[rows].tolist()


def _voters(votes: Votes, row: int) -> list[int]:
    """The numbers of those who labelled a row."""
    first, end = np.searchsorted(votes.rows, [row, row + 1])
    return [int(annotator) for annotator in votes.annotators[first:end]]


def _curve(record: RunRecord, shown: int) -> dict[str, Any] | None:
    """Return the grid of the curve of p_error, and how many suspects without a card lie at each knot."""
    prior = record.scores.suspects.curve
    if prior is None:
        return None
    curve = prior.curve
    beyond = doubt_of(record.suspects.label_quality[record.suspects.ranking[shown:]])
    knots, counts = np.unique(nearest_knots(beyond), return_counts=True)
    return {
        "level": curve.level.round(6).tolist(),
        "slope": curve.slope.round(6).tolist(),
        "weight": curve.weight.round(9).tolist(),
        "knots": (KNOTS - DOUBT).round(6).tolist(),
        "more": list(zip(knots.tolist(), counts.tolist(), strict=True)),
    }


def _sample(record: RunRecord, rows: list[int]) -> list[int]:
    """Draw cards at random, one from each of equally long parts of the list; hidden controls are left out."""
    suspects = np.flatnonzero(~np.isin(rows, record.controls.rows))
    size = min(record.config.get("sample", 0) or SAMPLE, len(suspects))
    rng = np.random.default_rng(record.config["seed"])
    drawn = [int(rng.choice(part)) for part in np.array_split(suspects, size)] if size else []
    return [int(card) for card in rng.permutation(drawn)]
