"""Wrong majorities of simulated annotators, found by votes and models together.

    python benchmarks/annotators.py --seeds 0 1 2 10 11 12
    python benchmarks/annotators.py --table

A cell is 3, 5 or 7 annotators on digits or on 5,000 images of MNIST. Each labels .3 to all of the rows. In
the world `class` everybody has a confusion matrix of their own; in `hard` all draw from the votes of three
classifiers that were trained on 1,000 other images or fewer, so that they err on the same rows; in `mixed`
they also confuse two classes, and one of five guesses. A classifier of scikit-learn is cross-validated on the
majority. A label is the majority of its row, and wrong where it is not the true one. Seeds 0-2 chose the
correlation of votes and the curve of p_error, seeds 10-12 are reported. Writes
benchmarks/results/annotators.json after every seed and skips the cells that it holds.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from recipe import machine
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from audit import datasets
from audit.datasets.majority import majority
from audit.detectors import DETECTORS, Evidence, crowdlab, curve_prior, votes
from audit.detectors.error_curve import doubt_of
from audit.settings.detect import Config
from audit.types import Votes

RESULTS = Path(__file__).with_name("results") / "annotators.json"
ROWS = {"digits": 1200, "mnist": 5000}
VOTED, COMPONENTS, CLASSES = 1000, 60, 10
WORLDS = ("class", "hard", "mixed")
PEOPLE = (3, 5, 7)
CORRELATION = votes.CORRELATION  # of the product
CORRELATIONS = (0.0, 0.1, 0.25, 0.5, 1.0)
CHOSEN, REPORTED = (0, 1, 2), (10, 11, 12)


def examples(name: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features (n, d), true labels (n,), and what three classifiers trained elsewhere vote for (n, k)."""
    dataset = datasets.load(Config.of(data=name))
    rows = np.random.default_rng(seed).permutation(len(dataset.labels))[: ROWS[name] + VOTED]
    X = np.asarray(dataset.X[rows], dtype=np.float32).reshape(len(rows), -1)
    X = PCA(min(COMPONENTS, X.shape[1] - 1), random_state=0).fit_transform(X / X.max())
    true, n = dataset.labels[rows], ROWS[name]
    voters = (
        LogisticRegression(max_iter=100),
        RandomForestClassifier(50, random_state=seed),
        KNeighborsClassifier(7),
    )
    shares = sum(each.fit(X[n:], true[n:]).predict_proba(X[:n]) for each in voters) / len(voters)
    return X[:n], true[:n], shares


