"""The figures of an impact experiment: of every condition, of their differences, and of what was won back."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from audit.detectors.scoring import Estimate
from audit.experiments.over_seeds import difference_over_seeds, mean_over_seeds, ratio_over_seeds
from audit.types import Labels, Mask

FIGURES = {
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "accuracy_audited": "accuracy, suspects apart",
    "macro_f1_audited": "macro-F1, suspects apart",
}
BASE, TRUE = "given", "true"


@dataclass(frozen=True, eq=False)
class Prediction:
    """One condition on one seed: what it was trained on, and what it predicts of the held-out rows."""

    seed: int
    condition: str
    rows: int  # that were trained on
    wrong: int | None  # of them with another label than they came with; None where nothing was changed
    predicted: Labels  # (t,)
    labels: Labels  # (t,) as they came
    audited: Labels  # (t,) as they came, or as a person decided
    apart: Mask  # (t,) rows that the second score sets apart
    losses: tuple[float, ...]
    seconds: float


def table_of(tested: Sequence[Prediction]) -> pd.DataFrame:
    """A row for each condition and seed, as impact.csv holds it."""
    from sklearn.metrics import accuracy_score, f1_score  # noqa: PLC0415  slow to import

    rows = []
    for each in tested:
        kept = ~each.apart
        sides = {"": (each.labels, each.predicted), "_audited": (each.audited[kept], each.predicted[kept])}
        scores: dict[str, float] = {}
        for name, (labels, predicted) in sides.items():
            scores[f"accuracy{name}"] = float(accuracy_score(labels, predicted))
            f1 = f1_score(labels, predicted, average="macro", zero_division=0.0)
            scores[f"macro_f1{name}"] = float(f1)
        rows.append(
            {
                "seed": each.seed,
                "condition": each.condition,
                "rows": each.rows,
                "wrong": each.wrong,
                "test_rows": len(each.labels),
                "test_apart": int(each.apart.sum()),
                **{name: scores[name] for name in FIGURES},
                "losses": json.dumps([round(loss, 6) for loss in each.losses]),
            }
        )
    return pd.DataFrame(rows).astype({"wrong": "Int64"})


def classes_of(tested: Sequence[Prediction], class_names: Sequence[str]) -> pd.DataFrame:
    """A row for each condition, seed and class, as classes.csv holds it; F1 on the labels as they came."""
    from sklearn.metrics import precision_recall_fscore_support  # noqa: PLC0415  slow to import

    parts = []
    for each in tested:
        precision, recall, f1, support = precision_recall_fscore_support(
            each.labels, each.predicted, labels=np.arange(len(class_names)), zero_division=0.0
        )
        parts.append(
            pd.DataFrame(
                {
                    "seed": each.seed,
                    "condition": each.condition,
                    "class": list(class_names),
                    "test_rows": support,
                    "precision": precision,
                    "recall": recall,
                    "f1": f1,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def summary_of(table: pd.DataFrame, classes: pd.DataFrame) -> dict[str, Any]:
    """Means over the seeds, paired differences to the given labels, shares won back; with intervals."""
    conditions = list(dict.fromkeys(table["condition"]))
    values = {name: {key: _of(table, name, key) for key in FIGURES} for name in conditions}
    return {
        "conditions": {
            name: {
                "rows": float(table[table["condition"] == name]["rows"].mean()),
                "wrong": _mean_or_none(table[table["condition"] == name]["wrong"]),
                **{key: mean_over_seeds(values[name][key]).to_json() for key in FIGURES},
                "difference": {
                    key: difference_over_seeds(values[name][key], values[BASE][key]).to_json()
                    for key in FIGURES
                },
                "won_back": {key: _won_back(values, name, key) for key in FIGURES},
            }
            for name in conditions
        },
        "classes": {
            str(label): {
                name: difference_over_seeds(
                    part[part["condition"] == name]["f1"].tolist(),
                    part[part["condition"] == BASE]["f1"].tolist(),
                ).to_json()
                for name in conditions
                if name != BASE
            }
            for label, part in classes.groupby("class", sort=False)
        },
    }


def cost(summary: dict[str, Any], key: str) -> Estimate | None:
    """What the noise cost: the true labels' figure less the given ones'; None where no truth is known."""
    if TRUE not in summary["conditions"]:
        return None
    return Estimate(**summary["conditions"][TRUE]["difference"][key])


def _of(table: pd.DataFrame, condition: str, key: str) -> list[float]:
    return [float(x) for x in table[table["condition"] == condition].sort_values("seed")[key]]


def _mean_or_none(values: "pd.Series[Any]") -> float | None:
    return None if values.isna().any() else float(values.mean())


def _won_back(values: dict[str, dict[str, list[float]]], name: str, key: str) -> dict[str, Any] | None:
    """The share of what the noise cost; None where that may be nothing, and for the two ends of it."""
    if TRUE not in values or name in (BASE, TRUE):
        return None
    base: npt.NDArray[np.float64] = np.array(values[BASE][key])
    gained, lost = values[name][key] - base, values[TRUE][key] - base
    if lost.mean() <= 0:
        return None
    ratio = ratio_over_seeds(gained.tolist(), lost.tolist())
    return None if ratio is None else ratio.to_json()
