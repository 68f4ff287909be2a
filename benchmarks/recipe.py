"""The published recipe beside `audit detect`, on the same noisy labels, in one run.

The recipe: a network of 6 and 16 channels, skorch's defaults (SGD, a fifth of each fold held back),
scikit-learn's `cross_val_predict` with 5 folds, cleanlab's `find_label_issues`; see "Finding Label
Issues in Image Classification Datasets" by cleanlab. Ours is the whole command, from its start to
the written report.

    python benchmarks/recipe.py --seeds 10 11 12 --presets fast default thorough --long-seeds 10

Writes benchmarks/results/recipe.json after every part and skips the parts that it holds: a stopped
run resumes, and a new measurement begins by removing the file.
Peak memory is the largest sum of the proportional set sizes of the process and its children, polled: a
page that several processes share counts once.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

RESULTS = Path(__file__).with_name("results") / "recipe.json"


def measured(command: list[str]) -> tuple[float, int, str]:
    """Seconds, peak bytes over the process tree, and standard output of a command."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    peak = [0]

    def poll() -> None:
        while process.poll() is None:
            peak[0] = max(peak[0], memory_of_tree(process.pid))
            time.sleep(0.1)

    watcher = threading.Thread(target=poll)
    watcher.start()
    output, _ = process.communicate()
    watcher.join()
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return time.perf_counter() - start, peak[0], output


def memory_of_tree(root: int) -> int:
    """Bytes in memory of a process and everything below it; a page that several share counts once."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        except OSError:
            continue  # it ended meanwhile
        parents[int(status.parent.name)] = int(fields["PPid"])
    tree = {root}
    while more := {pid for pid, parent in parents.items() if parent in tree} - tree:
        tree |= more
    return sum(map(proportional_set_size, tree))


def proportional_set_size(pid: int) -> int:
    """Bytes of a process in memory, shared pages in proportion; 0 of one that has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def ours(seed: int, preset: str) -> dict:
    """The whole command, from its start to the written report."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = ["detect", "mnist", "--noise", "0.1", "--seed", seed, "--out", out, "--json", "--quiet"]
        command += ["--preset", preset]
        seconds, peak, output = measured([sys.executable, "-m", "audit", *map(str, command)])
        if (np.load(out / "labels.npz")["given"] != noisy_labels(seed)).any():
            sys.exit("the command and the recipe do not read the same labels")
    scores = json.loads(output)
    return {
        "name": ours_name(preset),
        "seed": seed,
        "seconds": round(seconds, 1),
        "cross_validation_seconds": scores["timings"]["folds"],
        "peak_bytes": peak,
        "accuracy_true": scores["accuracy"]["true"],
        "f1": {name: each["f1"]["value"] for name, each in scores["detectors"].items()},
        "flagged": {name: each["flagged"] for name, each in scores["detectors"].items()},
    }


def ours_name(preset: str) -> str:
    """What the results call the command with this preset."""
    return "audit detect" if preset == "default" else f"audit detect --preset {preset}"


def noisy_labels(seed: int) -> np.ndarray:
    """The labels that the command audits under this seed."""
    from audit import datasets, noise
    from audit.settings.detect import Config
    from audit.types import Seeds

    rng = np.random.default_rng(Seeds.of(seed).noise)
    return noise.inject(datasets.load(Config()).labels, 0.1, rng=rng).noisy


def recipe(seed: int, epochs: int) -> dict:
    """The recipe's cross-validation and cleanlab's rule, in a process of its own."""
    command = [sys.executable, __file__, "--recipe", str(seed), "--epochs", str(epochs)]
    _, peak, output = measured(command)
    return {"name": f"recipe, {epochs} epochs", "seed": seed, "peak_bytes": peak, **json.loads(output)}


def run_recipe(seed: int, epochs: int) -> None:
    """Train as the recipe does and print the figures as JSON."""
    import torch
    from cleanlab.filter import find_label_issues
    from sklearn.model_selection import cross_val_predict
    from skorch import NeuralNetClassifier
    from torch import nn

    from audit import datasets
    from audit.detectors import DETECTORS, Evidence, available
    from audit.settings.detect import Config

    def network() -> nn.Module:
        stages = []
        for inputs, outputs in ((1, 6), (6, 16)):
            stages += [nn.Conv2d(inputs, outputs, 3), nn.ReLU(), nn.BatchNorm2d(outputs), nn.MaxPool2d(2)]
        return nn.Sequential(
            *stages, nn.Flatten(), nn.Linear(400, 128), nn.ReLU(), nn.Linear(128, 10), nn.Softmax(-1)
        )

    data, given = datasets.load(Config()), noisy_labels(seed)
    X = (data.X / 255).astype("float32").transpose(0, 3, 1, 2)
    torch.manual_seed(123)
    start = time.perf_counter()
    model = NeuralNetClassifier(network, max_epochs=epochs, verbose=0)
    probs = cross_val_predict(model, X, given, cv=5, method="predict_proba")
    seconds = time.perf_counter() - start
    wrong = given != data.labels

    def f1(flags: np.ndarray) -> float:
        return float(2 * (flags & wrong).sum() / (flags.sum() + wrong.sum()))

    evidence = Evidence(given, probs)
    figures = {
        "seconds": round(seconds, 1),
        "accuracy_true": float((probs.argmax(axis=1) == data.labels).mean()),
        "f1": {"find_label_issues": f1(find_label_issues(given, probs, n_jobs=1))}
        | {name: f1(DETECTORS[name](evidence).is_issue) for name in available(evidence)},
    }
    print(json.dumps(figures))


def machine() -> dict:
    """Where and with what it ran."""
    import torch

    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    model = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "commit": commit,
        "cores": os.cpu_count(),
        "processor": model[0].split(":")[1].strip() if model else platform.processor(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def summary(results: list[dict]) -> dict:
    """Means over seeds and the ratio of the whole command to the recipe's cross-validation, seed by seed."""
    named = {
        name: [r for r in results if r["name"] == name] for name in dict.fromkeys(r["name"] for r in results)
    }
    means = {
        name: {
            "seeds": [r["seed"] for r in rows],
            "seconds": float(np.mean([r["seconds"] for r in rows])),
            "peak_bytes": max(r["peak_bytes"] for r in rows),
            "accuracy_true": float(np.mean([r["accuracy_true"] for r in rows])),
            "f1": {key: float(np.mean([r["f1"][key] for r in rows])) for key in rows[0]["f1"]},
        }
        for name, rows in named.items()
    }
    theirs = {r["seed"]: r["seconds"] for r in named.get("recipe, 10 epochs", [])}
    ratios = {
        name: {r["seed"]: round(r["seconds"] / theirs[r["seed"]], 3) for r in rows if r["seed"] in theirs}
        for name, rows in named.items()
        if name.startswith("audit")
    }
    return {"means": means, "seconds_over_recipe_at_10_epochs": ratios}


