"""What is to become of the labels of a source, whatever form it has."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audit.types import Labels, Mask, Rows

BEFORE = "before"  # the folder of what came before, in the folder of corrected labels
RECORD, PROVENANCE, KEEP, MOVES, LABELS = (
    "corrected.csv",
    "provenance.json",
    "keep.npy",
    "moves.csv",
    "labels.npy",
)
RESERVED = frozenset((BEFORE, RECORD, PROVENANCE, KEEP, MOVES))


@dataclass(frozen=True, eq=False)
class Change:
    """New labels for all rows of a source, also for those that a run left out."""

    take: Rows  # (n,) the row whose label each row gets; its own where nothing changes
    dropped: Mask  # (n,)
    codes: Labels  # (n,) numbers of class_names before the change, negative where there is no label
    class_names: tuple[str, ...]
    ids: npt.NDArray[np.str_]  # (n,)

    @property
    def names(self) -> list[str]:
        """The label of each row after the change, empty where there is none."""
        names = [*self.class_names, ""]  # the last is for negative codes
        return [names[max(code, -1)] for code in self.codes[self.take].tolist()]


def corrected_name(path: Path) -> str:
    """What the corrected file is called: as the source's, if that is free."""
    return f"labels-{path.name}" if path.name.lower() in RESERVED else path.name
