"""The tables that a run writes as CSV: issues, kinds, shared rows and rows without a label."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from audit.runs.folder import RunRecord
from audit.types import KINDS, Kinds, Rows

if TYPE_CHECKING:
    import pandas as pd


def issue_table(record: RunRecord) -> "pd.DataFrame":
    """List conflicting duplicates, then suspects, then the labels that were changed on purpose and found.

    Columns: rank from 1, id, given, suggested, label_quality (0 worst … 1 best), p_error, list, kind,
    kind_probability, reason, injected and fold, with class names instead of numbers. kind is one of
    audit.types.KINDS, empty where it was not asked for.
    list is duplicate (the same example has different labels, group after group), suspect (the original label
    looks wrong; given is that label; worst first) or injected (the label was changed on purpose and found;
    given is what it was changed to; worst first). injected says whether the row was changed at all. Where
    several people gave labels, votes has them as given speaks of them, and consensus_quality that of the row.
    """
    import pandas as pd  # noqa: PLC0415  slow to import

    found = record.issues.ranking
    parts = (
        ("duplicate", record.conflicts.rows, record.suspects, record.labels.original),
        ("suspect", record.suspects.ranking, record.suspects, record.labels.original),
        ("injected", found[record.labels.flipped[found]], record.issues, record.labels.noisy),
    )
    names = np.array(record.class_names)
    tables = [
        pd.DataFrame(
            {
                "id": record.ids[rows],
                "given": names[labels[rows]],
                "suggested": names[issues.suggested[rows]],
                "label_quality": issues.label_quality[rows].round(6),
                "p_error": issues.p_error[rows].round(6),
                "list": name,
                **_kinds(record.kinds, rows),
                "injected": record.labels.flipped[rows],
                "fold": record.probs.fold[rows],
                **_votes(record, rows, noisy=name == "injected"),
            }
        )
        for name, rows, issues, labels in parts
    ]
    table = pd.concat(tables, ignore_index=True)
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    return table


def _votes(record: RunRecord, rows: Rows, *, noisy: bool) -> dict[str, Any]:
    """The votes on these rows (m,) and the quality of their consensus; nothing where there are no votes."""
    if record.vote_quality is None:
        return {}
    quality = record.vote_quality.consensus_quality[rows].round(6)
    return {"votes": record.votes_on_rows(rows, noisy=noisy), "consensus_quality": quality}


def kinds_table(record: RunRecord) -> "pd.DataFrame":
    """List the kind of every row that has one: id, given, kind, kind_probability and reason."""
    import pandas as pd  # noqa: PLC0415  slow to import

    rows = np.empty(0, dtype=np.int64) if record.kinds is None else record.kinds.rows
    given = np.array(record.class_names)[record.labels.original[rows]]
    return pd.DataFrame({"id": record.ids[rows], "given": given, **_kinds(record.kinds, rows)})


def _kinds(kinds: Kinds | None, rows: Rows) -> dict[str, npt.NDArray[Any]]:
    """The kind, its probability and the reason of these rows (m,), empty where they have none."""
    names = np.array(["", *KINDS])
    kind = np.zeros(len(rows), dtype=np.int64)
    probability = np.full(len(rows), np.nan)
    reason = np.full(len(rows), "", dtype=object)
    if kinds is not None and len(kinds.rows):
        place = np.minimum(np.searchsorted(kinds.rows, rows), len(kinds.rows) - 1)
        known = kinds.rows[place] == rows
        kind[known] = 1 + kinds.kind[place[known]]
        probability[known] = kinds.probability.max(axis=1)[place[known]].astype(np.float64).round(4)
        reason[known] = kinds.reason[place[known]]
    return {"kind": names[kind], "kind_probability": probability, "reason": reason}


def split_table(record: RunRecord) -> "pd.DataFrame":
    """List the rows with a duplicate in another part: id, part and given of both, and how alike they are."""
    import pandas as pd  # noqa: PLC0415  slow to import

    leaks = record.leaks
    if leaks is None:
        return pd.DataFrame()
    names = np.array(record.class_names)
    columns: dict[str, npt.NDArray[Any]] = {}
    for side, rows in (("", leaks.rows), ("twin_", leaks.twins)):
        columns[f"{side}id"] = record.ids[rows]
        columns[f"{side}part"] = leaks.part[rows]
        columns[f"{side}given"] = names[record.labels.original[rows]]
    return pd.DataFrame({**columns, "same": np.where(leaks.near, "nearly", "exactly")})


def unlabelled_table(record: RunRecord) -> "pd.DataFrame":
    """List the rows without a label: id, the suggested label, and the models' mean probability of it."""
    import pandas as pd  # noqa: PLC0415  slow to import

    probs = record.probs.unlabelled
    if record.unlabelled is None or probs is None:
        return pd.DataFrame({"id": [], "suggested": [], "probability": []})
    best = probs.argmax(axis=1)
    return pd.DataFrame(
        {
            "id": record.unlabelled,
            "suggested": np.array(record.class_names)[best],
            "probability": probs.max(axis=1).astype(float).round(6),
        }
    )
