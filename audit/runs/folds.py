"""Fold checkpoints: finished folds in a run folder, one file each, kept as soon as the fold ends."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.errors import RunError
from audit.runs.arrays import Arrays
from audit.runs.folder import RunFolder, fold_file
from audit.types import FoldResult, Synthetic

# Fields of FoldResult that a fold may lack, and the name of each array in the file. Synthetic rows were
# called planted when the format was fixed.
OPTIONAL = {
    "unlabelled": "unlabelled",
    "features": "features",
    "landmarks": "anchors",
    "synthetic_probs": "planted_probs",
    "synthetic_features": "planted_features",
    "mirror_gains": "mirror_gains",
}
FOLDS = "folds"  # the stage whose key checkpoints have
SYNTHETIC = {field.name: f"planted.{field.name}" for field in fields(Synthetic)}


@dataclass(frozen=True)
class FoldCheckpoints:
    """The folds of a run under one stage key: folds/ROUND/0.npz and so on."""

    folder: RunFolder
    key: str
    rows: int | None = None  # of the data, where they are known
    classes: int | None = None

    def save_fold(self, name: str, result: FoldResult) -> None:
        """Keep one fold of the cross-validation of that name.

        Of a fold that a finished run lost and that is trained again, the seconds are those of the first time.
        """
        former = self.folder.former_seconds(FOLDS, self.key).get("fold_seconds", {})
        seconds = float(former.get(f"{name}/{result.fold}", result.seconds))
        arrays: dict[str, npt.NDArray[Any]] = {
            "rows": result.rows,
            "pred_probs": result.pred_probs,
            "trained": result.trained,
            "margins": result.margins,
            "losses": np.array(result.losses, dtype=np.float64),
            "seconds": np.array(seconds),
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
        self.folder.write_arrays(fold_file(name, result.fold), arrays)
        self.folder.keep_fold(name, result.fold, seconds)

    def load_folds(self, name: str, folds: int) -> list[FoldResult]:
        """Load the kept folds of the cross-validation of that name; damaged files count as missing."""
        kept = []
        for number in range(folds):
            try:
                arrays = self.folder.read_arrays(fold_file(name, number))
                if str(arrays["key"]) != self.key:
                    continue
                result = _fold_result(number, arrays)
                if not self._fits(result):
                    continue
            except (RunError, LookupError, TypeError, ValueError):
                continue
            self.folder.keep_fold(name, number, result.seconds)
            kept.append(result)
        return kept

    def _fits(self, result: FoldResult) -> bool:
        """Whether the arrays of a fold fit each other and the data: whoever wrote them, they can be used."""
        if result.rows.ndim != 1 or result.pred_probs.ndim != 2 or result.pred_probs.dtype.kind != "f":
            return False
        m, k = result.pred_probs.shape
        of_classes = [each for each in (result.unlabelled, result.synthetic_probs) if each is not None]
        gains = np.zeros(0, np.float32) if result.mirror_gains is None else result.mirror_gains
        one_axis: list[npt.NDArray[Any]] = [result.rows, result.trained, result.margins, gains]
        numbers = np.concatenate([result.rows, result.trained.ravel()])
        return (
            all(each.ndim == 1 for each in one_axis)
            and all(each.ndim == 2 and each.shape[1] == k for each in of_classes)
            and len(result.rows) == m
            and (result.features is None or result.features.shape == (m, result.features.shape[-1]))
            and k == (self.classes or k)
            and numbers.dtype.kind == "i"
            and bool((numbers >= 0).all() and (numbers < (self.rows or np.inf)).all())
            and gains.dtype.kind == "f"
            and bool(np.isfinite(result.pred_probs).all() and np.isfinite(gains).all())
        )


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
