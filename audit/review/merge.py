"""Merge the decisions of several reviewers, and measure how well they agree."""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from audit.detectors.scoring import Estimate, wilson
from audit.errors import ReviewError
from audit.review.annotated import read_reviews
from audit.review.decisions import Decision, Decisions
from audit.runs.folder import RunRecord
from audit.runs.outputs import Output, write_outputs
from audit.runs.tables import csv_text
from audit.wording import count

LEAST_VOTERS = 3  # from which a majority decides
AGREED = "agreed"
MAJORITY = "majority"
OPEN = "open"
IDENTITY = {"fingerprint": "other data", "run": "another run", "class_names": "other classes"}

Vote = tuple[str, Decision]  # a reviewer's decision on a row


@dataclass(frozen=True)
class ReviewerPair:
    """How two reviewers agree on the rows that both decided."""

    reviewers: tuple[str, str]
    rows: int
    agreed: int
    kappa: float | None  # Cohen's (1960), of verdicts; None without a row or where only one verdict occurs

    @property
    def agreement(self) -> Estimate:
        """Share of the rows with the same verdict, with Wilson's interval."""
        return wilson(self.agreed, self.rows)

    def to_json(self) -> dict[str, Any]:
        """The figures of the pair."""
        return {
            "reviewers": list(self.reviewers),
            "rows": self.rows,
            "agreed": self.agreed,
            "agreement": self.agreement.to_json(),
            "kappa": self.kappa,
        }


@dataclass(frozen=True)
class Disagreement:
    """A row on which reviewers differ."""

    id: str
    row: int
    given: str
    verdicts: tuple[tuple[str, str], ...]  # reviewer, verdict
    outcome: str  # MAJORITY or OPEN

    def to_json(self) -> dict[str, Any]:
        """The row with everybody's verdict."""
        return {
            "id": self.id,
            "row": self.row,
            "given": self.given,
            "verdicts": dict(self.verdicts),
            "outcome": self.outcome,
        }


@dataclass(frozen=True)
class Merged:
    """The merged decisions of several reviewers, and where they differ."""

    decisions: Decisions
    pairs: tuple[ReviewerPair, ...]
    disagreements: tuple[Disagreement, ...]
    rows: int  # that at least one reviewer decided

    def to_json(self) -> dict[str, Any]:
        """The same as JSON can hold it, without the decisions."""
        return {
            "schema_version": 1,
            "rows": self.rows,
            "merged": len(self.decisions.decisions),
            "pairs": [pair.to_json() for pair in self.pairs],
            "disagreements": [each.to_json() for each in self.disagreements],
        }

    def disagreements_csv(self) -> str:
        """The disagreements as a table, a column for each reviewer."""
        import pandas as pd  # noqa: PLC0415  slow to import

        reviewers = list(dict.fromkeys(name for pair in self.pairs for name in pair.reviewers))
        lines = []
        for each in self.disagreements:
            verdicts = dict(each.verdicts)
            by_reviewer = [verdicts.get(name, "") for name in reviewers]
            lines.append((each.id, each.row, each.given, *by_reviewer, each.outcome))
        columns = ["id", "row", "given", *reviewers, "outcome"]
        return csv_text(pd.DataFrame(lines, columns=columns))


def merge_files(
    paths: Sequence[Path],
    out: Path,
    record: RunRecord | None = None,
    disagreements: Path | None = None,
    *,
    run: Path | None = None,
    force: bool = False,
) -> Merged:
    """Merge the decisions in these files into a new one.

    Parameters
    ----------
    paths
        decisions.json of several reviewers, or exports of Label Studio or CVAT; one may hold several.
    out
        The new file.
    record
        The run that was reviewed; needed for exports that do not name it.
    disagreements
        Another new file: the table of the rows on which reviewers differ.
    run
        The folder of that run, in which nothing is written.
    force
        Replace files that exist.

    Raises
    ------
    AuditError
        When there are fewer than two, they are of different runs or of one reviewer, or a new file exists
        and holds anything else.
    """
    read = [(review, str(path)) for path in paths for review in read_reviews(path, record)]
    if len(read) < 2:
        raise ReviewError(f"found {len(read)} files of decisions, expected two or more to merge")
    merged = merge([review for review, _ in read], [name for _, name in read])
    outputs = [Output(out, "--out", merged.decisions.to_text().encode())]
    if disagreements is not None:
        outputs.append(Output(disagreements, "--disagreements", merged.disagreements_csv().encode()))
    write_outputs(outputs, [*paths, *([] if run is None else [run])], force=force)
    return merged


def read_as_one(path: Path, record: RunRecord) -> Decisions:
    """Read the decisions in a file as one review; ReviewError where several people decided differently."""
    reviews = read_reviews(path, record)
    if len(reviews) == 1:
        return reviews[0]
    merged = merge(reviews, [str(path)] * len(reviews))
    if merged.disagreements:
        first = merged.disagreements[0]
        verdicts = ", ".join(f"{reviewer}: {verdict}" for reviewer, verdict in first.verdicts)
        raise ReviewError(
            f"{path} has the decisions of {len(reviews)} people, who differ on "
            f"{count(len(merged.disagreements), 'row')}, first {first.id} ({verdicts}), expected one "
            f"decision a row; merge them: audit merge {path} --out merged.json"
        )
    return merged.decisions


