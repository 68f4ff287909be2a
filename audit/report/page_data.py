"""The data of the page's script: the run, its classes and the cards, in a form that JSON can hold."""

from typing import Any

from audit.report.sections import Report
from audit.runs.folder import RunRecord


def review_data(record: RunRecord, report: Report) -> dict[str, Any]:
    """Gather the run's key, its classes and the cards, column by column in the order of the page.

    spread has the ends of the 95 % interval of the expected errors, as multiples of the expected number.
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
        "spread": _spread(record),
        "cards": {
            "row": [card.row for card in cards],
            "id": [card.id for card in cards],
            "given": [number[card.given] for card in cards],
            "suggested": [number[card.suggested] for card in cards],
            "p_error": [round(card.p_error, 4) for card in cards],
            "likely": [card.likely for card in cards],
            "kind": [-1 if card.kind is None else card.kind.number for card in cards],
        },
    }


def _spread(record: RunRecord) -> tuple[float, float]:
    expected = record.scores.suspects.expected
    if not expected:
        return 1.0, 1.0
    of_all = expected[-1].errors
    if not of_all.value:
        return 1.0, 1.0
    return round(of_all.low / of_all.value, 4), round(of_all.high / of_all.value, 4)
