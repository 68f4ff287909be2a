"""What changed between two runs, as a page, a table and JSON."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from audit.report import charts
from audit.report.experiment_page import Chart, Findings, Table, render
from audit.runs.comparison import STATUSES, Comparison, compare
from audit.runs.files import write_whole
from audit.runs.folder import load_record
from audit.wording import count

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_ROWS = 200  # of each status on the page; the JSON has all
MARKS = {"new": "o", "fixed": "s", "cleared": "D", "persisting": "x"}
COUNTED = ("suspects", "likely suspects")


def diff(before: Path, now: Path) -> tuple[dict[str, Any], Findings]:
    """What changed from one run to another, for machines and for people; RunError for different data."""
    first, second = load_record(before), load_record(now)
    found = compare(first, second)
    names = (str(before), str(now))
    return _to_json(found, names), _findings(found, names, second.data["name"])


def write_page(findings: Findings, path: Path) -> None:
    """Write the page to a file, whole or not at all; RunError when it cannot be written."""
    write_whole(path, render(findings).encode())


def _to_json(found: Comparison, names: tuple[str, str]) -> dict[str, Any]:
    rows = found.suspects.astype(object).where(found.suspects.notna(), None)
    return {
        "schema_version": 1,
        "runs": list(names),
        "rows": {
            "shared": found.shared,
            "relabelled": found.relabelled,
            "gone": found.gone,
            "added": found.added,
        },
        "settings": list(found.settings),
        "counts": found.counts,
        "scores": {name: {"before": a, "now": b} for name, (a, b) in found.scores.items()},
        "suspects": rows.to_dict(orient="records"),
    }


def _findings(found: Comparison, names: tuple[str, str], data: str) -> Findings:
    counts = found.counts
    gone = counts["fixed"] + counts["cleared"]
    lead = (
        f"Rows are matched by their ids: {found.shared:,} are in both runs, {found.gone:,} only in the "
        f"first, {found.added:,} only in the second; {found.relabelled:,} labels differ."
    )
    if found.settings:
        lead += f" Settings differ too: {', '.join(found.settings)}; part of the change is theirs."
    return Findings(
        title=f"Two audits of {data}",
        subject=f"{data} · diff",
        sentence=f"{count(counts['new'], 'new suspect')}, {gone:,} gone ({counts['fixed']:,} fixed, "
        f"{counts['cleared']:,} cleared), {counts['persisting']:,} persisting.",
        lead=lead,
        charts=(
            Chart(
                "p-error",
                partial(_draw, found.suspects),
                "The probability of error of each suspect in the first and in the second run",
                "p_error of the suspects of either run, in the first run and in the second; rows that are "
                "in one run only are left out.",
                (9.6, 4.2),
            ),
        ),
        tables=(_scores(found), *(_listed(found, status) for status in STATUSES if counts[status])),
        facts=(("Command", f"audit diff {names[0]} {names[1]}"), *_meanings()),
    )


def _meanings() -> tuple[tuple[str, str], ...]:
    return tuple((status.capitalize(), meaning) for status, meaning in STATUSES.items())


def _scores(found: Comparison) -> Table:
    rows = []
    for name, (before, now) in found.scores.items():
        if before is None and now is None:
            continue
        digits = 0 if name in COUNTED else 4
        change = None if before is None or now is None else now - before
        rows.append(
            (
                name.replace("_", " "),
                *("–" if x is None else f"{x:,.{digits}f}" for x in (before, now)),
                "–" if change is None else f"{change:+,.{digits}f}".replace("-", "−"),
            )
        )
    return Table("Figures of both runs", ("figure", "before", "now", "change"), tuple(rows))


def _listed(found: Comparison, status: str) -> Table:
    table = found.suspects[found.suspects["status"] == status]
    rows = [
        (
            str(each.id),
            _step(each.given_before, each.given_now),
            _step(each.suggested_before, each.suggested_now),
            _step(_whole(each.rank_before), _whole(each.rank_now)),
            _step(_share(each.p_error_before), _share(each.p_error_now)),
        )
        for each in table[:MOST_ROWS].itertuples()
    ]
    more = "" if len(table) <= MOST_ROWS else f"; the first {MOST_ROWS}, --json has all"
    caption = f"{len(table):,} {status}: {STATUSES[status]}{more}"
    return Table(
        caption, ("id", "given", "suggested", "rank", "p_error"), tuple(rows), folded=status != "new"
    )


def _step(before: Any, now: Any) -> str:
    """A value of both runs: once where it is the same, – where a run has none."""
    a, b = ("–" if pd.isna(x) else str(x) for x in (before, now))
    return a if a == b else f"{a} → {b}"


def _whole(number: Any) -> str:
    return "–" if np.isnan(number) else f"{number:.0f}"


def _share(number: Any) -> str:
    return "–" if np.isnan(number) else f"{number:.2f}"


def _draw(suspects: pd.DataFrame, figure: "Figure", palette: charts.Palette) -> None:
    axes = figure.subplots()
    charts.dress(axes, palette, "p_error before", "p_error now")
    axes.plot([0, 1], [0, 1], color=palette.muted, linewidth=1, linestyle=(0, (4, 3)))
    for status, mark in MARKS.items():
        rows = suspects[suspects["status"] == status].dropna(subset=["p_error_before", "p_error_now"])
        if len(rows):
            colour = palette.accent if status == "new" else palette.muted
            axes.plot(
                rows["p_error_before"],
                rows["p_error_now"],
                color=colour,
                marker=mark,
                markersize=4,
                linestyle="none",
                markerfacecolor=colour if status == "new" else "none",
                label=f"{status} ({len(rows):,})",
            )
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03, 1.03)
    if len(axes.lines) > 1:
        axes.legend(frameon=False, labelcolor=palette.ink, loc="center left", bbox_to_anchor=(1, 0.5))
