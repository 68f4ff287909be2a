"""How well suspects and their expected number hold on labels that people gave and others checked.

    python benchmarks/real_labels.py FOLDER
    python benchmarks/real_labels.py --table

FOLDER has a file FAMILY_MODEL.npz for each model: pred_probs (n, k), the given labels (n,), and true (n,) or
wrong (n,). Data sets are left out in turn by family: the prior of the curve of p_error is fitted on the other
families, and the left-out one says how well that holds. Beside it, the prior of the product. Labels that
annotators would give, of benchmarks/other_models.py, are two more families. What is found in each file is
kept in FOLDER, and a second run goes on from there. Writes benchmarks/results/real_labels.json.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from cleanlab.filter import find_label_issues
from other_models import RULES, World, models
from recipe import machine
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from audit.detectors import DETECTORS, Evidence, curve_prior
from audit.detectors.error_curve import DOUBT, CurvePrior, doubt_of, worth_flagging
from audit.detectors.model_based import curve_features

RESULTS = Path(__file__).with_name("results") / "real_labels.json"
FIRSTS = (50, 200)
REVIEWS = 500  # simulated
SAMPLE = 30  # decisions of each
RIDGE = 0.3
# Level and log slope of MNIST, from 100 images whose labels five people checked (benchmarks/checked.csv).
CHECKED_MNIST = {"curve": [-1.05, -1.2], "features": [-2.3, -4.1]}


def found(labels: np.ndarray, pred_probs: np.ndarray, wrong: np.ndarray) -> dict:
    """What one set of probabilities says: features, the likeliest curve, doubts, errors, cleanlab at best."""
    probs = (pred_probs / pred_probs.sum(axis=1, keepdims=True)).astype(np.float32)
    evidence = Evidence(labels.astype(np.int64), probs)
    doubt = doubt_of(DETECTORS["consensus"](evidence).label_quality)
    rules = [find_label_issues(labels, probs, filter_by=rule, n_jobs=1) for rule in RULES]
    rows = np.argsort(-doubt, kind="stable")
    return {
        "features": list(curve_features(evidence)),
        "curve": likeliest_curve(doubt, wrong),
        "product": curve_prior(evidence).to_json(),
        "doubt": doubt[rows].round(3).tolist(),
        "differs": evidence.prediction_differs[rows].astype(int).tolist(),
        "changed": DETECTORS["posterior"](evidence).is_issue[rows].astype(int).tolist(),
        "wrong": wrong[rows].astype(int).tolist(),
        "cleanlab": max(f1(flags, wrong) for flags in rules),
    }


def likeliest_curve(doubt: np.ndarray, wrong: np.ndarray) -> list[float]:
    """The level and the log slope that make the errors most likely."""

    def loss(parameters: np.ndarray) -> float:
        p_error = expit(parameters[0] + np.exp(parameters[1]) * (doubt - DOUBT))
        likelihood = np.where(wrong, p_error, 1 - p_error)
        return -float(np.log(np.maximum(likelihood, 1e-12)).mean())

    return minimize(loss, [-1.0, -0.5], method="Nelder-Mead").x.round(4).tolist()


def f1(flags: np.ndarray, wrong: np.ndarray) -> float:
    """F1 of flags."""
    return 2 * float((flags & wrong).sum()) / float(flags.sum() + wrong.sum())


def fitted_prior(sets: list[tuple[str, dict]], features: list[float]) -> CurvePrior:
    """The prior for these features, regressed on sets of (family, findings); each family counts once."""
    families = [family for family, _ in sets]
    weight = np.array([1 / families.count(family) for family in families])
    numbers = []
    for i in range(2):
        x = np.array([each["features"][i] for _, each in sets])
        y = np.array([each["curve"][i] for _, each in sets])
        design = np.column_stack([np.ones(len(x)), x])
        gram = design.T @ (weight[:, None] * design) + np.diag([0, RIDGE])
        line = np.linalg.solve(gram, design.T @ (weight * y))
        spread = np.sqrt(np.average((y - design @ line) ** 2, weights=weight))
        numbers += [float(line @ [1, features[i]]), float(spread)]
    return CurvePrior(*numbers)


def judged(figures: dict, prior: CurvePrior, rng: np.random.Generator) -> dict:
    """How suspects and expected errors under this prior compare with the truth."""
    doubt = np.array(figures["doubt"])
    wrong = np.array(figures["wrong"], dtype=bool)
    differs = np.array(figures["differs"], dtype=bool)
    changed = np.array(figures["changed"], dtype=bool)
    flags = (worth_flagging(prior.curve.p_error(doubt)) | changed) & differs
    intervals = {}
    for first in (*FIRSTS, int(flags.sum())):
        errors = prior.curve.expected(doubt[flags][:first])
        name = "all" if first == flags.sum() else str(first)
        intervals[name] = [errors.low, errors.value, errors.high, int(wrong[flags][:first].sum())]
    return {
        "f1": f1(flags, wrong),
        "f1_at_count": f1(np.arange(len(wrong)) < wrong.sum(), wrong),
        "cleanlab": figures["cleanlab"],
        "flagged": int(flags.sum()),
        "errors": int(wrong.sum()),
        "intervals": intervals,
        "reviews": reviews(prior, doubt[flags], wrong[flags], rng),
    }


def reviews(prior: CurvePrior, doubt: np.ndarray, wrong: np.ndarray, rng: np.random.Generator) -> dict:
    """Simulated reviews of a sample spread over the list: how often the interval holds, and its width."""
    before = prior.curve.expected(doubt)
    held = []
    width = []
    for _ in range(REVIEWS):
        rows = np.array([rng.choice(part) for part in np.array_split(np.arange(len(doubt)), SAMPLE)])
        curve = prior.curve.updated(doubt[rows], wrong[rows])
        after = curve.expected(np.delete(doubt, rows), known=int(wrong[rows].sum()))
        held.append(after.low <= wrong.sum() <= after.high)
        width.append(after.high - after.low)
    return {"held": float(np.mean(held)), "width": float(np.mean(width) / (before.high - before.low))}


def simulated(seed: int) -> dict[str, dict]:
    """The labels that annotators would give, with four classifiers of two data sets."""
    sets = {}
    for family, data in (("a-mnist", "mnist"), ("a-fashion", "/usr/share/datasets/fashion-mnist")):
        world = World(data, seed)
        labels = world.labels("annotators")
        for name, model in models(seed).items():
            folds = StratifiedKFold(5, shuffle=True, random_state=seed)
            probs = cross_val_predict(model, world.X, labels, cv=folds, method="predict_proba")
            sets[f"{family}_{name}"] = found(labels, probs, labels != world.true)
    return sets


HEAD = "| set | errors | suspects | F1 | at the true count | cleanlab's best | first 50 | first 200 | all |"


def table(results: dict, way: str) -> str:
    """The sets as a table in Markdown, with the means of the goals below."""
    lines = [HEAD, "|---" * (HEAD.count("|") - 1) + "|"]
    rows = {name: each[way] for name, each in results.items()}
    for name, each in rows.items():
        figures = [f"{each[part]:.3f}" for part in ("f1", "f1_at_count", "cleanlab")]
        stated = [f"{real} ({low:.0f} to {high:.0f})" for low, _, high, real in each["intervals"].values()]
        lines.append(
            f"| {name} | {each['errors']:,} | {each['flagged']:,} | {' | '.join(figures + stated)} |"
        )
    of_count = [each["f1"] / each["f1_at_count"] for each in rows.values()]
    above = sum(each["f1"] >= each["cleanlab"] for each in rows.values())
    most = max(each["flagged"] / each["errors"] for each in rows.values())
    lines.append("")
    lines.append(f"F1 over F1 at the true count: mean {np.mean(of_count):.3f}, least {min(of_count):.3f}.")
    lines.append(
        f"At least cleanlab's best rule: {above} of {len(rows)}. Suspects an error: at most {most:.2f}."
    )
    for first in ("50", "200", "all"):
        parts = [each["intervals"][first] for each in rows.values()]
        held = np.mean([np.floor(low) <= real <= np.ceil(high) for low, _, high, real in parts])
        width = np.mean([high - low for low, _, high, _ in parts])
        lines.append(f"Intervals of {first}: {100 * held:.0f} % hold, mean width {width:.0f}.")
    held = np.mean([each["reviews"]["held"] for each in rows.values()])
    width = np.mean([each["reviews"]["width"] for each in rows.values()])
    lines.append(f"After {SAMPLE} decisions: {100 * held:.0f} % hold, width {width:.2f} of that before.")
    return "\n".join(lines)


def measure(folder: Path) -> dict[str, dict]:
    """Judge every set by the prior of the other families and by that of the product."""
    kept = folder / "findings.json"
    findings = json.loads(kept.read_text()) if kept.exists() else {}
    for path in sorted(folder.glob("*.npz")):
        if path.stem not in findings:
            arrays = np.load(path)
            given = arrays["given"].astype(np.int64)
            wrong = arrays["wrong"] if "wrong" in arrays else arrays["true"] != given
            findings[path.stem] = found(given, arrays["pred_probs"], wrong)
            kept.write_text(json.dumps(findings))
            print(path.stem, flush=True)
    if not any(name.startswith("a-") for name in findings):
        findings |= simulated(10)
        kept.write_text(json.dumps(findings))
    sets = [(name.split("_")[0], figures) for name, figures in findings.items()]
    checked = ("mnist", CHECKED_MNIST)
    judgements = {}
    for name, figures in findings.items():
        others = [each for each in sets if each[0] != name.split("_")[0]]
        prior = fitted_prior([*others, checked], figures["features"])
        rng = np.random.default_rng(0)
        judgements[name] = {
            "left out": judged(figures, prior, rng),
            "product": judged(figures, CurvePrior.from_json(figures["product"]), rng),
        }
    print("prior at usual features:", fitted_prior([*sets, checked], [0.0, 0.0]))
    print("prior one e-fold above:", fitted_prior([*sets, checked], [1.0, 1.0]))
    return judgements


def main() -> None:
    """Measure what the folder does not hold yet, judge all of it, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    if not arguments.table:
        results = {"machine": machine(), "sets": measure(arguments.folder)}
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    sets = json.loads(RESULTS.read_text())["sets"]
    for way in ("left out", "product"):
        print(f"\n### {way}\n\n{table(sets, way)}")


if __name__ == "__main__":
    main()
