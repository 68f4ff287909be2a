"""The section on annotators: how good each one is, who disagrees with whom, where one more should look."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from audit.detectors.scoring import Estimate, wilson, wilson_interval
from audit.report import selection
from audit.report.classes import HEATS, MatrixCell
from audit.runs.folder import RunRecord
from audit.types import Floats, Rows, VoteQuality, Votes

MOST_PEOPLE = 30  # in the table
MOST_IN_MATRIX = 12
MOST_PAIRS = 10
LEAST_SHARED = 5  # rows of a pair of annotators that is named


@dataclass(frozen=True)
class Annotator:
    """One person and the labels that they gave."""

    name: str
    labels: int
    agreement: Estimate  # with the consensus
    quality: Estimate
    worst: (
        tuple[str, str, int] | None
    )  # consensus, what the person says instead, and how often; None for none


class Pair(NamedTuple):
    """Two annotators who labelled the same rows."""

    first: str
    second: str
    shared: int
    differ: Estimate  # share of these rows with two labels


class Row(NamedTuple):
    """A row on which one more person should look."""

    row: int
    id: str
    votes: str


@dataclass(frozen=True)
class Annotators:
    """What the page says of several people's labels."""

    votes: int
    rows: int  # with a vote
    shared: int  # with two or more
    unanimous: int  # of these
    people: tuple[Annotator, ...]  # the worst first
    more_people: int  # that only annotators.csv has
    matrix: tuple[tuple[str, tuple[MatrixCell | None, ...]], ...]  # per cent of shared rows that differ
    pairs: tuple[Pair, ...]  # who disagree most, where they are too many for a matrix
    one_more: tuple[Row, ...]


def annotators(record: RunRecord) -> Annotators | None:
    """Gather what the page says of several people's labels; None where there are none."""
    votes, quality = record.votes, record.vote_quality
    if votes is None or quality is None:
        return None
    on_row = np.bincount(votes.rows, minlength=len(record.ids))
    counts = votes.counts(len(record.ids), len(record.class_names))
    shared = on_row > 1
    people = people_of(votes, quality, record.class_names)
    in_matrix = len(votes.names) <= MOST_IN_MATRIX
    return Annotators(
        votes=len(votes.rows),
        rows=int((on_row > 0).sum()),
        shared=int(shared.sum()),
        unanimous=int((shared & (counts.max(axis=1) == on_row)).sum()),
        people=people[:MOST_PEOPLE],
        more_people=max(0, len(people) - MOST_PEOPLE),
        matrix=_matrix(votes) if in_matrix and shared.any() else (),
        pairs=() if in_matrix else _pairs(votes),
        one_more=tuple(
            Row(row, str(record.ids[row]), record.votes_on(row))
            for row in selection.one_more_to_show(quality).tolist()
        ),
    )


def people_of(votes: Votes, quality: VoteQuality, class_names: tuple[str, ...]) -> tuple[Annotator, ...]:
    """Every annotator, the worst first, ties by name."""
    k = len(class_names)
    consensus = quality.consensus[votes.rows]
    agrees = consensus == votes.labels
    given, agreeing = (
        np.bincount(votes.annotators[which], minlength=len(votes.names)).tolist()
        for which in (np.ones(len(agrees), dtype=bool), agrees)
    )
    worst: dict[int, tuple[str, str, int]] = {}
    cells = ((votes.annotators * k + consensus) * k + votes.labels)[~agrees]
    different, counts = np.unique(cells, return_counts=True)
    for cell, count in zip(different.tolist(), counts.tolist(), strict=True):
        who = cell // (k * k)
        if who not in worst or count > worst[who][2]:
            worst[who] = (class_names[cell // k % k], class_names[cell % k], count)
    return tuple(
        Annotator(
            name=votes.names[who],
            labels=given[who],
            agreement=wilson(agreeing[who], given[who]),
            quality=Estimate(
                float(quality.annotator_quality[who]),
                float(quality.annotator_low[who]),
                float(quality.annotator_high[who]),
            ),
            worst=worst.get(who),
        )
        for who in np.argsort(quality.annotator_quality, kind="stable").tolist()
    )


def disagreement(votes: Votes) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Count the rows that each two annotators share, and those with different labels, both (a, a)."""
    from scipy.sparse import csr_array  # noqa: PLC0415  slow to import

    a = len(votes.names)
    columns = {"shared": votes.rows, "equal": votes.rows * (int(votes.labels.max()) + 1) + votes.labels}
    found = {}
    for name, column in columns.items():
        table = csr_array((np.ones(len(column), dtype=np.int64), (votes.annotators, column)))
        found[name] = np.asarray((table @ table.T).toarray())
    assert found["shared"].shape == (a, a)
    return found["shared"], found["shared"] - found["equal"]


def _matrix(votes: Votes) -> tuple[tuple[str, tuple[MatrixCell | None, ...]], ...]:
    """The per cent of shared rows on which two annotators differ; None for oneself and without such."""
    shared, differ = disagreement(votes)
    np.fill_diagonal(shared, 0)
    shares: Floats = differ / np.maximum(shared, 1)
    heats = np.ceil((HEATS - 1) * shares / max(float(shares.max()), 1e-9))
    heats = np.minimum(heats, HEATS - 1).astype(int)  # rounding may lift the largest above its shade
    return tuple(
        (
            name,
            tuple(
                MatrixCell(round(100 * float(shares[i, j])), int(heats[i, j])) if shared[i, j] else None
                for j in range(len(votes.names))
            ),
        )
        for i, name in enumerate(votes.names)
    )


def _pairs(votes: Votes) -> tuple[Pair, ...]:
    """The pairs of annotators who surely disagree most: by the lower end of the interval of their share."""
    shared, differ = disagreement(votes)
    first, second = np.triu_indices(len(votes.names), 1)
    enough = shared[first, second] >= LEAST_SHARED
    first, second = first[enough], second[enough]
    low, _ = wilson_interval(differ[first, second], shared[first, second])
    order: Rows = np.argsort(-low, kind="stable")[:MOST_PAIRS]
    return tuple(
        Pair(votes.names[i], votes.names[j], int(shared[i, j]), wilson(int(differ[i, j]), int(shared[i, j])))
        for i, j in zip(first[order].tolist(), second[order].tolist(), strict=True)
    )
