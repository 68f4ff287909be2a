"""The quality of rows' consensus, of single votes and of annotators, by cleanlab's CROWDLAB and ActiveLab.

Goh, Tkachenko and Mueller, "CROWDLAB: supervised learning to infer consensus labels and quality scores for
data with multiple annotators", 2022; Goh and Mueller, "ActiveLab: active learning with re-labeling by
multiple annotators", 2023. Where no two people gave a label to the same row, or their table would be too
large, the posterior of `votes` takes the place of CROWDLAB.
"""

import io
import warnings
from contextlib import redirect_stdout
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from audit.detectors.scoring import wilson_interval
from audit.types import Floats, Labels, Mask, Probs, VoteQuality, Votes

MOST_CELLS = 50_000_000  # of the table of rows and annotators, of which cleanlab makes several copies


class _Qualities(NamedTuple):
    """The consensus (n,) of rows, its quality (n,), and the quality of votes (v,) and annotators (a,)."""

    consensus: Labels
    of_consensus: Floats
    of_votes: Floats
    of_annotators: Floats


def vote_quality(
    votes: Votes, pred_probs: Probs, p_by_votes: Floats, unlabelled: Probs | None
) -> VoteQuality:
    """Judge votes, their consensus and those who gave them.

    The interval of an annotator's quality is Wilson's, with a trial for each vote. The quality is a mean of
    numbers from 0 to 1, which vary no more than a share of the same mean (Bhatia and Davis 2000): it is wide
    enough for chance, and holds no error of the consensus itself.

    Parameters
    ----------
    votes
        Of which rows may have none.
    pred_probs
        Out-of-sample predicted probabilities (n, k).
    p_by_votes
        p(true class | votes, x), (n, k), by `votes`.
    unlabelled
        Predicted probabilities (u, k) of the rows without a label, if there are any.
    """
    n = len(pred_probs)
    on_row = np.bincount(votes.rows, minlength=n)
    has = on_row > 0
    small = int(has.sum()) * len(votes.names) <= MOST_CELLS
    qualities = _by_posterior(votes, p_by_votes)
    pool = np.concatenate([pred_probs[~has], pred_probs[:0] if unlabelled is None else unlabelled])
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        table = _table(votes, has) if small else np.empty((0, 0))
        if small and on_row.max(initial=0) > 1:
            qualities = _by_crowdlab(votes, has, table, pred_probs, qualities)
        one_more, of_pool = _one_more(table, pred_probs[has], pool, qualities.of_consensus[has])
    scores = np.empty(n)
    scores[has] = one_more
    scores[~has] = of_pool[: int((~has).sum())]
    given = np.bincount(votes.annotators, minlength=len(votes.names))
    hits: Any = qualities.of_annotators * given  # in parts
    low, high = wilson_interval(hits, given)
    return VoteQuality(
        consensus=qualities.consensus,
        consensus_quality=_shares(qualities.of_consensus),
        vote_quality=_shares(qualities.of_votes),
        annotator_quality=_shares(qualities.of_annotators),
        annotator_low=_shares(low),
        annotator_high=_shares(high),
        one_more=_shares(scores),
        one_more_unlabelled=_shares(of_pool[int((~has).sum()) :]),
    )


def _by_posterior(votes: Votes, p_by_votes: Floats) -> _Qualities:
    """The qualities by the posterior: a vote is as good as it is probable, an annotator as the votes."""
    consensus = p_by_votes.argmax(axis=1)
    of_votes = p_by_votes[votes.rows, votes.labels]
    return _Qualities(consensus, p_by_votes.max(axis=1), of_votes, _means(votes, of_votes))


def _by_crowdlab(votes: Votes, has: Mask, table: Floats, pred_probs: Probs, others: _Qualities) -> _Qualities:
    """The qualities by CROWDLAB; those of rows without votes, and of annotators apart, by the posterior."""
    from cleanlab.multiannotator import get_label_quality_multiannotator  # noqa: PLC0415  slow to import

    found = get_label_quality_multiannotator(table, pred_probs[has].astype(np.float64), verbose=False)
    rows = found["label_quality"]
    consensus = others.consensus.copy()
    consensus[has] = rows["consensus_label"].to_numpy()
    of_consensus = others.of_consensus.copy()
    of_consensus[has] = rows["consensus_quality_score"].to_numpy()
    place = np.cumsum(has) - 1
    of_votes = found["detailed_label_quality"].to_numpy()[place[votes.rows], votes.annotators]
    of_annotators = found["annotator_stats"]["annotator_quality"].sort_index().to_numpy()
    alone = np.isnan(of_annotators)  # who share no row with anybody
    return _Qualities(
        consensus, of_consensus, of_votes, np.where(alone, _means(votes, of_votes), of_annotators)
    )


def _one_more(table: Floats, pred_probs: Probs, pool: Probs, of_consensus: Floats) -> tuple[Floats, Floats]:
    """ActiveLab's scores of rows with votes (m,) and of those without (p,); without a table the qualities."""
    from cleanlab.multiannotator import get_active_learning_scores  # noqa: PLC0415  slow to import

    if not len(table):
        return of_consensus, pool.max(axis=1, initial=0).astype(np.float64)
    scores, of_pool = get_active_learning_scores(
        table, pred_probs.astype(np.float64), pool.astype(np.float64) if len(pool) else None
    )
    return np.asarray(scores), np.asarray(of_pool)


def _table(votes: Votes, has: Mask) -> Floats:
    """The votes as cleanlab takes them: (m, a) for the rows with votes, NaN where somebody gave none."""
    table = np.full((int(has.sum()), len(votes.names)), np.nan)
    table[(np.cumsum(has) - 1)[votes.rows], votes.annotators] = votes.labels
    return table


def _means(votes: Votes, of_votes: Floats) -> Floats:
    """The mean (a,) of the votes (v,) of each annotator."""
    sums, counts = (
        np.bincount(votes.annotators, weight, minlength=len(votes.names)) for weight in (of_votes, None)
    )
    return np.asarray(sums / counts)


def _shares(values: npt.NDArray[np.floating]) -> Floats:
    """Numbers from 0 to 1 without the dust of rounding."""
    return np.asarray(np.clip(values, 0, 1), dtype=np.float64)