def main() -> None:
    """Run everything that was asked for, writing the results after each part."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="*", default=[10, 11, 12])
    parser.add_argument(
        "--long-seeds", type=int, nargs="*", default=[], help="seeds for the recipe at 50 epochs"
    )
    parser.add_argument("--presets", nargs="+", default=["default"])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--recipe", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.recipe is not None:
        run_recipe(arguments.recipe, arguments.epochs)
        return
    results: list[dict] = json.loads(RESULTS.read_text())["results"] if RESULTS.exists() else []

    def keep(name: str, seed: int, measure: Callable[[], dict]) -> None:
        if any((result["name"], result["seed"]) == (name, seed) for result in results):
            return
        results.append({**measure(), "machine": machine()})
        print(results[-1], flush=True)
        RESULTS.parent.mkdir(exist_ok=True)
        document = {"noise": "symmetric 0.1", **summary(results), "results": results}
        RESULTS.write_text(json.dumps(document, indent=1) + "\n")

    for seed in arguments.seeds:
        for preset in arguments.presets:
            keep(ours_name(preset), seed, partial(ours, seed, preset))
        keep(f"recipe, {arguments.epochs} epochs", seed, partial(recipe, seed, arguments.epochs))
    for seed in arguments.long_seeds:
        keep("recipe, 50 epochs", seed, partial(recipe, seed, 50))


if __name__ == "__main__":
    main()
