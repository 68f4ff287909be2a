"""What becomes of each decided row: decisions and accepted suggestions as one list of corrections."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audit.review.decisions import Decision, Decisions
from audit.runs.folder import RunRecord
from audit.runs.tables import csv_text
from audit.types import Rows

PERSON = "person"
COLUMNS = ("id", "row", "before", "after", "action", "reviewer", "time", "hash", "source", "note")


@dataclass(frozen=True)
class Correction:
    """What becomes of one row, and who decided it."""

    row: int  # in labels.npz
    before: str
    after: str  # equal to `before` for keep and ambiguous, empty for drop
    action: str  # keep, relabel, ambiguous or drop
    reviewer: str
    time: str
    source: str  # PERSON, or the bar above which a suggestion was accepted without review
    note: str


def collect_corrections(
    record: RunRecord, reviewed: Decisions | None, accept_above: float | None
) -> tuple[Correction, ...]:
    """List the decisions in their order, without hidden controls, then the accepted suggestions.

    Parameters
    ----------
    record
        The run.
    reviewed
        A person's decisions, checked against the run.
    accept_above
        Accept the suggestion for every suspect whose p_error is this or more and that no person decided on.
    """
    corrections: list[Correction] = []
    decided_rows: set[int] = set()
    if reviewed is not None:
        controls = set(record.controls.rows.tolist())
        decided_rows = {decision.row for decision in reviewed.decisions}
        corrections += [
            _from_decision(decision, reviewed.reviewer)
            for decision in reviewed.decisions
            if decision.row not in controls
        ]
    if accept_above is not None:
        corrections += _accepted_suggestions(record, accept_above, decided_rows)
    return tuple(corrections)


def _from_decision(decision: Decision, reviewer: str) -> Correction:
    action = decision.effective_action
    if action == "relabel":
        after = decision.label or ""
    elif action == "drop":
        after = ""
    else:
        after = decision.given
    return Correction(
        row=decision.row,
        before=decision.given,
        after=after,
        action=action,
        reviewer=reviewer,
        time=decision.time,
        source=PERSON,
        note=decision.note,
    )


def _accepted_suggestions(record: RunRecord, accept_above: float, decided_rows: set[int]) -> list[Correction]:
    names = record.class_names
    suspects = record.suspects
    above = suspects.ranking[suspects.p_error[suspects.ranking] >= accept_above]
    return [
        Correction(
            row=row,
            before=names[record.labels.original[row]],
            after=names[suspects.suggested[row]],
            action="relabel",
            reviewer="",
            time="",
            source=f"accepted above {accept_above:g}",
            note="",
        )
        for row in above.tolist()
        if row not in decided_rows
    ]


def count_actions(corrections: Sequence[Correction]) -> dict[str, int]:
    """Count the rows kept, relabelled, left ambiguous and dropped, and those relabelled without review."""
    actions = Counter(correction.action for correction in corrections)
    return {
        "kept": actions["keep"],
        "relabelled": actions["relabel"],
        "ambiguous": actions["ambiguous"],
        "dropped": actions["drop"],
        "accepted_without_review": sum(correction.source != PERSON for correction in corrections),
    }


def rows_of(corrections: Sequence[Correction]) -> Rows:
    """Rows of labels.npz (m,), in the order of the corrections."""
    return np.array([correction.row for correction in corrections], dtype=np.int64)


def corrections_csv(record: RunRecord, corrections: Sequence[Correction], source_rows: Rows) -> str:
    """Write corrected.csv: a line for each correction, with its row (m,) in the source."""
    import pandas as pd  # noqa: PLC0415  slow to import

    lines = [
        (
            str(record.ids[correction.row]),
            source_row,
            correction.before,
            correction.after,
            correction.action,
            correction.reviewer,
            correction.time,
            f"{record.hashes[correction.row]:016x}",
            correction.source,
            correction.note,
        )
        for correction, source_row in zip(corrections, source_rows.tolist(), strict=True)
    ]
    return csv_text(pd.DataFrame(lines, columns=list(COLUMNS)))
