"""Whole audits of more and more images in a mapped file: what an image costs, and how memory grows.

    python benchmarks/growth.py 70000 1000000
    python benchmarks/growth.py --table

Writes so many images of 28 x 28 pixels, digits of MNIST that are moved, darker or brighter and noisy, and
audits them with `audit detect --X X.npy --y y.npy --noise 0.1 --preset fast --epochs 1`. Memory is the most
that no file backs, of the process and its workers. Writes benchmarks/results/growth.json.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from recipe import machine

RESULTS = Path(__file__).with_name("results") / "growth.json"
CHUNK = 10_000
MOVED = 3  # pixels at most
COMMAND = ["detect", "--X", "X.npy", "--y", "y.npy", "--noise", "0.1", "--preset", "fast", "--epochs", "1"]


def write(folder: Path, n: int) -> None:
    """So many images, no two of them the same, and their labels."""
    from audit import datasets
    from audit.settings.detect import Config

    digits = datasets.load(Config())
    rng = np.random.default_rng(0)
    chosen = rng.integers(0, len(digits.labels), n)
    X = np.lib.format.open_memmap(folder / "X.npy", "w+", np.uint8, (n, 28, 28))
    for start in range(0, n, CHUNK):
        images = digits.X[chosen[start : start + CHUNK], ..., 0].astype(np.float32)
        for number, move in enumerate(rng.integers(-MOVED, MOVED + 1, (len(images), 2))):
            images[number] = np.roll(images[number], move, (0, 1))
        images *= rng.uniform(0.6, 1, (len(images), 1, 1))
        images += rng.normal(0, 12, images.shape)
        X[start : start + CHUNK] = np.clip(images, 0, 255)
    np.save(folder / "y.npy", digits.labels[chosen])


def anonymous_bytes(root: int) -> int:
    """Memory of a process and all below it that no file backs; pages that several share count once."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = dict(tuple(map(int, line.split())) for line in listed.splitlines())
    tree = {root}
    while more := {pid for pid, parent in parents.items() if parent in tree} - tree:
        tree |= more
    total = 0
    for pid in tree:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue  # it ended meanwhile
        total += sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss_Anon:"))
    return total


def audited(n: int) -> dict[str, object]:
    """Audit so many images: seconds, those of each step and of the folds, and the peak of memory."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, n)
        start, peak = time.perf_counter(), 0
        command = [sys.executable, "-m", "audit", *COMMAND, "--out", "run"]
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
        while process.poll() is None:
            peak = max(peak, anonymous_bytes(process.pid))
            time.sleep(0.5)
        if process.returncode:
            sys.exit(f"the audit ended with {process.returncode}")
        scores = json.loads((folder / "run" / "scores.json").read_text())
        folds = json.loads((folder / "run" / "manifest.json").read_text())["folds"]
        return {
            "seconds": time.perf_counter() - start,
            "steps": scores["timings"],
            "fold_seconds": sum(fold["seconds"] for fold in folds),
            "peak_bytes": peak,
            "f1": scores["detection"]["f1"]["value"],
            "report_bytes": (folder / "run" / "report.html").stat().st_size,
        }


def table(results: dict[str, dict]) -> None:
    """Print what was measured as Markdown."""
    print(
        "| images | seconds | folds, ms an image | memory, GB | F1 | report, MB |\n|---|---|---|---|---|---|"
    )
    for n, each in results.items():
        cost = 1000 * each["fold_seconds"] / int(n)
        print(
            f"| {int(n):,} | {each['seconds']:.0f} | {cost:.3f} | {each['peak_bytes'] / 1e9:.2f} "
            f"| {each['f1']:.4f} | {each['report_bytes'] / 1e6:.1f} |"
        )
        print(f"  steps: {each['steps']}")


def main() -> None:
    """Measure the sizes that are asked for, and keep them beside those of before."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", type=int, nargs="*")
    parser.add_argument("--table", action="store_true")
    asked = parser.parse_args()
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"results": {}}
    for n in asked.sizes:
        kept["results"][str(n)] = {"machine": machine(), **audited(n)}
        print(n, kept["results"][str(n)], flush=True)
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
    if asked.table:
        table(kept["results"])


if __name__ == "__main__":
    main()
