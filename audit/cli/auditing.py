"""`audit detect`, `datasets` and `report`."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from audit.cli.app import DATA, DETECTION, GATES, NOISE, REPORT, RUN, SETTINGS, TRAINING, app
from audit.settings.data import DataSettings
from audit.settings.detect import Config
from audit.settings.detection import DetectionSettings
from audit.settings.fields import flat
from audit.settings.gates import Limits
from audit.settings.noise import NoiseOptions, NoiseSettings
from audit.settings.report import PredictionSettings, ReportSettings, RunSettings
from audit.settings.training import TrainingSettings

GATE = 1  # exit status of a failed gate, and of models that learned nothing


@app.command(config=SETTINGS)
def detect(
    data: Annotated[DataSettings, DATA] = DataSettings(),
    predictions: Annotated[PredictionSettings, DATA] = PredictionSettings(),
    noise: Annotated[NoiseSettings, NOISE] = NoiseSettings(),
    noise_options: Annotated[NoiseOptions, NOISE] = NoiseOptions(),
    training: Annotated[TrainingSettings, TRAINING] = TrainingSettings(),
    detection: Annotated[DetectionSettings, DETECTION] = DetectionSettings(),
    report: Annotated[ReportSettings, REPORT] = ReportSettings(),
    run: Annotated[RunSettings, RUN] = RunSettings(),
    limits: Annotated[Limits, GATES] = Limits(),
    *,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"])] = False,
    dry_run: bool = False,
) -> None:
    """Flip labels on purpose, detect the flips, score the detection, and rank suspects in your own labels.

    A setting may also come from the environment, as in AUDIT_FOLDS=10, from
    audit.toml, or from [tool.audit] in pyproject.toml. Flags override the
    environment, which overrides files.

    Parameters
    ----------
    as_json
        Print the scores as one JSON document instead of a table.
    quiet
        Do not print progress, only notes on how the data was read.
    dry_run
        Print how the data is understood and what the audit would cost. Nothing is audited.
    """
    from audit.cli import progress, terminal  # noqa: PLC0415  numpy and pandas are slow to import
    from audit.pipeline import detect as pipeline  # noqa: PLC0415  numpy and pandas are slow to import
    from audit.runs import gates  # noqa: PLC0415  numpy and pandas are slow to import

    config = Config.of(**flat(data, predictions, noise, noise_options, training, detection, report, run))
    held = gates.Gates.of(limits, config)
    if dry_run:
        facts = pipeline.dry_run(config)
        if as_json:
            return terminal.print_json(facts)
        return terminal.print_preview(facts)
    with progress.ProgressDisplay(quiet=quiet) as listener:
        done, page = pipeline.detect_spec(config, listener)
        results, notes = held.check(done.record, datetime.now(tz=UTC).date())
        for note in notes:
            listener.note(note)
    if quiet:  # --quiet hides progress, and notes on the data are not progress
        terminal.print_notes(done.record.data["notes"])
    if as_json:
        judged = {"gates": [each.to_json() for each in results]} if results else {}
        cautions = {"cautions": list(done.cautions)} if done.cautions else {}
        terminal.print_json({**done.record.scores.to_json(), **judged, **cautions, "report": str(page)})
    else:
        terminal.print_result(done.record.scores, str(page), done.cautions)
    if failed := [*done.failures, *filter(None, [gates.failure(results)])]:
        print("audit:", "; ".join(failed), file=sys.stderr)  # noqa: T201
        sys.exit(GATE)
    return None


@app.command
def datasets() -> None:
    """List the bundled data sets and the supported input formats."""
    from audit import datasets  # noqa: PLC0415  numpy is slow to import
    from audit.cli import terminal  # noqa: PLC0415  numpy is slow to import

    terminal.print_datasets(list(datasets.BUNDLED), datasets.FORMS)


@app.command
def report(run: Path, /, *, report_mb: float | None = None, guidelines: Path | None = None) -> None:
    """Redraw the report of a finished run, without training.

    Parameters
    ----------
    run
        Folder of the run.
    report_mb
        Maximum size of the report in MB. Default: as in the run.
    guidelines
        Text file with the guidelines by which labels are given. Default: as in the run.
    """
    from audit.cli import progress  # noqa: PLC0415  slow to import
    from audit.pipeline.run import draw_report  # noqa: PLC0415  numpy and pandas are slow to import

    with progress.ProgressDisplay() as listener:
        drawn = draw_report(run, report_mb, listener, guidelines)
    print(drawn)  # noqa: T201
