"""What an impact experiment says: one sentence, one figure with the lot, tables."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from audit.detectors.scoring import Estimate
from audit.experiments import impact_chart
from audit.experiments.impact_numbers import (
    BASE,
    FIGURES,
    TRUE,
    Prediction,
    classes_of,
    cost,
    summary_of,
    table_of,
)
from audit.experiments.results import Result, in_percent, in_points
from audit.report.experiment_page import Chart, Findings, Table
from audit.settings.detect import Config
from audit.settings.experiments import ImpactSettings
from audit.training import models
from audit.types import LabeledDataset
from audit.wording import count, percent

CLEANED = {  # conditions in the headline, as it says them
    "suspects dropped": "dropping the suspects",
    "suspects relabelled": "relabelling them as suggested",
    "a person's decisions": "a person's decisions",
}


def result(
    tested: Sequence[Prediction],
    dataset: LabeledDataset,
    config: Config,
    settings: ImpactSettings,
    command: str,
) -> Result:
    """The result of an impact experiment from what was predicted."""
    table, classes = table_of(tested), classes_of(tested, dataset.class_names)
    summary, seeds = summary_of(table, classes), settings.seeds
    first, spent = tested[0], sum(each.seconds for each in tested)
    findings = Findings(
        title=f"What cleaning the labels of {dataset.name} wins back",
        subject=f"{dataset.name} · impact · {count(seeds, 'seed')}",
        sentence=sentence(summary, seeds),
        lead=_lead(summary, tested, seeds),
        charts=(
            Chart(
                "impact",
                partial(impact_chart.draw, table, summary, seeds),
                "Accuracy and macro-F1 of every condition, differences to the given labels, effects by class",
                _caption(seeds),
                (12.6, 4.6),
            ),
        ),
        tables=(
            _accuracy(summary, seeds),
            _macro_f1(summary, seeds),
            _audited(summary, seeds),
            _by_class(summary, seeds),
        ),
        facts=(
            ("Command", command),
            ("Data", f"{dataset.name}, fingerprint {dataset.fingerprint[:12]}"),
            ("Noise", _noise(config)),
            (
                "Rows",
                f"{first.rows:,} to train on and {len(first.labels):,} held out, drawn anew for each seed",
            ),
            (
                "Model",
                f"{models.choose(config.training.model, dataset)}, preset {config.training.preset}",
            ),
            ("Suspects by", config.detection.detector),
            ("Trained", f"{len(tested)} models for {spent:,.0f} s in all, one thread each"),
        ),
    )
    scores = {
        "schema_version": 1,
        "experiment": "impact",
        "data": dataset.name,
        "seeds": seeds,
        "sentence": findings.sentence,
        **summary,
    }
    files = {"impact.csv": table, "classes.csv": classes}
    return Result("impact", findings, files, scores, {"seeds": seeds})


def _noise(config: Config) -> str:
    """The noise in words; a matrix sets the rate itself."""
    noise = config.noise
    if noise.noise == 0:
        return "none"
    rate = "by its matrix" if noise.noise is None else f"{noise.noise:g}"
    return f"{noise.noise_kind}, {rate}, in the training part"


def sentence(summary: Mapping[str, Any], seeds: int, key: str = "accuracy") -> str:
    """What cleaning won back, and whether that may be chance."""
    lost = cost(dict(summary), key)
    cleaned = {name: words for name, words in CLEANED.items() if name in summary["conditions"]}
    moved = {
        words: Estimate(**summary["conditions"][name]["difference"][key]) for name, words in cleaned.items()
    }
    changes = _listed([f"{words} changed it by {in_points(each, seeds)}" for words, each in moved.items()])
    if lost is None:
        first = changes.replace("changed it", "changed accuracy on held-out rows", 1)
        return _first(f"{first} points{_chance(list(moved.values()), seeds)}.")
    if seeds < 2:
        return (
            f"The noise cost {in_points(_negative(lost), seeds)} points of accuracy; {changes}. "
            "One seed cannot tell that from chance."
        )
    if lost.low <= 0:
        better = (
            "; with it the model did better" if lost.high < 0 else ", and so there was nothing to win back"
        )
        return (
            f"The noise cost nothing measurable: {in_points(_negative(lost), seeds)} points of accuracy"
            f"{better}."
        )
    won = {words: summary["conditions"][name]["won_back"][key] for name, words in cleaned.items()}
    parts = [
        f"{words} won back {_share(ratio)}{', which may be chance,' if ratio['low'] <= 0 else ''}"
        if ratio
        else f"{words} changed accuracy by {in_points(moved[words], seeds)}"
        for words, ratio in won.items()
    ]
    return _first(f"{_listed(parts)} of what the noise cost.")


def _share(ratio: Mapping[str, float]) -> str:
    """A share won back, which may be below 0 or above 1: 71 % (40 to 95)."""
    value, low, high = (f"{100 * ratio[key]:.0f}".replace("-", "−") for key in ("value", "low", "high"))
    return f"{value} % ({low} to {high})"


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _first(text: str) -> str:
    return text[0].upper() + text[1:]


def _negative(estimate: Estimate) -> Estimate:
    """A loss as a difference below zero."""
    assert estimate.value is not None
    return Estimate(-estimate.value, -estimate.high, -estimate.low)


def _chance(moved: Sequence[Estimate], seeds: int) -> str:
    if seeds < 2:
        return "; one seed cannot tell that from chance"
    inside = all(each.low <= 0 <= each.high for each in moved)
    return ", which may be chance" if inside else ""


def _lead(summary: Mapping[str, Any], tested: Sequence[Prediction], seeds: int) -> str:
    given, lost = summary["conditions"][BASE], cost(dict(summary), "accuracy")
    accuracy = f"{percent(given['accuracy']['value'], 2)} %"
    first = f"Trained on the labels as given, the model is right on {accuracy} of the held-out rows"
    if lost is not None:
        true = summary["conditions"][TRUE]["accuracy"]["value"]
        first += (
            f" ({percent(given['wrong'] / given['rows'])} % of its training labels are wrong), on the true "
            f"labels on {percent(true, 2)} %"
        )
    control = Estimate(**summary["conditions"]["random rows dropped"]["difference"]["accuracy"])
    apart = sum(int(each.apart.sum()) for each in tested) / sum(len(each.apart) for each in tested)
    brackets = " In brackets: 95 % intervals." if seeds > 1 else ""
    return (
        f"{first}. Dropping as many rows at random, the control for size, changes that by "
        f"{in_points(control, seeds)} points. The held-out labels are themselves as they came: "
        f"{percent(apart)} % of them are suspects of an audit of all rows, and the third table sets these "
        f"apart.{brackets}"
    )


def _caption(seeds: int) -> str:
    bars, few = "Bars are 95 % intervals by Student's t, small dots the seeds", "One seed, no interval"
    return (
        "Left: accuracy (full) and macro-F1 (hollow) on the held-out rows. Middle: the same less that of the "
        "labels as given, seed by seed. Right: the change of each class's F1. "
        f"{bars if seeds > 1 else few}."
    )


def _accuracy(summary: Mapping[str, Any], seeds: int) -> Table:
    rows = [
        (
            name,
            f"{each['rows']:,.0f}",
            "–" if each["wrong"] is None else f"{each['wrong']:,.0f}",
            *_scored(name, each, "accuracy", seeds),
        )
        for name, each in summary["conditions"].items()
    ]
    head = ("trained on", "rows", "wrong labels", "accuracy, %", "Δ to given, points", "won back")
    return Table(f"Accuracy on the held-out labels as they came: {_means(seeds)}.", head, tuple(rows))


def _macro_f1(summary: Mapping[str, Any], seeds: int) -> Table:
    rows = [(name, *_scored(name, each, "macro_f1", seeds)) for name, each in summary["conditions"].items()]
    return Table(
        "Macro-F1 on the same labels.",
        ("trained on", "macro-F1, %", "Δ to given, points", "won back"),
        tuple(rows),
        page_only=True,
    )


def _scored(name: str, each: Mapping[str, Any], key: str, seeds: int) -> tuple[str, str, str]:
    """A figure of a condition, its difference to the labels as given, and the share of the cost won back."""
    won = each["won_back"][key]
    return (
        in_percent(Estimate(**each[key]), seeds, 2),
        "–" if name == BASE else in_points(Estimate(**each["difference"][key]), seeds),
        "–" if won is None else _share(won),
    )


def _audited(summary: Mapping[str, Any], seeds: int) -> Table:
    keys = [key for key in FIGURES if key.endswith("audited")]
    rows = [
        (
            name,
            *(in_percent(Estimate(**each[key]), seeds, 2) for key in keys),
            *("–" if name == BASE else in_points(Estimate(**each["difference"][key]), seeds) for key in keys),
        )
        for name, each in summary["conditions"].items()
    ]
    return Table(
        "On the audited held-out labels: suspects set apart, a person's decisions followed. Models disagree "
        "with suspects, so this flatters every line alike; compare lines, not levels.",
        ("trained on", "accuracy, %", "macro-F1, %", "Δ accuracy, points", "Δ macro-F1"),
        tuple(rows),
        page_only=True,
    )


def _by_class(summary: Mapping[str, Any], seeds: int) -> Table:
    names = [name for name in summary["conditions"] if name != BASE]
    rows = [
        (label, *(in_points(Estimate(**effects[name]), seeds) for name in names))
        for label, effects in summary["classes"].items()
    ]
    return Table(
        f"Change of each class's F1 against the labels as given, in points: {_means(seeds)}.",
        ("class", *names),
        tuple(rows),
        folded=len(rows) > impact_chart.MOST_CLASSES,
        page_only=True,
    )


def _means(seeds: int) -> str:
    return f"means over {seeds} seeds, 95 % intervals" if seeds > 1 else "one seed, no intervals"
