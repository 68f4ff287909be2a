"""New labels for the rows of a source, whatever its form."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audit.types import Labels, Mask, Rows

BEFORE = "before"  # the folder of the original files, in the folder of corrected labels
CORRECTIONS = "corrected.csv"
PROVENANCE = "provenance.json"
KEEP = "keep.npy"
MOVES = "moves.csv"
LABELS = "labels.npy"
RESERVED = frozenset((BEFORE, CORRECTIONS, PROVENANCE, KEEP, MOVES))


@dataclass(frozen=True, eq=False)
class Change:
    """New labels for all rows of a source, including rows that a run left out.

    A new label is never made: it is copied from a donor, a row that already has it. So it is written as the
    source writes it, in its own type and spelling, and writers need not know either.
    """

    donors: Rows  # (n,) the row whose label each row gets; its own where nothing changes
    dropped: Mask  # (n,)
    codes: Labels  # (n,) numbers of class_names before the change, negative where there is no label
    class_names: tuple[str, ...]
    ids: npt.NDArray[np.str_]  # (n,)

    @classmethod
    def none(cls, codes: Labels, class_names: tuple[str, ...], ids: npt.NDArray[np.str_]) -> "Change":
        """Change nothing: every row is its own donor."""
        n = len(codes)
        return cls(np.arange(n), np.zeros(n, dtype=bool), codes, class_names, ids)

    def with_donors(self, donors: Rows, dropped: Mask) -> "Change":
        """The same rows with other donors and dropped rows."""
        return replace(self, donors=donors, dropped=dropped)

    @property
    def relabelled(self) -> Mask:
        """(n,) the rows that get the label of another row."""
        own: Rows = np.arange(len(self.donors))
        return np.not_equal(self.donors, own)

    @property
    def names(self) -> list[str]:
        """The label of each row after the change, empty where there is none."""
        return self._names(self.codes[self.donors])

    @property
    def names_before(self) -> list[str]:
        """The label of each row before the change, empty where there is none."""
        return self._names(self.codes)

    def _names(self, codes: Labels) -> list[str]:
        names = [*self.class_names, ""]  # the last is for negative codes
        return [names[max(code, -1)] for code in codes.tolist()]


def corrected_name(path: Path) -> str:
    """Give the corrected file the name of the source, unless that name is reserved."""
    if path.name.lower() in RESERVED:
        return f"labels-{path.name}"
    return path.name
