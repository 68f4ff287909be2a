"""`audit sweep`, `impact` and `diff`."""

from dataclasses import field, fields, make_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_type_hints

from cyclopts import Parameter

from audit.cli.app import app
from audit.settings.detect import Config
from audit.settings.experiments import ImpactSettings, SweepSettings


def settings_without(*names: str) -> type[Config]:
    """The settings of a run as flags, less those that a command has no use for or reads otherwise."""
    hints = get_type_hints(Config)
    kept = [f for f in fields(Config) if f.name not in names]
    made: type[Config] = make_dataclass(
        "Settings",
        [(f.name, hints[f.name], field(default=f.default, kw_only=f.kw_only)) for f in kept],
        namespace={"__doc__": Config.__doc__, "__module__": __name__},
        frozen=True,
    )
    return made


if TYPE_CHECKING:
    Swept = Config
else:
    Swept = settings_without("noise", "noise_kind", "noise_matrix", "pred_probs", "controls", "report_mb")


@app.command
def sweep(
    config: Annotated[Swept, Parameter(name="*")] = Swept(),  # noqa: B008  frozen
    settings: Annotated[SweepSettings, Parameter(name="*")] = SweepSettings(),  # noqa: B008  frozen
    *,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"])] = False,
    dry_run: bool = False,
) -> None:
    """Train on labels with more and more noise, and test on held-out rows; or sweep detection.

    Parameters
    ----------
    as_json
        Print the figures as one JSON document instead of a table.
    quiet
        Print no progress.
    dry_run
        Print how many models would be trained and how long that would take, and train none.
    """
    from audit.cli import terminal  # noqa: PLC0415  slow to import
    from audit.experiments import sweep as experiment  # noqa: PLC0415  numpy and pandas are slow to import

    shared = Config(**vars(config))
    unit = "folds" if settings.what == "detection" else "models"
    with terminal.ProgressDisplay(quiet=quiet, unit=unit) as listener:
        if dry_run:
            facts = experiment.dry_run(shared, settings, listener)
            return terminal.print_json(facts) if as_json else terminal.print_facts(facts)
        result, report = experiment.sweep(shared, settings, listener)
    if as_json:
        return terminal.print_json({**result.scores, "report": str(report)})
    return terminal.print_findings(result.findings, str(report))


if TYPE_CHECKING:
    Weighed = Config
else:
    Weighed = settings_without("pred_probs", "controls", "report_mb")


@app.command
def impact(
    config: Annotated[Weighed, Parameter(name="*")] = Weighed(),  # noqa: B008  frozen
    settings: Annotated[ImpactSettings, Parameter(name="*")] = ImpactSettings(),  # noqa: B008  frozen
    *,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"])] = False,
) -> None:
    """Measure what cleaning wins back: train on noisy, cleaned and true labels, test on held-out rows.

    Parameters
    ----------
    as_json
        Print the figures as one JSON document instead of a table.
    quiet
        Print no progress.
    """
    from audit.cli import terminal  # noqa: PLC0415  slow to import
    from audit.experiments import impact as experiment  # noqa: PLC0415  numpy and pandas are slow to import

    with terminal.ProgressDisplay(quiet=quiet, unit="parts") as listener:
        result, report = experiment.impact(Config(**vars(config)), settings, listener)
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
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Compare two runs on the same data: which suspects are new, fixed, cleared or persisting.

    Parameters
    ----------
    before
        The folder of the earlier run.
    now
        The folder of the later run.
    html
        A file to write the comparison to, as a page.
    as_json
        Print the comparison as one JSON document instead of tables.
    """
    from audit.cli import terminal  # noqa: PLC0415  slow to import
    from audit.experiments import diff as experiment  # noqa: PLC0415  numpy and pandas are slow to import

    document, findings = experiment.diff(before, now)
    if html is not None:
        experiment.write_page(findings, html)
    if as_json:
        return terminal.print_json(document)
    return terminal.print_findings(findings, None if html is None else str(html), most_rows=20)
