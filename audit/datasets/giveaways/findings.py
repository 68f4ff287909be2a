"""Which columns of a table give the given label away, and which of these are left out."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from audit.datasets.giveaways.against_rest import Told, told
from audit.datasets.giveaways.no_features import NEAR_PERFECT, STRONG, no_features
from audit.datasets.giveaways.sampled_table import SampledTable

MOST_SUSPICIOUS = 5  # columns; of more, none stands out
MOST_CLASSES = 20  # of which each is asked for alone
SUSPICIOUS = 0.85  # of `Telling`, from which on a column is compared with all others that stay


@dataclass(frozen=True)
class Findings:
    """Why columns, by name, are left out, and what else may give the label away, a line each."""

    left_out: dict[str, str]
    warnings: list[str]


def findings(table: SampledTable, class_names: Sequence[str]) -> Findings:
    """Find the columns that are no features, then those that tell more than all the others together.

    Of these, one is left out that tells nearly every label while the others, too, tell enough to audit by: a
    measurement seldom agrees with every label, wrong ones among them. Where most columns tell the labels,
    they are plain to see, and nothing is said.
    """
    left_out = no_features(table)
    strong = [i for i in np.flatnonzero(table.tells(STRONG)).tolist() if i not in left_out]
    rest = [i for i in range(len(table.columns)) if i not in left_out and i not in strong]
    warnings = []
    if strong and len(strong) <= len(rest):
        perfect = table.tells(NEAR_PERFECT)
        others = _told(table, rest)
        for i in strong:
            shares = _Shares(_told(table, [i]), others)
            if not shares.alone.stands_out_from(others):
                continue
            if others.enough and perfect[i]:
                left_out[i] = f"it {shares}"
            else:
                warnings.append(_warning(table, i, str(shares)))
    suspicious = [i for i in np.flatnonzero(table.tells(SUSPICIOUS)).tolist() if i in rest]
    if len(suspicious) <= MOST_SUSPICIOUS:
        stay = [i for i in range(len(table.columns)) if i not in left_out]
        for i in suspicious:
            shares = _Shares(_told(table, [i]), _told(table, [other for other in stay if other != i]))
            if len(stay) > 1 and shares.alone.stands_out_from(shares.rest):
                warnings.append(_warning(table, i, str(shares)))
    warnings += _of_one_class(table, left_out, class_names)
    return Findings({table.columns[i].name: why for i, why in left_out.items()}, warnings)


def _of_one_class(table: SampledTable, left_out: Collection[int], class_names: Sequence[str]) -> list[str]:
    """Lines on columns that tell one class from all others, where the others tell it clearly less."""
    classes = np.unique(table.sampled).tolist()
    if not 2 < len(classes) <= MOST_CLASSES:
        return []
    lines = {}
    for label in classes:
        asked = table.asking(label)
        strong = [i for i in np.flatnonzero(asked.tells(NEAR_PERFECT)).tolist() if i not in left_out]
        rest = [i for i in range(len(table.columns)) if i not in left_out and i not in strong]
        if not rest or not 0 < len(strong) <= MOST_SUSPICIOUS:
            continue
        others = _told(asked, rest)
        for i in strong:
            alone = _told(asked, [i])
            if alone.stands_out_from(others):
                shares = (
                    f"alone tells class {class_names[label]!r} from the others in {alone} of the rows, all "
                    f"other columns together in {others}"
                )
                lines[i] = _warning(table, i, shares)
    return list(lines.values())


class _Shares(NamedTuple):
    """What a column tells alone, and all others together."""

    alone: Told
    rest: Told

    def __str__(self) -> str:
        return f"alone tells {self.alone} of the labels, all other columns together {self.rest}"


def _told(table: SampledTable, places: Sequence[int]) -> Told:
    """How many of the labels the columns at these places tell together."""
    return told(table.values[:, list(places)], table.sampled)


def _warning(table: SampledTable, i: int, shares: str) -> str:
    return (
        f"column {table.columns[i].name!r} {shares}; if it was made from the label, errors in the label are "
        "in the column too and are not found"
    )
