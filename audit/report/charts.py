"""Draw the plots with matplotlib: as SVG for the page, in the page's own colours, and as PNG for slides."""

import io
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from audit.detectors.calibration import Bin
from audit.detectors.scoring import precision_recall_curve, severity_order, wilson
from audit.runs.folder import RunRecord
from audit.types import evenly

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

Draw: TypeAlias = Callable[[RunRecord, "Palette", "Axes"], None]
MARKERS = "os^Dvphx"  # one a detector
SIZE = (5.0, 3.75)  # inches: 360 × 270 pixels on the page, which is as wide as a phone
MARGINS = {"left": 0.16, "right": 0.97, "bottom": 0.17, "top": 0.92}  # computing them doubles the time
CURVE_POINTS = 400  # more cannot be seen
LEAST_IN_BIN = 10  # rows that a dot of the reliability diagram stands for; smaller bins join their neighbours
BROKEN = (0, (4, 3))  # the line of what chance, or a perfect figure, would give
LINE_HEIGHT = 0.075  # of a name beside a line, as a share of the axes
SMALLEST_DOT, LARGEST_DOT = 12.0, 260.0  # areas in square points
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text, in the page's font
    "svg.hashsalt": "audit",  # the same run draws the same bytes
    "font.size": 12,  # pixels on the page
    "axes.titlesize": 12,
    "legend.fontsize": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


@dataclass(frozen=True)
class Palette:
    """The four colours of every plot."""

    ink: str
    muted: str
    line: str
    accent: str


PRINT = Palette(ink="#1c1c22", muted="#5f5f6b", line="#e4e4ea", accent="#5753d0")
# Colours that stand for the page's own, which follow its light or dark theme.
PAGE = Palette(ink="#010101", muted="#020202", line="#030303", accent="#040404")
VARIABLES = {
    PAGE.ink: "var(--ink)",
    PAGE.muted: "var(--muted)",
    PAGE.line: "var(--line)",
    PAGE.accent: "var(--accent)",
}


def precision_recall(record: RunRecord, palette: Palette, axes: "Axes") -> None:
    """Draw the precision-recall curve of the ranking, with the cut-offs of several detectors."""
    precision, recall = precision_recall_curve(record.labels.flipped[severity_order(record.issues)])
    cuts = {
        name: (figures.detection.score.recall.value or 0.0, figures.detection.score.precision.value or 0.0)
        for name, figures in record.scores.main_detectors.items()
        if figures.detection is not None and figures.flagged
    }
    low = 0.0
    if cuts:
        lowest = min(min(cut) for cut in cuts.values())
        low = max(0.0, min(0.94, np.floor(20 * lowest) / 20 - 0.01))
    seen = np.flatnonzero((recall >= low) & (precision >= low))
    some = evenly(seen, CURVE_POINTS)
    axes.plot(recall[some], precision[some], color=palette.accent, linewidth=1.6)
    for (name, cut), marker in zip(cuts.items(), MARKERS, strict=False):
        style: dict[str, Any] = {"markersize": 6, "markerfacecolor": "none", "markeredgecolor": palette.muted}
        if name == record.scores.detector:
            style = {"markersize": 8, "markerfacecolor": palette.accent, "markeredgecolor": palette.accent}
        axes.plot(*cut, marker=marker, linestyle="none", **style)
    margin = (1 - low) * 0.05
    axes.set_xlim(low, 1 + margin)
    axes.set_ylim(low, 1 + margin)
    _name_marks(axes, palette, cuts, record.scores.detector)
    start = f" (axis starts at {100 * low:.0f})" if low else ""
    dress(axes, palette, f"recall, %{start}", f"precision, %{start}")
    in_percent(axes.xaxis, axes.yaxis)


