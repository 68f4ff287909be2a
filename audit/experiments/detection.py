"""How well every detector finds changed labels again, over kinds and rates of noise."""

from collections.abc import Sequence
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
from audit.pipeline import detect, preview
from audit.pipeline.detect import AuditRequest
from audit.report import charts
from audit.report.experiment_page import Chart, Findings, Table
from audit.runs.folder import RunFolder
from audit.settings.detect import Config
from audit.types import LabeledDataset
from audit.wording import percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURES = {
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "average_precision": "average precision",
}


def sweep(
    dataset: LabeledDataset, grid: Sequence[Config], folder: RunFolder, command: str, listener: Listener
) -> Result:
    """Audit once for each cell, each in a run folder of its own under cells/, and compare the detectors."""
    rows: list[dict[str, Any]] = []
    cells = {
        f"{config.noise.noise_kind}-{config.noise.noise:g}-s{config.run.seed}": config for config in grid
    }
    views = parts(listener, {f"cell {i} of {len(cells)}, {name}": 1 for i, name in enumerate(cells, 1)})
    for (name, config), heard in zip(cells.items(), views, strict=True):
        noise = ConfiguredNoise.of(config)
        request = AuditRequest(replace(dataset, notes=()), config, noise, config.training.model, command)
        record = detect.audit_into(folder.path / "cells" / name, request, heard, StepTimer(heard))
        for detector, figures in record.scores.detectors.items():
            rates = {} if figures.detection is None else figures.detection.rates
            rows.append(
                {
                    "kind": config.noise.noise_kind,
                    "rate": config.noise.noise,
                    "realised": record.labels.rate,
                    "seed": config.run.seed,
                    "detector": detector,
                    "flagged": figures.flagged,
                    "changed": record.scores.noise.changed,
                    **{key: rates[key].value if rates else None for key in FIGURES},
                }
            )
    table = pd.DataFrame(rows)
    return _result(table, dataset, grid, command)


def seconds(dataset: LabeledDataset, grid: Sequence[Config]) -> int:
    """What all audits would take, from what one would."""
    return len(grid) * int(preview.preview(dataset, grid[0])["seconds"])


def _result(table: pd.DataFrame, dataset: LabeledDataset, grid: Sequence[Config], command: str) -> Result:
    training = grid[0].training
    data, used = dataset.name, grid[0].detection.detector
    kinds = list(dict.fromkeys(table["kind"]))
    seeds = table["seed"].nunique()
    means = {kind: _means(table[table["kind"] == kind]) for kind in kinds}
    scored = [
        each for kind in kinds for each in means[kind] if each["detectors"][used]["f1"]["value"] is not None
    ]
    findings = Findings(
        title=f"Sweep of detection over {data}",
        subject=f"{data} · detection · {len(grid):,} audits · {seeds} seed{'s' if seeds > 1 else ''}",
        sentence=_sentence(scored, used),
        lead="Every cell is an audit of its own that is blind to the noise. Figures are of the class «the "
        "label was changed»; without changed labels there are none.",
        charts=(
            Chart(
                "detection",
                partial(_draw, table, kinds, used),
                "Precision, recall, F1 and average precision of the detectors over the noise rate",
                f"Means over {seeds} seeds; the band, of {used}, reaches from the lowest to the highest "
                "seed. Thin lines are the detectors without a mark.",
                (min(12.0, 3.6 * len(kinds) + 2.2), 9.6),
            ),
        ),
        tables=tuple(_table(kind, means[kind], used) for kind in kinds),
        facts=(
            ("Command", command),
            ("Data", f"{data}, fingerprint {dataset.fingerprint[:12]}, {len(dataset.labels):,} rows"),
            (
                "Audits",
                f"preset {training.preset}, {training.folds} folds; reports are in cells/",
            ),
        ),
    )
    scores = {
        "schema_version": 1,
        "experiment": "sweep",
        "what": "detection",
        "data": data,
        "seeds": int(seeds),
        "sentence": findings.sentence,
        "kinds": means,
    }
    return Result(
        "detection", findings, {"detection.csv": table}, scores, {"what": "detection", "seeds": int(seeds)}
    )


