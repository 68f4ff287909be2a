"""The first screen of a report: how many labels look wrong, how sure that is, the worst, and the proof."""

from dataclasses import dataclass

import numpy as np

from audit.detectors.scores import ExpectedErrors, Scores
from audit.report.cards import Card, Grid
from audit.runs.folder import RunRecord
from audit.types import KINDS
from audit.wording import count, doubted, interval, percent

MOST_WORST = 8
PLAIN = 0.5  # chance from which a label looks plainly wrong
OPEN = 0.75  # share of all suspects from which an interval says next to nothing
FIRST_LOOK = 20  # suspects after whose review more is known


@dataclass(frozen=True)
class FirstScreen:
    """What a reader learns first; of a blind review only how much there is to review, and the proof."""

    headline: str
    plain: int  # suspects that look plainly wrong
    plain_cards: int  # of these, the ones that have a card
    doubtful: int  # all other suspects
    expected: ExpectedErrors | None  # wrong labels among all suspects
    certainty: str  # how sure that is, where it is not sure at all; else empty
    worst: tuple[Card, ...]
    proof: str


def first_screen(record: RunRecord, suspects: Grid) -> FirstScreen:
    """Gather the first screen of a run whose suspects have these cards."""
    proof = _proof(record.scores)
    if len(record.controls.rows):
        headline = f"{count(len(suspects.cards), 'label')} to review blind."
        return FirstScreen(headline, 0, 0, 0, None, "", (), proof)
    plain = plainly_wrong(record)
    doubtful = suspects.total - len(plain)
    expected = record.scores.suspects.expected
    in_order = sorted(suspects.cards, key=lambda card: card.row not in plain)
    return FirstScreen(
        headline=doubted(len(plain), doubtful, len(record.ids)),
        plain=len(plain),
        plain_cards=sum(card.row in plain for card in suspects.cards),
        doubtful=doubtful,
        expected=expected[-1] if expected else None,
        certainty=_certainty(record.scores),
        worst=tuple(in_order[:MOST_WORST]),
        proof=proof,
    )


def plainly_wrong(record: RunRecord) -> frozenset[int]:
    """Find the suspects that are sooner wrong than right, and of no other kind than mislabelled."""
    rows = record.suspects.ranking
    plain = record.suspects.p_error[rows] >= PLAIN
    if record.kinds is not None:
        plain &= np.isin(rows, record.kinds.rows[record.kinds.kind == KINDS.index("mislabelled")])
    return frozenset(rows[plain].tolist())


def in_words(record: RunRecord) -> tuple[str, ...]:
    """Say what the audit found in sentences: how many labels look wrong, how sure that is, and the proof.

    Of a blind review only the proof is told.
    """
    if len(record.controls.rows):
        return (_proof(record.scores),)
    total = len(record.suspects.ranking)
    plain = len(plainly_wrong(record))
    expected = record.scores.suspects.expected
    said = [doubted(plain, total - plain, len(record.ids), f"labels of {record.data['name']}")]
    if expected:
        errors = expected[-1].errors
        said.append(
            f"About {errors.value or 0:,.0f} of these {total:,} are expected to be wrong "
            f"({errors.low:,.0f} to {errors.high:,.0f})."
        )
    return (*said, *filter(None, [_certainty(record.scores)]), _proof(record.scores))


def _certainty(scores: Scores) -> str:
    """Why the number of errors is open, where its interval is next to all that is possible."""
    expected = scores.suspects.expected
    if not expected or expected[-1].errors.high - expected[-1].errors.low < OPEN * expected[-1].first:
        return ""
    first = min(FIRST_LOOK, expected[-1].first)
    return f"How many really are is not known before somebody looks: review {first}, and the report will say."


def _proof(scores: Scores) -> str:
    """How well changed labels were found, with the precision that sets likely errors of the data apart."""
    detection = scores.detection
    if detection is None:
        return (
            "Not checked: no label was changed on purpose, so nobody knows how good this list is. "
            "Run it with --noise 0.1 to measure it."
        )
    recall = detection.score.recall
    found = (
        f"Checked: of {detection.score.changed:,} labels changed on purpose {percent(recall.value)} % "
        f"({interval(recall)}) were found"
    )
    precision = scores.likely_apart.precision if scores.likely_apart else detection.score.precision
    if precision.value is None:
        return f"{found}."
    apart = " (real suspects set apart)" if scores.suspects.likely else ""
    return f"{found}; {percent(precision.value)} % of what was flagged had been changed{apart}."
