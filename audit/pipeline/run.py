"""A finished audit in Python: its score, its suspects, its plots and its folder."""

from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.detectors.blocks import threads_limited
from audit.errors import RunError
from audit.events import Listener, Silent, optional
from audit.report import charts, page
from audit.report.first_screen import in_words
from audit.report.notebook import Frame
from audit.report.tables import issue_table, kinds_table, split_table, unlabelled_table
from audit.report.vote_tables import vote_tables
from audit.review.estimate import ReviewEstimate, estimate, told_by
from audit.review.guidelines import read_guidelines
from audit.review.merge import read_as_one
from audit.runs.folder import RunFolder, RunRecord, load_record
from audit.runs.tables import csv_text, parquet_bytes
from audit.settings.report import check_report_mb

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


SILENT = Silent()
WORST = 8  # suspects in a notebook


@dataclass(frozen=True, eq=False)
class Run:
    """A finished audit."""

    record: RunRecord
    path: Path | None = None  # of its folder, where it has one

    @property
    def score(self) -> dict[str, Any] | None:
        """Precision, recall, F1 and the rest, each with its interval; None when nothing was injected."""
        return self.record.score

    @property
    def cautions(self) -> tuple[str, ...]:
        """What may make the score misleading, a line each: columns that tell the label, rows in groups."""
        return self.record.cautions

    @property
    def failures(self) -> tuple[str, ...]:
        """Why the models tell nothing, a line each: they learned nothing, or diverged. Cautions as well."""
        return tuple(self.record.data.get("failures", ()))

    @property
    def issues(self) -> "pd.DataFrame":
        """Conflicting duplicates, suspects, then what was changed and found; the columns of issues.csv."""
        return issue_table(self.record)

    @property
    def unlabelled(self) -> "pd.DataFrame":
        """The rows without a label: id, suggested label and its probability."""
        return unlabelled_table(self.record)

    def suspects(self, n: int | None = None) -> "pd.DataFrame":
        """The first n original labels that look wrong, worst first; all when n is not given."""
        table = self.issues
        return table[table["list"] == "suspect"][:n].reset_index(drop=True)

    @property
    def kinds(self) -> "pd.DataFrame":
        """The kind of every row that has one: id, given, kind, kind_probability and reason."""
        return kinds_table(self.record)

    @property
    def annotators(self) -> "pd.DataFrame":
        """Who gave labels, the worst first; the columns of annotators.csv. RunError without annotations."""
        return self._of_votes("annotators.csv")

    @property
    def consensus(self) -> "pd.DataFrame":
        """The consensus of people and models on every row, and its quality; the columns of consensus.csv."""
        return self._of_votes("consensus.csv")

    @property
    def votes(self) -> "pd.DataFrame":
        """Every label that somebody gave, and its quality; the columns of votes.csv."""
        return self._of_votes("votes.csv")

    @property
    def one_more(self) -> "pd.DataFrame":
        """The rows that one more person should look at, most needed first; the columns of one_more.csv."""
        return self._of_votes("one_more.csv")

    def _of_votes(self, name: str) -> "pd.DataFrame":
        tables = vote_tables(self.record)
        if not tables:
            raise RunError("this run has no labels of several people; give them with annotations")
        return tables[name]

    def estimate(self, decisions: str | Path) -> ReviewEstimate:
        """Estimate the errors among the suspects from a file of decisions; ReviewError if it does not fit."""
        path = Path(decisions)
        return estimate(self.record, told_by(read_as_one(path, self.record), self.record, str(path)))

    def plot_precision_recall(self, axes: "Axes | None" = None) -> "Axes":
        """Precision against recall of the ranking, on matplotlib axes; RunError when nothing was injected."""
        return self._plot(charts.precision_recall, axes, injected=True)

    def plot_reliability(self, axes: "Axes | None" = None) -> "Axes":
        """How often labels of each p_error had been changed; RunError when nothing was injected."""
        return self._plot(charts.reliability, axes, injected=True)

    def plot_label_quality(self, axes: "Axes | None" = None) -> "Axes":
        """How many labels have which quality."""
        return self._plot(charts.confidence, axes, injected=False)

    def _plot(self, draw: charts.Draw, axes: "Axes | None", *, injected: bool) -> "Axes":
        if injected and not self.record.injected:
            raise RunError("nothing was changed on purpose in this run, so there is no truth to plot against")
        if axes is None:
            from matplotlib import pyplot as plt  # noqa: PLC0415  slow to import

            _, axes = plt.subplots()
        draw(self.record, charts.PRINT, axes)
        return axes

    def show(self, height: int = 800) -> Frame:
        """The report in a frame of this many pixels' height, which a notebook shows."""
        if self.path is not None and (self.path / "report.html").is_file():
            return Frame((self.path / "report.html").read_text(encoding="utf-8"), height)
        return Frame(page.render(self.record), height)

    def __repr__(self) -> str:
        """How many labels look wrong, how good that list is, the worst few, and where the report is."""
        worst = [f"  {line}" for line in self._worst().to_string(index=False).splitlines()]
        return "\n".join([*self._told(), *worst * bool(len(self._worst())), *self._where()])

    def _repr_html_(self) -> str:
        """The same as a notebook shows it."""
        first, *told = self._told()
        parts = [f"<p><b>{escape(first)}</b></p>", *(f"<p>{escape(line)}</p>" for line in told)]
        if len(self._worst()):
            parts.append(self._worst().to_html(index=False, escape=True, border=0))
        return "".join([*parts, *(f"<p>{escape(line)}</p>" for line in self._where())])

    def _told(self) -> list[str]:
        return [*in_words(self.record), *(f"Caution: {line}" for line in self.cautions)]

    def _worst(self) -> "pd.DataFrame":
        """The worst suspects; none of a blind review, which they would give away."""
        table = self.suspects(0 if len(self.record.controls.rows) else WORST)
        chance = (100 * table["p_error"]).round().astype(int)
        return table[["id", "given", "suggested", "kind"]].assign(**{"chance wrong, %": chance})

    def _where(self) -> list[str]:
        if self.path is None:
            return ["run.show() opens the report here; run.save(folder) keeps it."]
        return [f"run.show() opens the report here: {self.path / 'report.html'}"]

    def save(self, path: str | Path) -> Path:
        """Write the run folder with its report and return its path; RunError when it cannot be written."""
        with RunFolder.locked(Path(path)) as folder:
            folder.save_record(self.record)
            return write_report(self.record, folder)


