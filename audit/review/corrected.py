"""What becomes of which row: decisions and accepted suggestions as one list, counted."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from audit.detectors.scoring import Estimate, wilson
from audit.review.decisions import Decisions
from audit.runs.folder import RunRecord

PERSON = "person"


@dataclass(frozen=True)
class Correction:
    """What becomes of one row, and who says so."""

    row: int  # in labels.npz
    before: str
    after: str  # the same where it is kept or ambiguous; empty where the row is dropped
    action: str  # keep, relabel, ambiguous or drop
    reviewer: str
    time: str
    source: str  # PERSON, or above which p_error a suggestion was accepted without review
    note: str


def corrections(
    record: RunRecord, decisions: Decisions | None, accept_above: float | None
) -> tuple[Correction, ...]:
    """The decisions in their order, without hidden controls, then the suggestions that were accepted.

    Parameters
    ----------
    record
        The run.
    decisions
        What a person decided, checked against the run.
    accept_above
        Accept the suggestion for every suspect whose p_error is this or more and that no person decided on.
    """
    hidden = set(record.controls.rows.tolist())
    entries = decisions.decisions if decisions else ()
    reviewer = decisions.reviewer if decisions else ""
    found = []
    for each in entries:
        if each.row in hidden:
            continue
        action = each.verdict.partition(" ")[0]
        after = {"relabel": each.label or "", "drop": ""}.get(action, each.given)
        found.append(Correction(each.row, each.given, after, action, reviewer, each.time, PERSON, each.note))
    if accept_above is not None:
        decided = {each.row for each in entries}
        found += _accepted(record, accept_above, decided)
    return tuple(found)


def _accepted(record: RunRecord, least: float, decided: set[int]) -> list[Correction]:
    names, suspects = record.class_names, record.suspects
    return [
        Correction(
            row=row,
            before=names[record.labels.original[row]],
            after=names[suspects.suggested[row]],
            action="relabel",
            reviewer="",
            time="",
            source=f"accepted above {least:g}",
            note="",
        )
        for row in suspects.ranking[suspects.p_error[suspects.ranking] >= least].tolist()
        if row not in decided
    ]


@dataclass(frozen=True)
class Reviewer:
    """How a person did on the hidden controls among the decisions; counts, of which rates are derived."""

    injected: int = 0  # changed labels that were decided on
    noticed: int = 0  # of them not kept
    clean: int = 0  # untouched labels that nothing speaks against and that were decided on
    spoilt: int = 0  # of them relabelled or dropped

    @property
    def hit_rate(self) -> Estimate:
        """Share of the changed labels that were not kept, with Wilson's interval."""
        return wilson(self.noticed, self.injected)

    @property
    def false_fix_rate(self) -> Estimate:
        """Share of the clean labels that were relabelled or dropped, with Wilson's interval."""
        return wilson(self.spoilt, self.clean)

    def to_json(self) -> dict[str, Any]:
        """Counts, and rates with their intervals."""
        rates = {"hit_rate": self.hit_rate.to_json(), "false_fix_rate": self.false_fix_rate.to_json()}
        counts = ("injected", "noticed", "clean", "spoilt")
        return {**{name: getattr(self, name) for name in counts}, **rates}


def on_controls(record: RunRecord, decisions: Decisions) -> Reviewer:
    """How the decisions on hidden controls turned out."""
    injected = dict(zip(record.controls.rows.tolist(), record.controls.injected.tolist(), strict=True))
    verdicts = Counter(
        (injected[each.row], each.verdict.partition(" ")[0])
        for each in decisions.decisions
        if each.row in injected
    )
    totals = {kind: sum(n for (of, _), n in verdicts.items() if of is kind) for kind in (True, False)}
    return Reviewer(
        injected=totals[True],
        noticed=totals[True] - verdicts[True, "keep"],
        clean=totals[False],
        spoilt=verdicts[False, "relabel"] + verdicts[False, "drop"],
    )


def counts(found: tuple[Correction, ...]) -> dict[str, int]:
    """How many rows were kept, relabelled, left ambiguous and dropped, and relabelled without review."""
    actions = Counter(each.action for each in found)
    return {
        "kept": actions["keep"],
        "relabelled": actions["relabel"],
        "ambiguous": actions["ambiguous"],
        "dropped": actions["drop"],
        "accepted_without_review": sum(each.source != PERSON for each in found),
    }


def rows_of(found: tuple[Correction, ...]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The rows of labels.npz, in the order of the corrections."""
    return np.array([each.row for each in found], dtype=np.int64)