def probabilities(world: str, true: np.ndarray, shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The probabilities (n, k) of the labels that one annotator gives."""
    if world == "class":
        accuracy = np.clip(rng.uniform(0.55, 0.95) + 0.08 * rng.normal(size=CLASSES), 0.3, 0.99)
        T = np.diag(accuracy)
        for label in range(CLASSES):
            others = np.arange(CLASSES) != label
            T[label, others] = (1 - accuracy[label]) * rng.dirichlet(np.full(CLASSES - 1, 0.4))
        return T[true]
    if world == "mixed" and rng.random() < 0.2:
        return np.full(shares.shape, 1 / CLASSES)
    drawn = np.maximum(shares, 1e-4) ** rng.uniform(0.8, 3)
    drawn /= drawn.sum(axis=1, keepdims=True)
    if world == "mixed":
        one, other = rng.choice(CLASSES, 2, replace=False)
        drawn[:, other] += 0.4 * drawn[:, one]
        drawn[:, one] *= 0.6
    blunders = rng.uniform(0, 0.15)
    return (1 - blunders) * drawn + blunders / CLASSES


def annotated(
    world: str, people: int, true: np.ndarray, shares: np.ndarray, rng: np.random.Generator
) -> tuple[Votes, np.ndarray]:
    """The votes of some annotators on the rows that have one, and these rows."""
    n = len(true)
    labels = np.full((n, people), -1)
    for who in range(people):
        drawn = probabilities(world, true, shares, rng).cumsum(axis=1)
        said = (drawn > rng.random(n)[:, None] * drawn[:, -1:]).argmax(axis=1)
        labels[:, who] = np.where(rng.random(n) < rng.uniform(0.3, 1), said, -1)
    rows = np.flatnonzero((labels >= 0).any(axis=1))
    row, who = np.nonzero(labels[rows] >= 0)
    return Votes.of(row, who, labels[rows][row, who], [f"annotator {i}" for i in range(people)]), rows


def judged(quality: np.ndarray, flags: np.ndarray, wrong: np.ndarray) -> dict[str, float]:
    """Average precision of a ranking, worst quality first, and F1 of flags."""
    return {
        "average_precision": float(average_precision_score(wrong, -quality)),
        "f1": 2 * float((flags & wrong).sum()) / float(flags.sum() + wrong.sum()),
    }


def cell(data: tuple, world: str, people: int, seed: int) -> dict:
    """How well each way finds the wrong majorities."""
    X, true, shares = data
    given, rows = annotated(world, people, true, shares, np.random.default_rng([seed, people]))
    X, true = X[rows], true[rows]
    labels = majority(given, len(rows), CLASSES)
    model = RandomForestClassifier(60, random_state=seed) if people == 5 else LogisticRegression(max_iter=100)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    probs = cross_val_predict(model, X, labels, cv=folds, method="predict_proba").astype(np.float32)
    wrong = labels != true
    plain, evidence = Evidence(labels, probs), Evidence(labels, probs, votes=given)
    ways = {}
    for name in ("consensus", "posterior"):
        issues = DETECTORS[name](plain)
        ways[f"majority, {name}"] = judged(issues.label_quality, issues.is_issue, wrong)
    found = crowdlab.vote_quality(given, probs, evidence.p_by_votes, None)
    on_label = given.labels == labels[given.rows]
    quality = np.empty(len(labels))
    quality[given.rows[on_label]] = found.vote_quality[on_label]
    ways["CROWDLAB"] = judged(quality, found.consensus != labels, wrong)
    issues = DETECTORS["votes"](evidence)
    ways["votes"] = judged(issues.label_quality, issues.is_issue, wrong)
    by_correlation = {}
    for correlation in CORRELATIONS if seed in CHOSEN else ():
        votes.CORRELATION = correlation
        other = DETECTORS["votes"](Evidence(labels, probs, votes=given))
        by_correlation[str(correlation)] = judged(other.label_quality, other.is_issue, wrong)
    votes.CORRELATION = CORRELATION
    curve = curve_prior(evidence).curve
    expected = curve.expected(doubt_of(issues.label_quality))
    right = np.bincount(given.annotators, given.labels == true[given.rows])
    accuracy = right / np.bincount(given.annotators)
    return {
        "errors": int(wrong.sum()),
        "rows": len(labels),
        "expected": [expected.low, expected.value, expected.high],
        "wrong_consensus": int((found.consensus != true).sum()),
        "wrong_most_probable": int((evidence.p_by_votes.argmax(axis=1) != true).sum()),
        "annotators": [
            [float(accuracy[i]), float(found.annotator_low[i]), float(found.annotator_quality[i]),
             float(found.annotator_high[i])]
            for i in range(len(given.names))
        ],
        "ways": ways,
        "by_correlation": by_correlation,
    }  # fmt: skip


def table(cells: dict[str, dict]) -> str:
    """Mean figures in Markdown: the reported seeds by world, and the correlations that were tried."""
    reported = {name: each for name, each in cells.items() if int(name.split()[-1]) in REPORTED}
    lines = ["| world | way | average precision | F1 |", "|---|---|---|---|"]
    for world in (*WORLDS, "all"):
        of_world = [each for name, each in reported.items() if world in (name.split()[1], "all")]
        for way in of_world[0]["ways"] if of_world else ():
            means = [
                np.mean([each["ways"][way][key] for each in of_world]) for key in ("average_precision", "f1")
            ]
            lines.append(f"| {world} | {way} | {means[0]:.3f} | {means[1]:.3f} |")
    for other in ("majority, consensus", "majority, posterior", "CROWDLAB"):
        for key in ("average_precision", "f1"):
            better = [each["ways"]["votes"][key] > each["ways"][other][key] for each in reported.values()]
            lines.append(f"\nvotes above {other} in {key}: {sum(better)} of {len(better)} cells")
    held = [
        low <= each["errors"] <= high for each in reported.values() for low, _, high in [each["expected"]]
    ]
    ratio = [each["expected"][1] / each["errors"] for each in reported.values()]
    lines.append(
        f"\nexpected over real errors: mean {np.mean(ratio):.2f}; "
        f"interval holds in {sum(held)} of {len(held)}"
    )
    people = np.array([each for one in reported.values() for each in one["annotators"]])
    inside = (people[:, 1] <= people[:, 0]) & (people[:, 0] <= people[:, 3])
    rank = [
        np.corrcoef(np.argsort(np.argsort(np.array(one["annotators"])[:, [0, 2]], axis=0), axis=0).T)[0, 1]
        for one in reported.values()
    ]
    lines.append(
        f"\nannotators: true accuracy in the interval of the quality {inside.mean():.2f}; quality less "
        f"accuracy {(people[:, 2] - people[:, 0]).mean():+.3f}; rank correlation {np.mean(rank):.2f}"
    )
    shares = {
        name: sum(each[name] for each in reported.values()) / sum(each["rows"] for each in reported.values())
        for name in ("errors", "wrong_consensus", "wrong_most_probable")
    }
    lines.append(f"\nwrong labels: {', '.join(f'{name} {share:.4f}' for name, share in shares.items())}")
    chosen = [each for name, each in cells.items() if int(name.split()[-1]) in CHOSEN]
    lines += ["", "| correlation | average precision | F1 |", "|---|---|---|"]
    for correlation in map(str, CORRELATIONS) if chosen else ():
        of_it = [each["by_correlation"][correlation] for each in chosen]
        means = [np.mean([each[key] for each in of_it]) for key in ("average_precision", "f1")]
        lines.append(f"| {correlation} | {means[0]:.3f} | {means[1]:.3f} |")
    return "\n".join(lines)


def main() -> None:
    """Measure the seeds that the results do not hold, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="*", default=[*CHOSEN, *REPORTED])
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"machine": machine(), "cells": {}}
    for seed in () if arguments.table else arguments.seeds:
        for name in ROWS:
            data = None
            for world in WORLDS:
                for people in PEOPLE:
                    key = f"{name} {world} {people} {seed}"
                    if key not in kept["cells"]:
                        data = data or examples(name, seed)
                        kept["cells"][key] = cell(data, world, people, seed)
            RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
            print(name, seed, flush=True)
    print(table(kept["cells"]))


if __name__ == "__main__":
    main()
