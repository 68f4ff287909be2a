"""How often the kind of a suspect is predicted right: inserted defects × data sets × seeds.

    python benchmarks/kinds.py --data mnist --seeds 10 11 12
    python benchmarks/kinds.py --data /usr/share/datasets/fashion-mnist --other mnist --seeds 10
    python benchmarks/kinds.py --limit 10000 --preset fast --seeds 0 --out /tmp/kinds.json
    python benchmarks/kinds.py --table

A cell inserts defects into the data's own rows, some of which no run makes itself (see audit/kinds), adds
label noise, audits all of it with a kind for every row, and audits the same labels without the defects.
Writes benchmarks/results/kinds.json after every cell and skips the cells that it holds. Seeds 0 to 2 are for
choosing, 10 to 12 for reporting.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from recipe import machine
from sklearn.metrics import confusion_matrix, f1_score

import audit
from audit import datasets
from audit.detectors import scoring
from audit.pipeline.inject import Injected, InjectSettings, inject_defects
from audit.settings.detect import Config
from audit.types import KINDS, NoisyLabels, Rows

RESULTS = Path(__file__).with_name("results") / "kinds.json"
FASHION = "/usr/share/datasets/fashion-mnist"
NOISE = 0.1


def cell(data: str, other: str | None, share: float, limit: int | None, preset: str, seed: int) -> dict:
    """The figures of one data set and seed."""
    config = Config.of(data=data, limit=limit, noise=NOISE, seed=seed)
    dataset = datasets.load(config)
    made = inject_defects(dataset, config, InjectSettings(defects=f"all:{share}", other=other))
    has_defect = np.array(made.inserted.defect) != ""
    settings = {"noise": 0.0, "preset": preset, "seed": seed}
    run = audit.detect(made.dataset.X, made.labels.noisy, kinds_of="all", **settings)
    noisy = np.where(made.labels.flipped, made.labels.noisy, dataset.labels)
    plain = audit.detect(dataset.X, noisy, **settings)
    with_defects = f1_of(run, made.labels, ~has_defect)
    without = f1_of(plain, NoisyLabels(noisy, dataset.labels), ~has_defect)
    return {
        **kinds_figures(run, made, np.random.default_rng(seed)),
        "f1_of_labels": {"with_defects": with_defects, "without": without, "loss": without - with_defects},
        "estimated": {
            "macro_f1": run.record.scores.kinds.macro_f1,
            "confusion": run.record.scores.kinds.confusion,
            "f1": run.record.scores.kinds.f1,
        },
        "seconds": {name: run.record.scores.timings[name] for name in ("folds", "issues", "kinds")},
        "rows": len(dataset.labels),
        "machine": machine(),
    }


def kinds_figures(run: audit.Run, made: Injected, rng: np.random.Generator) -> dict:
    """True × predicted kinds of the rows with defects, and of as many mislabelled ones and good ones."""
    true, named = np.array(made.kind), np.array(KINDS)[run.record.kinds.kind]
    each = int((np.array(made.inserted.kind) == KINDS.index("atypical")).sum())
    rows = np.concatenate([some(np.flatnonzero(true == kind), each, rng) for kind in KINDS])
    f1 = f1_score(true[rows], named[rows], labels=KINDS, average=None, zero_division=0)
    pair = rows[np.isin(true[rows], ("mislabelled", "ambiguous"))]
    defects = sorted(set(made.inserted.defect) - {""})
    return {
        "names": list(KINDS),
        "confusion": confusion_matrix(true[rows], named[rows], labels=KINDS).tolist(),
        "f1": dict(zip(KINDS, f1.tolist(), strict=True)),
        "macro_f1": float(f1.mean()),
        "mislabelled_against_ambiguous": pair_f1(run, true, pair),
        "recall_of_defects": {
            name: float((named == true)[np.array(made.inserted.defect) == name].mean()) for name in defects
        },
    }


def pair_f1(run: audit.Run, true: np.ndarray, rows: Rows) -> float:
    """Macro-F1 of the rows of two kinds, when each is called the likelier of the two."""
    pair = [KINDS.index("mislabelled"), KINDS.index("ambiguous")]
    named = np.array(KINDS)[np.array(pair)[run.record.kinds.probability[rows][:, pair].argmax(axis=1)]]
    return float(f1_score(true[rows], named, average="macro"))


def some(rows: Rows, most: int, rng: np.random.Generator) -> Rows:
    """At most so many of the rows."""
    return rng.permutation(rows)[:most]


def f1_of(run: audit.Run, labels: NoisyLabels, among: np.ndarray) -> float:
    """F1 of the changed labels among these rows."""
    return float(scoring.score(run.record.issues, labels, among).f1.value)


def table(results: dict) -> str:
    """A line a cell, as Markdown."""
    head = ("cell", "macro-F1", "mislabelled / ambiguous", "loss of F1", "own estimate", "seconds", *KINDS)
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for key, each in results.items():
        columns = (
            key,
            f"**{each['macro_f1']:.3f}**",
            f"{each['mislabelled_against_ambiguous']:.3f}",
            f"{each['f1_of_labels']['loss']:.4f}",
            f"{each['estimated']['macro_f1']:.3f}",
            f"{each['seconds']['kinds']:.1f}",
            *(f"{each['f1'][kind]:.2f}" for kind in KINDS),
        )
        lines.append(f"| {' | '.join(columns)} |")
    return "\n".join(lines)


def main() -> None:
    """Run the cells that the results do not hold yet, or print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--other", default=FASHION)
    parser.add_argument("--share", type=float, default=0.01)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--preset", default="default")
    parser.add_argument("--seeds", type=int, nargs="+", default=[10, 11, 12])
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--table", action="store_true")
    given = parser.parse_args()
    results = json.loads(given.out.read_text()) if given.out.exists() else {}
    for seed in [] if given.table else given.seeds:
        key = f"{Path(given.data).name} {given.limit or 'all'} {given.preset} {seed}"
        if key not in results:
            results[key] = cell(given.data, given.other, given.share, given.limit, given.preset, seed)
            given.out.write_text(json.dumps(results, indent=1) + "\n")
    print(table(results))


if __name__ == "__main__":
    main()