def _name_marks(axes: "Axes", palette: Palette, marks: Mapping[str, tuple[float, float]], used: str) -> None:
    """Write the names of marks into the empty corner on the left, each with a line to its mark.

    The corner is below the marks, or above them where they lie low.
    """
    in_order = sorted(marks, key=lambda name: marks[name][1])
    low, high = axes.get_ylim()
    lie_low = bool(marks) and sum(each[1] for each in marks.values()) / len(marks) < (low + high) / 2
    first = 0.95 - 0.11 * len(marks) if lie_low else 0.06
    for place, name in enumerate(in_order):
        axes.annotate(
            f"{name} (used)" if name == used else name,
            xy=marks[name],
            xytext=(0.43, first + 0.11 * place),
            ha="right",
            textcoords="axes fraction",
            color=palette.accent if name == used else palette.ink,
            arrowprops={
                "arrowstyle": "-",
                "color": palette.muted,
                "linewidth": 0.6,
                "shrinkB": 4,
                "relpos": (1, 0.5),
            },
        )


def name_lines(axes: "Axes", ends: Mapping[str, tuple[float, str]]) -> None:
    """Write the name of each line, in its colour, to the right of its last point, no two on one another.

    `ends` has the last value and the colour of each line; the axes must have their limits already.
    """
    low, high = axes.get_ylim()
    heights = {name: (value - low) / (high - low) for name, (value, _) in ends.items()}
    in_order = sorted(heights, key=lambda name: heights[name])
    for lower, name in pairwise(in_order):
        heights[name] = max(heights[name], heights[lower] + LINE_HEIGHT)
    top = 1.0 + LINE_HEIGHT
    for name in reversed(in_order):
        top = heights[name] = min(heights[name], top - LINE_HEIGHT)
        axes.annotate(
            name,
            (1.02, top),
            xycoords="axes fraction",
            color=ends[name][1],
            va="center",
            annotation_clip=False,
        )


def in_percent(*axis: "Axis") -> None:
    """Have the numbers of these axes, which are shares, written in per cent."""
    for each in axis:
        each.set_major_formatter(lambda share, _: f"{100 * share:.4g}")


def reliability(record: RunRecord, palette: Palette, axes: "Axes") -> None:
    """Draw the share of labels that had been changed against the stated p_error, with 95 % intervals."""
    dress(axes, palette, "stated chance of a wrong label, %", "had been changed, %")
    axes.plot([0, 1], [0, 1], color=palette.muted, linewidth=1, linestyle=BROKEN)
    figures = record.scores.calibration
    assert figures is not None
    bins = merged(figures.stated.bins)
    stated = [each.stated for each in bins]
    changed = [each.changed for each in bins]
    lows = [share.low for share in changed]
    highs = [share.high for share in changed]
    axes.vlines(stated, lows, highs, color=palette.accent, linewidth=1.2)
    most = max(each.rows for each in bins)
    areas = [max(SMALLEST_DOT, LARGEST_DOT * each.rows / most) for each in bins]
    axes.scatter(stated, [share.value or 0.0 for share in changed], areas, color=palette.accent, alpha=0.7)
    axes.set_xlim(-0.06, 1.06)
    axes.set_ylim(-0.06, 1.06)
    in_percent(axes.xaxis, axes.yaxis)


def merged(bins: Sequence[Bin]) -> list[Bin]:
    """Join bins of a reliability diagram until each, if there are so many rows, has LEAST_IN_BIN rows."""
    joined: list[Bin] = []
    for each in bins:
        if joined and min(joined[-1].rows, each.rows) < LEAST_IN_BIN:
            each = _joined(joined.pop(), each)  # noqa: PLW2901  the two as one
        joined.append(each)
    return joined


def _joined(first: Bin, second: Bin) -> Bin:
    rows = first.rows + second.rows
    stated = (first.rows * first.stated + second.rows * second.stated) / rows
    changed = sum(round((each.changed.value or 0.0) * each.rows) for each in (first, second))
    return Bin(first.low, second.high, rows, stated, wilson(changed, rows))


