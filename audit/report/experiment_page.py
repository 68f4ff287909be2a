"""The page of an experiment: one sentence, figures, tables and how it was made, in one HTML file."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING

from audit.events import optional
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
    size: tuple[float, float] = charts.SIZE  # inches


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
    files: tuple[str, ...] = ()  # beside the page, which has the whole tables


def render(findings: Findings) -> str:
    """Render the page as HTML that fetches nothing; charts that cannot be drawn are left out, with a note."""
    css = text("style.css")
    svgs: dict[Chart, str] = {}
    missing: list[str] = []
    for each in findings.charts:
        with optional(f"the chart {each.name}", missing.append):
            svgs[each] = charts.to_svg(_drawn(each, charts.PAGE), each.label)
    findings = replace(findings, charts=tuple(svgs), notes=(*findings.notes, *missing))
    return template("experiment.html.j2").render(
        findings=findings,
        svgs=list(svgs.values()),
        css=css,
        policy=f"default-src 'none'; style-src {source_hash(css)}",
        version=version("label-audit"),
    )


def plots(findings: Findings) -> dict[str, bytes]:
    """Draw the plots as PNG, by name, without those that cannot be drawn; the page has a note on these."""
    drawn: dict[str, bytes] = {}
    for each in findings.charts:
        with optional(f"the chart {each.name}", lambda _: None):
            drawn[each.name] = charts.to_png(_drawn(each, charts.PRINT))
    return drawn


def _drawn(chart: Chart, palette: charts.Palette) -> "Figure":
    from matplotlib.figure import Figure  # noqa: PLC0415  slow to import

    with charts.style():
        figure = Figure(figsize=chart.size, layout="constrained")
        chart.draw(figure, palette)
    return figure
