"""How long ready probabilities and whole commands take, each beside something else in the same run.

    python benchmarks/speed.py ready 10000000x10:float32 1000000x1000:float16 2000000x10:float32
    python benchmarks/speed.py whole 10000000x10:float32
    python benchmarks/speed.py commands
    python benchmarks/speed.py --table

`ready`: `audit.find_issues` in both senses of "wrong", beside cleanlab's `find_label_issues_batched`, on a
mapped file of simulated probabilities with 10 % wrong labels: three times in turn, each in a process of its
own that has imported what it needs. Memory is the most anonymous memory of the process, without the pages of
the mapped file. `whole`: `audit detect --y y.npy --pred-probs p.npy` on the same file, once, from the start
of the process to its end. `commands`: small data sets and commands without training, three times in the
same way. Writes benchmarks/results/speed.json.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from recipe import machine

RESULTS = Path(__file__).with_name("results") / "speed.json"
RUNS = 3
WRONG = 0.1
AT_ONCE = 2_000_000  # probabilities that are simulated
WRITTEN = ("report.html", "issues.csv", "issues.parquet")
COMMANDS = {
    "audit --help": ["--help"],
    "audit detect wine --noise 0.1": ["detect", "wine", "--noise", "0.1", "--out", "wine"],
    "audit detect digits --noise 0.1": ["detect", "digits", "--noise", "0.1", "--out", "digits"],
    "audit report digits": ["report", "digits"],
}


def simulate(folder: Path, n: int, k: int, dtype: str) -> None:
    """Write probabilities of a good model (n, k), noisy labels, and which of these are wrong."""
    rng = np.random.default_rng(1)
    probs = np.lib.format.open_memmap(folder / "p.npy", "w+", dtype=dtype, shape=(n, k))
    true = rng.integers(0, k, n)
    rows = max(1000, AT_ONCE // k)
    for start in range(0, n, rows):
        of_rows = true[start : start + rows]
        logits = rng.standard_normal((len(of_rows), k), dtype=np.float32)
        logits[np.arange(len(of_rows)), of_rows] += 5 + np.log(k / 10)
        powers = np.exp(logits)
        probs[start : start + rows] = powers / powers.sum(axis=1, keepdims=True)
    wrong = rng.random(n) < WRONG
    np.save(folder / "y.npy", np.where(wrong, (true + rng.integers(1, k, n)) % k, true))
    np.save(folder / "wrong.npy", wrong)


def judge(folder: Path, how: str) -> dict[str, float]:
    """Find the wrong labels in this process: seconds, anonymous memory and F1."""
    probs = np.load(folder / "p.npy", mmap_mode="r")
    labels = np.load(folder / "y.npy")
    wrong = np.load(folder / "wrong.npy")
    few = slice(0, 500)
    find(labels[few] % 3, np.asarray(probs[few, :3], np.float32) + np.float32(0.01), how)  # imports
    peak = [0.0]

    def watch() -> None:
        while True:
            peak[0] = max(peak[0], anonymous_bytes())
            time.sleep(0.05)

    threading.Thread(target=watch, daemon=True).start()
    start = time.perf_counter()
    flagged = find(labels, probs, how)
    seconds = time.perf_counter() - start
    hits = int((flagged & wrong).sum())
    return {"seconds": seconds, "bytes": peak[0], "f1": 2 * hits / int(flagged.sum() + wrong.sum())}


def find(labels: np.ndarray, probs: np.ndarray, how: str) -> np.ndarray:
    """Flag labels (n,): as `audit.find_issues` in this sense of "wrong", or as cleanlab."""
    if how != "cleanlab":
        import audit

        if not isinstance(probs, np.memmap):
            probs = probs / probs.sum(axis=1, keepdims=True)
        return audit.find_issues(labels, probs, truth=how).is_issue
    from cleanlab.experimental.label_issues_batched import find_label_issues_batched

    flagged = np.zeros(len(labels), dtype=bool)
    flagged[find_label_issues_batched(labels, probs, verbose=False)] = True
    return flagged


def anonymous_bytes(process: int | str = "self") -> float:
    """Memory of a process that no file backs; 0 of one that has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
        return 1024 * float(status.split("RssAnon:")[1].split()[0])
    except (OSError, IndexError):
        return 0.0


