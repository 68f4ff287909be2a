"""How many errors there are, as far as a reviewer's decisions tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from audit.detectors.error_curve import ErrorCurve, doubt_of
from audit.detectors.scores import ExpectedErrors
from audit.detectors.scoring import Estimate
from audit.errors import ReviewError
from audit.review.decisions import Decisions, check_decisions
from audit.runs.folder import RunRecord
from audit.types import Mask, Rows

NEXT = 50  # suspects that one looks ahead
STOP_BELOW = 5  # errors among them, below which a review may well end
RIGHT = "keep"
WRONG = ("relabel", "drop")  # an ambiguous row has no right label, so that it tells nothing of the curve


@dataclass(frozen=True)
class ReviewEstimate:
    """What decisions on suspects say of the errors among all of them."""

    decided: int  # suspects
    wrong: int  # of them
    expected: tuple[ExpectedErrors, ...]  # in longer and longer parts of the list, all of it last
    left: Estimate  # errors among the suspects that nobody decided on
    next: ExpectedErrors  # among the first of those
    stop_below: float

    @property
    def may_stop(self) -> bool:
        """Whether the next suspects are expected to hold fewer errors than the chosen number."""
        return (self.next.errors.value or 0.0) < self.stop_below

    def to_json(self) -> dict[str, Any]:
        """The figures, as `audit estimate --json` prints them."""
        return {
            "decided": self.decided,
            "wrong": self.wrong,
            "expected": [each.to_json() for each in self.expected],
            "left": self.left.to_json(),
            "next": self.next.to_json(),
            "stop_below": self.stop_below,
            "may_stop": self.may_stop,
        }


def estimate(
    record: RunRecord, decisions: Decisions, name: str, stop_below: float = STOP_BELOW
) -> ReviewEstimate:
    """Update the curve of p_error by decisions on suspects, and estimate with it.

    Decisions on hidden controls and on other rows are left out.

    Raises
    ------
    ReviewError
        When the decisions of this name are about another run, or the run is too old to hold a curve.
    """
    check_decisions(decisions, record, name)
    prior = record.scores.suspects.curve
    if prior is None:
        raise ReviewError(
            f"the run of {name} holds no curve of p_error, expected one; run audit detect again"
        )
    ranking = record.suspects.ranking
    actions = {each.row: each.effective_action for each in decisions.decisions}
    for row in record.controls.rows.tolist():
        actions.pop(row, None)
    doubt = doubt_of(record.suspects.label_quality)
    wrong = _rows_with(actions, ranking, WRONG)
    right = _rows_with(actions, ranking, (RIGHT,))
    told = np.concatenate([wrong, right])
    curve = prior.curve.updated(doubt[told], np.arange(len(told)) < len(wrong))
    is_open = np.array([row not in actions for row in ranking.tolist()], dtype=bool)
    is_wrong = np.isin(ranking, wrong)

    def errors_in(first: Mask) -> Estimate:
        return curve.expected(doubt[ranking[first & is_open]], known=int((first & is_wrong).sum()))

    places = np.arange(len(ranking))
    lengths = [each.first for each in record.scores.suspects.expected]
    return ReviewEstimate(
        decided=int((~is_open).sum()),
        wrong=len(wrong),
        expected=tuple(ExpectedErrors(length, errors_in(places < length)) for length in lengths),
        left=curve.expected(doubt[ranking[is_open]]),
        next=_in_next(curve, doubt[ranking[is_open][:NEXT]]),
        stop_below=stop_below,
    )


def _rows_with(actions: Mapping[int, str], ranking: Rows, wanted: tuple[str, ...]) -> Rows:
    """Return the suspects with one of these actions."""
    rows = [row for row in ranking.tolist() if actions.get(row) in wanted]
    return np.array(rows, dtype=np.int64)


def _in_next(curve: ErrorCurve, doubt: Any) -> ExpectedErrors:
    return ExpectedErrors(len(doubt), curve.expected(doubt))
