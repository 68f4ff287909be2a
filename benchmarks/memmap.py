"""A sample of a file that is larger than one would load: how soon it trains, and what memory it takes.

    python benchmarks/memmap.py

Writes 4 GB of random colour images (330,000 of 64 x 64) with labels that a stripe shows, audits 20,000 of
them with `audit detect --limit 20000 --preset fast`, and prints the seconds from the start of the command to
the first trained batch, and the peak memory of all its processes. Writes benchmarks/results/memmap.json.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from recipe import machine, memory_of_tree

ROWS, SIDE, CHUNK = 330_000, 64, 10_000
RESULTS = Path(__file__).with_name("results") / "memmap.json"


def write(folder: Path) -> None:
    """The images and their labels."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, ROWS)
    X = np.lib.format.open_memmap(folder / "X.npy", "w+", np.uint8, (ROWS, SIDE, SIDE, 3))
    for start in range(0, ROWS, CHUNK):
        part = rng.integers(0, 128, (CHUNK, SIDE, SIDE, 3), dtype=np.uint8)
        for row, label in enumerate(y[start : start + CHUNK]):
            part[row, 6 * label : 6 * label + 4] += 120
        X[start : start + CHUNK] = part
    np.save(folder / "y.npy", y)


def main() -> None:
    """Write, audit, measure."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder)
        command = [
            sys.executable,
            "-m",
            "audit",
            "detect",
            "--X",
            "X.npy",
            "--y",
            "y.npy",
            "--limit",
            "20000",
        ]
        temporary = {**os.environ, "TMPDIR": name}
        start, trains, peak = time.perf_counter(), None, 0
        process = subprocess.Popen([*command, "--preset", "fast", "--out", "run"], cwd=folder, env=temporary)
        while process.poll() is None:
            boards = folder.glob("audit-*/progress")
            if trains is None and any(np.fromfile(board, np.float32).any() for board in boards):
                trains = time.perf_counter() - start
            peak = max(peak, memory_of_tree(process.pid))
            time.sleep(0.05)
        figures = {"bytes": ROWS * SIDE * SIDE * 3, "trains_after": trains, "peak_bytes": peak}
        figures["seconds"] = time.perf_counter() - start
    RESULTS.write_text(json.dumps({"machine": machine(), **figures}, indent=1) + "\n")
    print(figures)


if __name__ == "__main__":
    main()
