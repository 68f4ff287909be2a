"""The data of the page's script: the run, its classes and the cards, in a form that JSON can hold."""

from typing import Any

import numpy as np

from audit.detectors.error_curve import DOUBT, KNOTS, doubt_of, nearest_knots
from audit.report.sections import Report
from audit.runs.folder import RunRecord

SAMPLE = 30  # cards, unless the settings say another number


def review_data(record: RunRecord, report: Report) -> dict[str, Any]:
    """Gather the run's key, its classes and the cards, column by column in the order of the page.

    curve is None in runs of older versions, which hold none. Its `more` has the suspects without a card.
    """
    cards = report.suspects.cards
    number = {name: label for label, name in enumerate(record.class_names)}
    return {
        "run": record.stages["issues"]["key"],
        "fingerprint": record.data["fingerprint"],
        "data": record.data["name"],
        "class_names": record.class_names,
        "blind": report.blind,
        "kinds": {number: f"{name} ({count:,})" for number, name, _, count in report.kinds},
        "curve": _curve(record, len(cards) - report.suspects.controls),
        "sample": _sample(record, [card.row for card in cards]),
        "sample_first": record.config.get("sample", 0) > 0,
        "cards": {
            "row": [card.row for card in cards],
            "id": [card.id for card in cards],
            "given": [number[card.given] for card in cards],
            "suggested": [number[card.suggested] for card in cards],
            "p_error": [round(card.p_error, 4) for card in cards],
            "knot": nearest_knots(doubt_of(np.array([card.label_quality for card in cards]))).tolist(),
            "likely": [card.likely for card in cards],
            "kind": [-1 if card.kind is None else card.kind.number for card in cards],
        },
    }


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
