"""Tables of texts with default settings: the whole command, its detection, its time and its memory.

    python benchmarks/texts.py TABLE.csv … --seeds 10 11 12

Each table has a column of texts and one of labels. 10 % of the labels are changed. Beside the audit is the
best of cleanlab's six rules on the same predicted probabilities. Writes benchmarks/results/texts.json.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from recipe import machine, measured

RESULTS = Path(__file__).with_name("results") / "texts.json"


def cell(table: Path, seed: int) -> dict:
    """The figures of one audit."""
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "run")
        command = [sys.executable, "-m", "audit", "detect", str(table), "--noise", "0.1", "--seed", str(seed)]
        seconds, memory, _ = measured([*command, "--quiet", "--out", out])
        scores = json.loads((Path(out) / "scores.json").read_text(encoding="utf-8"))
    f1 = {name: each["f1"]["value"] for name, each in scores["detectors"].items()}
    return {
        "rows": scores["rows"],
        "classes": len(scores["classes"]),
        "posterior": round(f1["posterior"], 4),
        "cleanlab": round(max(value for name, value in f1.items() if name.startswith("cleanlab")), 4),
        "accuracy": round(scores["accuracy"]["true"], 4),
        "macro_f1_of_kinds": round(scores["kinds"]["macro_f1"], 4),
        "seconds": round(seconds, 1),
        "megabytes": round(memory / 1e6),
    }


def main() -> None:
    """Measure every table with every seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("tables", type=Path, nargs="+")
    parser.add_argument("--seeds", type=int, nargs="+", default=[10, 11, 12])
    given = parser.parse_args()
    results = {"machine": machine(), "cells": {}, "means": {}}
    if RESULTS.exists():
        results = json.loads(RESULTS.read_text())
    for table in given.tables:
        cells = []
        for seed in given.seeds:
            cells.append(cell(table, seed))
            results["cells"][f"{table.stem} {seed}"] = cells[-1]
            print(table.stem, seed, cells[-1], flush=True)
        results["means"][table.stem] = {
            name: round(float(np.mean([each[name] for each in cells])), 4) for name in cells[0]
        }
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
