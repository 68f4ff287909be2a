"""The table of flagged rows, as a person or a spreadsheet reads it."""

from typing import TYPE_CHECKING

import numpy as np

from audit.scoring import LIKELY
from audit.store import RunRecord

if TYPE_CHECKING:
    import pandas as pd


def issue_table(record: RunRecord) -> "pd.DataFrame":
    """Every flagged row, worst first, with class names instead of numbers.

    Columns: rank from 1, id, given, suggested, label_quality (0 worst … 1 best), p_error, kind, injected
    and fold.
    kind is injected (the label was changed on purpose), likely (a natural suspect with p_error of
    0.9 or more) or doubtful (any other natural suspect).
    """
    import pandas as pd  # noqa: PLC0415  slow to import

    rows, names = record.issues.ranking, np.array(record.class_names)
    injected = record.labels.flipped[rows]
    likely = record.issues.p_error[rows] >= LIKELY
    return pd.DataFrame(
        {
            "rank": np.arange(1, len(rows) + 1),
            "id": record.ids[rows],
            "given": names[record.labels.given[rows]],
            "suggested": names[record.issues.suggested[rows]],
            "label_quality": record.issues.label_quality[rows].round(6),
            "p_error": record.issues.p_error[rows].round(6),
            "kind": np.select([injected, likely], ["injected", "likely"], "doubtful"),
            "injected": injected,
            "fold": record.probs.fold[rows],
        }
    )
