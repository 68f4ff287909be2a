"""What some columns tell of the labels, to be compared with what all the others tell together."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.types import Labels
from audit.wording import percent

MOST_ROWS = 1000  # that the forests are grown on
TREES = 40
LEAST_MISSED = 0.03  # of the labels beyond the largest class, for the others to tell clearly less
LEAST_ERRORS = 10  # rows
TIMES = 2  # as many errors, at least
LEAST_SKILL = 0.3  # from which on columns tell enough to audit the labels by


@dataclass(frozen=True)
class Told:
    """How many of some labels were told right, out of sample, by columns alone."""

    rows: int
    right: float  # share
    largest: float  # share of the largest class, which is right without any column

    @property
    def missed(self) -> float:
        """The share of the labels beyond the largest class that is not told."""
        return min(1.0, (1 - self.right) / max(1 - self.largest, 1 / self.rows))

    @property
    def enough(self) -> bool:
        """Whether labels can be audited by these columns."""
        return 1 - self.missed >= LEAST_SKILL

    def stands_out_from(self, rest: "Told") -> bool:
        """Whether the others tell clearly less."""
        more_errors = (self.right - rest.right) * self.rows
        return rest.missed >= max(LEAST_MISSED, TIMES * self.missed) and more_errors >= LEAST_ERRORS

    def __str__(self) -> str:
        return f"{percent(self.right)} %"


def told(columns: npt.NDArray[Any], labels: Labels) -> Told:
    """Tell the labels (m,) of rows in random order by a forest on these columns (m, c), out of bag."""
    from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415  slow to import

    y = labels[:MOST_ROWS]
    largest = float(np.bincount(y).max() / len(y))
    if not columns.shape[1]:
        return Told(len(y), largest, largest)
    # The type that trees read holds no numbers as large as missing values stand for.
    values = np.clip(columns[:MOST_ROWS].astype(np.float64), -1e30, 1e30).astype(np.float32)
    forest = RandomForestClassifier(TREES, oob_score=True, random_state=0).fit(values, y)
    return Told(len(y), float(forest.oob_score_), largest)
