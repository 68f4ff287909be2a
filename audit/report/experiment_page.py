"""The page of an experiment: one sentence, figures, tables and how it was made, in one HTML file."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from audit.report import charts
from audit.report.templating import source_hash, template, text

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Chart:
    """A plot of the page, which is also kept as PNG."""

    name: str  # of its file; letters and hyphens
    draw: Callable[["Figure", charts.Palette], None]
    label: str  # what it shows, for those who cannot see it; plain words, no names from the data
    caption: str
    size: tuple[float, float] = (7.2, 3.6)  # inches


@dataclass(frozen=True)
class TextTable:
    """Rows of text under a caption; the first cell of a row is its heading."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    folded: bool = False  # shown when asked for
    page_only: bool = False  # too wide for a terminal


@dataclass(frozen=True)
class Findings:
    """Everything that the page of an experiment shows, in its order."""

    title: str
    subject: str  # data and numbers, for the head of the page
    sentence: str
    lead: str
    charts: tuple[Chart, ...]
    tables: tuple[TextTable, ...]
    facts: tuple[tuple[str, str], ...]  # the command first
    notes: tuple[str, ...] = ()


def render(findings: Findings) -> str:
    """Render the page as HTML that fetches nothing."""
    css = text("style.css")
    svgs = [charts.to_svg(_drawn(each, charts.PAGE), each.label) for each in _without_advice(findings.charts)]
    return template("experiment.html.j2").render(
        findings=findings,
        svgs=svgs,
        css=css,
        policy=f"default-src 'none'; style-src {source_hash(css)}",
        version=version("label-audit"),
    )


def plots(findings: Findings) -> dict[str, bytes]:
    """Draw the plots as PNG, by name."""
    return {each.name: charts.to_png(_drawn(each, charts.PRINT)) for each in _without_advice(findings.charts)}


def _drawn(chart: Chart, palette: charts.Palette) -> "Figure":
    from matplotlib.figure import Figure  # noqa: PLC0415  slow to import

    with charts.style():
        figure = Figure(figsize=chart.size, layout="constrained")
        chart.draw(figure, palette)
    return figure


def _without_advice(each: Sequence[Chart]) -> Iterable[Chart]:
    """Yield the charts one by one, without matplotlib's warnings about missing glyphs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield from each
