"""How well a reviewer did on the hidden controls."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from audit.detectors.scoring import Estimate, wilson
from audit.review.decisions import Decisions
from audit.runs.folder import RunRecord


@dataclass(frozen=True)
class ReviewerScore:
    """Counts of decisions on hidden controls, from which rates are derived."""

    injected: int  # decisions on labels that were changed on purpose
    noticed: int  # of them, labels that were not kept
    clean: int  # decisions on trusted, unchanged labels
    spoilt: int  # of them, labels that were relabelled or dropped

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
        return {
            **asdict(self),
            "hit_rate": self.hit_rate.to_json(),
            "false_fix_rate": self.false_fix_rate.to_json(),
        }


def score_reviewer(record: RunRecord, reviewed: Decisions) -> ReviewerScore | None:
    """Score the decisions on hidden controls; None when no control was decided on."""
    controls = record.controls
    injected_rows = set(controls.rows[controls.injected].tolist())
    clean_rows = set(controls.rows[~controls.injected].tolist())
    on_injected: Counter[str] = Counter()
    on_clean: Counter[str] = Counter()
    for decision in reviewed.decisions:
        if decision.row in injected_rows:
            on_injected[decision.effective_action] += 1
        elif decision.row in clean_rows:
            on_clean[decision.effective_action] += 1
    if not on_injected and not on_clean:
        return None
    return ReviewerScore(
        injected=on_injected.total(),
        noticed=on_injected.total() - on_injected["keep"],
        clean=on_clean.total(),
        spoilt=on_clean["relabel"] + on_clean["drop"],
    )
