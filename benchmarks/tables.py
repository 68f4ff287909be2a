"""Small data with default settings, beside cleanlab's CleanLearning with the same classifier.

    python benchmarks/tables.py --seeds 10 11 12

digits (images, the network), wine and breast_cancer (features, the linear model) of scikit-learn with 10 %
symmetric noise. CleanLearning cross-validates one clone of the classifier that the audit's last round uses,
over five folds, and flags by its default rule. Writes benchmarks/results/tables.json.
"""

import argparse
import json
import time
import warnings
from pathlib import Path

import numpy as np
from cleanlab.classification import CleanLearning
from recipe import machine
from sklearn.base import BaseEstimator, ClassifierMixin

import audit
from audit import datasets
from audit.detectors import scoring
from audit.settings.detect import Config
from audit.training import models, schedule
from audit.types import Issues, Training

RESULTS = Path(__file__).with_name("results") / "tables.json"
NAMES = ("digits", "wine", "breast_cancer")


class Same(ClassifierMixin, BaseEstimator):
    """The classifier that an audit of these data trains, made when the number of rows is known."""

    def __init__(self, build: models.Builder, recipe: object, k: int) -> None:
        self.build, self.recipe, self.k = build, recipe, k

    def fit(self, X: np.ndarray, y: np.ndarray) -> "Same":
        """Train on these rows."""
        training = Training(X.shape, self.k, 0, self.recipe, 1, "cpu", lambda _: None)
        self.model_ = self.build(training).fit(X, y)
        self.classes_ = np.arange(self.k)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Probabilities (m, k)."""
        return self.model_.predict_proba(X)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The most probable classes (m,)."""
        return self.predict_proba(X).argmax(axis=1)


def cell(name: str, seed: int) -> dict:
    """F1 of both, and seconds, on the same noisy labels."""
    dataset = datasets.load(Config.of(data=name))
    start = time.perf_counter()
    run = audit.detect(dataset.X, dataset.labels, noise=0.1, seed=seed)
    middle = time.perf_counter()
    plan = schedule.make_schedule(Config().training, dataset.X)
    same = Same(models.builder("auto", dataset), plan.recipe, len(dataset.class_names))
    learner = CleanLearning(same, cv_n_folds=5, seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        flags = learner.find_label_issues(dataset.X, run.record.labels.noisy)["is_label_issue"]
    end = time.perf_counter()
    blank = np.zeros(len(flags))
    theirs = Issues(flags.to_numpy(), blank, blank, dataset.labels)
    return {
        "f1": {
            "audit": run.score["f1"]["value"],
            "CleanLearning": scoring.score(theirs, run.record.labels).f1.value,
        },
        "seconds": {"audit": round(middle - start, 2), "CleanLearning": round(end - middle, 2)},
    }


def main() -> None:
    """Measure every data set with every seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[10, 11, 12])
    seeds = parser.parse_args().seeds
    cells = {f"{name} {seed}": cell(name, seed) for name in NAMES for seed in seeds}
    means = {
        name: {
            way: float(np.mean([cells[f"{name} {seed}"]["f1"][way] for seed in seeds]))
            for way in ("audit", "CleanLearning")
        }
        for name in NAMES
    }
    RESULTS.write_text(json.dumps({"machine": machine(), "cells": cells, "means": means}, indent=1) + "\n")
    print(json.dumps(means, indent=1))


if __name__ == "__main__":
    main()
