"""How well `audit detect` does on colour photographs whose labels one person gave, and at what cost.

    python benchmarks/photos.py --data FOLDER
    python benchmarks/photos.py --data FOLDER --versions now=. before=../before --seeds 0 1 --limit 10000

FOLDER has labels.csv (path, label, true), such as CIFAR-10N, and the images that it names. A version is the
folder of a checkout; versions take turns, seed by seed. Accuracy and F1 are against `true`, which no version
reads. Writes benchmarks/results/photos.json after every run and skips the runs that it holds.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from recipe import machine

RESULTS = Path(__file__).with_name("results") / "photos.json"


def one(version: Path, data: Path, seed: int, limit: int | None) -> dict:
    """One audit by a version, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        arguments = [str(data.resolve() / "labels.csv"), "--label-column", "label"]
        if limit is not None:
            arguments += ["--limit", str(limit)]
        arguments += ["--seed", str(seed), "--out", str(out), "--quiet"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "audit", "detect", *arguments],
            cwd=folder,  # python -m would import the package of the current folder
            env={**os.environ, "PYTHONPATH": str(version.resolve())},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        seconds = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return {"seconds": seconds, "processor_seconds": processor, **judged(out, data)}


def judged(run: Path, data: Path) -> dict:
    """Accuracy of the predicted probabilities and F1 of the suspects, against the true labels."""
    table = pd.read_csv(data / "labels.csv")
    labels = np.load(run / "labels.npz")
    names = json.loads((run / "manifest.json").read_text())["class_names"]
    rows = table.iloc[labels["rows"]]
    wrong = (rows["label"] != rows["true"]).to_numpy()
    predicted = np.array(names)[np.load(run / "pred_probs.npy").argmax(axis=1)]
    suspects = np.load(run / "suspects.npz")["is_issue"]
    found = int((suspects & wrong).sum())
    return {
        "rows": len(rows),
        "accuracy": float((predicted == rows["true"]).mean()),
        "errors": int(wrong.sum()),
        "suspects": int(suspects.sum()),
        "f1": 2 * found / int(suspects.sum() + wrong.sum()),
        "precision": found / max(1, int(suspects.sum())),
    }


def main() -> None:
    """Run what the results do not hold yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--versions", nargs="+", default=["now=."])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--limit", type=int)
    arguments = parser.parse_args()
    document = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"runs": {}}
    document["machine"] = machine()
    for seed in arguments.seeds:
        for version in arguments.versions:
            name, path = version.split("=", 1)
            key = f"{name} s{seed}" + (f" limit {arguments.limit}" if arguments.limit else "")
            if key not in document["runs"]:
                document["runs"][key] = one(Path(path), arguments.data, seed, arguments.limit)
                RESULTS.write_text(json.dumps(document, indent=1) + "\n")
            print(key, document["runs"][key], flush=True)


if __name__ == "__main__":
    main()