def merge(reviews: Sequence[Decisions], names: Sequence[str]) -> Merged:
    """Merge decisions.

    A row is merged when everybody who decided on it decided alike. Where three or more decided, a verdict of
    more than half of them is merged too. All other rows stay out.

    Parameters
    ----------
    reviews
        One file of decisions for each reviewer.
    names
        What the files are called, for messages and for reviewers without a name.

    Raises
    ------
    ReviewError
        When the files are of different runs, of one reviewer, or differ in what they say about a row.
    """
    _refuse_different_runs(reviews, names)
    reviewers = [review.reviewer or Path(name).stem for review, name in zip(reviews, names, strict=True)]
    _refuse_one_reviewer_twice(reviewers, names)
    decisions = []
    disagreements = []
    votes_by_row = _votes_by_row(reviewers, reviews)
    for row, votes in votes_by_row.items():
        _refuse_different_cards(row, votes)
        winners, outcome = _count_votes(votes)
        if winners:
            decisions.append(_join(winners))
        if outcome != AGREED:
            disagreements.append(_disagreement(row, votes, outcome))
    pairs = [
        _compare((reviewers[i], reviewers[j]), reviews[i], reviews[j])
        for i, j in combinations(range(len(reviews)), 2)
    ]
    return Merged(
        decisions=replace(
            reviews[0],
            reviewer=", ".join(reviewers),
            exported=max(review.exported for review in reviews),
            decisions=tuple(decisions),
        ),
        pairs=tuple(pairs),
        disagreements=tuple(disagreements),
        rows=len(votes_by_row),
    )


def _votes_by_row(reviewers: Sequence[str], reviews: Sequence[Decisions]) -> dict[int, list[Vote]]:
    votes: dict[int, list[Vote]] = {}
    for reviewer, review in zip(reviewers, reviews, strict=True):
        for decision in review.decisions:
            votes.setdefault(decision.row, []).append((reviewer, decision))
    return votes


def _count_votes(votes: Sequence[Vote]) -> tuple[list[Decision], str]:
    """The decisions of the verdict that wins, none where no verdict does, and the outcome."""
    verdict, most = Counter(decision.verdict for _, decision in votes).most_common(1)[0]
    winners = [decision for _, decision in votes if decision.verdict == verdict]
    if most == len(votes):
        return winners, AGREED
    if len(votes) >= LEAST_VOTERS and 2 * most > len(votes):
        return winners, MAJORITY
    return [], OPEN


def _join(winners: Sequence[Decision]) -> Decision:
    """One decision for several with the same verdict: the latest time, all notes."""
    notes = dict.fromkeys(decision.note for decision in winners if decision.note)
    return replace(winners[0], note="; ".join(notes), time=max(decision.time for decision in winners))


def _disagreement(row: int, votes: Sequence[Vote], outcome: str) -> Disagreement:
    _, first = votes[0]
    verdicts = tuple((reviewer, decision.verdict) for reviewer, decision in votes)
    return Disagreement(first.id, row, first.given, verdicts, outcome)


def _compare(names: tuple[str, str], first: Decisions, second: Decisions) -> ReviewerPair:
    """Compare two reviewers on the rows that both decided."""
    verdicts = {decision.row: decision.verdict for decision in second.decisions}
    both = [
        (decision.verdict, verdicts[decision.row]) for decision in first.decisions if decision.row in verdicts
    ]
    return ReviewerPair(names, len(both), sum(a == b for a, b in both), _kappa(both))


def _kappa(both: Sequence[tuple[str, str]]) -> float | None:
    """Cohen's kappa; None where it is undefined, because both reviewers have one and the same verdict."""
    if len({verdict for pair in both for verdict in pair}) < 2:
        return None
    from sklearn.metrics import cohen_kappa_score  # noqa: PLC0415  slow to import

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(cohen_kappa_score(*zip(*both, strict=True)))


def _refuse_different_runs(reviews: Sequence[Decisions], names: Sequence[str]) -> None:
    first = reviews[0]
    for review, name in zip(reviews[1:], names[1:], strict=True):
        for field, what in IDENTITY.items():
            if getattr(review, field) != getattr(first, field):
                raise ReviewError(
                    f"{name} is about {what} than {names[0]} ({review.data!r}, {first.data!r}); "
                    "merge decisions on one run"
                )


def _refuse_one_reviewer_twice(reviewers: Sequence[str], names: Sequence[str]) -> None:
    for i, j in combinations(range(len(reviewers)), 2):
        if reviewers[i] == reviewers[j]:
            raise ReviewError(
                f"{names[i]} and {names[j]} are both by {reviewers[i]!r}, expected different reviewers; give "
                "only the later file, or name the reviewers"
            )


def _refuse_different_cards(row: int, votes: Sequence[Vote]) -> None:
    first_reviewer, first = votes[0]
    for reviewer, decision in votes[1:]:
        if (decision.id, decision.given) != (first.id, first.given):
            raise ReviewError(
                f"{first_reviewer!r} decided on row {row} as {first.id!r} labelled {first.given!r}, "
                f"{reviewer!r} as {decision.id!r} labelled {decision.given!r}, expected the same; export "
                "them again"
            )
