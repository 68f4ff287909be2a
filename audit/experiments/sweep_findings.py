"""What a sweep says: the curve with its bands, the sentence, the table."""

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from audit.experiments.over_seeds import mean_over_seeds
from audit.experiments.results import Result, in_percent
from audit.report import charts
from audit.report.experiment_page import Chart, Findings, Table
from audit.settings.experiments import SweepSettings
from audit.wording import percent

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
TABLED = ("TrueF1", "ScrambledF1", "TrueMacroF1", "TrueAccuracy")


def result(
    table: pd.DataFrame, data: str, settings: SweepSettings, facts: tuple[tuple[str, str], ...]
) -> Result:
    """The result of a sweep from its table, a row for each kind, seed and rate."""
    kinds = list(dict.fromkeys(table["kind"]))
    means = {kind: _means(table[table["kind"] == kind]) for kind in kinds}
    seeds = settings.seeds
    trained = (
        "one model, trained on and on" if settings.continue_model else "a model of its own for each point"
    )
    findings = Findings(
        title=f"Sweep of label noise over {data}",
        subject=f"{data} · sweep · {len(table):,} cells · {seeds} seed{'s' if seeds > 1 else ''}",
        sentence=" ".join(_sentence(kind, means[kind], alone=len(kinds) == 1) for kind in kinds),
        lead=f"Trained on labels with noise ({trained}), tested on held-out rows against the labels as they "
        "came, which are taken for true, and against the same labels with noise. F1 is the mean over the "
        "classes, weighted by their size.",
        charts=(
            Chart(
                "curve",
                partial(_draw, table, kinds),
                "F1 against the true and against the noisy labels over the noise rate",
                "F1 over the share of labels that were changed."
                + (
                    " Lines are means over the seeds, bands reach from the lowest to the highest."
                    if seeds > 1
                    else ""
                ),
                (max(9.6, min(13.0, 4.4 * len(kinds))), 3.9),
            ),
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


def _means(table: pd.DataFrame) -> list[dict[str, Any]]:
    """For each rate, rising: every figure's mean over the seeds with its interval."""
    return [
        {
            "rate": float(rate),  # type: ignore[arg-type]
            "realised": float(cells["realised"].mean()),
            **{name: mean_over_seeds(cells[name].tolist()).to_json() for name in FIGURES},
        }
        for rate, cells in table.groupby("rate", sort=True)
    ]


def _sentence(kind: str, means: list[dict[str, Any]], *, alone: bool) -> str:
    """How far the model holds, in the order of the rates."""
    start = "" if alone else f"{kind}: "
    values = [each["TrueF1"]["value"] for each in means]
    rates = [f"{percent(each['rate'], 0)} %" for each in means]
    if len(means) == 1:
        return f"{start}With {rates[0]} noise, F1 against the true labels is {percent(values[0])} %."
    fallen = next((i for i, value in enumerate(values) if value < COLLAPSED * values[0]), None)
    if not fallen:
        return (
            f"{start}F1 against the true labels goes from {percent(values[0])} % at {rates[0]} noise "
            f"to {percent(values[-1])} % at {rates[-1]}."
        )
    return (
        f"{start}F1 against the true labels is {percent(values[0])} % at {rates[0]} noise and still "
        f"{percent(values[fallen - 1])} % at {rates[fallen - 1]}; at {rates[fallen]} it has collapsed "
        f"to {percent(values[fallen])} %."
        if fallen > 1
        else f"{start}F1 against the true labels collapses from {percent(values[0])} % at {rates[0]} noise "
        f"to {percent(values[1])} % at {rates[1]}."
    )


def _table(kind: str, means: list[dict[str, Any]], seeds: int) -> Table:
    from audit.detectors.scoring import Estimate  # noqa: PLC0415

    more = " and 95 % intervals by Student's t" if seeds > 1 else "; one seed says nothing about chance"
    return Table(
        f"{kind} noise, in per cent: means over {seeds} seed{'s' if seeds > 1 else ''}{more}.",
        ("noise", "changed", *(FIGURES[name] for name in TABLED)),
        tuple(
            (
                percent(each["rate"], 1),
                percent(each["realised"], 1),
                *(in_percent(Estimate(**each[name]), seeds) for name in TABLED),
            )
            for each in means
        ),
    )


def _draw(table: pd.DataFrame, kinds: list[str], figure: "Figure", palette: charts.Palette) -> None:
    panels = figure.subplots(1, len(kinds), squeeze=False, sharey=True)[0]
    for kind, axes in zip(kinds, panels, strict=True):
        charts.dress(axes, palette, "share of labels changed", "F1" if axes is panels[0] else "")
        if len(kinds) > 1:
            axes.set_title(kind, color=palette.ink, fontsize=9, loc="left")
        for name, label, colour, marker in (
            ("TrueF1", "against the true labels", palette.accent, "o"),
            ("ScrambledF1", "against the noisy labels", palette.muted, "s"),
        ):
            by_rate = table[table["kind"] == kind].groupby("rate")[name]
            rates = np.array(list(by_rate.groups), dtype=np.float64)
            axes.fill_between(rates, by_rate.min(), by_rate.max(), color=colour, alpha=0.2, linewidth=0)
            axes.plot(rates, by_rate.mean(), color=colour, marker=marker, markersize=4, label=label)
        axes.set_ylim(-0.03, 1.03)
    panels[0].legend(frameon=False, labelcolor=palette.ink, loc="best")
