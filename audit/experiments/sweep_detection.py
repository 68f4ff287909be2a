"""Measure how well every detector finds changed labels again, over kinds and rates of noise."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from audit.detectors.scores import MAIN
from audit.events import Listener, StepTimer, parts
from audit.experiments.over_seeds import mean_over_seeds
from audit.experiments.results import Result
from audit.noise.options import ConfiguredNoise
from audit.pipeline import preview
from audit.pipeline.detect import audit_into
from audit.pipeline.request import AuditRequest
from audit.report import charts
from audit.report.experiment_page import Chart, Findings, TextTable
from audit.runs.comparison import rate_values
from audit.runs.folder import RunFolder, RunRecord
from audit.settings.detect import Config
from audit.types import LabeledDataset
from audit.wording import count, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FIGURES = {
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "average_precision": "average precision",
}
REFERENCE = "cleanlab"  # has a column of its own in the tables
NOT_MEASURED: Mapping[str, Any] = {"f1": {"value": None}}


def sweep(
    dataset: LabeledDataset, grid: Sequence[Config], folder: RunFolder, command: str, listener: Listener
) -> Result:
    """Audit each cell in a run folder of its own under cells/, and compare the detectors."""
    rows: list[dict[str, Any]] = []
    cells = {_name(config): config for config in grid}
    listeners = parts(listener, {f"cell {i} of {len(cells)}, {name}": 1 for i, name in enumerate(cells, 1)})
    for (name, config), cell_listener in zip(cells.items(), listeners, strict=True):
        noise = ConfiguredNoise.of(config)
        request = AuditRequest(
            replace(dataset, notes=(), cautions=()), config, noise, config.training.model, command
        )
        record = audit_into(folder.path / "cells" / name, request, cell_listener, StepTimer(cell_listener))
        rows += _rows(config, record)
    return _result(pd.DataFrame(rows), dataset, grid, command)


def seconds(dataset: LabeledDataset, grid: Sequence[Config]) -> int:
    """Estimate the seconds of all audits from one of them."""
    return len(grid) * int(preview.preview(dataset, grid[0])["seconds"])


def _name(config: Config) -> str:
    """The folder of a cell."""
    return f"{config.noise.noise_kind}-{config.noise.noise:g}-s{config.run.seed}"


def _rows(config: Config, record: RunRecord) -> list[dict[str, Any]]:
    """The lines of detection.csv for one cell, one for each detector."""
    rows = []
    for detector, figures in record.scores.detectors.items():
        rows.append(
            {
                "kind": config.noise.noise_kind,
                "rate": config.noise.noise,
                "realised": record.labels.rate,
                "seed": config.run.seed,
                "detector": detector,
                "flagged": figures.flagged,
                "changed": record.scores.noise.changed,
                **rate_values(figures.detection, FIGURES),
            }
        )
    return rows


def _result(table: pd.DataFrame, dataset: LabeledDataset, grid: Sequence[Config], command: str) -> Result:
    data = dataset.name
    training = grid[0].training
    used = grid[0].detection.detector
    kinds = list(dict.fromkeys(table["kind"]))
    seeds = int(table["seed"].nunique())
    means = {kind: _mean_figures(table[table["kind"] == kind]) for kind in kinds}
    findings = Findings(
        title=f"Sweep of detection over {data}",
        subject=f"{data} · detection · {len(grid):,} audits · {count(seeds, 'seed')}",
        sentence=_sentence([cell for kind in kinds for cell in means[kind]], used),
        lead="Every setting is audited on its own, without knowing the noise. Figures are of the class "
        '"the label was changed"; without changed labels there are none. '
        f"{used} is the detector that was used; docs/methods.md describes each.",
        charts=tuple(
            Chart(
                f"detection-{kind}-{key.replace('_', '-')}",
                partial(_draw, table[table["kind"] == kind], key, used),
                f"{figure} of the detectors over the rate of {kind} noise",
                _caption(kind, figure, seeds, used),
            )
            for kind in kinds
            for key, figure in FIGURES.items()
        ),
        tables=tuple(_table(kind, means[kind], used) for kind in kinds),
        facts=(
            ("Command", command),
            ("Data", f"{data}, fingerprint {dataset.fingerprint[:12]}, {len(dataset.labels):,} rows"),
            ("Audits", f"preset {training.preset}, {training.folds} folds; reports are in cells/"),
        ),
    )
    scores = {
        "schema_version": 1,
        "experiment": "sweep",
        "what": "detection",
        "data": data,
        "seeds": seeds,
        "sentence": findings.sentence,
        "kinds": means,
    }
    return Result(
        "detection", findings, {"detection.csv": table}, scores, {"what": "detection", "seeds": seeds}
    )


def _caption(kind: str, figure: str, seeds: int, used: str) -> str:
    return (
        f"{figure[0].upper()}{figure[1:]}, {kind} noise: means over {count(seeds, 'seed')}. The band, of "
        f"{used}, reaches from the lowest to the highest seed; thin lines are other detectors. The broken "
        "line is what as many rows, drawn at random, would score."
    )


def _mean_figures(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Average every detector's figures of one kind of noise over the seeds, for each rate, rising."""
    return [
        {
            "rate": float(rate),  # type: ignore[arg-type]
            "realised": float(cells["realised"].mean()),
            "detectors": {
                str(name): {
                    figure: mean_over_seeds(each[figure].dropna().tolist()).to_json() for figure in FIGURES
                }
                for name, each in cells.groupby("detector", sort=False)
            },
        }
        for rate, cells in table.groupby("rate", sort=True)
    ]


