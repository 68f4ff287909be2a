"""How well changed labels are found: noise kinds × rates × detectors × presets × seeds, on MNIST.

    python benchmarks/detection.py --presets default --seeds 10 11 12
    python benchmarks/detection.py --data /usr/share/datasets/fashion-mnist --noise symmetric:0.1
    python benchmarks/detection.py --table

A cell is one audit of all images, in memory, with every detector on its probabilities, and cleanlab's
CleanLearning and Datalab on the same. Writes benchmarks/results/detection.json, for other data than MNIST
detection-NAME.json, after every cell and skips the cells that it holds. Seeds 0 to 2 are for choosing,
10 to 12 for reporting.
"""

import argparse
import contextlib
import io
import json
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from recipe import machine

import audit
from audit import datasets
from audit.detectors import scoring
from audit.settings.detect import Config
from audit.types import Issues, NoisyLabels

RESULTS = Path(__file__).with_name("results")
NOISE = (
    "symmetric:0.1",
    "symmetric:0.4",
    "pair:0.2",
    "pair:0.45",
    "asymmetric:0.2",
    "asymmetric:0.4",
    "instance:0.2",
    "instance:0.4",
)


def cell(data: str, preset: str, kind: str, rate: float, seed: int) -> dict:
    """The figures of one audit."""
    dataset = datasets.load(Config.of(data=data))
    start = time.perf_counter()
    run = audit.detect(dataset.X, dataset.labels, noise=rate, noise_kind=kind, seed=seed, preset=preset)
    seconds = time.perf_counter() - start
    record = run.record
    scores = record.scores
    noise = scores.noise
    detections = {name: figures.detection.score for name, figures in scores.detectors.items()}
    f1 = {name: score.f1.value for name, score in detections.items()}
    return {
        "changed": run.score["changed"],
        "flagged": run.score["flagged"],
        "precision": run.score["precision"]["value"],
        "recall": run.score["recall"]["value"],
        "f1": f1 | of_cleanlab_classes(record.labels, record.probs.pred_probs),
        "f1_at_budget": {name: 1 - score.fnr_at_noise_rate.value for name, score in detections.items()},
        "average_precision": run.score["average_precision"]["value"],
        "accuracy": scores.accuracy.true,
        "expected_calibration_error": {
            "stated": scores.calibration.stated.expected_calibration_error,
            "cross_fitted": scores.calibration.cross_fitted.expected_calibration_error,
        },
        "noise": {"realised": noise.realised, "estimated": noise.estimated.to_json()},
        "covered": noise.estimated.low <= noise.realised <= noise.estimated.high,
        "seconds": round(seconds, 1),
        "machine": machine(),
    }


def of_cleanlab_classes(labels: NoisyLabels, pred_probs: np.ndarray) -> dict[str, float]:
    """F1 of CleanLearning and Datalab, given the same probabilities instead of a model of their own."""
    from cleanlab.classification import CleanLearning

    found = CleanLearning().find_label_issues(labels=labels.noisy, pred_probs=pred_probs)
    flags = {"CleanLearning": found["is_label_issue"].to_numpy()}
    with contextlib.suppress(ImportError):  # cleanlab[datalab] brings the package datasets
        from cleanlab import Datalab

        with contextlib.redirect_stdout(io.StringIO()):
            lab = Datalab({"label": labels.noisy}, label_name="label", verbosity=0)
            lab.find_issues(pred_probs=pred_probs, issue_types={"label": {}})
        flags["Datalab"] = lab.get_issues("label")["is_label_issue"].to_numpy()
    zero = np.zeros(len(labels.noisy))
    return {
        name: scoring.score(Issues(flag, zero, zero, labels.noisy), labels).f1.value
        for name, flag in flags.items()
    }


HEAD = (
    "| preset | noise | seeds | posterior | best other | cleanlab's best rule | given ≠ predicted | "
    "accuracy | flagged / changed | ECE | seconds |"
)


def table(results: dict) -> str:
    """The means over seeds as a table in Markdown."""
    groups = defaultdict(dict)
    for key, figures in results.items():
        preset, kind, rate, seed = key.split()
        groups[preset, kind, float(rate)][int(seed)] = figures
    lines = [HEAD, "|---" * HEAD.count(" | ") + "|---|"]
    lines += [table_line(*group, cells) for group, cells in sorted(groups.items())]
    covered = [figures["covered"] for figures in results.values()]
    lines.append(f"\nThe 95 % interval of the noise rate held {sum(covered)} of {len(covered)} times.")
    return "\n".join(lines)


def table_line(preset: str, kind: str, rate: float, cells: dict[int, dict]) -> str:
    """The means of one preset and noise over its seeds."""

    def mean(*path: str) -> float:
        values = list(cells.values())
        for name in path:
            values = [value[name] for value in values]
        return float(np.mean(values))

    f1 = {name: mean("f1", name) for name in next(iter(cells.values()))["f1"]}
    rules = {n: v for n, v in f1.items() if n.startswith(("cleanlab", "Clean", "Datalab"))}
    others = {n: v for n, v in f1.items() if n != "posterior"}
    best, rule = max(others, key=others.get), max(rules, key=rules.get)
    columns = (
        preset,
        f"{kind} {rate:g}",
        ", ".join(map(str, sorted(cells))),
        f"**{f1['posterior']:.4f}**",
        f"{others[best]:.4f} ({best})",
        f"{rules[rule]:.4f} ({rule})",
        f"{f1['given-differs']:.4f}",
        f"{mean('accuracy'):.4f}",
        f"{mean('flagged') / mean('changed'):.4f}",
        f"{mean('expected_calibration_error', 'stated'):.4f}",
        f"{mean('seconds'):.0f}",
    )
    return f"| {' | '.join(columns)} |"


def main() -> None:
    """Run the cells that the results do not hold yet, or print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--presets", nargs="+", default=["default"])
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--noise", nargs="+", default=NOISE, metavar="KIND:RATE")
    parser.add_argument("--seeds", type=int, nargs="+", default=[10, 11, 12])
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    name = Path(arguments.data).name
    path = RESULTS / ("detection.json" if name == "mnist" else f"detection-{name}.json")
    results = json.loads(path.read_text()) if path.exists() else {}
    if arguments.table:
        print(table(results))
        return
    for preset in arguments.presets:
        for seed in arguments.seeds:
            for kind, rate in (noise.split(":") for noise in arguments.noise):
                key = f"{preset} {kind} {float(rate):g} {seed}"
                if key not in results:
                    results[key] = cell(arguments.data, preset, kind, float(rate), seed)
                    path.write_text(json.dumps(results, indent=1) + "\n")
                found = results[key]
                best = sorted(found["f1"].items(), key=lambda item: -item[1])[:3]
                print(
                    key,
                    *(f"{n} {v:.4f}" for n, v in best),
                    f"posterior {found['f1']['posterior']:.4f}",
                    f"{found['flagged']}/{found['changed']} covered {found['covered']}",
                    f"ece {found['expected_calibration_error']['stated']:.4f} {found['seconds']} s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
