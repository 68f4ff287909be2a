"""The tables of several people's labels: annotators, consensus, votes, rows to look at once more."""

from typing import TYPE_CHECKING

import numpy as np

from audit.report.annotators import people_of
from audit.runs.folder import RunRecord

if TYPE_CHECKING:
    import pandas as pd

DIGITS = 6


def vote_tables(record: RunRecord) -> dict[str, "pd.DataFrame"]:
    """The tables by the names of their files; none where there are no votes."""
    if record.votes is None or record.vote_quality is None:
        return {}
    return {
        "annotators.csv": annotator_table(record),
        "consensus.csv": consensus_table(record),
        "votes.csv": vote_table(record),
        "one_more.csv": one_more_table(record),
    }


def annotator_table(record: RunRecord) -> "pd.DataFrame":
    """List every annotator, the worst first.

    Columns: annotator, labels, agreement with the consensus and quality, each with its 95 % interval, and the
    commonest confusion: consensus, what the annotator said instead, and how often.
    """
    import pandas as pd  # noqa: PLC0415  slow to import

    votes, quality = record.votes, record.vote_quality
    assert votes is not None
    assert quality is not None
    lines = []
    for each in people_of(votes, quality, record.class_names):
        consensus, said, times = each.worst or ("", "", 0)
        figures = {
            f"{name}{part}": value
            for name, figure in (("agreement", each.agreement), ("quality", each.quality))
            for part, value in (("", figure.value), ("_low", figure.low), ("_high", figure.high))
        }
        lines.append(
            {
                "annotator": each.name,
                "labels": each.labels,
                **{name: round(value or 0.0, DIGITS) for name, value in figures.items()},
                "worst_consensus": consensus,
                "worst_label": said,
                "worst_times": times,
            }
        )
    return pd.DataFrame(lines)


def consensus_table(record: RunRecord) -> "pd.DataFrame":
    """List every row: id, given, votes, consensus of votes and models, its quality, and p_error of given."""
    import pandas as pd  # noqa: PLC0415  slow to import

    quality = record.vote_quality
    assert quality is not None
    names = np.array(record.class_names)
    return pd.DataFrame(
        {
            "id": record.ids,
            "given": names[record.labels.original],
            "votes": record.votes_on_rows(np.arange(len(record.ids))),
            "consensus": names[quality.consensus],
            "consensus_quality": quality.consensus_quality.round(DIGITS),
            "p_error": record.suspects.p_error.round(DIGITS),
        }
    )


def vote_table(record: RunRecord) -> "pd.DataFrame":
    """List every label that somebody gave: id, annotator, label and its quality."""
    import pandas as pd  # noqa: PLC0415  slow to import

    votes, quality = record.votes, record.vote_quality
    assert votes is not None
    assert quality is not None
    return pd.DataFrame(
        {
            "id": record.ids[votes.rows],
            "annotator": np.array(votes.names)[votes.annotators],
            "label": np.array(record.class_names)[votes.labels],
            "quality": quality.vote_quality.round(DIGITS),
        }
    )


def one_more_table(record: RunRecord) -> "pd.DataFrame":
    """List all rows by how much one more label would tell, most first: rank, id, score, votes and consensus.

    The score is ActiveLab's, 0 for rows that gain most. Rows without a label are among them.
    """
    import pandas as pd  # noqa: PLC0415  slow to import

    quality = record.vote_quality
    assert quality is not None
    names = np.array(record.class_names)
    table = pd.DataFrame(
        {
            "id": record.ids.astype(np.str_),
            "score": quality.one_more,
            "votes": record.votes_on_rows(np.arange(len(record.ids))),
            "consensus": names[quality.consensus],
        }
    )
    if record.unlabelled is not None and record.probs.unlabelled is not None:
        likeliest = names[record.probs.unlabelled.argmax(axis=1)]
        others = {"score": quality.one_more_unlabelled, "votes": "", "consensus": likeliest}
        table = pd.concat(
            [table, pd.DataFrame({"id": record.unlabelled.astype(np.str_), **others})], ignore_index=True
        )
    table = table.sort_values("score", kind="stable", ignore_index=True)
    table["score"] = table["score"].round(DIGITS)
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    return table
