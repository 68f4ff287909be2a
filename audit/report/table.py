"""The table of issues, as a person or a spreadsheet reads it."""

from typing import TYPE_CHECKING

import numpy as np

from audit.store import RunRecord

if TYPE_CHECKING:
    import pandas as pd


def issue_table(record: RunRecord) -> "pd.DataFrame":
    """Conflicting duplicates, then suspects, then the labels that were changed on purpose and found.

    Columns: rank from 1, id, given, suggested, label_quality (0 worst … 1 best), p_error, kind, injected
    and fold, with class names instead of numbers.
    kind is duplicate (the same example came with different labels, group after group), suspect (the label as
    it came looks wrong; given is that label; worst first) or injected (the label was changed on purpose and
    found; given is what it was changed to; worst first). injected says whether the row was changed at all.
    """
    import pandas as pd  # noqa: PLC0415  slow to import

    found = record.issues.ranking
    parts = (
        ("duplicate", record.conflicts[0], record.suspects, record.labels.true),
        ("suspect", record.suspects.ranking, record.suspects, record.labels.true),
        ("injected", found[record.labels.flipped[found]], record.issues, record.labels.given),
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
                "kind": kind,
                "injected": record.labels.flipped[rows],
                "fold": record.probs.fold[rows],
            }
        )
        for kind, rows, issues, labels in parts
    ]
    table = pd.concat(tables, ignore_index=True)
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    return table


def unlabelled_table(record: RunRecord) -> "pd.DataFrame":
    """The rows that came without a label: id, the suggested label, and the models' mean probability of it."""
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
