"""Fold checkpoints: finished folds in a run folder, one file each, kept as soon as the fold ends."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.errors import RunError
from audit.runs.folder import Arrays, RunFolder
from audit.types import FoldResult, Synthetic

# Fields of FoldResult that a fold may lack, and the name of each array in the file. Synthetic rows were
# called planted when the format was fixed.
OPTIONAL = {
    "unlabelled": "unlabelled",
    "features": "features",
    "landmarks": "anchors",
    "synthetic_probs": "planted_probs",
    "synthetic_features": "planted_features",
}
SYNTHETIC = {field.name: f"planted.{field.name}" for field in fields(Synthetic)}


@dataclass(frozen=True)
class FoldCheckpoints:
    """The folds of a run under one stage key: folds/ROUND/0.npz and so on."""

    folder: RunFolder
    key: str

    def save_fold(self, name: str, result: FoldResult) -> None:
        """Keep one fold of the cross-validation of that name."""
        arrays: dict[str, npt.NDArray[Any]] = {
            "rows": result.rows,
            "pred_probs": result.pred_probs,
            "trained": result.trained,
            "margins": result.margins,
            "losses": np.array(result.losses, dtype=np.float64),
            "seconds": np.array(result.seconds),
            "device": np.array(result.device),
            "key": np.array(self.key),
        }
        if result.missing:
            arrays["missing"] = np.array(result.missing, dtype=np.str_)
        for field, array in OPTIONAL.items():
            value = getattr(result, field)
            if value is not None:
                arrays[array] = value
        if result.synthetic is not None:
            arrays |= _synthetic_arrays(result.synthetic)
        self.folder.write_arrays(f"folds/{name}/{result.fold}.npz", arrays)

    def load_folds(self, name: str, folds: int) -> list[FoldResult]:
        """Load the kept folds of the cross-validation of that name; damaged files count as missing."""
        kept = []
        for number in range(folds):
            try:
                arrays = self.folder.read_arrays(f"folds/{name}/{number}.npz")
                if str(arrays["key"]) == self.key:
                    kept.append(_fold_result(number, arrays))
            except (RunError, KeyError):
                continue
        return kept


def _synthetic_arrays(synthetic: Synthetic) -> Arrays:
    return {array: getattr(synthetic, name) for name, array in SYNTHETIC.items()}


def _synthetic(arrays: Arrays) -> Synthetic | None:
    if SYNTHETIC["X"] not in arrays:
        return None
    return Synthetic(**{name: arrays[array] for name, array in SYNTHETIC.items()})


def _fold_result(number: int, arrays: Arrays) -> FoldResult:
    return FoldResult(
        fold=number,
        rows=arrays["rows"],
        pred_probs=arrays["pred_probs"],
        trained=arrays["trained"],
        margins=arrays["margins"],
        losses=tuple(arrays["losses"].tolist()),
        seconds=float(arrays["seconds"]),
        device=str(arrays["device"]),
        synthetic=_synthetic(arrays),
        missing=tuple(arrays["missing"].tolist()) if "missing" in arrays else (),
        **{name: arrays.get(array) for name, array in OPTIONAL.items()},
    )
