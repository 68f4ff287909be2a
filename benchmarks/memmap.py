"""A sample of a file that is larger than one would load: how soon it trains, and what memory it takes.

    python benchmarks/memmap.py

Writes 4 GB of random colour images (330,000 of 64 x 64) with labels that a stripe shows, audits 20,000 of
them with `audit detect --limit 20000 --preset fast`, and prints the seconds from the start of the command to
the first trained batch, and the peak memory of all its processes. The file is read from the disk the first
time; it is then in memory for two more starts, which end with the first batch. Before each of these two it
measures how long a process takes that only imports the network's libraries, which every worker has to:
seconds depend on the machine's state, their ratio less. Python may keep compiled modules, as it does where
the package is installed. Writes benchmarks/results/memmap.json.
"""

import json
import os
import signal
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


def audited(folder: Path, *, to_its_end: bool) -> dict[str, float]:
    """Seconds until the first batch and until the end, and the peak of memory."""
    options = ["--limit", "20000", "--preset", "fast", "--out", f"run-{to_its_end}"]
    command = [sys.executable, "-m", "audit", "detect", "--X", "X.npy", "--y", "y.npy", *options]
    environment = {**os.environ, "TMPDIR": str(folder)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    start, trains, peak = time.perf_counter(), None, 0
    process = subprocess.Popen(command, cwd=folder, env=environment)
    while process.poll() is None:
        boards = folder.glob("audit-*/progress")
        if trains is None and any(np.fromfile(board, np.float32).any() for board in boards):
            trains = time.perf_counter() - start
            if not to_its_end:
                process.send_signal(signal.SIGINT)
        peak = max(peak, memory_of_tree(process.pid))
        time.sleep(0.05)
    return {"trains_after": trains, "peak_bytes": peak, "seconds": time.perf_counter() - start}


def imports_alone() -> float:
    """Seconds of a process that imports the network's libraries and nothing else."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import torch, skorch"], check=True)
    return time.perf_counter() - start


def forget(path: Path) -> None:
    """Let the system drop what it keeps of a file in memory."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def main() -> None:
    """Write, audit, measure."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder)
        forget(folder / "X.npy")
        figures = {"bytes": ROWS * SIDE * SIDE * 3, **audited(folder, to_its_end=True)}
        (folder / "X.npy").read_bytes()
        again = [(imports_alone(), audited(folder, to_its_end=False)["trains_after"]) for _ in range(2)]
    figures["imports_alone"], figures["trains_after_in_memory"] = zip(*again, strict=True)
    RESULTS.write_text(json.dumps({"machine": machine(), **figures}, indent=1) + "\n")
    print(figures)


if __name__ == "__main__":
    main()
