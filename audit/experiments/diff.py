"""Show what changed between two runs, as a page, tables and JSON."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from audit.report import charts
from audit.report.experiment_page import Chart, Findings, TextTable, render
from audit.runs.comparison import STATUSES, Comparison, compare
from audit.runs.folder import load_record
from audit.runs.outputs import Output, write_outputs
from audit.wording import count

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Fill = Literal["full", "none"]

MOST_ROWS = 200  # of each status on the page; the JSON has all
MARKS = {"new": "o", "fixed": "s", "cleared": "D", "persisting": "x"}
WHOLE_NUMBERS = ("suspects", "likely suspects")


def diff(before: Path, now: Path) -> tuple[dict[str, Any], Findings]:
    """Compare two runs, as a JSON document and as a page's findings; RunError for different data."""
    record_now = load_record(now)
    comparison = compare(load_record(before), record_now)
    runs = (str(before), str(now))
    return _to_json(comparison, runs), _findings(comparison, runs, record_now.data["name"])


def write_page(findings: Findings, path: Path, before: Path, now: Path, *, force: bool = False) -> None:
    """Write the page of two runs to a file, whole or not at all; RunError when it must not or cannot be."""
    page = Output(path, "--html", render(findings).encode())
    write_outputs([page], [before, now], now, force=force)


def _to_json(comparison: Comparison, runs: tuple[str, str]) -> dict[str, Any]:
    suspects = comparison.suspects
    rows = suspects.astype(object).where(suspects.notna(), None)
    return {
        "schema_version": 1,
        "runs": list(runs),
        "rows": {
            "shared": comparison.shared,
            "relabelled": comparison.relabelled,
            "gone": comparison.gone,
            "added": comparison.added,
        },
        "settings": list(comparison.settings),
        "counts": comparison.counts,
        "scores": {name: {"before": before, "now": now} for name, (before, now) in comparison.scores.items()},
        "suspects": rows.to_dict(orient="records"),
    }


def _findings(comparison: Comparison, runs: tuple[str, str], data: str) -> Findings:
    counts = comparison.counts
    gone = counts["fixed"] + counts["cleared"]
    known_by = "ids"
    if comparison.by_content:
        known_by = "examples, since they have no ids"
    lead = (
        f"Rows are matched by their {known_by}: {comparison.shared:,} are in both runs, {comparison.gone:,} "
        f"only in the first, {comparison.added:,} only in the second; {comparison.relabelled:,} "
        "labels differ."
    )
    if comparison.settings:
        lead += f" Settings differ too: {', '.join(comparison.settings)}. They may cause part of the change."
    return Findings(
        title=f"Two audits of {data}",
        subject=f"{data} · diff",
        sentence=f"{count(counts['new'], 'new suspect')}, {gone:,} gone ({counts['fixed']:,} fixed, "
        f"{counts['cleared']:,} cleared), {counts['persisting']:,} persisting.",
        lead=lead,
        charts=(
            Chart(
                "p-error",
                partial(_draw, comparison.suspects),
                "The probability of error of each suspect in the first and in the second run",
                "p_error of the suspects of either run, in the first run and in the second. Rows that are "
                "in one run only are left out.",
                (9.6, 4.2),
            ),
        ),
        tables=(
            _figures_table(comparison),
            *(_suspects_table(comparison, status) for status in STATUSES if counts[status]),
        ),
        facts=(("Command", f"audit diff {runs[0]} {runs[1]}"), *_meanings()),
    )


def _meanings() -> tuple[tuple[str, str], ...]:
    return tuple((status.capitalize(), meaning) for status, meaning in STATUSES.items())


def _figures_table(comparison: Comparison) -> TextTable:
    rows = []
    for name, (before, now) in comparison.scores.items():
        if before is None and now is None:
            continue
        digits = 0 if name in WHOLE_NUMBERS else 4
        rows.append(
            (
                name.replace("_", " "),
                _shown(before, f",.{digits}f"),
                _shown(now, f",.{digits}f"),
                _change(before, now, digits),
            )
        )
    return TextTable("Figures of both runs", ("figure", "before", "now", "change"), tuple(rows))


def _change(before: float | None, now: float | None, digits: int) -> str:
    if before is None or now is None:
        return "–"
    return f"{now - before:+,.{digits}f}".replace("-", "−")


def _suspects_table(comparison: Comparison, status: str) -> TextTable:
    """The suspects of one status, those of the highest rank where there are many."""
    table = comparison.suspects[comparison.suspects["status"] == status]
    rows = [
        (
            str(each.id),
            _before_and_now(each.given_before, each.given_now),
            _before_and_now(each.suggested_before, each.suggested_now),
            _before_and_now(each.rank_before, each.rank_now, ".0f"),
            _before_and_now(each.p_error_before, each.p_error_now, ".2f"),
        )
        for each in table[:MOST_ROWS].itertuples()
    ]
    caption = f"{len(table):,} {status}: {STATUSES[status]}"
    if len(table) > MOST_ROWS:
        caption += f"; the first {MOST_ROWS}, --json has all"
    return TextTable(
        caption, ("id", "given", "suggested", "rank", "p_error"), tuple(rows), folded=status != "new"
    )


def _shown(value: Any, form: str = "") -> str:
    """A value in this format, – where a run has none."""
    if pd.isna(value):
        return "–"
    return format(value, form)


def _before_and_now(before: Any, now: Any, form: str = "") -> str:
    """A value of both runs, once where it is the same."""
    first = _shown(before, form)
    second = _shown(now, form)
    if first == second:
        return first
    return f"{first} → {second}"


def _draw(suspects: pd.DataFrame, figure: "Figure", palette: charts.Palette) -> None:
    axes = figure.subplots()
    charts.dress(axes, palette, "p_error before", "p_error now")
    axes.plot([0, 1], [0, 1], color=palette.muted, linewidth=1, linestyle=(0, (4, 3)))
    for status, mark in MARKS.items():
        rows = suspects[suspects["status"] == status].dropna(subset=["p_error_before", "p_error_now"])
        if len(rows):
            colour = palette.muted
            fillstyle: Fill = "none"
            if status == "new":
                colour = palette.accent
                fillstyle = "full"
            axes.plot(
                rows["p_error_before"],
                rows["p_error_now"],
                color=colour,
                marker=mark,
                markersize=4,
                linestyle="none",
                fillstyle=fillstyle,
                label=f"{status} ({len(rows):,})",
            )
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03, 1.03)
    if len(axes.lines) > 1:
        axes.legend(frameon=False, labelcolor=palette.ink, loc="center left", bbox_to_anchor=(1, 0.5))
