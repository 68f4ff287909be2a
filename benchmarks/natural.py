"""What injected noise costs the ranking of natural suspects, and what the alternatives to it cost.

A tenth of a per cent of MNIST's labels is changed and hidden, as stand-ins for natural errors; then the
data is audited with no noise, with a little and with the usual rate. With no noise is also what a second
pass over the labels as given would come to. Reported: how many of the hidden changes are among the first 50,
100 and 200 suspects, and how many of the first 100 suspects two runs share, also for two seeds without noise.

    python benchmarks/natural.py --seeds 10 11 12

Writes benchmarks/results/natural.json after every run and skips the runs that it holds.
"""

import argparse
import json
from pathlib import Path

import numpy as np

import audit
from audit import datasets
from audit.settings.detect import Config

RESULTS = Path(__file__).with_name("results") / "natural.json"
HIDDEN = 0.001
RATES = (0.0, 0.02, 0.1)


def one(seed: int, rate: float, kind: str) -> dict:
    """One audit of data with hidden changes."""
    dataset = datasets.load(Config())
    hidden = audit.inject(dataset.labels, HIDDEN, kind, rng=np.random.default_rng([seed, 1]))
    run = audit.detect(dataset.X, hidden.noisy, noise=rate, seed=seed)
    order = run.record.suspects.ranking
    place = {int(row): rank for rank, row in enumerate(order)}
    ranks = sorted(place.get(int(row), len(place)) for row in np.flatnonzero(hidden.flipped))
    return {
        "hidden": len(ranks),
        "suspects": len(order),
        **{f"in_first_{m}": sum(rank < m for rank in ranks) for m in (50, 100, 200)},
        "flagged": sum(rank < len(place) for rank in ranks),
        "first_100": order[:100].tolist(),
        "first_100_natural": [int(r) for r in order if not hidden.flipped[r]][:100],
        "seconds": dict(run.record.scores.timings),
    }


def main() -> None:
    """Run what the results do not hold yet."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, nargs="+", default=[10, 11, 12])
    parser.add_argument("--kind", default="symmetric")
    arguments = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for seed in arguments.seeds:
        for rate in RATES:
            key = f"{arguments.kind} s{seed} noise {rate:g}"
            if key not in results:
                results[key] = one(seed, rate, arguments.kind)
                RESULTS.write_text(json.dumps(results, indent=1) + "\n")
            shown = {k: v for k, v in results[key].items() if not k.startswith("first") and k != "seconds"}
            print(key, shown, flush=True)
    base = {key: set(r["first_100_natural"]) for key, r in results.items()}
    for key, found in base.items():
        print(key, {other: len(found & theirs) for other, theirs in base.items() if other > key})


if __name__ == "__main__":
    main()
