"""What a person sees in the terminal: progress on stderr, the result on stdout."""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from audit.detectors.scores import Scores
from audit.report.experiment_page import Findings
from audit.wording import expected_number, figure_name, interval, percent, shared_rows, with_interval

if TYPE_CHECKING:
    from audit.review.apply import Applied
    from audit.review.merge import Merged

MOST_CLASSES = 12  # that a line lists
PIPED_WIDTH = 160  # of tables that go to a file
LINE_SECONDS = 10.0  # between progress lines when stderr is no terminal
STEPS = {
    "load": "reading the data",
    "noise": "changing labels",
    "folds": "looking for duplicates",  # the training that follows tells its own progress
    "issues": "judging the labels",
    "kinds": "naming the kinds of suspects",
    "report": "drawing the report",
}
ENOUGH = 0.02  # of the work, from which its time so far says how long the rest takes


class ProgressDisplay:
    """A listener that draws a bar in a terminal and prints a line now and then elsewhere."""

    def __init__(self, *, quiet: bool = False, unit: str = "folds") -> None:
        self.unit = unit  # what the shares are of, in the plural
        self.console = Console(stderr=True, quiet=quiet, highlight=False)
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            TextColumn("{task.fields[share]}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=quiet or not self.console.is_terminal,
        )
        self.task = self._begun("starting")
        self.start = self.last_line = time.monotonic()
        self.share_before: float | None = None

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()

    def note(self, text: str) -> None:
        """Print one line."""
        self.console.print(text, markup=False, soft_wrap=True)

    def step(self, name: str) -> None:
        """Show what is done now and for how long; how much is left of it nobody knows."""
        self.progress.remove_task(self.task)
        self.task = self._begun(STEPS[name])
        self.share_before = None

    def training(self, name: str, shares: Sequence[float], share: float) -> None:
        """Show how many folds of a round are done, how far the others are, and what is left of all work."""
        done = sum(s >= 1 for s in shares)
        running = ", ".join(f"{i}: {s:.0%}" for i, s in enumerate(shares) if 0 < s < 1)
        text = f"{name.replace('-', ' ')} · {done} of {len(shares)} {self.unit}" + (
            f" · {self.unit[:-1]} {running}" if running else ""
        )
        self._show(text, share)

    def reading(self, done: int, total: int) -> None:
        """Show how many files have been read; the bar begins again for what comes after them."""
        self._show(f"reading files · {done:,} of {total:,}", done / total)
        if done == total:
            self.share_before = None

    def _begun(self, text: str) -> TaskID:
        """A bar of something of which it is not known how much is done and left."""
        return self.progress.add_task(text, total=None, share="", left="")

    def _show(self, text: str, share: float) -> None:
        if self.share_before is None:
            self.start, self.share_before = time.monotonic(), share
            self.progress.reset(self.task, start=False, total=None)
        if self.console.is_terminal:
            if share > self.share_before:
                self.progress.start_task(self.task)
            self.progress.update(
                self.task, description=text, total=1.0, completed=share, share=f"{share:4.0%}", left="· left"
            )
        elif time.monotonic() - self.last_line >= LINE_SECONDS and share > self.share_before:
            self.last_line = time.monotonic()
            elapsed = self.last_line - self.start
            gained = share - self.share_before
            left = f", about {elapsed * (1 - share) / gained:.0f} s left" if gained >= ENOUGH else ""
            self.note(f"{text} · {share:.0%} · {elapsed:.0f} s{left}")


def print_json(document: Mapping[str, Any]) -> None:
    """Print one JSON document to stdout."""
    print(json.dumps(document, ensure_ascii=False))  # noqa: T201


def print_result(scores: Scores, report: str) -> None:
    """Print the short table of a run to stdout."""
    console = Console(highlight=False, soft_wrap=True)
    accuracy = scores.accuracy
    if scores.detection is None:
        console.print(f"accuracy out of sample, against the given labels: {percent(accuracy.given, 2)} %")
    else:
        console.print(_detector_table(scores))
        rates = scores.detection.rates
        for name in ("average_precision", "fnr_at_noise_rate", "suggestion_accuracy"):
            console.print(f"{figure_name(name)}: {with_interval(rates[name])} %")
        console.print(f"accuracy out of sample, against the true labels: {percent(accuracy.true, 2)} %")
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
    console.print(f"suspects: {scores.suspects.natural:,} of your original labels look wrong")
    if scores.kinds is not None:
        counted = ", ".join(f"{count:,} {kind}" for kind, count in scores.kinds.suspects.items() if count)
        planted = sum(scores.kinds.planted.values())
        measured = f"macro-F1 {percent(scores.kinds.macro_f1)} % on {planted:,} planted rows"
        console.print(f"kinds of suspects: {counted or 'none'} ({measured})")
    for top in scores.suspects.expected[:1]:
        console.print(f"of the first {top.first} expect {expected_number(top.errors)} to be wrong")
    console.print(f"report: {report}", markup=False)


