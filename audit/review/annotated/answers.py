"""What a person answered on one suspect in another tool, and the decision that it comes to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from audit.errors import ReviewError
from audit.review.decisions import ACTIONS, Decision, Decisions, shown
from audit.runs.folder import RunRecord
from audit.wording import some

WORDS = tuple(action for action in ACTIONS if action != "relabel")  # classes of a tool that are decisions


@dataclass(frozen=True)
class RunIdentity:
    """The run that was reviewed, as a file of decisions names it."""

    run: str
    fingerprint: str
    data: str
    class_names: tuple[str, ...]

    @classmethod
    def of(cls, record: RunRecord) -> Self:
        """Take the names from the run itself."""
        data = record.data
        return cls(record.stages["issues"]["key"], data["fingerprint"], data["name"], record.class_names)


@dataclass(frozen=True)
class ReviewedRow:
    """The row that was reviewed."""

    row: int  # in labels.npz
    id: str
    given: str
    suggested: str

    @classmethod
    def of(cls, record: RunRecord, row: int) -> Self:
        """Take the labels from the run itself."""
        names = record.class_names
        given = names[record.labels.original[row]]
        return cls(row, str(record.ids[row]), given, names[record.suspects.suggested[row]])


@dataclass(frozen=True)
class Answer:
    """The classes that a person chose for one row."""

    where: str  # in the file, for messages
    reviewed: ReviewedRow
    choices: tuple[str, ...]
    time: str
    note: str = ""

    def decision(self, class_names: Sequence[str]) -> Decision:
        """The decision: a class relabels or keeps, several are ambiguous, and so are words for it.

        Raises
        ------
        ReviewError
            When a choice is neither a class nor a decision.
        """
        for choice in self.choices:
            if choice not in (*class_names, *WORDS):
                raise ReviewError(
                    f"{self.where} has the choice {shown(choice)}, expected a class of the run "
                    f"({shown(some(class_names))}), or keep, ambiguous or drop; correct it there, and export "
                    "it again"
                )
        note = self.note
        action = "ambiguous"
        label = None
        if len(self.choices) > 1:
            note = "; ".join(filter(None, (note, ", ".join(self.choices))))
        elif self.choices[0] not in class_names:
            action = self.choices[0]
        elif self.choices[0] == self.reviewed.given:
            action = "keep"
        else:
            action = "relabel"
            label = self.choices[0]
        return Decision(
            id=self.reviewed.id,
            row=self.reviewed.row,
            given=self.reviewed.given,
            suggested=self.reviewed.suggested,
            action=action,
            label=label,
            note=note,
            time=self.time,
        )


def review(answers: Sequence[Answer], reviewer: str, run: RunIdentity) -> Decisions:
    """Make a person's answers a review; of several on one row the latest counts."""
    latest: dict[int, Answer] = {}
    for answer in sorted(answers, key=lambda each: each.time):
        latest[answer.reviewed.row] = answer
    return Decisions(
        run=run.run,
        fingerprint=run.fingerprint,
        data=run.data,
        reviewer=reviewer,
        exported=max((answer.time for answer in answers), default=""),
        class_names=run.class_names,
        decisions=tuple(answer.decision(run.class_names) for answer in latest.values()),
    )


def number_of_rows(record: RunRecord) -> Mapping[int, int]:
    """The row in labels.npz of each row of the source."""
    return dict(zip(record.rows.tolist(), range(len(record.rows)), strict=True))