def _f1_by_detector(cell: Mapping[str, Any]) -> dict[str, float]:
    """The mean F1 of every detector in a cell, 0 where none was measured."""
    return {name: figures["f1"]["value"] or 0.0 for name, figures in cell["detectors"].items()}


def _was_measured(cell: Mapping[str, Any], used: str) -> bool:
    """Whether labels were changed in a cell, so that there are figures."""
    return cell["detectors"][used]["f1"]["value"] is not None


def _sentence(cells: Sequence[Mapping[str, Any]], used: str) -> str:
    f1 = [_f1_by_detector(cell) for cell in cells if _was_measured(cell, used)]
    if not f1:
        return "No label was changed on purpose, so nothing was measured."
    lowest = min(each[used] for each in f1)
    highest = max(each[used] for each in f1)
    best_in = sum(each[used] >= max(each.values()) for each in f1)
    return (
        f"{used} finds changed labels with an F1 of {percent(lowest)} to {percent(highest)} %, and is "
        f"the best of {len(f1[0])} detectors in {best_in} of {len(f1)} settings of the noise."
    )


def _table(kind: str, cells: Sequence[Mapping[str, Any]], used: str) -> TextTable:
    rows = []
    for cell in cells:
        if not _was_measured(cell, used):
            continue
        f1 = _f1_by_detector(cell)
        others = {name: value for name, value in f1.items() if name != used}
        best = max(others, key=lambda name: others[name])
        figures = cell["detectors"][used]
        reference = cell["detectors"].get(REFERENCE, NOT_MEASURED)
        rows.append(
            (
                percent(cell["rate"], 1),
                *(percent(figures[figure]["value"]) for figure in FIGURES),
                f"{percent(others[best])} ({best})",
                percent(reference["f1"]["value"]),
            )
        )
    head = ("noise", *(f"{name}, {used}" for name in FIGURES.values()), "best other F1", "F1, cleanlab")
    return TextTable(
        f"{kind} noise, in per cent: means over the seeds. detection.csv has every detector.",
        head,
        tuple(rows),
    )


def _draw(table: pd.DataFrame, key: str, used: str, figure: "Figure", palette: charts.Palette) -> None:
    axes = figure.subplots()
    charts.dress(axes, palette, "labels changed, %", f"{FIGURES[key]}, %")
    names = list(dict.fromkeys(table["detector"]))
    marked = [name for name in dict.fromkeys((used, *MAIN)) if name in names]
    unmarked = [name for name in names if name not in marked]
    ends = {}
    for name in [*unmarked, *reversed(marked)]:
        last = _draw_line(axes, table[table["detector"] == name], key, palette, marked)
        if name in marked and np.isfinite(last):
            ends[name] = (last, palette.accent if name == used else palette.ink)
    at_random = by_chance(table[table["detector"] == used], key).dropna()
    axes.plot(at_random.index, at_random, color=palette.muted, linewidth=1, linestyle=charts.BROKEN)
    if len(at_random):
        ends["at random"] = (float(at_random.iloc[-1]), palette.muted)
    axes.set_ylim(0, 1.03)
    charts.in_percent(axes.xaxis, axes.yaxis)
    charts.name_lines(axes, ends)


def by_chance(cells: pd.DataFrame, key: str) -> "pd.Series[float]":
    """What a random list of the length of a detector's would score, by rate.

    Its precision is the share of changed labels, its recall the share of rows that it has.
    """
    precision = cells["realised"].where(cells["realised"] > 0)
    recall = cells["flagged"] * precision / cells["changed"]
    values = {
        "precision": precision,
        "average_precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / (precision + recall),
    }
    return values[key].groupby(cells["rate"]).mean()


def _draw_line(
    axes: "Axes", cells: pd.DataFrame, key: str, palette: charts.Palette, marked: Sequence[str]
) -> float:
    """Draw one detector's figure over the rates: the used one strong, the main ones marked, others thin.

    Returns its last value.
    """
    name = str(cells["detector"].iloc[0])
    by_rate = cells.astype({key: np.float64}).groupby("rate")[key]
    rates = np.array(list(by_rate.groups), dtype=np.float64)
    means = by_rate.mean()
    if name not in marked:
        axes.plot(rates, means, color=palette.line, linewidth=1)
        return float(means.iloc[-1])
    place = marked.index(name)
    if place == 0:
        axes.fill_between(rates, by_rate.min(), by_rate.max(), color=palette.accent, alpha=0.2, linewidth=0)
        style: dict[str, Any] = {"color": palette.accent, "markerfacecolor": palette.accent, "linewidth": 1.8}
    else:
        style = {"color": palette.muted, "markerfacecolor": "none", "linewidth": 1.2}
    axes.plot(rates, means, marker=charts.MARKERS[place], markersize=4, **style)
    return float(means.iloc[-1])
