"""`audit sweep`, `impact` and `diff`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from audit.cli.app import COMMAND, DATA, DETECTION, NOISE, RUN, TRAINING, app
from audit.settings.data import DataSettings
from audit.settings.detect import Config
from audit.settings.detection import DetectionSettings
from audit.settings.experiments import ImpactSettings, SweepSettings
from audit.settings.fields import flat
from audit.settings.noise import NoiseOptions, NoiseSettings
from audit.settings.report import RunSettings
from audit.settings.training import TrainingSettings


@app.command
def sweep(
    data: Annotated[DataSettings, DATA] = DataSettings(),
    settings: Annotated[SweepSettings, COMMAND] = SweepSettings(),
    noise_options: Annotated[NoiseOptions, NOISE] = NoiseOptions(),
    training: Annotated[TrainingSettings, TRAINING] = TrainingSettings(),
    detection: Annotated[DetectionSettings, DETECTION] = DetectionSettings(),
    run: Annotated[RunSettings, RUN] = RunSettings(),
    *,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"])] = False,
    dry_run: bool = False,
) -> None:
    """Train on labels with increasing noise and test on held-out rows, or measure detection at each rate.

    Parameters
    ----------
    as_json
        Print the figures as one JSON document instead of a table.
    quiet
        Do not print progress.
    dry_run
        Print how many models would be trained and how long that would take. Nothing is trained.
    """
    from audit.cli import progress, terminal  # noqa: PLC0415  slow to import
    from audit.experiments import sweep as experiment  # noqa: PLC0415  numpy and pandas are slow to import

    shared = Config.of(**flat(data, noise_options, training, detection, run))
    unit = "folds" if settings.what == "detection" else "models"
    with progress.ProgressDisplay(quiet=quiet, unit=unit) as listener:
        if dry_run:
            facts = experiment.dry_run(shared, settings, listener)
            if as_json:
                return terminal.print_json(facts)
            return terminal.print_facts(facts)
        result, report = experiment.sweep(shared, settings, listener)
    if as_json:
        return terminal.print_json({**result.scores, "report": str(report)})
    return terminal.print_findings(result.findings, str(report))


@app.command
def impact(
    data: Annotated[DataSettings, DATA] = DataSettings(),
    settings: Annotated[ImpactSettings, COMMAND] = ImpactSettings(),
    noise: Annotated[NoiseSettings, NOISE] = NoiseSettings(),
    noise_options: Annotated[NoiseOptions, NOISE] = NoiseOptions(),
    training: Annotated[TrainingSettings, TRAINING] = TrainingSettings(),
    detection: Annotated[DetectionSettings, DETECTION] = DetectionSettings(),
    run: Annotated[RunSettings, RUN] = RunSettings(),
    *,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"])] = False,
) -> None:
    """Measure the gain from cleaning: train on noisy, cleaned and true labels, and test on held-out rows.

    Parameters
    ----------
    as_json
        Print the figures as one JSON document instead of a table.
    quiet
        Do not print progress.
    """
    from audit.cli import progress, terminal  # noqa: PLC0415  slow to import
    from audit.experiments import impact as experiment  # noqa: PLC0415  numpy and pandas are slow to import

    config = Config.of(**flat(data, noise, noise_options, training, detection, run))
    with progress.ProgressDisplay(quiet=quiet, unit="parts") as listener:
        result, report = experiment.impact(config, settings, listener)
    if as_json:
        return terminal.print_json({**result.scores, "report": str(report)})
    return terminal.print_findings(result.findings, str(report))


@app.command
def diff(
    before: Path,
    now: Path,
    /,
    *,
    html: Path | None = None,
    force: bool = False,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Compare two runs on the same data: which suspects are new, fixed, cleared or persisting.

    Parameters
    ----------
    before
        Folder of the earlier run.
    now
        Folder of the later run.
    html
        File to write the comparison to, as an HTML page.
    force
        Replace that file even if this command did not write it.
    as_json
        Print the comparison as one JSON document instead of tables.
    """
    from audit.cli import terminal  # noqa: PLC0415  slow to import
    from audit.experiments import diff as experiment  # noqa: PLC0415  numpy and pandas are slow to import

    document, findings = experiment.diff(before, now)
    if html is not None:
        experiment.write_page(findings, html, before, now, force=force)
    if as_json:
        return terminal.print_json(document)
    return terminal.print_findings(findings, html, most_rows=20)
