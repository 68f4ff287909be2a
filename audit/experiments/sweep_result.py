"""The result of a sweep of training: curves over the noise rate with their bands, a sentence, tables."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from audit.detectors.scoring import Estimate
from audit.experiments.over_seeds import mean_over_seeds
from audit.experiments.results import Result, in_percent
from audit.report import charts
from audit.report.experiment_page import Chart, Findings, TextTable
from audit.settings.experiments import SweepSettings
from audit.wording import count, percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLLAPSED = 0.5  # share of the F1 without noise below which a model has collapsed
FIGURES = {
    "TrueF1": "F1, true labels",
    "ScrambledF1": "F1, noisy labels",
    "TrueMacroF1": "macro-F1, true labels",
    "ScrambledMacroF1": "macro-F1, noisy labels",
    "TrueAccuracy": "accuracy, true labels",
    "ScrambledAccuracy": "accuracy, noisy labels",
}
SAME = 0.005  # difference of two figures from which both stand in the table
TABLED = ("TrueF1", "ScrambledF1", "TrueAccuracy")


def result(
    table: pd.DataFrame,
    data: str,
    settings: SweepSettings,
    facts: tuple[tuple[str, str], ...],
    guessing: float,
) -> Result:
    """Summarise the table of a sweep, which has a row for each kind, seed and rate.

    Parameters
    ----------
    table
        The content of sweep.csv.
    data
        The name of the data set.
    settings
        What the sweep varied.
    facts
        How it was made, as pairs of a word and what it was; the command first.
    guessing
        The share of true labels that guesses in proportion to the classes hit, which is their F1 as well.
    """
    kinds = list(dict.fromkeys(table["kind"]))
    means = {kind: _mean_figures(table[table["kind"] == kind]) for kind in kinds}
    seeds = settings.seeds
    findings = Findings(
        title=f"Sweep of label noise over {data}",
        subject=f"{data} · sweep · {count(len(table), 'model')} · {count(seeds, 'seed')}",
        sentence=" ".join(_sentence(kind, means[kind], alone=len(kinds) == 1) for kind in kinds),
        lead=_lead(settings),
        charts=tuple(
            Chart(
                "curve" if len(kinds) == 1 else f"curve-{kind}",
                partial(_draw, table[table["kind"] == kind], guessing),
                f"F1 against the true and against the noisy labels over the rate of {kind} noise",
                _caption(kind, seeds, guessing),
            )
            for kind in kinds
        ),
        tables=tuple(_table(kind, means[kind], seeds) for kind in kinds),
        facts=facts,
    )
    scores = {
        "schema_version": 1,
        "experiment": "sweep",
        "what": "training",
        "data": data,
        "seeds": seeds,
        "sentence": findings.sentence,
        "kinds": means,
    }
    return Result(
        "training", findings, {"sweep.csv": table}, scores, {"seeds": seeds, "noise": settings.noise}
    )


def _mean_figures(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Average every figure of one kind of noise over the seeds, for each rate, rising."""
    return [
        {
            "rate": float(rate),  # type: ignore[arg-type]
            "realised": float(cells["realised"].mean()),
            **{figure: mean_over_seeds(cells[figure].tolist()).to_json() for figure in FIGURES},
        }
        for rate, cells in table.groupby("rate", sort=True)
    ]


def _sentence(kind: str, means: Sequence[dict[str, Any]], *, alone: bool) -> str:
    """How F1 falls as the rate rises, and where it collapses."""
    start = "" if alone else f"{kind}: "
    values = [each["TrueF1"]["value"] for each in means]
    shown = [f"{percent(value)} %" for value in values]
    rates = [f"{percent(each['rate'], 0)} %" for each in means]
    if len(means) == 1:
        return f"{start}With {rates[0]} noise, F1 against the true labels is {shown[0]}."
    collapsed = [i for i, value in enumerate(values) if value < COLLAPSED * values[0]]
    if not collapsed:
        return (
            f"{start}F1 against the true labels goes from {shown[0]} at {rates[0]} noise to {shown[-1]} at "
            f"{rates[-1]}."
        )
    first = collapsed[0]
    if first == 1:
        return (
            f"{start}F1 against the true labels collapses from {shown[0]} at {rates[0]} noise to {shown[1]} "
            f"at {rates[1]}."
        )
    return (
        f"{start}F1 against the true labels is {shown[0]} at {rates[0]} noise and still {shown[first - 1]} "
        f"at {rates[first - 1]}; at {rates[first]} it has collapsed to {shown[first]}."
    )


def _lead(settings: SweepSettings) -> str:
    models = "A new model is trained on noisy labels at every rate."
    if settings.continue_model:
        models = "One model is trained on noisy labels and kept as the rate rises."
    return (
        f"{models} It is tested on held-out rows, against their original labels, which are taken for true, "
        "and against the same labels with noise. F1 is the mean over the classes, weighted by their size."
    )


def _caption(kind: str, seeds: int, guessing: float) -> str:
    caption = (
        f"F1 over the share of labels that were changed, {kind} noise. The broken line is the "
        f"{percent(guessing)} % of a model that guesses, each class as often as it occurs."
    )
    if seeds > 1:
        caption += " Lines are means over the seeds, bands reach from the lowest to the highest."
    return caption


def _table(kind: str, means: Sequence[dict[str, Any]], seeds: int) -> TextTable:
    intervals = "; one seed says nothing about chance"
    if seeds > 1:
        intervals = " and 95 % intervals by Student's t"
    asked = [percent(each["rate"], 1) for each in means]
    changed = [percent(each["realised"], 1) for each in means]
    rates = {"noise": asked} if asked == changed else {"noise": asked, "changed": changed}
    shown: tuple[str, ...] = TABLED
    same = ""
    if all(abs(each["TrueAccuracy"]["value"] - each["TrueF1"]["value"]) < SAME for each in means):
        shown = tuple(figure for figure in TABLED if figure != "TrueAccuracy")
        same = " Accuracy is within half a point of F1."
    figures = {
        FIGURES[figure]: [in_percent(Estimate(**each[figure]), seeds) for each in means] for figure in shown
    }
    return TextTable(
        f"{kind} noise, in per cent: means over {count(seeds, 'seed')}{intervals}.{same}",
        (*rates, *figures),
        tuple(zip(*rates.values(), *figures.values(), strict=True)),
    )


def _draw(table: pd.DataFrame, guessing: float, figure: "Figure", palette: charts.Palette) -> None:
    axes = figure.subplots()
    charts.dress(axes, palette, "labels changed, %", "F1, %")
    axes.axhline(guessing, color=palette.muted, linewidth=1, linestyle=charts.BROKEN)
    ends = {"guessing": (guessing, palette.muted)}
    for name, label, colour, marker in (
        ("TrueF1", "true labels", palette.accent, "o"),
        ("ScrambledF1", "noisy labels", palette.muted, "s"),
    ):
        by_rate = table.groupby("rate")[name]
        rates = np.array(list(by_rate.groups), dtype=np.float64)
        axes.fill_between(rates, by_rate.min(), by_rate.max(), color=colour, alpha=0.2, linewidth=0)
        axes.plot(rates, by_rate.mean(), color=colour, marker=marker, markersize=4)
        ends[label] = (float(by_rate.mean().iloc[-1]), colour)
    axes.set_ylim(0, 1.03)
    charts.in_percent(axes.xaxis, axes.yaxis)
    charts.name_lines(axes, ends)
