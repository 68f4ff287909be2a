"""find_issues on the probabilities of models that are not ours, beside the rules of cleanlab.

    python benchmarks/other_models.py --seeds 10 11 12
    python benchmarks/other_models.py --data /usr/share/datasets/fashion-mnist
    python benchmarks/other_models.py --table

A cell is a classifier of scikit-learn on the first components of 10,000 images, cross-validated on noisy
labels. Transition matrices are drawn by cleanlab's generator from their trace; annotators' labels are drawn
from the votes of the same classifiers, trained on 3,000 other images. Writes
benchmarks/results/other_models-NAME.json after every cell and skips the cells that it holds.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
from cleanlab.benchmarking.noise_generation import generate_noise_matrix_from_trace
from cleanlab.filter import find_label_issues
from recipe import machine
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier

import audit
from audit import datasets
from audit.settings.detect import Config

RESULTS = Path(__file__).with_name("results")
ROWS, VOTED, COMPONENTS = 10_000, 3_000, 60
RULES = (
    "prune_by_class",
    "prune_by_noise_rate",
    "both",
    "confident_learning",
    "predicted_neq_given",
    "low_normalized_margin",
    "low_self_confidence",
)
TRACES = {"class, 10 %": (9.0, 0.0), "class, 20 %, sparse": (8.0, 0.7), "class, 35 %": (6.5, 0.2)}
WORLDS = (*TRACES, "instance, 20 %", "annotators")
SENSES = ("process", "consensus")  # of «wrong»
SURENESS = 2.0  # power of the votes' shares that an annotator draws from


def models(seed: int) -> dict:
    """Classifiers as people have them."""
    return {
        "logistic regression": LogisticRegression(max_iter=100),
        "perceptron": MLPClassifier((100,), max_iter=12, random_state=seed),
        "forest": RandomForestClassifier(100, random_state=seed),
        "15 neighbours": KNeighborsClassifier(15),
    }


class World:
    """Images of one data set, as components, and their true labels, drawn by a seed."""

    def __init__(self, data: str, seed: int) -> None:
        dataset = datasets.load(Config.of(data=data))
        rows = np.random.default_rng(seed).permutation(len(dataset.labels))[: ROWS + VOTED]
        flat = np.asarray(dataset.X[rows], dtype=np.float32).reshape(len(rows), -1)
        parts = PCA(COMPONENTS, random_state=0).fit_transform(flat)
        self.seed, true = seed, dataset.labels[rows]
        parts /= parts.std()
        self.X, self.true = parts[:ROWS], true[:ROWS]
        self.other_X, self.other_true = parts[ROWS:], true[ROWS:]

    def labels(self, name: str) -> np.ndarray:
        """Noisy labels (ROWS,)."""
        rng, k = np.random.default_rng(self.seed), int(self.true.max()) + 1
        if name == "annotators":
            return self._annotated(rng)
        if name.startswith("instance"):
            return audit.inject(self.true, 0.2, "instance", rng=rng, X=self.X).noisy
        trace, zeros = TRACES[name]
        shares = np.bincount(self.true) / ROWS
        np.random.seed(self.seed)  # noqa: NPY002  what cleanlab's generator draws from
        T = generate_noise_matrix_from_trace(
            k, trace, min_trace_prob=0.5, py=shares, frac_zero_noise_rates=zeros, seed=self.seed
        )
        return audit.inject(self.true, None, "matrix", k=k, rng=rng, matrix=T.T).noisy

    def _annotated(self, rng: np.random.Generator) -> np.ndarray:
        voters = models(self.seed).values()
        votes = sum(each.fit(self.other_X, self.other_true).predict_proba(self.X) for each in voters)
        shares = votes**SURENESS
        shares /= shares.sum(axis=1, keepdims=True)
        drawn = (shares.cumsum(axis=1) < rng.random((ROWS, 1))).sum(axis=1)
        return np.minimum(drawn, shares.shape[1] - 1)


def cell(world: World, labels: np.ndarray, model: object) -> dict:
    """F1 of find_issues in both senses of wrong, and of each rule."""
    folds = StratifiedKFold(5, shuffle=True, random_state=world.seed)
    probs = cross_val_predict(model, world.X, labels, cv=folds, method="predict_proba")
    wrong = labels != world.true

    def f1(flags: np.ndarray) -> float:
        return 2 * float((flags & wrong).sum()) / float(flags.sum() + wrong.sum())

    ours = {sense: f1(audit.find_issues(labels, probs, truth=sense).is_issue) for sense in SENSES}
    theirs = {rule: f1(find_label_issues(labels, probs, filter_by=rule, n_jobs=1)) for rule in RULES}
    return {"wrong": float(wrong.mean()), "accuracy": float((probs.argmax(axis=1) == world.true).mean())} | {
        "f1": ours | theirs
    }


HEAD = "| labels | model | wrong | accuracy | process | consensus | cleanlab's best rule |"


def table(results: dict) -> str:
    """The means over seeds as a table in Markdown."""
    groups = defaultdict(list)
    for key, figures in results.items():
        world, model, _ = key.split("; ")
        groups[world, model].append(figures)
    lines = [HEAD, "|---" * (HEAD.count(" | ") + 1) + "|"]
    for (world, model), cells in groups.items():
        f1 = {way: np.mean([each["f1"][way] for each in cells]) for way in (*SENSES, *RULES)}
        best = max(RULES, key=f1.get)
        wrong, accuracy = (np.mean([each[name] for each in cells]) for name in ("wrong", "accuracy"))
        figures = (f"{value:.3f}" for value in (wrong, accuracy, *(f1[sense] for sense in SENSES), f1[best]))
        lines.append(f"| {world} | {model} | {' | '.join(figures)} ({best}) |")
    return "\n".join(lines)


def main() -> None:
    """Measure what the results do not hold yet, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--seeds", type=int, nargs="+", default=[10, 11, 12])
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    path = RESULTS / f"other_models-{Path(arguments.data).name}.json"
    results = json.loads(path.read_text()) if path.exists() else {"machine": machine(), "cells": {}}
    cells = results["cells"]
    if arguments.table:
        print(table(cells))
        return
    for seed in arguments.seeds:
        world = World(arguments.data, seed)
        for name in WORLDS:
            labels = world.labels(name)
            for model, classifier in models(seed).items():
                key = f"{name}; {model}; {seed}"
                if key not in cells:
                    cells[key] = cell(world, labels, classifier)
                    path.write_text(json.dumps(results, indent=1) + "\n")
                    print(key, *(f"{way} {value:.3f}" for way, value in cells[key]["f1"].items()), flush=True)


if __name__ == "__main__":
    main()
