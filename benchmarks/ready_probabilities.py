"""How long all detectors take together on ready probabilities, 70,000 x 10.

    python benchmarks/ready_probabilities.py

Simulated networks that learned 20 % pair noise; every detector once, on one Evidence, so that what several
need is computed once, as in an audit. Writes benchmarks/results/ready_probabilities.json.
"""

import json
import statistics
import time
from pathlib import Path

import numpy as np
from recipe import machine

import audit
from audit import detectors
from audit.noise import noise_kind

ROWS, CLASSES, RATE, RUNS = 70_000, 10, 0.2, 7


def probabilities(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Given labels (n,) and what a good network trained on them would say (n, k)."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, CLASSES, ROWS)
    injected = audit.inject(true, RATE, "pair", k=CLASSES, rng=rng)
    logits = rng.normal(size=(ROWS, CLASSES)) + 6 * np.eye(CLASSES)[true]
    powers = np.exp(logits)
    probs = powers / powers.sum(axis=1, keepdims=True) @ noise_kind("pair")(CLASSES, RATE)
    return injected.noisy, probs.astype(np.float32)


def main() -> None:
    """Time every detector, a few times over."""
    runs = []
    for seed in range(RUNS + 1):
        given, probs = probabilities(seed)
        margins = np.log(probs[np.arange(ROWS), given])
        seconds, evidence = {}, detectors.Evidence(given, probs, margins)
        for name in detectors.available(evidence):
            start = time.perf_counter()
            detectors.DETECTORS[name](evidence)
            seconds[name] = time.perf_counter() - start
        if seed:  # the first imports cleanlab and scipy
            runs.append(seconds)
    totals = [sum(run.values()) for run in runs]
    document = {
        "machine": machine(),
        "median_seconds_of_all": statistics.median(totals),
        "totals": totals,
        "median_by_detector": {name: statistics.median(run[name] for run in runs) for name in runs[0]},
    }
    target = Path(__file__).with_name("results") / "ready_probabilities.json"
    target.write_text(json.dumps(document, indent=1) + "\n")
    print(json.dumps({k: v for k, v in document.items() if k != "machine"}, indent=1))


if __name__ == "__main__":
    main()
