"""Results as the terminal shows them, on stdout."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from audit.detectors.scores import Scores
from audit.detectors.scoring import Estimate
from audit.report.experiment_page import Findings
from audit.wording import (
    count,
    expected_number,
    figure_name,
    interval,
    look_wrong,
    number,
    percent,
    shared_rows,
    visible,
    with_interval,
)

if TYPE_CHECKING:
    from audit.review.apply import Applied
    from audit.review.estimate import ReviewEstimate
    from audit.review.merge import Merged

MOST_CLASSES = 12  # that a line lists
PIPED_WIDTH = 160  # of tables that go to a file


def print_json(document: Mapping[str, Any]) -> None:
    """Print one JSON document to stdout."""
    print(json.dumps(document, ensure_ascii=False))  # noqa: T201


def print_notes(notes: Sequence[str]) -> None:
    """Print notes on the data to stderr, one per line."""
    for note in notes:
        print("note:", visible(note), file=sys.stderr)  # noqa: T201


def print_result(scores: Scores, report: str, cautions: Sequence[str] = ()) -> None:
    """Print the short table of a run to stdout, with what may make it misleading."""
    console = Console(highlight=False, soft_wrap=True)
    accuracy = scores.accuracy
    if scores.detection is None:
        console.print(f"accuracy out of sample, against the given labels: {percent(accuracy.given, 2)} %")
    else:
        console.print(_detector_table(scores))
        rates = scores.detection.rates
        for name in ("average_precision", "fnr_at_noise_rate", "suggestion_accuracy"):
            console.print(f"{figure_name(name)}: {with_interval(rates[name])} %")
        console.print(f"accuracy out of sample, against the original labels: {percent(accuracy.true, 2)} %")
        console.print(
            f"noise: {percent(scores.noise.realised, 2)} % of the labels changed, "
            f"estimated {with_interval(scores.noise.estimated, 2)} %"
        )
    if scores.calibration is not None:
        error = scores.calibration.stated.expected_calibration_error
        console.print(f"p_error: expected calibration error {error:.4f}")
    if scores.conflicting_duplicates:
        console.print(f"duplicates with different labels: {scores.conflicting_duplicates:,} rows")
    for part in scores.several_parts:
        console.print(shared_rows(part.part, part.rows, part.shared, part.exact), markup=False)
    console.print(f"suspects: {look_wrong(scores.suspects.natural)}")
    if scores.kinds is not None:
        counted = ", ".join(f"{rows:,} {kind}" for kind, rows in scores.kinds.suspects.items() if rows)
        synthetic = sum(scores.kinds.planted.values())
        measured = f"macro-F1 {percent(scores.kinds.macro_f1)} % on {synthetic:,} synthetic rows"
        console.print(f"kinds of suspects: {counted or 'none'} ({measured})")
    for top in scores.suspects.expected[:1]:
        console.print(f"of the first {top.first} expect {expected_number(top.errors)} to be wrong")
    for line in cautions:
        console.print(f"caution: {visible(line)}", markup=False)
    console.print(f"report: {report}", markup=False)


def print_findings(findings: Findings, report: str | Path | None, most_rows: int | None = None) -> None:
    """Print an experiment's sentence and tables to stdout, at most most_rows rows of each table."""
    console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPED_WIDTH)
    console.print(findings.sentence, markup=False)
    for each in [table for table in findings.tables if not table.page_only]:
        table = Table(title=Text(each.caption), title_justify="left", box=None, padding=(0, 2, 0, 0))
        first, *others = each.head
        table.add_column(Text(first), overflow="fold")
        for name in others:
            table.add_column(Text(name), justify="right", overflow="fold")
        for row in each.rows[:most_rows]:
            table.add_row(*map(Text, row))
        console.print(table)
        if most_rows is not None and len(each.rows) > most_rows:
            console.print(f"… and {len(each.rows) - most_rows:,} more")
    if report is not None:
        console.print(f"report: {report}", markup=False)


def print_facts(facts: Mapping[str, Any]) -> None:
    """Print facts to stdout, one per line."""
    for name, fact in facts.items():
        text = str(fact)
        if isinstance(fact, list):
            text = ", ".join(map(str, fact))
        elif isinstance(fact, int):
            text = f"{fact:,}"
        _print_fact(name.replace("_", " "), text)


def print_preview(facts: Mapping[str, Any]) -> None:
    """Print how the data is understood and what an audit would cost, one fact per line."""
    rows, *shape = facts["shape"]
    sides = " × ".join(map(str, shape))
    torn = facts["conflicting_duplicates"]
    form = "" if facts["examples"] == "texts" else f" of {sides}, {facts['dtype']}"
    _print_fact("data", f"{facts['data']}: {rows:,} {facts['examples']}{form}")
    _print_fact("classes", _classes(facts["classes"]))
    _print_fact("without a label", f"{facts['unlabelled']:,}")
    _print_fact("duplicates", f"{facts['duplicates']:,}, {torn:,} rows with different labels")
    _print_fact("noise", _noise(facts["noise"]))
    if facts["rounds"]:
        _print_fact("model", f"{facts['model']} on {facts['device']}, augmentation: {facts['augment']}")
        _print_fact("work", f"{facts['folds']} folds; {_rounds(facts)}")
    else:
        _print_fact("model", f"none: {facts['model']}")
    expected = f"about {facts['seconds']:,} s"
    if facts["bytes"] is not None:
        expected += f", {facts['bytes'] / 1e9:.1f} GB of memory over all processes"
    _print_fact("expected", expected)
    for note in facts["notes"]:
        _print_fact("note", note)


def _print_fact(name: str, text: str) -> None:
    Console(highlight=False, soft_wrap=True).print(f"{name + ':':17}{visible(text)}", markup=False)


