"""Draw the figure of an impact experiment: levels, differences and classes side by side."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from audit.experiments.impact_scores import BASE, TRUE
from audit.report.charts import Palette, dress

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CLASSES = 12  # those whose F1 changes most
OFFSET = 0.16  # of accuracy and macro-F1 from the middle of their condition
LONGEST_NAME = 14  # letters
MARKS = {"suspects dropped": "s", "suspects relabelled": "D", "a person's decisions": "^", TRUE: "o"}


class _Mark(NamedTuple):
    """How a figure of a condition is drawn."""

    figure: str
    label: str
    offset: float
    marker: str
    fillstyle: Literal["full", "none"]


ACCURACY = _Mark("accuracy", "accuracy", -OFFSET, "o", fillstyle="full")
MACRO_F1 = _Mark("macro_f1", "macro-F1", OFFSET, "s", fillstyle="none")


def draw(
    by_seed: pd.DataFrame, summary: Mapping[str, Any], seeds: int, figure: "Figure", palette: Palette
) -> None:
    """Draw all three panels."""
    levels, differences, classes = figure.subplots(1, 3, width_ratios=(5, 4, 4))
    names = list(summary["conditions"])
    _draw_levels(levels, by_seed, summary, seeds, palette)
    levels.set_yticks(range(len(names)), names)
    _draw_differences(differences, summary, seeds, palette)
    differences.set_ylim(levels.get_ylim())
    differences.set_yticks(range(len(names)), [""] * len(names))
    _draw_classes(classes, summary, seeds, palette)


def _draw_levels(
    axes: "Axes", by_seed: pd.DataFrame, summary: Mapping[str, Any], seeds: int, palette: Palette
) -> None:
    dress(axes, palette, "on held-out rows, %", "")
    for place, (name, scores) in enumerate(summary["conditions"].items()):
        for mark in (ACCURACY, MACRO_F1):
            height = place + mark.offset
            colour = _colour(mark, palette)
            each_seed = 100 * by_seed[by_seed["condition"] == name][mark.figure].to_numpy(dtype=np.float64)
            _draw_interval(axes, scores[mark.figure], height, colour, seeds)
            axes.plot(
                each_seed,
                np.full(len(each_seed), height),
                color=colour,
                marker=".",
                markersize=3,
                linestyle="none",
            )
            axes.plot(
                100 * scores[mark.figure]["value"],
                height,
                color=colour,
                marker=mark.marker,
                markersize=6,
                fillstyle=mark.fillstyle,
                linestyle="none",
                label=None if place else mark.label,
            )
    axes.invert_yaxis()
    _draw_legend(axes, palette)


def _draw_differences(axes: "Axes", summary: Mapping[str, Any], seeds: int, palette: Palette) -> None:
    dress(axes, palette, "less that of the given labels, points", "")
    axes.axvline(0, color=palette.muted, linewidth=1, linestyle=(0, (4, 3)))
    for place, (name, scores) in enumerate(summary["conditions"].items()):
        if name == BASE:
            continue
        for mark in (ACCURACY, MACRO_F1):
            height = place + mark.offset
            colour = _colour(mark, palette)
            difference = scores["difference"][mark.figure]
            _draw_interval(axes, difference, height, colour, seeds)
            axes.plot(
                100 * difference["value"],
                height,
                color=colour,
                marker=mark.marker,
                markersize=6,
                fillstyle=mark.fillstyle,
            )


def _draw_classes(axes: "Axes", summary: Mapping[str, Any], seeds: int, palette: Palette) -> None:
    dress(axes, palette, "change of F1, points", "")
    axes.axvline(0, color=palette.muted, linewidth=1, linestyle=(0, (4, 3)))
    marks = {name: mark for name, mark in MARKS.items() if name in summary["conditions"]}
    labels = _most_changed(summary["classes"], list(marks))
    for number, (name, mark) in enumerate(marks.items()):
        colour = palette.muted if name == TRUE else palette.accent
        heights = np.arange(len(labels)) + (number - (len(marks) - 1) / 2) * 0.2
        for label, height in zip(labels, heights, strict=True):
            _draw_interval(axes, summary["classes"][label][name], float(height), colour, seeds, width=0.8)
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
    axes.set_yticks(range(len(labels)), [_shorten(label) for label in labels])
    for text in axes.get_yticklabels():
        text.set_parse_math(False)  # a name may hold dollars
    axes.invert_yaxis()
    _draw_legend(axes, palette)


def _most_changed(classes: Mapping[str, Any], conditions: Sequence[str]) -> list[str]:
    """The classes whose F1 changes most under any of these conditions, largest change first."""
    changes = {
        label: max(abs(differences[name]["value"]) for name in conditions)
        for label, differences in classes.items()
    }
    return sorted(changes, key=lambda label: -changes[label])[:MOST_CLASSES]


def _colour(mark: _Mark, palette: Palette) -> str:
    if mark is ACCURACY:
        return palette.accent
    return palette.muted


def _draw_interval(
    axes: "Axes", estimate: Mapping[str, float], height: float, colour: str, seeds: int, width: float = 1.2
) -> None:
    """Draw an interval, where there are several seeds."""
    if seeds > 1:
        axes.hlines(height, 100 * estimate["low"], 100 * estimate["high"], color=colour, linewidth=width)


def _draw_legend(axes: "Axes", palette: Palette) -> None:
    axes.legend(
        frameon=False, labelcolor=palette.ink, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderpad=0
    )


def _shorten(name: str) -> str:
    if len(name) > LONGEST_NAME:
        return f"{name[: LONGEST_NAME - 1]}…"
    return name
