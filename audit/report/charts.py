"""Draw the plots with matplotlib: as SVG for the page, in the page's own colours, and as PNG for slides."""

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from audit.detectors.scoring import precision_recall_curve, severity_order
from audit.runs.folder import RunRecord
from audit.types import evenly

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Draw: TypeAlias = Callable[[RunRecord, "Palette", "Axes"], None]
MARKERS = "os^Dvphx"  # one a detector
MARGINS = {"left": 0.155, "right": 0.98, "bottom": 0.13, "top": 0.97}  # computing them doubles the time
CURVE_POINTS = 400  # more cannot be seen
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text, in the page's font
    "svg.hashsalt": "audit",  # the same run draws the same bytes
    "font.size": 9,
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
    dress(axes, palette, "recall", "precision")
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
        label = name
        style: dict[str, Any] = {"markersize": 6, "markerfacecolor": "none", "markeredgecolor": palette.muted}
        if name == record.scores.detector:
            label = f"{name} (used)"
            style = {"markersize": 8, "markerfacecolor": palette.accent, "markeredgecolor": palette.accent}
        axes.plot(*cut, label=label, marker=marker, linestyle="none", **style)
    if cuts:
        axes.legend(frameon=False, labelcolor=palette.ink, loc="best")
    margin = (1 - low) * 0.05
    axes.set_xlim(low, 1 + margin)
    axes.set_ylim(low, 1 + margin)


def reliability(record: RunRecord, palette: Palette, axes: "Axes") -> None:
    """Draw the share of labels that had been changed against the stated p_error, with 95 % intervals."""
    dress(axes, palette, "stated p_error", "share that had been changed")
    axes.plot([0, 1], [0, 1], color=palette.muted, linewidth=1, linestyle=(0, (4, 3)))
    figures = record.scores.calibration
    assert figures is not None
    stated = [each.stated for each in figures.stated.bins]
    changed = [each.changed for each in figures.stated.bins]
    lows = [share.low for share in changed]
    highs = [share.high for share in changed]
    axes.vlines(stated, lows, highs, color=palette.accent, linewidth=1.2)
    shares = [share.value or 0.0 for share in changed]
    axes.plot(stated, shares, color=palette.accent, marker="o", markersize=5, linewidth=1.2)
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03, 1.03)


def training_losses(record: RunRecord, palette: Palette, axes: "Axes") -> None:
    """Draw the training loss of every fold of the last round over its epochs."""
    dress(axes, palette, "epoch", "training loss")
    last = [fold for fold in record.folds if fold["round"] == record.folds[-1]["round"]]
    for fold in last:
        epochs = np.arange(1, len(fold["losses"]) + 1)
        axes.plot(
            epochs, fold["losses"], color=palette.accent, linewidth=1.2, alpha=0.6, marker="o", markersize=3
        )
    axes.set_xticks(np.arange(1, 1 + max(len(fold["losses"]) for fold in last)))


def confidence(record: RunRecord, palette: Palette, axes: "Axes") -> None:
    """Draw the distribution of label quality, of changed and of unchanged labels, on a logarithmic count."""
    dress(axes, palette, "label quality, 0 worst to 1 best", "labels")
    flipped = record.labels.flipped
    edges = np.linspace(0, 1, 41)
    for rows, colour, name in ((~flipped, palette.muted, "unchanged"), (flipped, palette.accent, "changed")):
        if rows.any():
            counts, _ = np.histogram(record.issues.label_quality[rows], edges)
            axes.stairs(counts, edges, color=colour, linewidth=1.6, label=name)
    axes.set_yscale("log")
    axes.legend(frameon=False, labelcolor=palette.ink, loc="upper center", ncols=2)


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
    viewbox = re.search(r'viewBox="[^"]*"', text)
    assert viewbox is not None
    head = f'<svg class="chart" role="img" aria-label="{label}" {viewbox[0]} xmlns:xlink="http://www.w3.org/1999/xlink">'
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

    They begin with matplotlib's own: a matplotlibrc beside the data could have text set by LaTeX.
    """
    import matplotlib as mpl  # noqa: PLC0415  slow to import

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield


def figure(draw: Draw, record: RunRecord, palette: Palette) -> "Figure":
    """Draw one plot as a figure, without touching pyplot's global state."""
    from matplotlib.figure import Figure  # noqa: PLC0415  slow to import

    with style():
        drawn = Figure(figsize=(4.8, 3.6))
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
