"""Draw the figures of an impact experiment: differences to the given labels, of all rows and by class."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from audit.experiments.impact_scores import BASE, TRUE
from audit.report import charts
from audit.report.charts import Palette, dress

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CLASSES = 12  # those whose F1 changes most
LONGEST_NAME = 14  # letters
CLEANED = "suspects dropped"  # the condition that is drawn by class, beside the true labels
OFFSET = 0.16  # of the two from the middle of their class


def size(lines: int) -> tuple[float, float]:
    """The size in inches of a figure with this many lines."""
    return charts.SIZE[0], 1.0 + 0.4 * max(4, lines)


def draw_differences(
    by_seed: pd.DataFrame, summary: Mapping[str, Any], seeds: int, figure: "Figure", palette: Palette
) -> None:
    """Draw how far the accuracy of every condition is from that of the given labels."""
    axes = _axes_with_zero(figure, palette, "change of accuracy, points")
    names = [name for name in summary["conditions"] if name != BASE]
    given = by_seed[by_seed["condition"] == BASE].sort_values("seed")["accuracy"].to_numpy(dtype=np.float64)
    for place, name in enumerate(names):
        cells = by_seed[by_seed["condition"] == name].sort_values("seed")
        each_seed = 100 * (cells["accuracy"].to_numpy(dtype=np.float64) - given)
        difference = summary["conditions"][name]["difference"]["accuracy"]
        _draw_interval(axes, difference, place, palette.accent, seeds)
        axes.plot(each_seed, np.full(len(each_seed), place), ".", color=palette.accent, markersize=4)
        axes.plot(100 * difference["value"], place, "o", color=palette.accent, markersize=7)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)


def draw_classes(summary: Mapping[str, Any], seeds: int, figure: "Figure", palette: Palette) -> None:
    """Draw how far the F1 of the classes that change most is from that of the given labels."""
    axes = _axes_with_zero(figure, palette, "change of F1, points")
    conditions = [name for name in (CLEANED, TRUE) if name in summary["conditions"]]
    labels = _most_changed(summary["classes"], conditions)
    for number, name in enumerate(conditions):
        colour = palette.muted if name == TRUE else palette.accent
        fill = "none" if name == TRUE else colour
        axes.text(
            number,
            1.02,
            f"{'○' if name == TRUE else '●'} {name}",
            color=colour,
            ha="right" if number else "left",
            transform=axes.transAxes,
        )
        for place, label in enumerate(labels):
            height = place + (2 * number - 1) * OFFSET
            change = summary["classes"][label][name]
            _draw_interval(axes, change, height, colour, seeds)
            axes.plot(100 * change["value"], height, "o", color=colour, markersize=6, markerfacecolor=fill)
    axes.set_yticks(range(len(labels)), [_shorten(label) for label in labels])
    for text in axes.get_yticklabels():
        text.set_parse_math(False)  # a name may hold dollars
    axes.set_ylim(len(labels) - 0.5, -0.5)


def _axes_with_zero(figure: "Figure", palette: Palette, label: str) -> "Axes":
    axes = figure.subplots()
    dress(axes, palette, label, "")
    axes.axvline(0, color=palette.muted, linewidth=1, linestyle=charts.BROKEN)
    return axes


def _most_changed(classes: Mapping[str, Any], conditions: Sequence[str]) -> list[str]:
    """The classes whose F1 changes most under any of these conditions, largest change first."""
    changes = {
        label: max(abs(differences[name]["value"]) for name in conditions)
        for label, differences in classes.items()
    }
    return sorted(changes, key=lambda label: -changes[label])[:MOST_CLASSES]


def _draw_interval(
    axes: "Axes", estimate: Mapping[str, float], height: float, colour: str, seeds: int
) -> None:
    """Draw an interval, where there are several seeds."""
    if seeds > 1:
        axes.hlines(height, 100 * estimate["low"], 100 * estimate["high"], color=colour, linewidth=1.4)


def _shorten(name: str) -> str:
    if len(name) > LONGEST_NAME:
        return f"{name[: LONGEST_NAME - 1]}…"
    return name
