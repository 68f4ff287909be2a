"""A table whose columns are searched: a sample of its rows, and how well each column tells their labels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from audit.datasets.giveaways.columns import Column, Telling, sample_rows, telling
from audit.types import Examples, Floats, Labels, Mask

REPEATED = 0.5  # share of rows from which on the values of a column repeat


@dataclass(frozen=True, eq=False)
class SampledTable:
    """The columns (c,) of a table, whole and in a sample of its rows (m,), in random order."""

    X: Examples  # (n, d)
    labels: Labels  # (n,)
    columns: Sequence[Column]
    values: Floats  # (m, c) of the sample
    sampled: Labels  # (m,) its labels
    telling: Telling

    @classmethod
    def of(cls, X: Examples, labels: Labels, columns: Sequence[Column]) -> "SampledTable":
        """Draw the sample."""
        rows = sample_rows(len(labels), len(columns))
        some = X[rows]
        values = np.stack([column.values(some) for column in columns], axis=1)
        return cls(X, labels, columns, values, labels[rows], telling(values, labels[rows]))

    def asking(self, label: int) -> "SampledTable":
        """The same with the question whether a row is of this class, in place of its label."""
        sampled = (self.sampled == label).astype(np.int64)
        return replace(
            self,
            labels=(self.labels == label).astype(np.int64),
            sampled=sampled,
            telling=telling(self.values, sampled),
        )

    @property
    def whole_and_distinct(self) -> Mask:
        """The columns (c,) of whole numbers of which none comes twice in the sample."""
        whole = (self.values == np.floor(self.values)).all(axis=0)
        return np.asarray(whole & (self.telling.repeated == 0))

    @property
    def few_values(self) -> Mask:
        """The columns (c,) that may have one value for each class, beside missing ones."""
        m = len(self.sampled)
        distinct = m - np.round(self.telling.repeated * (m - 1))
        return np.asarray(distinct <= 1 + len(np.unique(self.labels)))

    def tells(self, least: float) -> Mask:
        """The columns (c,) that tell the labels at least so well."""
        by_value = (self.telling.repeated >= REPEATED) & (self.telling.within >= least)
        return np.asarray(by_value | (self.telling.along >= least))