def _means(table: pd.DataFrame) -> list[dict[str, Any]]:
    """For each rate, every detector's figures as means over the seeds with intervals."""
    return [
        {
            "rate": float(rate),  # type: ignore[arg-type]
            "realised": float(cells["realised"].mean()),
            "detectors": {
                str(name): {key: mean_over_seeds(each[key].dropna().tolist()).to_json() for key in FIGURES}
                for name, each in cells.groupby("detector", sort=False)
            },
        }
        for rate, cells in table.groupby("rate", sort=True)
    ]


def _sentence(scored: Sequence[dict[str, Any]], used: str) -> str:
    if not scored:
        return "No label was changed on purpose, so nothing was measured."
    f1 = [each["detectors"][used]["f1"]["value"] for each in scored]
    ahead = sum(
        each["detectors"][used]["f1"]["value"]
        >= max(d["f1"]["value"] or 0 for d in each["detectors"].values())
        for each in scored
    )
    return (
        f"{used} finds changed labels with an F1 of {percent(min(f1))} to {percent(max(f1))} %, and is "
        f"the best of {len(scored[0]['detectors'])} detectors in {ahead} of {len(scored)} cells."
    )


def _table(kind: str, means: Sequence[dict[str, Any]], used: str) -> Table:
    rows = []
    for each in means:
        detectors = each["detectors"]
        if detectors[used]["f1"]["value"] is None:
            continue
        others = {name: d["f1"]["value"] or 0.0 for name, d in detectors.items() if name != used}
        best = max(others, key=lambda name: others[name])
        rows.append(
            (
                percent(each["rate"], 1),
                *(percent(detectors[used][key]["value"]) for key in FIGURES),
                f"{percent(others[best])} ({best})",
                percent(detectors.get("cleanlab", {"f1": {"value": None}})["f1"]["value"]),
            )
        )
    head = ("noise", *(f"{name}, {used}" for name in FIGURES.values()), "best other F1", "F1, cleanlab")
    return Table(
        f"{kind} noise, in per cent: means over the seeds. detection.csv has every detector.",
        head,
        tuple(rows),
    )


def _draw(
    table: pd.DataFrame, kinds: Sequence[str], used: str, figure: "Figure", palette: charts.Palette
) -> None:
    grid = figure.subplots(len(FIGURES), len(kinds), squeeze=False, sharex=True, sharey=True)
    names = list(dict.fromkeys(table["detector"]))
    marked = [name for name in dict.fromkeys((used, *MAIN)) if name in names]
    for column, kind in enumerate(kinds):
        grid[0, column].set_title(kind, color=palette.ink, fontsize=9, loc="left")
        for row, (key, label) in enumerate(FIGURES.items()):
            axes = grid[row, column]
            bottom = row == len(FIGURES) - 1
            charts.dress(axes, palette, "share of labels changed" if bottom else "", "" if column else label)
            for name in [n for n in names if n not in marked] + marked[::-1]:
                _line(
                    axes, table[(table["kind"] == kind) & (table["detector"] == name)], key, palette, marked
                )
            axes.set_ylim(-0.03, 1.03)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(
        handles[::-1],
        labels[::-1],
        frameon=False,
        labelcolor=palette.ink,
        loc="outside upper left",
        ncols=len(marked),
    )


def _line(axes: Any, cells: pd.DataFrame, key: str, palette: charts.Palette, marked: Sequence[str]) -> None:
    """One detector's figure over the rates."""
    name = str(cells["detector"].iloc[0])
    by_rate = cells.astype({key: np.float64}).groupby("rate")[key]
    rates = np.array(list(by_rate.groups), dtype=np.float64)
    if name not in marked:
        axes.plot(rates, by_rate.mean(), color=palette.line, linewidth=1)
        return
    place = marked.index(name)
    colour = palette.muted if place else palette.accent
    if not place:
        axes.fill_between(rates, by_rate.min(), by_rate.max(), color=colour, alpha=0.2, linewidth=0)
    axes.plot(
        rates,
        by_rate.mean(),
        color=colour,
        marker=charts.MARKERS[place],
        markersize=4,
        linewidth=1.2 if place else 1.8,
        markerfacecolor="none" if place else colour,
        label=f"{name} (used)" if not place else name,
    )