def load_run(path: str | Path) -> Run:
    """The run that is kept in a folder; RunError when it holds no finished one."""
    return Run(load_record(Path(path)), Path(path))


def draw_report(
    path: Path,
    report_mb: float | None = None,
    listener: Listener = SILENT,
    guidelines: Path | None = None,
) -> Path:
    """Draw the report of a finished run again, with what is given instead of the run's; returns its path."""
    text = read_guidelines(guidelines)
    load_record(path)
    with RunFolder.locked(path) as folder:
        record = folder.load_record()
        if report_mb is not None:
            check_report_mb(report_mb)
            record = replace(record, config={**record.config, "report_mb": report_mb})
        if text:
            record = replace(record, data={**record.data, "guidelines": text})
        return write_report(record, folder, listener)


def write_report(record: RunRecord, folder: RunFolder, listener: Listener = SILENT) -> Path:
    """Write the tables, the plots and report.html; returns the report's path.

    The tables are written first. Of plots and page, what cannot be drawn is left out, and a line says so.
    """
    tables = {"issues.csv": issue_table(record)}
    if record.config.get("kinds_of") == "all":
        tables["kinds.csv"] = kinds_table(record)
    if record.leaks is not None:
        tables["shared.csv"] = split_table(record)
    if record.unlabelled is not None:
        tables["unlabelled.csv"] = unlabelled_table(record)
    tables |= vote_tables(record)
    written = list(tables)
    for name, table in tables.items():
        folder.write_text(name, csv_text(table))
    missing: list[str] = []
    packed = None
    with optional("issues.parquet", missing.append):
        packed = parquet_bytes(tables["issues.csv"])
    _keep(folder, "issues.parquet", packed, written)
    html = None
    plots = page.plot_names(record)
    drawings = len(plots) + 1
    with threads_limited(1):  # another number of cores gives the same bytes
        for done, name in enumerate(plots):
            listener.counted("drawing the report", done, drawings)
            content = None
            with optional(f"the chart {name}", missing.append):
                content = page.plot(record, name)
            _keep(folder, f"plots/{name}.png", content, written)
        listener.counted("drawing the report", len(plots), drawings)
        with optional("report.html", missing.append):
            html = page.render(record, missing.append, folder.path)
        listener.counted("drawing the report", drawings, drawings)
    _keep(folder, "report.html", None if html is None else html.encode(), written)
    folder.sign_report(written)
    for line in dict.fromkeys(missing):
        listener.note(line)
    return folder.path / "report.html"


def _keep(folder: RunFolder, name: str, content: bytes | None, written: list[str]) -> None:
    """Write a file of the report, or remove that of a drawing before where it could not be made."""
    if content is None:
        (folder.path / name).unlink(missing_ok=True)
        return
    folder.write(name, content)
    written.append(name)
