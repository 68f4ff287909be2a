"""Several reviewers' decisions as one, with how well they agree."""

import csv
import io
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from audit.detectors.scoring import Estimate, wilson
from audit.errors import ReviewError
from audit.review import decisions as decided
from audit.review.decisions import Decision, Decisions
from audit.runs.files import write_whole

LEAST_VOTERS = 3  # from which a majority decides
MERGED, BY_MAJORITY, OPEN = "agreed", "majority", "open"


@dataclass(frozen=True)
class Pair:
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
    outcome: str  # BY_MAJORITY or OPEN

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
    """What several reviewers' decisions come to."""

    decisions: Decisions
    pairs: tuple[Pair, ...]
    disagreements: tuple[Disagreement, ...]
    rows: int  # that anybody decided

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
        names = list(dict.fromkeys(name for pair in self.pairs for name in pair.reviewers))
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("id", "row", "given", *names, "outcome"))
        for each in self.disagreements:
            verdicts = dict(each.verdicts)
            writer.writerow(
                (each.id, each.row, each.given, *(verdicts.get(name, "") for name in names), each.outcome)
            )
        return text.getvalue()


def merge_files(paths: Sequence[Path], out: Path) -> Merged:
    """Merge the decisions in these files into a new one.

    Raises
    ------
    AuditError
        When there are fewer than two, they are of different runs or of one reviewer, or the new file exists.
    """
    if len(paths) < 2:
        raise ReviewError(f"found {len(paths)} files of decisions, expected two or more to merge")
    if out.exists():
        raise ReviewError(f"{out} exists; remove it, or choose another --out")
    found = [decided.read(path) for path in paths]
    merged = merge(found, [str(path) for path in paths])
    write_whole(out, merged.decisions.to_text().encode())
    return merged


def merge(found: Sequence[Decisions], names: Sequence[str]) -> Merged:
    """Merge decisions; names are what the files are called.

    Rows that all who decided on them decided alike are merged. Where three or more decided, so are rows on
    which more than half of them did. All other rows stay out.
    """
    _refuse_strangers(found, names)
    reviewers = [each.reviewer or Path(name).stem for each, name in zip(found, names, strict=True)]
    _refuse_same(reviewers, names)
    by_row: dict[int, list[tuple[str, Decision]]] = {}
    for reviewer, each in zip(reviewers, found, strict=True):
        for decision in each.decisions:
            by_row.setdefault(decision.row, []).append((reviewer, decision))
    merged, disagreements = [], []
    for row, votes in by_row.items():
        _refuse_other_cards(row, votes)
        winners, outcome = _outcome(votes)
        if winners:
            merged.append(_joined(winners))
        if outcome != MERGED:
            first = votes[0][1]
            verdicts = tuple((reviewer, each.verdict) for reviewer, each in votes)
            disagreements.append(Disagreement(first.id, row, first.given, verdicts, outcome))
    of = dict(zip(reviewers, found, strict=True))
    return Merged(
        decisions=replace(
            found[0],
            reviewer=", ".join(reviewers),
            exported=max(each.exported for each in found),
            decisions=tuple(merged),
        ),
        pairs=tuple(_pair((a, b), of[a], of[b]) for a, b in combinations(reviewers, 2)),
        disagreements=tuple(disagreements),
        rows=len(by_row),
    )


def _outcome(votes: Sequence[tuple[str, Decision]]) -> tuple[list[Decision], str]:
    """Who decided the row, and how."""
    verdict, most = Counter(each.verdict for _, each in votes).most_common(1)[0]
    winners = [each for _, each in votes if each.verdict == verdict]
    if most == len(votes):
        return winners, MERGED
    if len(votes) >= LEAST_VOTERS and 2 * most > len(votes):
        return winners, BY_MAJORITY
    return [], OPEN


def _joined(winners: Sequence[Decision]) -> Decision:
    """One decision for several alike: the latest time, all notes."""
    notes = dict.fromkeys(each.note for each in winners if each.note)
    return replace(winners[0], note="; ".join(notes), time=max(each.time for each in winners))


def _pair(names: tuple[str, str], a: Decisions, b: Decisions) -> Pair:
    verdicts = {each.row: each.verdict for each in b.decisions}
    both = [(each.verdict, verdicts[each.row]) for each in a.decisions if each.row in verdicts]
    return Pair(names, len(both), sum(x == y for x, y in both), _kappa(both))


def _kappa(both: Sequence[tuple[str, str]]) -> float | None:
    """Cohen's kappa; None where it is undefined, because all verdicts of both are the same one."""
    if len({verdict for pair in both for verdict in pair}) < 2:
        return None
    from sklearn.metrics import cohen_kappa_score  # noqa: PLC0415  slow to import

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(cohen_kappa_score(*zip(*both, strict=True)))


def _refuse_strangers(found: Sequence[Decisions], names: Sequence[str]) -> None:
    first = found[0]
    for each, name in zip(found[1:], names[1:], strict=True):
        for field, what in (("fingerprint", "data"), ("run", "run"), ("class_names", "classes")):
            if getattr(each, field) != getattr(first, field):
                raise ReviewError(
                    f"{name} is of another {what} than {names[0]} ({each.data!r}, {first.data!r}); "
                    "merge decisions on one run"
                )


def _refuse_same(reviewers: Sequence[str], names: Sequence[str]) -> None:
    for (i, a), (j, b) in combinations(enumerate(reviewers), 2):
        if a == b:
            raise ReviewError(
                f"{names[i]} and {names[j]} are both by {a!r}, expected a reviewer each; give the later one "
                "alone, or name the reviewers"
            )


def _refuse_other_cards(row: int, votes: Sequence[tuple[str, Decision]]) -> None:
    first = votes[0][1]
    for reviewer, each in votes[1:]:
        if (each.id, each.given) != (first.id, first.given):
            raise ReviewError(
                f"{votes[0][0]!r} decided on row {row} as {first.id!r} labelled {first.given!r}, "
                f"{reviewer!r} as {each.id!r} labelled {each.given!r}, expected the same; export them again"
            )