def ready(size: str) -> dict[str, object]:
    """Compare both on probabilities of this size, ROWSxCLASSES:DTYPE."""
    shape, dtype = size.split(":")
    n, k = map(int, shape.split("x"))
    runs: dict[str, list[dict[str, float]]] = {"cleanlab": [], "process": [], "consensus": []}
    with tempfile.TemporaryDirectory() as folder:
        simulate(Path(folder), n, k, dtype)
        for _ in range(RUNS):
            for how, of_how in runs.items():
                command = [sys.executable, __file__, "judge", folder, how]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                of_how.append(json.loads(done.stdout.splitlines()[-1]))
                print(size, how, of_how[-1], flush=True)
    return runs


def whole(size: str) -> dict[str, object]:
    """Audit labels of this size from end to end."""
    shape, dtype = size.split(":")
    n, k = map(int, shape.split("x"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulate(folder, n, k, dtype)
        start, peak = time.perf_counter(), 0
        command = [sys.executable, "-m", "audit", "detect", "--y", "y.npy", "--pred-probs", "p.npy"]
        process = subprocess.Popen([*command, "--out", "run"], cwd=folder, stdout=subprocess.DEVNULL)
        while process.poll() is None:
            peak = max(peak, anonymous_bytes(process.pid))
            time.sleep(0.2)
        seconds = time.perf_counter() - start
        scores = json.loads((folder / "run" / "scores.json").read_text())
        sizes = {each: (folder / "run" / each).stat().st_size for each in WRITTEN}
    return {"seconds": seconds, "bytes": peak, "steps": scores["timings"], "sizes": sizes}


def commands() -> dict[str, list[float]]:
    """Time whole commands."""
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder:
            for name, arguments in COMMANDS.items():
                start = time.perf_counter()
                subprocess.run(
                    [sys.executable, "-m", "audit", *arguments], cwd=folder, check=True, capture_output=True
                )
                seconds[name].append(time.perf_counter() - start)
                print(name, f"{seconds[name][-1]:.2f} s", flush=True)
    return seconds


def table(document: dict[str, object]) -> None:
    """Print both tables as Markdown: medians."""
    print(
        "| rows × classes | what | seconds | beside cleanlab | memory, GB | F1 |\n|---|---|---|---|---|---|"
    )
    for size, runs in document.get("ready", {}).items():
        base = statistics.median(run["seconds"] for run in runs["cleanlab"])
        for how, of_how in runs.items():
            seconds = statistics.median(run["seconds"] for run in of_how)
            memory = max(run["bytes"] for run in of_how) / 1e9
            f1 = of_how[0]["f1"]
            print(f"| {size} | {how} | {seconds:.1f} | {seconds / base:.2f} | {memory:.2f} | {f1:.4f} |")
    print("\n| command | seconds |\n|---|---|")
    for name, seconds in document.get("commands", {}).items():
        print(f"| `{name}` | {statistics.median(seconds):.2f} |")


def main() -> None:
    """Measure what is asked for, and keep it beside what was measured before."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="?", choices=["ready", "whole", "commands", "judge"])
    parser.add_argument("arguments", nargs="*")
    parser.add_argument("--table", action="store_true")
    asked = parser.parse_args()
    if asked.what == "judge":
        print(json.dumps(judge(Path(asked.arguments[0]), asked.arguments[1])))
        return
    document = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if asked.what == "ready":
        for size in asked.arguments:
            document.setdefault("ready", {})[size] = ready(size)
    elif asked.what == "whole":
        for size in asked.arguments:
            document.setdefault("whole", {})[size] = whole(size)
            print(size, document["whole"][size], flush=True)
    elif asked.what == "commands":
        document["commands"] = commands()
    if asked.what:
        document["machine"] = machine()
        RESULTS.write_text(json.dumps(document, indent=1) + "\n")
    if asked.table:
        table(document)


if __name__ == "__main__":
    main()
