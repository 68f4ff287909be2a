"""The figure of an impact experiment: levels, differences and classes side by side."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from audit.experiments.impact_numbers import BASE, TRUE
from audit.report.charts import Palette, dress

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CLASSES = 12  # those whose F1 moves most
APART = 0.16  # between accuracy and macro-F1 of a condition
LONGEST_NAME = 14  # letters
MARKS = {"suspects dropped": "s", "suspects relabelled": "D", "a person's decisions": "^", TRUE: "o"}


def draw(
    table: pd.DataFrame, summary: Mapping[str, Any], seeds: int, figure: "Figure", palette: Palette
) -> None:
    """Draw all three panels."""
    levels, differences, classes = figure.subplots(1, 3, width_ratios=(5, 4, 4))
    names = list(summary["conditions"])
    _levels(levels, table, summary, seeds, palette)
    levels.set_yticks(range(len(names)), names)
    _differences(differences, summary, [name for name in names if name != BASE], seeds, palette)
    differences.set_ylim(levels.get_ylim())
    differences.set_yticks(range(len(names)), [""] * len(names))
    _classes(classes, summary, seeds, palette)


def _levels(
    axes: "Axes", table: pd.DataFrame, summary: Mapping[str, Any], seeds: int, palette: Palette
) -> None:
    dress(axes, palette, "on held-out rows, %", "")
    for place, (name, each) in enumerate(summary["conditions"].items()):
        for key, side, colour in (("accuracy", -1, palette.accent), ("macro_f1", 1, palette.muted)):
            height = place + side * APART
            found = 100 * table[table["condition"] == name][key].to_numpy(dtype=np.float64)
            _bar(axes, each[key], height, colour, seeds)
            axes.plot(
                found, np.full(len(found), height), color=colour, marker=".", markersize=3, linestyle="none"
            )
            axes.plot(
                100 * each[key]["value"],
                height,
                color=colour,
                marker="o" if side < 0 else "s",
                markersize=6,
                markerfacecolor=colour if side < 0 else "none",
                linestyle="none",
                label=("accuracy" if side < 0 else "macro-F1") if not place else None,
            )
    axes.invert_yaxis()
    _legend(axes, palette)


def _differences(
    axes: "Axes", summary: Mapping[str, Any], names: Sequence[str], seeds: int, palette: Palette
) -> None:
    dress(axes, palette, "less that of the labels as given, points", "")
    axes.axvline(0, color=palette.muted, linewidth=1, linestyle=(0, (4, 3)))
    places = {name: place for place, name in enumerate(summary["conditions"])}
    for name in names:
        for key, side, colour in (("accuracy", -1, palette.accent), ("macro_f1", 1, palette.muted)):
            each = summary["conditions"][name]["difference"][key]
            _bar(axes, each, places[name] + side * APART, colour, seeds)
            axes.plot(
                100 * each["value"],
                places[name] + side * APART,
                color=colour,
                marker="o" if side < 0 else "s",
                markersize=6,
                markerfacecolor=colour if side < 0 else "none",
            )


def _classes(axes: "Axes", summary: Mapping[str, Any], seeds: int, palette: Palette) -> None:
    dress(axes, palette, "change of F1, points", "")
    axes.axvline(0, color=palette.muted, linewidth=1, linestyle=(0, (4, 3)))
    shown = {name: mark for name, mark in MARKS.items() if name in summary["conditions"]}
    moves = {
        label: max(abs(effects[name]["value"]) for name in shown)
        for label, effects in summary["classes"].items()
    }
    labels = sorted(moves, key=lambda label: -moves[label])[:MOST_CLASSES]
    for number, (name, mark) in enumerate(shown.items()):
        colour = palette.muted if name == TRUE else palette.accent
        heights = np.arange(len(labels)) + (number - (len(shown) - 1) / 2) * 0.2
        for label, height in zip(labels, heights, strict=True):
            _bar(axes, summary["classes"][label][name], float(height), colour, seeds, width=0.8)
        axes.plot(
            [100 * summary["classes"][label][name]["value"] for label in labels],
            heights,
            color=colour,
            marker=mark,
            markersize=4,
            markerfacecolor="none" if name == "suspects relabelled" else colour,
            linestyle="none",
            label=name,
        )
    axes.set_yticks(range(len(labels)), [_short(label) for label in labels])
    for text in axes.get_yticklabels():
        text.set_parse_math(False)  # a name may hold dollars
    axes.invert_yaxis()
    _legend(axes, palette)


def _bar(
    axes: "Axes", estimate: Mapping[str, float], height: float, colour: str, seeds: int, width: float = 1.2
) -> None:
    """An interval, where there is one."""
    if seeds > 1:
        axes.hlines(height, 100 * estimate["low"], 100 * estimate["high"], color=colour, linewidth=width)


def _legend(axes: "Axes", palette: Palette) -> None:
    axes.legend(
        frameon=False, labelcolor=palette.ink, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderpad=0
    )


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
