"""The natural suspects of MNIST against labels that people have checked.

Five people each looked at 100 test images whose labels a network doubted, and said whether they show the
given class, the guessed one or neither (Northcutt, Athalye and Mueller, «Pervasive Label Errors in Test Sets
Destabilize Machine Learning Benchmarks», 2021). Their votes are in benchmarks/checked.csv, from
mturk/mnist_mturk.json of github.com/cleanlab/label-errors; a label is wrong where fewer than three stood by
it, as for 15 of the 100. The detectors were not chosen by these.

    python benchmarks/checked.py --presets default --seeds 10 11 12
    python benchmarks/checked.py --table

Writes benchmarks/results/checked.json after every run and skips the runs that it holds.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
from cleanlab.rank import get_label_quality_scores
from recipe import machine
from sklearn.metrics import average_precision_score, roc_auc_score

import audit
from audit import datasets
from audit.settings.detect import Config

RESULTS = Path(__file__).with_name("results") / "checked.json"
TEST = 60_000  # the first of the test images
SCORES = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")
THIRDS = 3


def votes() -> tuple[np.ndarray, np.ndarray]:
    """Rows of MNIST that people looked at, (100,), and whether most of them left the given label, (100,)."""
    table = pd.read_csv(RESULTS.parent.parent / "checked.csv")
    return TEST + table["id"].to_numpy(), (table["votes_given"] < 3).to_numpy()


def one(preset: str, seed: int) -> dict:
    """Audit MNIST with the usual noise and compare the checked labels with what is said of them."""
    rows, wrong = votes()
    dataset = datasets.load(Config())
    run = audit.detect(dataset.X, dataset.labels, noise=0.1, seed=seed, preset=preset)
    suspects, labels = run.record.suspects, run.record.labels.original
    doubts = {"label-audit": suspects.p_error}
    for name in SCORES:
        doubts[name] = -get_label_quality_scores(labels, run.record.probs.pred_probs, method=name)
    p_error = suspects.p_error[rows]
    order = np.argsort(-p_error, kind="stable")
    return {
        "ranking": {name: ranking(doubt, rows, wrong) for name, doubt in doubts.items()},
        "flagged": {
            "wrong": int(suspects.is_issue[rows][wrong].sum()),
            "right": int(suspects.is_issue[rows][~wrong].sum()),
        },
        "by_p_error": [
            {"rows": len(part), "expected": float(p_error[part].sum()), "wrong": int(wrong[part].sum())}
            for part in np.array_split(order, THIRDS)
        ],
        "machine": machine(),
    }


def ranking(doubt: np.ndarray, rows: np.ndarray, wrong: np.ndarray) -> dict:
    """How well a score (n,), higher where in doubt, tells the wrong ones of the checked labels."""
    place = np.empty(len(doubt), dtype=int)
    place[TEST + np.argsort(-doubt[TEST:], kind="stable")] = np.arange(len(doubt) - TEST)
    return {
        "roc_auc": float(roc_auc_score(wrong, doubt[rows])),
        "average_precision": float(average_precision_score(wrong, doubt[rows])),
        "wrong_in_first_100_of_test": int((place[rows[wrong]] < 100).sum()),
    }


def table(results: dict) -> str:
    """Means over seeds, a line for each preset and score."""
    lines = []
    for preset in sorted({key.split()[0] for key in results}):
        runs = [run for key, run in results.items() if key.split()[0] == preset]
        for name in runs[0]["ranking"]:
            figures = pd.DataFrame([run["ranking"][name] for run in runs]).mean()
            lines.append(
                f"| {preset} | {name} | {figures['roc_auc']:.3f} | {figures['average_precision']:.3f}"
                f" | {figures['wrong_in_first_100_of_test']:.1f} |"
            )
        parts = pd.concat([pd.DataFrame(run["by_p_error"]) for run in runs]).groupby(level=0).mean()
        lines += [
            f"{preset}: of {part.rows:.0f} expected {part.expected:.1f}, wrong {part.wrong:.1f}"
            for part in parts.itertuples()
        ]
        flagged = pd.DataFrame([run["flagged"] for run in runs]).mean()
        lines.append(
            f"{preset}: flagged {flagged['wrong']:.1f} of the wrong, {flagged['right']:.1f} of the right"
        )
    return "\n".join(lines)


def main() -> None:
    """Run what the results do not hold yet."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--presets", nargs="+", default=["default"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[10, 11, 12])
    parser.add_argument("--table", action="store_true", help="only print the table of what is there")
    arguments = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for preset in [] if arguments.table else arguments.presets:
        for seed in arguments.seeds:
            key = f"{preset} {seed}"
            if key not in results:
                results[key] = one(preset, seed)
                RESULTS.write_text(json.dumps(results, indent=1) + "\n")
            print(key, results[key]["ranking"], results[key]["by_p_error"], flush=True)
    print(table(results))


if __name__ == "__main__":
    main()
