"""The result of an impact experiment: one sentence, one figure, tables."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from audit.detectors.scoring import Estimate
from audit.experiments import impact_chart
from audit.experiments.impact_scores import (
    BASE,
    FIGURES,
    TRUE,
    Prediction,
    noise_cost,
    scores_by_class,
    scores_by_seed,
    summarise,
)
from audit.experiments.results import Result, in_percent, in_points
from audit.report.experiment_page import Chart, Findings, TextTable
from audit.settings.detect import Config
from audit.settings.experiments import ImpactSettings
from audit.settings.noise import NoiseSettings
from audit.types import LabeledDataset
from audit.wording import count, number, percent

SAME = 0.001  # difference of two figures from which both stand in a table
AUDITED = {"accuracy_audited": "accuracy", "macro_f1_audited": "macro-F1"}
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
    """Summarise the predictions of an impact experiment.

    Parameters
    ----------
    tested
        Every condition on every seed.
    dataset
        The data set, also the part that was not used.
    config, settings
        How the experiment was made.
    command
        The command that repeats it.
    """
    by_seed = scores_by_seed(tested)
    by_class = scores_by_class(tested, dataset.class_names)
    summary = summarise(by_seed, by_class)
    seeds = settings.seeds
    findings = Findings(
        title=f"What cleaning the labels of {dataset.name} wins back",
        subject=f"{dataset.name} · impact · {count(seeds, 'seed')}",
        sentence=sentence(summary, seeds),
        lead=_lead(summary, tested, seeds),
        charts=(
            Chart(
                "impact",
                partial(impact_chart.draw_differences, by_seed, summary, seeds),
                "Accuracy of every condition less that of the given labels",
                "Accuracy on the held-out rows less that of the model of the given labels, seed by seed. "
                + _intervals(seeds),
                impact_chart.size(len(summary["conditions"])),
            ),
            Chart(
                "impact-classes",
                partial(impact_chart.draw_classes, summary, seeds),
                "Change of F1 by class",
                "Change of the F1 of the classes that change most, with the suspects dropped and with the "
                "true labels. Intervals that cross the broken line may be chance.",
                impact_chart.size(min(impact_chart.MOST_CLASSES, len(summary["classes"]))),
            ),
        ),
        tables=(
            _accuracy_table(summary, seeds),
            _audited_table(summary, seeds),
            _class_table(summary, seeds),
        ),
        facts=_facts(tested, dataset, config, command),
    )
    scores = {
        "schema_version": 1,
        "experiment": "impact",
        "data": dataset.name,
        "seeds": seeds,
        "sentence": findings.sentence,
        **summary,
    }
    files = {"impact.csv": by_seed, "classes.csv": by_class}
    return Result("impact", findings, files, scores, {"seeds": seeds})


def _facts(
    tested: Sequence[Prediction], dataset: LabeledDataset, config: Config, command: str
) -> tuple[tuple[str, str], ...]:
    """How the experiment was made, as pairs of a word and what it was."""
    first = tested[0]
    seconds = sum(prediction.seconds for prediction in tested)
    training = config.training
    return (
        ("Command", command),
        ("Data", f"{dataset.name}, fingerprint {dataset.fingerprint[:12]}"),
        ("Noise", _noise(config.noise)),
        (
            "Rows",
            f"{first.rows:,} to train on and {len(first.labels):,} held out, drawn anew for each seed",
        ),
        ("Model", f"{training.model}, preset {training.preset}"),
        ("Suspects by", f"the detector {config.detection.detector}"),
        ("Trained", f"{len(tested)} models for {seconds:,.0f} s in all, one thread each"),
    )


def _noise(noise: NoiseSettings) -> str:
    """The noise in words; a matrix sets the rate itself."""
    if noise.noise == 0:
        return "none"
    if noise.noise is None:
        return f"{noise.noise_kind}, by its matrix, in the training part"
    return f"{noise.noise_kind}, {percent(noise.noise)} % of the labels, in the training part"


def sentence(summary: Mapping[str, Any], seeds: int, figure: str = "accuracy") -> str:
    """What cleaning won back, and whether that may be chance."""
    conditions = summary["conditions"]
    cleaned = {name: words for name, words in CLEANED.items() if name in conditions}
    changes = {name: Estimate(**conditions[name]["difference"][figure]) for name in cleaned}
    lost = noise_cost(summary, figure)
    if lost is None:
        return _sentence_without_truth(cleaned, changes, seeds)
    if seeds < 2:
        listed = _joined(
            [f"{words} changed it by {in_points(changes[name], seeds)}" for name, words in cleaned.items()]
        )
        return (
            f"The noise cost {in_points(_negative(lost), seeds)} points of accuracy; {listed}. "
            "One seed cannot tell that from chance."
        )
    if lost.low <= 0:
        return _sentence_without_cost(lost, seeds)
    parts: list[str] = []
    for name, words in cleaned.items():
        verb = "" if parts else "changed accuracy by "
        points = in_points(changes[name], seeds)
        if not parts:
            points = points.replace(" ", " points ", 1)
        chance = ", which may be chance," if changes[name].low <= 0 else ""
        parts.append(f"{words} {verb}{points}{chance}")
    cost = in_points(lost, seeds).removeprefix("+").partition(" ")[0]
    return _capitalised(f"{_joined(parts)}; the noise had cost {cost} points.")


def _sentence_without_truth(cleaned: Mapping[str, str], changes: Mapping[str, Estimate], seeds: int) -> str:
    """The change of accuracy, where no labels were changed, so that no cost is known."""
    parts: list[str] = []
    for name, words in cleaned.items():
        what = "changed it" if parts else "changed accuracy on held-out rows"
        parts.append(f"{words} {what} by {in_points(changes[name], seeds)}")
    if seeds < 2:
        chance = "; one seed cannot tell that from chance"
    elif all(change.low <= 0 <= change.high for change in changes.values()):
        chance = ", which may be chance"
    else:
        chance = ""
    return _capitalised(f"{_joined(parts)} points{chance}.")


def _sentence_without_cost(lost: Estimate, seeds: int) -> str:
    """The cost of the noise, where it may be nothing or a gain."""
    consequence = ", and so there was nothing to win back"
    if lost.high < 0:
        consequence = "; with it the model did better"
    points = in_points(_negative(lost), seeds)
    return f"The noise cost nothing measurable: {points} points of accuracy{consequence}."


def _joined(parts: Sequence[str]) -> str:
    if len(parts) == 1:
        return parts[0]
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def _capitalised(text: str) -> str:
    return text[0].upper() + text[1:]


def _negative(estimate: Estimate) -> Estimate:
    """A loss as a difference below zero."""
    assert estimate.value is not None
    return Estimate(-estimate.value, -estimate.high, -estimate.low)


def _lead(summary: Mapping[str, Any], tested: Sequence[Prediction], seeds: int) -> str:
    conditions = summary["conditions"]
    given = conditions[BASE]
    first = (
        "Trained on the given labels, the model is right on "
        f"{percent(given['accuracy']['value'], 2)} % of the held-out rows"
    )
    if noise_cost(summary, "accuracy") is not None:
        wrong = percent(given["wrong"] / given["rows"])
        true = percent(conditions[TRUE]["accuracy"]["value"], 2)
        first += f" ({wrong} % of its training labels are wrong), on the true labels on {true} %"
    control = Estimate(**conditions["random rows dropped"]["difference"]["accuracy"])
    apart = sum(int(each.apart.sum()) for each in tested) / sum(len(each.apart) for each in tested)
    brackets = " In brackets: 95 % intervals." if seeds > 1 else ""
    return (
        f"{first}. Dropping as many rows at random, the control for size, changes that by "
        f"{in_points(control, seeds)} points. The held-out labels are original labels and may be wrong too: "
        f"{percent(apart)} % of them are suspects of an audit of all rows, and the second table sets these "
        f"apart.{brackets}"
    )


def _intervals(seeds: int) -> str:
    if seeds > 1:
        return "Bars are 95 % intervals by Student's t, small dots the seeds."
    return "One seed, no interval."


def _accuracy_table(summary: Mapping[str, Any], seeds: int) -> TextTable:
    rows = []
    for name, each in summary["conditions"].items():
        wrong = number(each["wrong"], ",.0f")
        rows.append((name, f"{each['rows']:,.0f}", wrong, *_figure_cells(name, each, "accuracy", seeds)))
    return TextTable(
        f"Accuracy on the original held-out labels: {_means(seeds)}.",
        ("trained on", "rows", "wrong labels", "accuracy, %", "Δ to given, points"),
        tuple(rows),
    )


def _figure_cells(name: str, each: Mapping[str, Any], figure: str, seeds: int) -> tuple[str, str]:
    """A figure of a condition, and its difference to the given labels."""
    return in_percent(Estimate(**each[figure]), seeds, 2), _difference_cell(name, each, figure, seeds)


def _difference_cell(name: str, each: Mapping[str, Any], figure: str, seeds: int) -> str:
    if name == BASE:
        return "–"
    return in_points(Estimate(**each["difference"][figure]), seeds)


def _audited_table(summary: Mapping[str, Any], seeds: int) -> TextTable:
    figures = [figure for figure in FIGURES if figure.endswith("audited")]
    same = all(
        abs(each["accuracy_audited"]["value"] - each["macro_f1_audited"]["value"]) < SAME
        for each in summary["conditions"].values()
    )
    if same:
        figures = ["accuracy_audited"]
    heads = [AUDITED[figure] for figure in figures]
    rows = [
        (
            name,
            *(in_percent(Estimate(**each[figure]), seeds, 2) for figure in figures),
            *(_difference_cell(name, each, figure, seeds) for figure in figures),
        )
        for name, each in summary["conditions"].items()
    ]
    return TextTable(
        "On the audited held-out labels: suspects set apart, a person's decisions followed. Models disagree "
        "with suspects, so this flatters every line alike; compare lines, not levels."
        + (" Macro-F1 is the same to a tenth of a point." if same else ""),
        ("trained on", *(f"{head}, %" for head in heads), *(f"Δ {head}, points" for head in heads)),
        tuple(rows),
        page_only=True,
    )


def _class_table(summary: Mapping[str, Any], seeds: int) -> TextTable:
    names = [name for name in summary["conditions"] if name != BASE]
    rows = [
        (label, *(in_points(Estimate(**differences[name]), seeds) for name in names))
        for label, differences in summary["classes"].items()
    ]
    chance = seeds > 1 and all(
        differences[name]["low"] <= 0 <= differences[name]["high"]
        for differences in summary["classes"].values()
        for name in names
    )
    return TextTable(
        f"Change of each class's F1 against the given labels, in points: {_means(seeds)}."
        + (" Each of them may be chance." if chance else ""),
        ("class", *names),
        tuple(rows),
        folded=chance or len(rows) > impact_chart.MOST_CLASSES,
        page_only=True,
    )


def _means(seeds: int) -> str:
    if seeds > 1:
        return f"means over {seeds} seeds, 95 % intervals"
    return "one seed, no intervals"