def print_findings(findings: Findings, report: str | None, most_rows: int | None = None) -> None:
    """Print what an experiment found to stdout: its sentence and its tables, at most so many rows of each."""
    console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPED_WIDTH)
    console.print(findings.sentence, markup=False)
    for each in [table for table in findings.tables if not table.page_only]:
        table = Table(title=Text(each.caption), title_justify="left", box=None, padding=(0, 2, 0, 0))
        for number, name in enumerate(each.head):
            table.add_column(Text(name), justify="right" if number else "left", overflow="fold")
        for row in each.rows[:most_rows]:
            table.add_row(*map(Text, row))
        console.print(table)
        if most_rows is not None and len(each.rows) > most_rows:
            console.print(f"… and {len(each.rows) - most_rows:,} more")
    if report is not None:
        console.print(f"report: {report}", markup=False)


def print_facts(facts: Mapping[str, Any]) -> None:
    """Print facts to stdout, a line each."""
    console = Console(highlight=False, soft_wrap=True)
    for name, fact in facts.items():
        listed = ", ".join(map(str, fact)) if isinstance(fact, list) else fact
        text = f"{fact:,}" if isinstance(fact, int) else listed
        console.print(f"{name.replace('_', ' ') + ':':17}{text}", markup=False)


def print_preview(facts: Mapping[str, Any]) -> None:
    """Print what an audit would be made of, a line a fact."""
    console = Console(highlight=False, soft_wrap=True)
    n, *shape = facts["shape"]
    counts = facts["classes"]
    listed = ", ".join(f"{name} {count:,}" for name, count in list(counts.items())[:MOST_CLASSES])
    more = f", … and {len(counts) - MOST_CLASSES:,} more" if len(counts) > MOST_CLASSES else ""
    rate = "by its matrix" if facts["noise"]["rate"] is None else f"{percent(facts['noise']['rate'])} %"
    work = ", then ".join(
        f"{each['name']}{' of ' + str(each['epochs']) + ' epochs' if facts['model'] == 'cnn' else ''}"
        for each in facts["rounds"]
    )
    memory = "" if facts["bytes"] is None else f", {facts['bytes'] / 1e9:.1f} GB of memory over all processes"
    sides = " × ".join(map(str, shape))
    torn = facts["conflicting_duplicates"]
    lines = {
        "data": f"{facts['data']}: {n:,} {facts['examples']} of {sides}, {facts['dtype']}",
        "classes": f"{len(counts):,}: {listed}{more}",
        "without a label": f"{facts['unlabelled']:,}",
        "duplicates": f"{facts['duplicates']:,}, {torn:,} rows with different labels",
        "noise": f"{facts['noise']['kind']}, {rate}",
        "model": f"{facts['model']} on {facts['device']}, augmentation: {facts['augment']}",
        "work": f"{facts['folds']} folds; {work}",
        "expected": f"about {facts['seconds']:,} s{memory}",
    }
    for name, line in [*lines.items(), *(("note", note) for note in facts["notes"])]:
        console.print(f"{name + ':':17}{line}", markup=False)


def print_datasets(bundled: Sequence[str], forms: Mapping[str, str]) -> None:
    """Print what `audit detect` takes."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"come along: {', '.join(bundled)}")
    console.print("your own:")
    for form, meaning in forms.items():
        console.print(f"  {form:28}{meaning}", markup=False)


def print_applied(applied: "Applied") -> None:
    """Print what was written and how the reviewer did on hidden controls."""
    console = Console(highlight=False, soft_wrap=True)
    count = applied.counts
    accepted = count["accepted_without_review"]
    blind = f" ({accepted:,} of them accepted without review)" if accepted else ""
    console.print(
        f"{count['kept']:,} kept, {count['relabelled']:,} relabelled{blind}, "
        f"{count['ambiguous']:,} ambiguous, {count['dropped']:,} dropped"
    )
    reviewer = applied.reviewer
    if reviewer:
        for part, whole, what, rate in (
            (reviewer.noticed, reviewer.injected, "changed labels noticed: hit rate", reviewer.hit_rate),
            (reviewer.spoilt, reviewer.clean, "clean ones changed: false-fix rate", reviewer.false_fix_rate),
        ):
            share = f"{percent(rate.value)} % ({interval(rate)})" if whole else "–"
            console.print(f"hidden controls: {part:,} of {whole:,} {what} {share}")
    if not applied.compared:
        console.print("the run was made of arrays: nothing to compare with, these are its own labels")
    for name in (*applied.files, "corrected.csv"):
        console.print(f"written: {applied.path / name}", markup=False)


def print_reverted(path: Path, files: Sequence[str]) -> None:
    """Print which files have the labels as they came again."""
    for name in files:
        print(f"as it came: {path / name}")  # noqa: T201


def print_merged(merged: "Merged", out: Path) -> None:
    """Print how well reviewers agree, and on which rows they do not."""
    console = Console(highlight=False, soft_wrap=True)
    for pair in merged.pairs:
        kappa = "–" if pair.kappa is None else f"{pair.kappa:.2f}"
        share = f", {with_interval(pair.agreement)} %" if pair.rows else ""
        console.print(
            f"{' and '.join(pair.reviewers)}: {pair.agreed:,} of {pair.rows:,} decided alike{share}; "
            f"Cohen's kappa {kappa}",
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
        used = name == scores.detector
        table.add_row(
            f"{name} (used)" if used else name,
            *(with_interval(figures.detection.rates[key]) for key in ("precision", "recall", "f1")),
            f"{figures.flagged:,}",
            style="bold" if used else None,
        )
    return table