def training_losses(record: RunRecord, palette: Palette, axes: "Axes") -> None:
    """Draw the training loss of every fold of the last round over its epochs."""
    dress(axes, palette, "epoch", "training loss")
    last = [fold for fold in record.folds if fold["round"] == record.folds[-1]["round"]]
    for fold in last:
        epochs = np.arange(1, len(fold["losses"]) + 1)
        axes.plot(
            epochs, fold["losses"], color=palette.accent, linewidth=1.2, alpha=0.6, marker="o", markersize=3
        )
    epochs_run = max(len(fold["losses"]) for fold in last)
    axes.set_xticks(np.arange(1, 1 + epochs_run, max(1, epochs_run // 10)))
    axes.set_ylim(bottom=0)


def confidence(record: RunRecord, palette: Palette, axes: "Axes") -> None:
    """Draw the distribution of label quality, that of changed and that of unchanged labels as shares."""
    dress(axes, palette, "label quality, 0 worst to 1 best", "of these labels, %")
    flipped = record.labels.flipped
    edges = np.linspace(0, 1, 21)
    kinds = [(~flipped, palette.muted, "unchanged", 1.0), (flipped, palette.accent, "changed", 0.0)]
    for rows, colour, name, side in kinds:
        if rows.any():
            counts, _ = np.histogram(record.issues.label_quality[rows], edges)
            axes.stairs(counts / rows.sum(), edges, color=colour, linewidth=1.6)
            if flipped.any():
                where = "right" if side else "left"
                axes.text(side, 1.03, name, color=colour, ha=where, transform=axes.transAxes)
    axes.set_ylim(bottom=0)
    in_percent(axes.yaxis)


def to_svg(figure: "Figure", label: str) -> str:
    """The figure as inline SVG: no inline styles, colours as the page's variables, one accessible label."""
    buffer = io.StringIO()
    with style():
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r'style="([^"]*)"', lambda match: _as_attributes(match[1]), text)
    text = _only_referenced_ids(text, re.sub(r"\W", "", label))
    viewbox = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text)
    assert viewbox is not None
    size = f'width="{viewbox[1]}" height="{viewbox[2]}" {viewbox[0]}'  # a point is a pixel, and text stays 12
    head = f'<svg class="chart" role="img" aria-label="{label}" {size} xmlns:xlink="http://www.w3.org/1999/xlink">'
    return re.sub(r"\s*\n\s*", "\n", re.sub(r"<svg[^>]*>", head, text, count=1))


def to_png(figure: "Figure") -> bytes:
    """The figure as PNG, on white."""
    buffer = io.BytesIO()
    with style():
        figure.savefig(buffer, format="png", dpi=180, facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


def _only_referenced_ids(svg: str, prefix: str) -> str:
    """The drawing with the ids that it refers to, made unique in the page, and without all others."""
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', svg))

    def renamed(attribute: re.Match[str]) -> str:
        if attribute[1] not in used:
            return ""
        return f' id="{prefix}-{attribute[1]}"'

    svg = re.sub(r' id="([^"]+)"', renamed, svg)
    return re.sub(r'(href="|url\()#', rf"\g<1>#{prefix}-", svg)


def _as_attributes(style: str) -> str:
    """CSS declarations as SVG attributes, which a content security policy without inline styles allows."""
    attributes = []
    for declaration in filter(None, (part.strip() for part in style.split(";"))):
        name, value = (part.strip() for part in declaration.split(":", 1))
        if name == "font":
            name = "font-size"
            value = re.search(r"[\d.]+px", value)[0]  # type: ignore[index]
        attributes.append(f'{name}="{VARIABLES.get(value, value)}"')
    return " ".join(attributes)


@contextmanager
def style() -> Iterator[None]:
    """The settings of matplotlib under which every plot is drawn and written.

    They begin with matplotlib's own: a matplotlibrc beside the data could have text set by LaTeX. Warnings,
    such as those of letters that its font lacks, are left out.
    """
    import matplotlib as mpl  # noqa: PLC0415  slow to import

    with mpl.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield


def figure(draw: Draw, record: RunRecord, palette: Palette) -> "Figure":
    """Draw one plot as a figure, without touching pyplot's global state."""
    from matplotlib.figure import Figure  # noqa: PLC0415  slow to import

    with style():
        drawn = Figure(figsize=SIZE)
        drawn.subplots_adjust(**MARGINS)
        draw(record, palette, drawn.subplots())
    return drawn


def dress(axes: "Axes", palette: Palette, x_label: str, y_label: str) -> None:
    """Give empty axes the common style."""
    axes.set_xlabel(x_label, color=palette.ink)
    axes.set_ylabel(y_label, color=palette.ink)
    axes.tick_params(colors=palette.ink, length=3)
    axes.grid(color=palette.line, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[:].set_color(palette.muted)
    axes.spines[["top", "right"]].set_visible(False)
