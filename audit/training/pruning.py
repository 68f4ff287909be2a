"""How many rows each epoch of a network is trained on: all, or in later ones fewer of the learned ones.

Where rows of little loss are drawn at random, and weighed by the inverse of their chance, the expected
gradient of a step stays as it is, batch normalisation aside. The method is that of InfoBatch (Qin et al.,
ICLR 2024), here with numbers that are known beforehand.
"""

from math import ceil
from typing import NamedTuple

LEARNED = 0.6  # share of the rows, those of least loss, that count as learned
DRAWN = 1 / 3  # share of these that a later epoch is trained on


class PrunedEpoch(NamedTuple):
    """The numbers of rows in a later epoch, which leaves out some of those that are learned."""

    learned: int
    drawn: int  # of the learned ones
    others: int  # all of which are trained on

    @property
    def trained(self) -> int:
        """How many rows the epoch is trained on."""
        return self.drawn + self.others


def pruned_epoch(rows: int) -> PrunedEpoch:
    """Divide the rows of a training for a later epoch."""
    learned = int(LEARNED * rows)
    return PrunedEpoch(learned, ceil(DRAWN * learned), rows - learned)


def steps(rows: int, epochs: int, batch_size: int, *, prunes: bool) -> int:
    """The number of batches in so many epochs."""
    later_rows = pruned_epoch(rows).trained if prunes else rows
    return ceil(rows / batch_size) + (epochs - 1) * ceil(later_rows / batch_size)
