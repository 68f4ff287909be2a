"""Score the models of an impact experiment: levels, differences to the given labels, shares won back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
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
BASE = "given"
TRUE = "true"

FiguresBySeed = Mapping[str, Mapping[str, Sequence[float]]]  # condition → figure → a value a seed


@dataclass(frozen=True, eq=False)
class Prediction:
    """One condition on one seed: what it was trained on, and what it predicts of the held-out rows."""

    seed: int
    condition: str
    rows: int  # that were trained on
    wrong: int | None  # of them with another label than the original; None where nothing was changed
    predicted: Labels  # (t,)
    labels: Labels  # (t,) original
    audited: Labels  # (t,) original, or as a person decided
    apart: Mask  # (t,) rows that the audited figures leave out
    losses: tuple[float, ...]
    seconds: float


def scores_by_seed(tested: Sequence[Prediction]) -> pd.DataFrame:
    """Score every condition on every seed: the table impact.csv."""
    return pd.DataFrame([_scores(prediction) for prediction in tested]).astype({"wrong": "Int64"})


def _scores(prediction: Prediction) -> dict[str, Any]:
    """A line of impact.csv."""
    from sklearn.metrics import accuracy_score, f1_score  # noqa: PLC0415  slow to import

    kept = ~prediction.apart
    predicted = prediction.predicted
    sides = {
        "": (prediction.labels, predicted),
        "_audited": (prediction.audited[kept], predicted[kept]),
    }
    scores: dict[str, float] = {}
    for side, (labels, predictions) in sides.items():
        scores[f"accuracy{side}"] = float(accuracy_score(labels, predictions))
        macro_f1 = f1_score(labels, predictions, average="macro", zero_division=0.0)
        scores[f"macro_f1{side}"] = float(macro_f1)
    return {
        "seed": prediction.seed,
        "condition": prediction.condition,
        "rows": prediction.rows,
        "wrong": prediction.wrong,
        "test_rows": len(prediction.labels),
        "test_apart": int(prediction.apart.sum()),
        **{figure: scores[figure] for figure in FIGURES},
        "losses": json.dumps([round(loss, 6) for loss in prediction.losses]),
    }


def scores_by_class(tested: Sequence[Prediction], class_names: Sequence[str]) -> pd.DataFrame:
    """Score every class of every condition and seed on the original labels: the table classes.csv."""
    from sklearn.metrics import precision_recall_fscore_support  # noqa: PLC0415  slow to import

    tables = []
    for prediction in tested:
        precision, recall, f1, support = precision_recall_fscore_support(
            prediction.labels, prediction.predicted, labels=np.arange(len(class_names)), zero_division=0.0
        )
        tables.append(
            pd.DataFrame(
                {
                    "seed": prediction.seed,
                    "condition": prediction.condition,
                    "class": list(class_names),
                    "test_rows": support,
                    "precision": precision,
                    "recall": recall,
                    "f1": f1,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def summarise(by_seed: pd.DataFrame, by_class: pd.DataFrame) -> dict[str, Any]:
    """Average figures, differences to the given labels and shares won back over the seeds, with intervals."""
    conditions = list(dict.fromkeys(by_seed["condition"]))
    values = {name: {figure: _of_seeds(by_seed, name, figure) for figure in FIGURES} for name in conditions}
    return {
        "conditions": {
            name: {
                "rows": float(by_seed[by_seed["condition"] == name]["rows"].mean()),
                "wrong": _mean_or_none(by_seed[by_seed["condition"] == name]["wrong"]),
                **{figure: mean_over_seeds(values[name][figure]).to_json() for figure in FIGURES},
                "difference": {
                    figure: difference_over_seeds(values[name][figure], values[BASE][figure]).to_json()
                    for figure in FIGURES
                },
                "won_back": {figure: _won_back(values, name, figure) for figure in FIGURES},
            }
            for name in conditions
        },
        "classes": {
            str(label): _f1_differences(of_class, conditions)
            for label, of_class in by_class.groupby("class", sort=False)
        },
    }


def _f1_differences(of_class: pd.DataFrame, conditions: Sequence[str]) -> dict[str, Any]:
    """The difference of a class's F1 to that of the given labels, for every other condition."""
    given = of_class[of_class["condition"] == BASE]["f1"].tolist()
    return {
        name: difference_over_seeds(of_class[of_class["condition"] == name]["f1"].tolist(), given).to_json()
        for name in conditions
        if name != BASE
    }


def noise_cost(summary: Mapping[str, Any], figure: str) -> Estimate | None:
    """What the noise cost: the true labels' figure less the given ones'; None where no truth is known."""
    if TRUE not in summary["conditions"]:
        return None
    return Estimate(**summary["conditions"][TRUE]["difference"][figure])


def _of_seeds(by_seed: pd.DataFrame, condition: str, figure: str) -> list[float]:
    """A figure of a condition, in the order of the seeds."""
    rows = by_seed[by_seed["condition"] == condition].sort_values("seed")
    return [float(value) for value in rows[figure]]


def _mean_or_none(values: "pd.Series[Any]") -> float | None:
    if values.isna().any():
        return None
    return float(values.mean())


def _won_back(values: FiguresBySeed, name: str, figure: str) -> dict[str, Any] | None:
    """The share of the noise's cost that a condition won back.

    None where the noise may have cost nothing, and for the given and the true labels themselves.
    """
    if TRUE not in values or name in (BASE, TRUE):
        return None
    given = np.array(values[BASE][figure])
    gained = np.subtract(values[name][figure], given)
    lost = np.subtract(values[TRUE][figure], given)
    if lost.mean() <= 0:
        return None
    ratio = ratio_over_seeds(gained.tolist(), lost.tolist())
    if ratio is None:
        return None
    return ratio.to_json()