def _classes(counts: Mapping[str, int]) -> str:
    listed = ", ".join(f"{name} {rows:,}" for name, rows in list(counts.items())[:MOST_CLASSES])
    if len(counts) > MOST_CLASSES:
        listed += f", … and {len(counts) - MOST_CLASSES:,} more"
    return f"{len(counts):,}: {listed}"


def _noise(noise: Mapping[str, Any]) -> str:
    if noise["rate"] is None:
        return f"{noise['kind']}, at the rates of the matrix"
    return f"{noise['kind']}, {percent(noise['rate'])} %"


def _rounds(facts: Mapping[str, Any]) -> str:
    if facts["model"] != "cnn":
        return ", then ".join(each["name"] for each in facts["rounds"])
    return ", then ".join(f"{each['name']} ({count(each['epochs'], 'epoch')})" for each in facts["rounds"])


def print_datasets(bundled: Sequence[str], forms: Mapping[str, str]) -> None:
    """Print the bundled data sets and the supported input formats."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"bundled: {', '.join(bundled)}")
    console.print("your data:")
    for form, meaning in forms.items():
        console.print(f"  {form:28}{meaning}", markup=False)


def print_applied(applied: "Applied") -> None:
    """Print what was written and how the reviewer handled the hidden controls."""
    console = Console(highlight=False, soft_wrap=True)
    rows = applied.counts
    relabelled = f"{rows['relabelled']:,} relabelled"
    if accepted := rows["accepted_without_review"]:
        relabelled += f" ({accepted:,} of them accepted without review)"
    rest = f"{rows['ambiguous']:,} ambiguous, {rows['dropped']:,} dropped"
    console.print(f"{rows['kept']:,} kept, {relabelled}, {rest}")
    if applied.reviewer:
        score = applied.reviewer
        noticed = f"{score.noticed:,} of {score.injected:,} changed labels noticed"
        console.print(f"hidden controls: {noticed}: hit rate {_rate(score.hit_rate)}")
        spoilt = f"{score.spoilt:,} of {score.clean:,} clean ones changed"
        console.print(f"hidden controls: {spoilt}: false-fix rate {_rate(score.false_fix_rate)}")
    if not applied.compared:
        console.print(
            "the run was made from arrays and has no source, so the labels of the run itself were corrected"
        )
    elif applied.is_plain:
        console.print(
            "the source is not written anew in its own form; labels.npy holds the corrected label of each of "
            "its rows, in their order"
        )
    for name in (*applied.files, "corrected.csv"):
        console.print(f"written: {applied.path / name}", markup=False)


def print_estimate(estimate: "ReviewEstimate", suspects: int) -> None:
    """Print how many errors the decisions let expect, and whether the review may stop."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{estimate.decided:,} of {suspects:,} suspects decided, {estimate.wrong:,} of them wrong")
    for top in estimate.expected:
        first = "all" if top.first == suspects else "the first"
        console.print(f"of {first} {top.first:,} expect {expected_number(top.errors)} to be wrong")
    soon = f"{expected_number(estimate.next.errors)} errors are expected in the next {estimate.next.first:,}"
    if estimate.may_stop:
        soon += f", fewer than {estimate.stop_below:g}: a reasonable place to stop"
    console.print(soon)
    for each in estimate.calibration:
        stated = f"p_error {each.low:.1f} to {each.high:.1f}, on average {each.stated:.2f}"
        console.print(
            f"{stated}: {_rate(each.changed)} of {each.rows:,} decided or checked labels were wrong"
        )


def _rate(rate: Estimate) -> str:
    """A rate in per cent with its interval; a dash where there was nothing to measure it on."""
    if rate.value is None:
        return "–"
    return f"{percent(rate.value)} % ({interval(rate)})"


def print_reverted(path: Path, files: Sequence[str]) -> None:
    """Print which files have the original labels again."""
    for name in files:
        print(f"restored: {path / name}")  # noqa: T201


def print_merged(merged: "Merged", out: Path) -> None:
    """Print how well reviewers agree, and the rows on which they disagree."""
    console = Console(highlight=False, soft_wrap=True)
    for pair in merged.pairs:
        kappa = number(pair.kappa, ".2f")
        alike = f"{pair.agreed:,} of {pair.rows:,} decided alike"
        if pair.rows:
            alike += f", {with_interval(pair.agreement)} %"
        console.print(
            f"{' and '.join(pair.reviewers)}: {alike}; Cohen's kappa {kappa}",
            markup=False,
        )
    for each in merged.disagreements:
        said = ", ".join(f"{name}: {verdict}" for name, verdict in each.verdicts)
        console.print(f"{each.id}, given {each.given}: {said} ({each.outcome})", markup=False)
    differ = sum(each.outcome == "open" for each in merged.disagreements)
    console.print(
        f"{len(merged.decisions.decisions):,} of {merged.rows:,} rows merged into {out}, "
        f"{differ:,} left open",
        markup=False,
    )


def _detector_table(scores: Scores) -> Table:
    title = f"{scores.noise.changed:,} of {scores.rows:,} labels were changed on purpose; found again by"
    table = Table(title=title, title_justify="left", title_style="", box=None, padding=(0, 1, 0, 0))
    table.add_column("detector", no_wrap=True)
    for heading in ("precision, %", "recall, %", "F1, %", "flagged"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, figures in scores.main_detectors.items():
        if figures.detection is None:
            continue
        label = name
        style = None
        if name == scores.detector:
            label = f"{name} (used)"
            style = "bold"
        table.add_row(
            label,
            *(with_interval(figures.detection.rates[key]) for key in ("precision", "recall", "f1")),
            f"{figures.flagged:,}",
            style=style,
        )
    return table
